#pragma once

#include <cstddef>
#include <vector>

#include "rest/core/span.hpp"

namespace rest {

// How two columns of numbers go together: x and y of equal size. NaN where one of them is constant, or has fewer than
// two entries.

double pearson(Span<const double> x, Span<const double> y);

/// Pearson's of the ranks; equal values share the mean of their ranks.
double spearman(Span<const double> x, Span<const double> y);

/// Kendall's tau-b, in n log n (Knight 1966).
double kendall_tau_b(Span<const double> x, Span<const double> y);

/// Of pairs of entries: how many, and how many of them y orders as x does. Equal in y: half.
struct PairCount {
  double pairs = 0.0, agreeing = 0.0;
  PairCount& operator+=(const PairCount& other) {
    pairs += other.pairs;
    agreeing += other.agreeing;
    return *this;
  }
};
/// Of all pairs whose x is apart by `apart` at least, and not equal.
PairCount count_ordered_pairs(Span<const double> x, Span<const double> y, double apart);

}  // namespace rest
