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
  for (torch::Tensor Batch::*part : {&Batch::source, &Batch::source_mask, &Batch::target_in, &Batch::target_rows,
                                     &Batch::target_out, &Batch::token_weight}) {
    moved.*part = (this->*part).to(device);
  }
  return moved;
}

Batch make_batch(const Dataset& dataset, Span<const std::size_t> examples) {
  std::vector<Example> rows;
  std::size_t source_length = 0, target_length = 0, tokens = 0;
  for (const std::size_t i : examples) {
    rows.push_back(dataset.get(i));
    source_length = std::max(source_length, rows.back().source.size() + 1);
    target_length = std::max(target_length, rows.back().target.size() + 1);
    tokens += rows.back().target.size() + 1;
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  const auto long_source = static_cast<std::int64_t>(source_length),
             long_target = static_cast<std::int64_t>(target_length);
  Batch batch;
  batch.source = torch::full({count, long_source}, static_cast<std::int64_t>(Tokenizer::pad), torch::kInt64);
  batch.source_mask = torch::zeros({count, 1, 1, long_source}, torch::kBool);
  batch.target_in = torch::full({count, long_target}, static_cast<std::int64_t>(Tokenizer::pad), torch::kInt64);
  batch.target_rows = torch::empty({static_cast<std::int64_t>(tokens)}, torch::kInt64);
  batch.target_out = torch::empty_like(batch.target_rows);
  batch.token_weight = torch::empty({static_cast<std::int64_t>(tokens)}, torch::kFloat32);
  auto* out_row = batch.target_rows.data_ptr<std::int64_t>();
  auto* out_piece = batch.target_out.data_ptr<std::int64_t>();
  auto* out_weight = batch.token_weight.data_ptr<float>();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Example& row = rows[r];
    auto* source = batch.source.data_ptr<std::int64_t>() + r * source_length;
    std::copy(row.source.begin(), row.source.end(), source);
    source[row.source.size()] = Tokenizer::end;
    std::fill_n(batch.source_mask.data_ptr<bool>() + r * source_length, row.source.size() + 1, true);
    auto* target = batch.target_in.data_ptr<std::int64_t>() + r * target_length;
    target[0] = Tokenizer::begin;
    std::copy(row.target.begin(), row.target.end(), target + 1);
    for (std::size_t t = 0; t <= row.target.size(); ++t) {
      *out_row++ = static_cast<std::int64_t>(r * target_length + t);
      *out_piece++ = t < row.target.size() ? row.target[t] : Tokenizer::end;
      *out_weight++ = row.weight;
    }
    batch.ids.push_back(row.id);
    batch.weight += static_cast<double>(row.weight) * static_cast<double>(row.target.size() + 1);
  }
  return batch;
}

BatchPlan::BatchPlan(const ShuffledData& data, std::uint64_t seed, std::int64_t tokens_per_update, std::int64_t leaves)
    : data_(data), seed_(seed), tokens_per_update_(tokens_per_update), leaves_(leaves) {
  if (data.size() == 0) throw Error("there is nothing to train on", "no examples are left");
}

BatchPlan::Window BatchPlan::load(std::uint64_t epoch, std::uint64_t number) const {
  Window window{epoch, number, data_.load(seed_, epoch, number), {}};
  auto sorted = cut(*window.examples);
  const Permutation order(sorted.size(), Philox(Purpose::shuffle, seed_, epoch, number + 1));
  window.updates.resize(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) window.updates[i] = std::move(sorted[order(i)]);
  return window;
}

/// Updates of neighbours in length.
std::vector<std::vector<std::size_t>> BatchPlan::cut(const Dataset& examples) const {
  struct Entry {
    std::size_t example, target, source;
  };
  std::vector<Entry> entries;
  entries.reserve(examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Example row = examples.get(i);
    entries.push_back({i, row.target.size(), row.source.size()});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.target != b.target ? a.target < b.target : a.source < b.source;
  });
  std::vector<std::vector<std::size_t>> updates(1);
  std::int64_t tokens = 0;
  for (const Entry& entry : entries) {
    const auto own = static_cast<std::int64_t>(entry.target) + 1;
    if (tokens + own > tokens_per_update_ && !updates.back().empty()) {
      updates.emplace_back();
      tokens = 0;
    }
    updates.back().push_back(entry.example);
    tokens += own;
  }
  return updates;
}

void BatchPlan::use(std::uint64_t epoch, std::uint64_t number) {
  if (epoch == loaded_.epoch && number == loaded_.number) return;
  if (next_.valid()) loaded_ = next_.get();
  if (epoch != loaded_.epoch || number != loaded_.number) loaded_ = load(epoch, number);
  if (++number == data_.windows()) number = 0, ++epoch;
  next_ = std::async(std::launch::async, [=] { return load(epoch, number); });
}

std::vector<std::vector<std::size_t>> BatchPlan::next(BatchCursor& cursor) {
  use(cursor.epoch, cursor.window);
  const auto& update = loaded_.updates.at(cursor.next);
  std::int64_t total = 0, done = 0;
  for (const std::size_t example : update) total += target_tokens(examples().get(example));
  std::vector<std::vector<std::size_t>> leaves(static_cast<std::size_t>(leaves_));
  for (const std::size_t example : update) {
    leaves[static_cast<std::size_t>(std::min(leaves_ - 1, done * leaves_ / total))].push_back(example);
    done += target_tokens(examples().get(example));
  }
  if (++cursor.next == loaded_.updates.size()) {
    cursor.next = 0;
    if (++cursor.window == data_.windows()) cursor.window = 0, ++cursor.epoch;
  }
  return leaves;
}

}  // namespace rest
