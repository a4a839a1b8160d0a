#include "rest/train/batch.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "rest/core/error.hpp"
#include "rest/select/permutation.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {
namespace {

std::int64_t target_tokens(const Example& example) { return static_cast<std::int64_t>(example.target.size()) + 1; }

/// Examples that stay together: of one source.
struct Group {
  std::vector<std::size_t> examples;
  std::size_t target, source;  // lengths, the longest target's
  std::int64_t tokens;
};

/// In the order in which their first examples come; as many of a source in one as `together` says.
class Grouping {
 public:
  explicit Grouping(std::int64_t together) : together_(static_cast<std::size_t>(together)) {}

  void add(std::size_t number, const Example& example) {
    const auto open = open_.find(example.source.data());
    if (open == open_.end()) {
      if (together_ > 1) open_[example.source.data()] = groups_.size();
      groups_.push_back({{number}, example.target.size(), example.source.size(), target_tokens(example)});
      return;
    }
    Group& group = groups_[open->second];
    group.examples.push_back(number);
    group.target = std::max(group.target, example.target.size());
    group.tokens += target_tokens(example);
    if (group.examples.size() == together_) open_.erase(open);
  }
  std::vector<Group> take() { return std::move(groups_); }

 private:
  std::size_t together_;
  std::vector<Group> groups_;
  std::unordered_map<const Token*, std::size_t> open_;  // by source: the group that takes more
};

}  // namespace

Batch Batch::to(torch::Device device) const {
  Batch moved = *this;
  for (torch::Tensor Batch::*part :
       {&Batch::source, &Batch::target_in, &Batch::target_out, &Batch::token_weight, &Batch::ratings}) {
    moved.*part = (this->*part).to(device);
  }
  moved.sources = sources.to(device);
  moved.targets = targets.to(device);
  moved.readers = readers.to(device);
  return moved;
}

Batch make_batch(const Dataset& dataset, Span<const std::size_t> examples) {
  Batch batch;
  std::vector<std::int64_t> source, source_lengths, target_in, target_out, target_lengths, readers;
  std::vector<float> weights, ratings;
  std::vector<std::uint64_t> ids, source_ids;
  const Token* last_source = nullptr;
  for (const std::size_t i : examples) {
    const Example row = dataset.get(i);
    if (row.source.data() != last_source) {
      last_source = row.source.data();
      source.insert(source.end(), row.source.begin(), row.source.end());
      source.push_back(Tokenizer::end);
      source_lengths.push_back(static_cast<std::int64_t>(row.source.size()) + 1);
      source_ids.push_back(row.id);
      readers.push_back(0);
    }
    ++readers.back();
    target_in.push_back(Tokenizer::begin);
    target_in.insert(target_in.end(), row.target.begin(), row.target.end());
    target_out.insert(target_out.end(), row.target.begin(), row.target.end());
    target_out.push_back(Tokenizer::end);
    target_lengths.push_back(target_tokens(row));
    weights.resize(target_out.size(), row.weight);
    ratings.push_back(row.rating);
    ids.push_back(row.id);
    batch.weight += static_cast<double>(row.weight) * static_cast<double>(target_tokens(row));
  }
  batch.source = torch::tensor(source, torch::kInt64);
  batch.sources = make_sequences(source_lengths, source_ids);
  batch.target_in = torch::tensor(target_in, torch::kInt64);
  batch.targets = make_sequences(target_lengths, ids);
  batch.readers = make_readers(readers);
  batch.target_out = torch::tensor(target_out, torch::kInt64);
  batch.ratings = torch::tensor(ratings, torch::kFloat32);
  batch.token_weight = torch::tensor(weights, torch::kFloat32);
  return batch;
}

BatchPlan::BatchPlan(const ShuffledData& data, std::uint64_t seed, const UpdateSize& size)
    : data_(data), seed_(seed), size_(size) {
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
  Grouping grouping(size_.together);
  for (std::size_t i = 0; i < examples.size(); ++i) grouping.add(i, examples.get(i));
  std::vector<Group> groups = grouping.take();
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.target != b.target ? a.target < b.target : a.source < b.source;
  });
  std::vector<std::vector<std::size_t>> updates(1);
  std::int64_t tokens = 0;
  for (const Group& group : groups) {
    if (tokens + group.tokens > size_.tokens && !updates.back().empty()) {
      updates.emplace_back();
      tokens = 0;
    }
    updates.back().insert(updates.back().end(), group.examples.begin(), group.examples.end());
    tokens += group.tokens;
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
  std::int64_t total = 0, done = 0, leaf = 0;
  for (const std::size_t number : update) total += target_tokens(examples().get(number));
  std::vector<std::vector<std::size_t>> leaves(static_cast<std::size_t>(size_.leaves));
  const Token* last_source = nullptr;
  for (const std::size_t number : update) {
    const Example example = examples().get(number);
    if (example.source.data() != last_source) leaf = std::min(size_.leaves - 1, done * size_.leaves / total);
    last_source = example.source.data();
    leaves[static_cast<std::size_t>(leaf)].push_back(number);
    done += target_tokens(example);
  }
  if (++cursor.next == loaded_.updates.size()) {
    cursor.next = 0;
    if (++cursor.window == data_.windows()) cursor.window = 0, ++cursor.epoch;
  }
  return leaves;
}

}  // namespace rest
