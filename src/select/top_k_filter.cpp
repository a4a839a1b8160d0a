#include <limits>

#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"

namespace rest {

float TopKFilter::cut(Span<const Sample> samples) const {
  std::uint64_t reached = 0;
  for (const Sample& sample : samples) {
    reached += sample.count;
    if (reached >= k_) return sample.reward;
  }
  return -std::numeric_limits<float>::infinity();
}

std::string TopKFilter::words() const { return concat("top ", k_, " a source"); }

}  // namespace rest
