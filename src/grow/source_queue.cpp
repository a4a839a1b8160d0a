#include "source_queue.hpp"

#include <algorithm>

#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr std::size_t encoded_together = 16;

void require_pieces(Span<const Token> tokens, std::int64_t vocabulary_size, std::uint64_t id) {
  for (const Token token : tokens) {
    if (static_cast<std::int64_t>(token) >= vocabulary_size) {
      throw Error(concat("source ", id, " holds piece ", token),
                  concat("the policy's vocabulary has ", vocabulary_size, " pieces"));
    }
  }
}

}  // namespace

SourceQueue::SourceQueue(const Transformer& encoder, const std::vector<GenerateSource>& sources,
                         const GenerateOptions& options, PhaseTimes& times)
    : encoder_(encoder),
      times_(times),
      sources_(sources),
      samples_(options.samples),
      max_rows_(std::max<std::int64_t>(options.max_rows, 1)) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    require_pieces(sources[i].tokens, encoder.config().vocabulary_size, sources[i].id);
    require_pieces(sources[i].original, encoder.config().vocabulary_size, sources[i].id);
    if (total(i) > 0) order_.push_back(i);
  }
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::size_t a, std::size_t b) { return sources[a].tokens.size() > sources[b].tokens.size(); });
}

std::optional<Pass> SourceQueue::take(std::int64_t room) {
  if (empty()) return {};
  const std::size_t source = order_[next_];
  const std::int64_t passes = (total(source) + max_rows_ - 1) / max_rows_;
  const std::int64_t size = std::min((total(source) + passes - 1) / passes, total(source) - done_);
  if (size > room) return {};

  const std::size_t in_group = next_ % encoded_together;
  if (in_group == 0 && done_ == 0) {
    std::vector<Span<const Token>> together;
    for (std::size_t i = next_; i < std::min(next_ + encoded_together, order_.size()); ++i) {
      together.push_back(sources_[order_[i]].tokens);
    }
    times_.charge(Phase::bookkeeping);
    group_ = encode_sources(encoder_, together);
    times_.charge(Phase::encoder);
  }
  Pass pass{source, static_cast<std::uint32_t>(done_), static_cast<std::uint32_t>(done_ + size), group_[in_group]};
  done_ += size;
  if (done_ == total(source)) ++next_, done_ = 0;
  if (empty()) group_.clear();
  return pass;
}

}  // namespace rest
