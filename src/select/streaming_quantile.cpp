#include "rest/select/streaming_quantile.hpp"

#include <algorithm>
#include <numeric>

#include "ordered_bits.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr unsigned half = 16;
constexpr std::uint32_t half_mask = (1u << half) - 1;
constexpr std::size_t bins = std::size_t{1} << half;

bool has_nan(Span<const float> values) {
  bool nan = false;
  for (const float value : values) nan |= value != value;
  return nan;
}

}  // namespace

StreamingQuantile::StreamingQuantile(double q) : q_(q), bins_(2 * bins) {}

void StreamingQuantile::add(Span<const float> values, Span<const std::uint32_t> counts) {
  if (has_nan(values)) throw Error("a quantile of values that are no numbers was asked for");
  if (upper_) return add_lower(values, counts);
  // Neighbours go to different bins: an addition need not wait for the one before.
  std::uint64_t *even = bins_.data(), *odd = even + bins;
  std::size_t i = 0;
  for (; i + 2 <= values.size(); i += 2) {
    even[ordered_bits(values[i]) >> half] += counts[i];
    odd[ordered_bits(values[i + 1]) >> half] += counts[i + 1];
  }
  if (i < values.size()) even[ordered_bits(values[i]) >> half] += counts[i];
}

void StreamingQuantile::add_lower(Span<const float> values, Span<const std::uint32_t> counts) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t bits = ordered_bits(values[i]);
    if (bits >> half == upper_->bin) bins_[bits & half_mask] += counts[i];
  }
}

void StreamingQuantile::merge(const StreamingQuantile& copy) {
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) bins_[bin] += copy.bins_[bin];
}

// The first bin by whose end more than a share q has come. The share is a quotient: it rounds to the decimal it stands
// for.
StreamingQuantile::Place StreamingQuantile::place(std::uint64_t below) const {
  Place place{0, below};
  for (std::uint32_t bin = 0; bin < bins; ++bin) {
    if (bins_[bin] == 0) continue;
    place = {bin, below};
    below += bins_[bin];
    if (static_cast<double>(below) / static_cast<double>(total_) > q_) break;
  }
  return place;
}

void StreamingQuantile::look_closer() {
  for (std::size_t bin = 0; bin < bins; ++bin) bins_[bin] += bins_[bins + bin];
  bins_.resize(bins);
  total_ = std::accumulate(bins_.begin(), bins_.end(), std::uint64_t{0});
  upper_ = place(0);
  upper_count_ = bins_[upper_->bin];
  std::fill(bins_.begin(), bins_.end(), 0);
}

std::optional<float> StreamingQuantile::value() const {
  if (upper_ && total_ == 0) return std::nullopt;
  if (!upper_ || std::accumulate(bins_.begin(), bins_.end(), std::uint64_t{0}) != upper_count_) {
    throw Error("the values of a quantile were not the same when they came by again");
  }
  return from_ordered_bits(upper_->bin << half | place(upper_->below).bin);
}

}  // namespace rest
