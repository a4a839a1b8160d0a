#include "rest/select/streaming_quantile.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr std::uint32_t sign = 0x80000000u;
constexpr unsigned half = 16;
constexpr std::uint32_t half_mask = (1u << half) - 1;

// Unsigned integers in the order of the floats: negative ones have all bits flipped, the others the sign.
std::uint32_t ordered_bits(float value) {
  const float plain = value == 0.0f ? 0.0f : value;
  std::uint32_t bits;
  std::memcpy(&bits, &plain, sizeof bits);
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

float from_ordered_bits(std::uint32_t ordered) {
  const std::uint32_t bits = (ordered & sign) != 0 ? ordered & ~sign : ~ordered;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

StreamingQuantile::StreamingQuantile(double q) : q_(q), bins_(std::size_t{1} << half) {}

void StreamingQuantile::add(float value, std::uint64_t count) {
  if (std::isnan(value)) throw Error("a quantile of values that are no numbers was asked for");
  const std::uint32_t bits = ordered_bits(value);
  if (!upper_) {
    bins_[bits >> half] += count;
    total_ += count;
  } else if (bits >> half == upper_->bin) {
    bins_[bits & half_mask] += count;
  }
}

// The first bin by whose end more than a share q has come. The share is a quotient: it rounds to the decimal it stands
// for.
StreamingQuantile::Place StreamingQuantile::place(std::uint64_t below) const {
  Place place{0, below};
  for (std::uint32_t bin = 0; bin < bins_.size(); ++bin) {
    if (bins_[bin] == 0) continue;
    place = {bin, below};
    below += bins_[bin];
    if (static_cast<double>(below) / static_cast<double>(total_) > q_) break;
  }
  return place;
}

void StreamingQuantile::look_closer() {
  upper_ = place(0);
  upper_count_ = bins_[upper_->bin];
  std::fill(bins_.begin(), bins_.end(), 0);
}

std::optional<float> StreamingQuantile::value() const {
  if (total_ == 0) return std::nullopt;
  if (!upper_ || std::accumulate(bins_.begin(), bins_.end(), std::uint64_t{0}) != upper_count_) {
    throw Error("the values of a quantile were not the same when they came by again");
  }
  return from_ordered_bits(upper_->bin << half | place(upper_->below).bin);
}

}  // namespace rest
