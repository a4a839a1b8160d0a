#include "host_exchange.hpp"

#include <algorithm>

#include "vector_sum.hpp"

namespace rest {
namespace {

constexpr int partial_tag = 0, answer_tag = 1;

int int_count(std::size_t count) { return static_cast<int>(count); }  // a bucket at most

/// The sum of `node`, in place of the leftmost of its parts.
const float* sum_in_place(TreeNode node, const std::vector<PartialSum>& parts, std::size_t elements) {
  const auto leftmost =
      std::find_if(parts.begin(), parts.end(), [&](const PartialSum& part) { return part.node.first == node.first; });
  for (std::size_t at = 0; at < elements; at += sum_block)
    sum_up(node, parts, at, std::min(sum_block, elements - at), leftmost->values + at);
  return leftmost->values;
}

bool are_done(std::vector<MPI_Request>& requests) {
  int done = 0;
  check_mpi(MPI_Testall(int_count(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall");
  return done != 0;
}

}  // namespace

HostExchange::HostExchange(const Communicator& communicator, const Hosts& hosts, TreeNode tree, std::int64_t leaves)
    : communicator_(communicator), hosts_(hosts), slots_(window) {
  for (const std::vector<int>& ranks : hosts.ranks) {
    nodes_.push_back(nodes_within(tree, [&](std::int64_t leaf) {
      return std::any_of(ranks.begin(), ranks.end(), [&](int rank) {
        const LeafRange own = leaves_of_rank(leaves, rank, communicator.size());
        return own.first <= leaf && leaf < own.last;
      });
    }));
    if (nodes_.size() - 1 != hosts.own) nodes_elsewhere_ += nodes_.back().size();
  }
}

void HostExchange::expect_partials(std::size_t task, std::size_t elements) {
  Slot& slot = slots_[task % window];
  slot.received.resize(std::max(slot.received.size(), nodes_elsewhere_ * elements));
  slot.parts.clear();
  slot.requests.clear();
  float* free = slot.received.data();
  for (std::size_t host = 0; host < nodes_.size(); ++host) {
    if (host == hosts_.own) continue;
    for (const TreeNode& node : nodes_[host]) {
      check_mpi(MPI_Irecv(free, int_count(elements), MPI_FLOAT, hosts_.delegate(host, communicator_.rank()),
                          partial_tag, mpi_comm(communicator_), &slot.requests.emplace_back()),
                "MPI_Irecv");
      slot.parts.push_back({node, free});
      free += elements;
    }
  }
}

void HostExchange::send_partials(std::size_t task, int owner, std::size_t elements,
                                 const std::vector<PartialSum>& parts, void* answer, std::size_t answer_bytes) {
  Slot& slot = slots_[task % window];
  slot.requests.clear();
  for (const TreeNode& node : nodes_[hosts_.own]) {
    check_mpi(MPI_Isend(sum_in_place(node, parts, elements), int_count(elements), MPI_FLOAT, owner, partial_tag,
                        mpi_comm(communicator_), &slot.requests.emplace_back()),
              "MPI_Isend");
  }
  check_mpi(MPI_Irecv(answer, int_count(answer_bytes), MPI_BYTE, owner, answer_tag, mpi_comm(communicator_),
                      &slot.requests.emplace_back()),
            "MPI_Irecv");
}

bool HostExchange::is_here(std::size_t task) { return are_done(slots_[task % window].requests); }

void HostExchange::answer(const void* bytes, std::size_t count) {
  for (std::size_t host = 0; host < nodes_.size(); ++host) {
    if (host == hosts_.own) continue;
    check_mpi(MPI_Isend(bytes, int_count(count), MPI_BYTE, hosts_.delegate(host, communicator_.rank()), answer_tag,
                        mpi_comm(communicator_), &answers_.emplace_back()),
              "MPI_Isend");
  }
}

bool HostExchange::all_told() {
  if (!are_done(answers_)) return false;
  answers_.clear();
  return true;
}

}  // namespace rest
