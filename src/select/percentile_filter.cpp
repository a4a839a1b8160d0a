#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"

namespace rest {

float PercentileFilter::cut(Span<const Sample> samples) const {
  double total = 0.0, reached = 0.0;
  for (const Sample& sample : samples) total += sample.count;
  std::size_t i = samples.size();
  // A quotient of counts rounds to the decimal share it stands for (7 / 100 is 0.07); a product of share and count does
  // not always.
  do {
    --i;
    reached += samples[i].count;
  } while (i > 0 && reached / total <= p_);
  return samples[i].reward;
}

std::string PercentileFilter::words() const { return concat("above percentile ", 100.0 * p_, " a source"); }

}  // namespace rest
