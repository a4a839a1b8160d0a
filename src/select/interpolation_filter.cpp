#include <cmath>
#include <limits>

#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"

namespace rest {

float InterpolationFilter::cut(Span<const Sample> samples) const {
  double total = 0.0, reward = 0.0;
  for (const Sample& sample : samples) {
    total += sample.count;
    reward += sample.count * static_cast<double>(sample.reward);
  }
  const double cut = gamma_ * static_cast<double>(samples[0].reward) + (1.0 - gamma_) * (reward / total);
  return std::nextafter(static_cast<float>(cut), std::numeric_limits<float>::infinity());  // strictly above it
}

std::string InterpolationFilter::words() const {
  return concat("R > ", gamma_, " max + ", 1.0 - gamma_, " mean a source");
}

}  // namespace rest
