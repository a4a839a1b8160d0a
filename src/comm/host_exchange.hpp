#pragma once

#include <vector>

#include "hosts.hpp"
#include "leaf_tree.hpp"
#include "mpi_handle.hpp"
#include "rest/comm/buckets.hpp"

namespace rest {

/// The way of buckets between hosts: their partial sums to the owner, which answers with the sum. Messages between two
/// ranks go in the order of their buckets, descending on both sides.
class HostExchange {
 public:
  /// Buckets that a rank may have under way: bounds the memory for what it receives.
  static constexpr std::size_t window = 4;

  HostExchange(const Communicator& communicator, const Hosts& hosts, TreeNode tree, std::int64_t leaves);

  /// Owner: expects the other hosts' partial sums of `elements` elements.
  void expect_partials(std::size_t task, std::size_t elements);
  /// Delegate: `parts` are those of this host; their sums are sent, in place, and the answer expected.
  void send_partials(std::size_t task, int owner, std::size_t elements, const std::vector<PartialSum>& parts,
                     void* answer, std::size_t answer_bytes);
  /// Is all here that the task expects?
  bool is_here(std::size_t task);
  /// Owner: the other hosts' partial sums, once they are here.
  const std::vector<PartialSum>& partials(std::size_t task) const { return slots_[task % window].parts; }
  /// Owner: tells the other hosts. The bytes must stay until all are told.
  void answer(const void* bytes, std::size_t count);
  /// Owner: have all answers gone? To be asked until they have, since MPI may send only while it is called.
  bool all_told();

 private:
  struct Slot {
    std::vector<MPI_Request> requests;
    std::vector<float> received;
    std::vector<PartialSum> parts;
  };

  Communicator communicator_;
  Hosts hosts_;
  std::vector<std::vector<TreeNode>> nodes_;  // what the leaves of each host add up to by themselves
  std::size_t nodes_elsewhere_ = 0;
  std::vector<Slot> slots_;
  std::vector<MPI_Request> answers_;
};

}  // namespace rest
