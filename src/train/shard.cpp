#include "rest/train/shard.hpp"

#include <torch/torch.h>

namespace rest {

torch::Tensor Shard::of(const torch::Tensor& whole) const {
  if (is_whole()) return whole;
  torch::Tensor own = torch::empty({elements()}, whole.options());
  std::int64_t at = 0;
  buckets_.for_each_of(rank_, [&](std::size_t first, std::size_t size) {
    const auto count = static_cast<std::int64_t>(size);
    own.narrow(0, at, count).copy_(whole.narrow(0, static_cast<std::int64_t>(first), count));
    at += count;
  });
  return own;
}

void Shard::put(const torch::Tensor& own, const torch::Tensor& whole) const {
  if (is_whole()) {
    whole.copy_(own);
    return;
  }
  std::int64_t at = 0;
  buckets_.for_each_of(rank_, [&](std::size_t first, std::size_t size) {
    const auto count = static_cast<std::int64_t>(size);
    whole.narrow(0, static_cast<std::int64_t>(first), count).copy_(own.narrow(0, at, count));
    at += count;
  });
}

}  // namespace rest
