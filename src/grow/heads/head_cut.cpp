#include "head_cut.hpp"

#include <algorithm>

namespace rest {
namespace {

template <class Real>
bool ranks_before(const WeighedToken<Real>& a, const WeighedToken<Real>& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

template <class Iterator>
double sum_of_weights(Iterator first, Iterator last) {
  double sum = 0.0;
  for (; first != last; ++first) sum += first->weight;
  return sum;
}

template <class Real>
void keep_best(std::size_t count, std::vector<WeighedToken<Real>>& tokens) {
  if (count >= tokens.size()) return;
  std::nth_element(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count), tokens.end(),
                   ranks_before<Real>);
  tokens.resize(count);
}

/// Leaves the smallest set of best tokens, at least one, that weighs `goal`.
template <class Real>
void keep_until(double goal, std::vector<WeighedToken<Real>>& tokens) {
  constexpr std::ptrdiff_t few = 64;  // to be put in order
  auto first = tokens.begin(), last = tokens.end();
  double before = 0.0;  // of what ranks before `first`
  while (last - first > few) {
    const auto middle = first + (last - first) / 2;
    std::nth_element(first, middle, last, ranks_before<Real>);
    const double half = sum_of_weights(first, middle);
    if (before + half < goal) {
      before += half;
      first = middle;
    } else {
      last = middle;
    }
  }
  std::sort(first, last, ranks_before<Real>);
  while (first != last && (first == tokens.begin() || before < goal)) before += (first++)->weight;
  tokens.erase(first, tokens.end());
}

template <class Real>
void keep_likely(double least, std::vector<WeighedToken<Real>>& tokens) {
  std::iter_swap(tokens.begin(), std::min_element(tokens.begin(), tokens.end(), ranks_before<Real>));
  tokens.erase(std::remove_if(tokens.begin() + 1, tokens.end(), [&](const auto& t) { return t.weight < least; }),
               tokens.end());
}

}  // namespace

bool cuts(const SamplingOptions& options, std::int64_t vocabulary_size) {
  if (options.temperature == 0.0) return false;
  return (options.top_k > 0 && options.top_k < vocabulary_size) || options.top_p < 1.0 || options.epsilon > 0.0;
}

template <class Real>
void cut_tokens(const SamplingOptions& options, double total, std::vector<WeighedToken<Real>>& tokens) {
  const auto sum = [&] { return sum_of_weights(tokens.begin(), tokens.end()); };
  if (options.top_k > 0) {
    keep_best(static_cast<std::size_t>(options.top_k), tokens);
    total = sum();
  }
  if (options.top_p < 1.0) {
    keep_until(options.top_p * total, tokens);
    total = sum();
  }
  if (options.epsilon > 0.0) keep_likely(options.epsilon * total, tokens);
}

template void cut_tokens(const SamplingOptions&, double, std::vector<WeighedToken<float>>&);
template void cut_tokens(const SamplingOptions&, double, std::vector<WeighedToken<double>>&);

}  // namespace rest
