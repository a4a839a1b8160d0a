#include "rest/core/correlation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>

namespace rest {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

std::vector<std::size_t> order_by(std::size_t count, const std::function<bool(std::size_t, std::size_t)>& less) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), less);
  return order;
}

std::vector<double> ranks_of(Span<const double> values) {
  const auto order = order_by(values.size(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double mean = static_cast<double>(first + last - 1) / 2.0;
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = mean;
  }
  return ranks;
}

double pairs_of(std::size_t count) { return static_cast<double>(count) * (static_cast<double>(count) - 1.0) / 2.0; }

/// Pairs within runs of entries that `same` calls equal to their neighbour in order.
double tied_pairs(std::size_t count, const std::function<bool(std::size_t, std::size_t)>& same) {
  double pairs = 0.0;
  for (std::size_t first = 0, last = 0; first < count; first = last) {
    while (last < count && same(first, last)) ++last;
    pairs += pairs_of(last - first);
  }
  return pairs;
}

/// Sorts values, stable; -> how many exchanges of neighbours that takes.
double sort_counting(std::vector<double>& values, std::vector<double>& scratch, std::size_t first, std::size_t last) {
  if (last - first < 2) return 0.0;
  const std::size_t middle = first + (last - first) / 2;
  double exchanges = sort_counting(values, scratch, first, middle) + sort_counting(values, scratch, middle, last);
  std::size_t left = first, right = middle;
  for (std::size_t out = first; out < last; ++out) {
    if (left < middle && (right == last || values[left] <= values[right])) {
      scratch[out] = values[left++];
    } else {
      exchanges += static_cast<double>(middle - left);
      scratch[out] = values[right++];
    }
  }
  std::copy(scratch.begin() + static_cast<std::ptrdiff_t>(first), scratch.begin() + static_cast<std::ptrdiff_t>(last),
            values.begin() + static_cast<std::ptrdiff_t>(first));
  return exchanges;
}

}  // namespace

double pearson(Span<const double> x, Span<const double> y) {
  const auto count = static_cast<double>(x.size());
  if (x.size() < 2) return undefined;
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xx = 0.0, yy = 0.0, xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return xx > 0.0 && yy > 0.0 ? xy / std::sqrt(xx * yy) : undefined;
}

double spearman(Span<const double> x, Span<const double> y) { return pearson(ranks_of(x), ranks_of(y)); }

double kendall_tau_b(Span<const double> x, Span<const double> y) {
  const std::size_t count = x.size();
  const auto order =
      order_by(count, [&](std::size_t a, std::size_t b) { return x[a] != x[b] ? x[a] < x[b] : y[a] < y[b]; });
  const double tied_x = tied_pairs(count, [&](auto a, auto b) { return x[order[a]] == x[order[b]]; });
  const double tied_both =
      tied_pairs(count, [&](auto a, auto b) { return x[order[a]] == x[order[b]] && y[order[a]] == y[order[b]]; });
  std::vector<double> by_x(count), scratch(count);
  for (std::size_t i = 0; i < count; ++i) by_x[i] = y[order[i]];
  const double discordant = sort_counting(by_x, scratch, 0, count);
  const double tied_y = tied_pairs(count, [&](auto a, auto b) { return by_x[a] == by_x[b]; });
  const double all = pairs_of(count), ordered_x = all - tied_x, ordered_y = all - tied_y;
  if (!(ordered_x > 0.0 && ordered_y > 0.0)) return undefined;
  return (all - tied_x - tied_y + tied_both - 2.0 * discordant) / std::sqrt(ordered_x * ordered_y);
}

PairCount count_ordered_pairs(Span<const double> x, Span<const double> y, double apart) {
  PairCount count;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double by_x = x[i] - x[j], by_y = y[i] - y[j];
      if (by_x == 0.0 || std::abs(by_x) < apart) continue;
      count.pairs += 1.0;
      count.agreeing += by_y == 0.0 ? 0.5 : (by_x > 0.0) == (by_y > 0.0) ? 1.0 : 0.0;
    }
  }
  return count;
}

}  // namespace rest
