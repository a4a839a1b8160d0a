#include "leading_tokens.hpp"

#include <algorithm>
#include <limits>

#include "head_kernels.hpp"

namespace rest {

template <class Real>
void keep_best(std::int64_t count, std::vector<RankedToken<Real>>& tokens) {
  if (static_cast<std::int64_t>(tokens.size()) <= count) return;
  std::nth_element(tokens.begin(), tokens.begin() + count, tokens.end(), RanksBefore());
  tokens.resize(static_cast<std::size_t>(count));
}

template <class Real>
LeadingTokens<Real>::LeadingTokens(std::int64_t rows, std::int64_t count)
    : count_(static_cast<std::size_t>(count)),
      leaders_(static_cast<std::size_t>(rows) * 2 * count_),
      rows_(static_cast<std::size_t>(rows), Row{0, -std::numeric_limits<Real>::infinity()}) {}

template <class Real>
void LeadingTokens<Real>::see(std::int64_t at, std::int64_t first, const Real* logits, std::int64_t size,
                              Real largest) {
  auto& [count, bound] = rows_[static_cast<std::size_t>(at)];
  if (!(largest > bound)) return;  // nor an equal one: it would rank behind those of the blocks before
  std::int32_t places[head_block];
  const std::int64_t above = find_above(logits, size, bound, places);
  RankedToken<Real>* const leaders = leaders_.data() + static_cast<std::size_t>(at) * 2 * count_;
  for (std::int64_t i = 0; i < above; ++i) {
    const Real logit = logits[places[i]];
    if (!(logit > bound)) continue;
    leaders[count++] = {logit, static_cast<std::int32_t>(first) + places[i], 0};
    if (count == 2 * count_) {
      std::nth_element(leaders, leaders + count_ - 1, leaders + count, RanksBefore());
      count = count_;
      bound = leaders[count_ - 1].logit;
    }
  }
}

template <class Real>
void LeadingTokens<Real>::append(std::int64_t row, std::vector<RankedToken<Real>>& tokens) const {
  const auto first = leaders_.begin() + row * 2 * static_cast<std::int64_t>(count_);
  tokens.insert(tokens.end(), first, first + static_cast<std::int64_t>(rows_[static_cast<std::size_t>(row)].count));
}

template void keep_best(std::int64_t, std::vector<RankedToken<float>>&);
template void keep_best(std::int64_t, std::vector<RankedToken<double>>&);
template class LeadingTokens<float>;
template class LeadingTokens<double>;

}  // namespace rest
