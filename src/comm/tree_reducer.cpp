#include "tree_reducer.hpp"

#include <sched.h>

#include <algorithm>
#include <numeric>

#include "vector_sum.hpp"

namespace rest {
namespace {

std::size_t blocks_in(std::size_t elements) { return (elements + sum_block - 1) / sum_block; }

/// Partial sums that a rank has at most at a time.
std::size_t partials_of(TreeNode tree, int rank, int ranks) {
  std::size_t most = 0;
  for (const LeafStep& step : plan_leaves(tree, leaves_of_rank(tree.leaves, rank, ranks)))
    most = std::max(most, step.partial + 1);
  return most;
}

/// Calls work(first, count) for the blocks of [0, elements), on the threads of the rank.
template <class Work>
void for_each_block(const ParallelFor& parallel_for, std::size_t elements, Work work) {
  parallel_for(blocks_in(elements), [&](std::size_t first, std::size_t last) {
    for (std::size_t at = first * sum_block; at < std::min(elements, last * sum_block); at += sum_block)
      work(at, std::min(sum_block, elements - at));
  });
}

}  // namespace

TreeReducer::TreeReducer(const Communicator& communicator, Communicator host, ReducerOptions options)
    : options_(std::move(options)),
      communicator_(communicator.handle() ? duplicate(communicator) : communicator),
      buckets_(options_.elements, communicator.size()),
      tree_{0, options_.leaves},
      cursor_(leaves_of_rank(options_.leaves, communicator.rank(), communicator.size()), options_.parts),
      plan_(plan_leaves(tree_, leaves_of_rank(options_.leaves, communicator.rank(), communicator.size()))) {
  const auto sizes = [&] {
    HostBuffers::Sizes result{options_.elements, {}};
    for (const int rank : hosts_.here()) result.partials.push_back(partials_of(tree_, rank, communicator_.size()));
    return result;
  };
  hosts_ = find_hosts(communicator_, host);
  auto memory = host.size() > 1 ? SharedMemory::of_host(host, sizes().bytes()) : std::nullopt;
  if (!memory) host = {};
  hosts_ = find_hosts(communicator_, host);
  gather_.emplace(communicator_, hosts_, buckets_);
  if (!memory) memory.emplace(sizes().bytes());
  buffers_ = std::make_unique<HostBuffers>(std::move(*memory), sizes());

  for (std::size_t place = 0; place < hosts_.here().size(); ++place) {
    const LeafRange own = leaves_of_rank(options_.leaves, hosts_.here()[place], communicator_.size());
    const auto nodes = nodes_within(tree_, [&](std::int64_t leaf) { return own.first <= leaf && leaf < own.last; });
    for (std::size_t i = 0; i < nodes.size(); ++i) here_.push_back({nodes[i], buffers_->partial(place, i)});
  }
  // One rank alone ends with one partial sum, which is all.
  total_ = communicator_.size() > 1 ? buffers_->total() : partial(0);
  if (hosts_.ranks.size() > 1)
    exchange_ = std::make_unique<HostExchange>(communicator_, hosts_, tree_, options_.leaves);
  for (std::size_t bucket = buckets_.count(); bucket-- > 0;) {
    const int owner = buckets_.owner(bucket);
    const bool delegate = !hosts_.is_here(owner) && hosts_.delegate(hosts_.own, owner) == communicator_.rank();
    if (owner == communicator_.rank() || delegate) tasks_.push_back(bucket);
  }
}

template <class T>
void TreeReducer::add_values(std::int64_t leaf, std::size_t number, Span<const T> values) {
  const GradientPart& part = cursor_.take(leaf, number, values.size());
  const LeafStep& step = plan_[cursor_.place()];
  for_each_block(options_.parallel_for, part.size, [&](std::size_t at, std::size_t count) {
    add_range(step, part.offset + at, count, values.data() + at);
  });
  if (!cursor_.at_last()) return;
  publish();
  progress();
}

template <class T>
void TreeReducer::add_range(const LeafStep& step, std::size_t first, std::size_t count, const T* values) {
  std::size_t last = step.partial;
  if (step.starts) {
    copy_to(partial(last) + first, values, count);
  } else {
    add_to(partial(last) + first, values, count);
  }
  for (std::size_t join = 0; join < step.joins; ++join, --last)
    add_to(partial(last - 1) + first, partial(last) + first, count);
}

void TreeReducer::end_leaf(std::int64_t leaf) {
  const auto& parts = cursor_.parts();
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (cursor_.has(part)) continue;
    const std::vector<float> zeros(parts[part].size);
    add_values(leaf, part, Span<const float>(zeros));
  }
  if (cursor_.at_last()) publish();
  cursor_.end(leaf);
}

/// Tells the ranks of this host which buckets, counted from the last one, are complete in the leaves of this rank.
void TreeReducer::publish() {
  const std::size_t incomplete = (cursor_.complete_from() + Buckets::size - 1) / Buckets::size;
  buffers_->progress(hosts_.place)
      .ready.store(update_ * buckets_.count() + buckets_.count() - incomplete, std::memory_order_release);
}

bool TreeReducer::is_ready(std::size_t bucket) const {
  return buffers_->all_reached(&HostBuffers::Progress::ready, update_ * buckets_.count() + buckets_.count() - bucket);
}

bool TreeReducer::told() { return !exchange_ || exchange_->all_told(); }

/// Does what can be done without waiting.
void TreeReducer::progress() {
  const std::size_t completed = completed_;
  for (;;) {
    const bool starts =
        started_ < tasks_.size() && started_ - completed_ < HostExchange::window && is_ready(tasks_[started_]);
    if (starts) start(started_++);
    const bool completes = completed_ < started_ && complete(completed_);
    if (completes) ++completed_;
    if (!starts && !completes) break;
  }
  if (completed_ == tasks_.size() && completed_ > completed)
    buffers_->progress(hosts_.place).finished.store(update_ + 1, std::memory_order_release);
}

void TreeReducer::start(std::size_t task) {
  if (!exchange_) return;
  const std::size_t bucket = tasks_[task], elements = buckets_.size_of(bucket);
  const int owner = buckets_.owner(bucket);
  if (owner == communicator_.rank()) {
    exchange_->expect_partials(task, elements);
    return;
  }
  const std::size_t first = buckets_.first(bucket);
  const bool everywhere = options_.result == ReducerOptions::Result::everywhere;
  if (everywhere) {
    exchange_->send_partials(task, owner, elements, parts_here(bucket), total_ + first, elements * sizeof(float));
  } else {
    exchange_->send_partials(task, owner, elements, parts_here(bucket), buffers_->squares() + first / sum_block,
                             blocks_in(elements) * sizeof(double));
  }
}

/// False when the other hosts are not through with it.
bool TreeReducer::complete(std::size_t task) {
  if (exchange_ && !exchange_->is_here(task)) return false;
  const std::size_t bucket = tasks_[task], first = buckets_.first(bucket), elements = buckets_.size_of(bucket);
  const bool everywhere = options_.result == ReducerOptions::Result::everywhere;
  if (buckets_.owner(bucket) != communicator_.rank()) {
    if (everywhere) square_bucket(bucket);
    return true;
  }
  std::vector<PartialSum> parts = parts_here(bucket);
  if (exchange_) {
    const auto& elsewhere = exchange_->partials(task);
    parts.insert(parts.end(), elsewhere.begin(), elsewhere.end());
  }
  sum_bucket(bucket, parts);
  if (exchange_ && everywhere) exchange_->answer(total_ + first, elements * sizeof(float));
  if (exchange_ && !everywhere)
    exchange_->answer(buffers_->squares() + first / sum_block, blocks_in(elements) * sizeof(double));
  return true;
}

std::vector<PartialSum> TreeReducer::parts_here(std::size_t bucket) const {
  std::vector<PartialSum> parts = here_;
  for (PartialSum& part : parts) part.values += buckets_.first(bucket);
  return parts;
}

void TreeReducer::sum_bucket(std::size_t bucket, const std::vector<PartialSum>& parts) {
  float* const total = total_ + buckets_.first(bucket);
  double* const squares = buffers_->squares() + buckets_.first(bucket) / sum_block;
  for_each_block(options_.parallel_for, buckets_.size_of(bucket), [&](std::size_t at, std::size_t count) {
    squares[at / sum_block] = square_sum(sum_up(tree_, parts, at, count, total + at), count);
  });
}

void TreeReducer::square_bucket(std::size_t bucket) {
  const float* const total = total_ + buckets_.first(bucket);
  double* const squares = buffers_->squares() + buckets_.first(bucket) / sum_block;
  for_each_block(options_.parallel_for, buckets_.size_of(bucket),
                 [&](std::size_t at, std::size_t count) { squares[at / sum_block] = square_sum(total + at, count); });
}

GradientSum TreeReducer::finish() {
  cursor_.finish();
  GradientSum sum{{total_, options_.elements}};
  sum.hidden = tasks_.empty() ? 1.0 : static_cast<double>(completed_) / static_cast<double>(tasks_.size());
  std::optional<Waiting> waiting;
  if (communicator_.handle()) waiting.emplace(communicator_, "the reduction of gradients");
  if (tasks_.empty()) buffers_->progress(hosts_.place).finished = update_ + 1;
  const auto all_finished = [&] { return buffers_->all_reached(&HostBuffers::Progress::finished, update_ + 1); };
  // Answers go on meanwhile: this host may be waiting for another one, which waits for an answer of this rank.
  for (progress(); !told() || !all_finished(); progress()) sched_yield();
  ++update_;
  started_ = completed_ = 0;
  const double* const squares = buffers_->squares();
  sum.square_sum = std::accumulate(squares, squares + blocks_in(options_.elements), 0.0);
  return sum;
}

void TreeReducer::gather_buckets(void* values, std::size_t element_bytes) {
  if (communicator_.size() > 1) (*gather_)(*buffers_, static_cast<char*>(values), element_bytes);
}

}  // namespace rest
