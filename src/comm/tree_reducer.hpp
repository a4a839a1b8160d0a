#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "bucket_gather.hpp"
#include "host_buffers.hpp"
#include "host_exchange.hpp"
#include "hosts.hpp"
#include "leaf_cursor.hpp"
#include "leaf_tree.hpp"
#include "rest/comm/buckets.hpp"

namespace rest {

/// make_tree_reducer() of rest/comm/gradient_reducer.hpp.
///
/// Each bucket has a task on its owner and, on every other host, on the owner's delegate there. A rank takes its tasks
/// from the end of the buffer to its start, as the backward pass completes gradients, whenever it comes by: no thread
/// is needed, which would take a core from computing.
class TreeReducer : public GradientReducer {
 public:
  /// `host` holds the ranks of `communicator` that may share memory with this one, in the same order; serial: none.
  TreeReducer(const Communicator& communicator, Communicator host, ReducerOptions options);

  void add(std::int64_t leaf, std::size_t part, Span<const float> values) override { add_values(leaf, part, values); }
  void add(std::int64_t leaf, std::size_t part, Span<const Bfloat16> values) override {
    add_values(leaf, part, values);
  }
  void end_leaf(std::int64_t leaf) override;
  GradientSum finish() override;
  void gather_buckets(void* values, std::size_t element_bytes) override;

 private:
  template <class T>
  void add_values(std::int64_t leaf, std::size_t part, Span<const T> values);
  template <class T>
  void add_range(const LeafStep& step, std::size_t first, std::size_t count, const T* values);
  float* partial(std::size_t number) const { return buffers_->partial(hosts_.place, number); }

  void publish();
  bool is_ready(std::size_t bucket) const;
  bool told();
  void progress();
  void start(std::size_t task);
  bool complete(std::size_t task);
  void sum_bucket(std::size_t bucket, const std::vector<PartialSum>& parts);
  void square_bucket(std::size_t bucket);
  std::vector<PartialSum> parts_here(std::size_t bucket) const;

  ReducerOptions options_;
  Communicator communicator_;
  Buckets buckets_;
  TreeNode tree_;
  LeafCursor cursor_;
  std::vector<LeafStep> plan_;
  Hosts hosts_;
  std::unique_ptr<HostBuffers> buffers_;
  std::vector<PartialSum> here_;            // partial sums of the ranks of this host
  float* total_ = nullptr;                  // [elements]
  std::unique_ptr<HostExchange> exchange_;  // where there are several hosts
  std::optional<BucketGather> gather_;
  std::vector<std::size_t> tasks_;  // buckets, descending
  std::size_t started_ = 0, completed_ = 0;
  std::uint64_t update_ = 0;
};

}  // namespace rest
