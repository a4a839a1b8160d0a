#include "rest/train/batch.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "rest/core/error.hpp"
#include "rest/select/permutation.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {
namespace {

std::int64_t target_tokens(const Example& example) { return static_cast<std::int64_t>(example.target.size()) + 1; }

}  // namespace

Batch Batch::to(torch::Device device) const {
  Batch moved = *this;
  for (torch::Tensor Batch::*part : {&Batch::source, &Batch::target_in, &Batch::target_out, &Batch::token_weight}) {
    moved.*part = (this->*part).to(device);
  }
  moved.sources = sources.to(device);
  moved.targets = targets.to(device);
  moved.readers = readers.to(device);
  return moved;
}

Batch make_batch(const Dataset& dataset, Span<const std::size_t> examples) {
  Batch batch;
  std::vector<std::int64_t> source, source_lengths, target_in, target_out, target_lengths;
  std::vector<float> weights;
  std::vector<std::uint64_t> ids;
  for (const std::size_t i : examples) {
    const Example row = dataset.get(i);
    source.insert(source.end(), row.source.begin(), row.source.end());
    source.push_back(Tokenizer::end);
    source_lengths.push_back(static_cast<std::int64_t>(row.source.size()) + 1);
    target_in.push_back(Tokenizer::begin);
    target_in.insert(target_in.end(), row.target.begin(), row.target.end());
    target_out.insert(target_out.end(), row.target.begin(), row.target.end());
    target_out.push_back(Tokenizer::end);
    target_lengths.push_back(target_tokens(row));
    weights.resize(target_out.size(), row.weight);
    ids.push_back(row.id);
    batch.weight += static_cast<double>(row.weight) * static_cast<double>(target_tokens(row));
  }
  batch.source = torch::tensor(source, torch::kInt64);
  batch.sources = make_sequences(source_lengths, ids);
  batch.target_in = torch::tensor(target_in, torch::kInt64);
  batch.targets = make_sequences(target_lengths, ids);
  batch.readers = make_readers(std::vector<std::int64_t>(ids.size(), 1));
  batch.target_out = torch::tensor(target_out, torch::kInt64);
  batch.token_weight = torch::tensor(weights, torch::kFloat32);
  return batch;
}

BatchPlan::BatchPlan(const Dataset& dataset, std::uint64_t seed, std::int64_t tokens_per_update, std::int64_t leaves)
    : dataset_(dataset),
      seed_(seed),
      tokens_per_update_(tokens_per_update),
      leaves_(leaves),
      windows_((dataset.size() + window_examples - 1) / window_examples) {
  if (dataset.size() == 0) throw Error("there is nothing to train on", "no examples are left");
}

void BatchPlan::load_window(std::uint64_t epoch, std::uint64_t window) {
  const Permutation shuffle(dataset_.size(), Philox(Purpose::shuffle, seed_, epoch));
  const std::uint64_t first = window * window_examples;
  const std::uint64_t last = std::min<std::uint64_t>(dataset_.size(), first + window_examples);
  struct Entry {
    std::size_t example, target, source;
  };
  std::vector<Entry> entries;
  entries.reserve(last - first);
  for (std::uint64_t i = first; i < last; ++i) {
    const auto example = static_cast<std::size_t>(shuffle(i));
    const Example row = dataset_.get(example);
    entries.push_back({example, row.target.size(), row.source.size()});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.target != b.target ? a.target < b.target : a.source < b.source;
  });
  std::vector<std::vector<std::size_t>> sorted(1);
  std::int64_t tokens = 0;
  for (const Entry& entry : entries) {
    const auto own = static_cast<std::int64_t>(entry.target) + 1;
    if (tokens + own > tokens_per_update_ && !sorted.back().empty()) {
      sorted.emplace_back();
      tokens = 0;
    }
    sorted.back().push_back(entry.example);
    tokens += own;
  }
  const Permutation order(sorted.size(), Philox(Purpose::shuffle, seed_, epoch, window + 1));
  updates_.resize(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) updates_[i] = std::move(sorted[order(i)]);
  loaded_ = {epoch, window, 0};
}

std::vector<std::vector<std::size_t>> BatchPlan::next(BatchCursor& cursor) {
  if (cursor.epoch != loaded_.epoch || cursor.window != loaded_.window) load_window(cursor.epoch, cursor.window);
  const auto& examples = updates_.at(cursor.next);
  std::int64_t total = 0, done = 0;
  for (const std::size_t example : examples) total += target_tokens(dataset_.get(example));
  std::vector<std::vector<std::size_t>> leaves(static_cast<std::size_t>(leaves_));
  for (const std::size_t example : examples) {
    leaves[static_cast<std::size_t>(std::min(leaves_ - 1, done * leaves_ / total))].push_back(example);
    done += target_tokens(dataset_.get(example));
  }
  if (++cursor.next == updates_.size()) {
    cursor.next = 0;
    if (++cursor.window == windows_) cursor.window = 0, ++cursor.epoch;
  }
  return leaves;
}

}  // namespace rest
