#include "rest/eval/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {
namespace {

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

/// A resample may leave a figure undefined (NaN), such as a correlation where all entries are the same: it tells
/// nothing.
Interval interval(double value, std::vector<double> figures) {
  figures.erase(std::remove_if(figures.begin(), figures.end(), [](double f) { return std::isnan(f); }), figures.end());
  if (figures.empty()) return {value, value, value};
  std::sort(figures.begin(), figures.end());
  return {value, quantile(figures, 0.025), quantile(figures, 0.975)};
}

std::vector<std::size_t> all_positions(std::size_t items) {
  std::vector<std::size_t> positions(items);
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  return positions;
}

double mean_of(Span<const double> values, Span<const std::size_t> chosen) {
  double total = 0.0;
  for (const std::size_t i : chosen) total += values[i];
  return total / static_cast<double>(chosen.size());
}

}  // namespace

std::string to_text(const Interval& interval, int digits) {
  return with_digits(interval.value, digits) + " [" + with_digits(interval.low, digits) + ", " +
         with_digits(interval.high, digits) + "]";
}

std::vector<double> bootstrap(std::size_t items, std::int64_t resamples, std::uint64_t seed,
                              const std::function<double(Span<const std::size_t>)>& figure) {
  if (items == 0 || resamples < 1) throw Error("a bootstrap needs at least one item and one resample");
  std::vector<double> figures;
  std::vector<std::size_t> chosen(items);
  for (std::int64_t b = 0; b < resamples; ++b) {
    const Philox draw(Purpose::bootstrap, seed, static_cast<std::uint64_t>(b));
    for (std::size_t i = 0; i < items; ++i) {
      chosen[i] = static_cast<std::size_t>(draw.uniform(static_cast<std::uint32_t>(i)) * static_cast<double>(items));
    }
    figures.push_back(figure(chosen));
  }
  return figures;
}

Interval bootstrap_interval(std::size_t items, std::int64_t resamples, std::uint64_t seed,
                            const std::function<double(Span<const std::size_t>)>& figure) {
  auto figures = bootstrap(items, resamples, seed, figure);
  return interval(figure(all_positions(items)), std::move(figures));
}

Interval bootstrap_mean(Span<const double> values, std::int64_t resamples, std::uint64_t seed) {
  return bootstrap_interval(values.size(), resamples, seed,
                            [&](Span<const std::size_t> chosen) { return mean_of(values, chosen); });
}

std::vector<Interval> bootstrap_means(const std::vector<std::vector<double>>& series, std::int64_t resamples,
                                      std::uint64_t seed) {
  if (series.empty()) return {};
  std::vector<std::vector<double>> figures(series.size());
  bootstrap(series.front().size(), resamples, seed, [&](Span<const std::size_t> chosen) {
    for (std::size_t i = 0; i < series.size(); ++i) figures[i].push_back(mean_of(series[i], chosen));
    return 0.0;
  });
  const auto all = all_positions(series.front().size());
  std::vector<Interval> means;
  for (std::size_t i = 0; i < series.size(); ++i) {
    means.push_back(interval(mean_of(series[i], all), std::move(figures[i])));
  }
  return means;
}

Interval wilson_interval(double successes, double trials) {
  constexpr double z = 1.959964;
  const double share = successes / trials, per_trial = z * z / trials;
  const double centre = (share + per_trial / 2.0) / (1.0 + per_trial);
  const double reach = z * std::sqrt(share * (1.0 - share) / trials + per_trial / (4.0 * trials)) / (1.0 + per_trial);
  return {share, std::max(0.0, centre - reach), std::min(1.0, centre + reach)};
}

PairedDifference paired_bootstrap(std::size_t items, std::int64_t resamples, std::uint64_t seed,
                                  const std::function<double(Span<const std::size_t>)>& difference) {
  const auto figures = bootstrap(items, resamples, seed, difference);
  double below = 0.0, above = 0.0;
  for (const double figure : figures) {
    below += figure <= 0.0 ? 1.0 : 0.0;
    above += figure >= 0.0 ? 1.0 : 0.0;
  }
  // One more on each side: a p-value of 0 would claim more than the resamples can tell.
  const double p = 2.0 * (std::min(below, above) + 1.0) / static_cast<double>(figures.size() + 1);
  return {interval(difference(all_positions(items)), figures), std::min(1.0, p)};
}

}  // namespace rest
