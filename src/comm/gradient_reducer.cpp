#include "rest/comm/gradient_reducer.hpp"

#include <algorithm>
#include <optional>

#include "leaf_cursor.hpp"
#include "leaf_tree.hpp"
#include "mpi_handle.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

using Buffer = std::vector<float>;

/// Elements a message: what arrives is added while it is in the cache.
constexpr std::size_t piece_elements = std::size_t{1} << 18;
/// Elements that the bucket owners share out at a time: bounds their buffers and every MPI count.
constexpr std::size_t block_elements = std::size_t{1} << 22;

bool is_power_of_two(std::int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

/// Start of slice `part` of `parts` nearly equal ones of [0, elements).
std::size_t slice_start(std::size_t elements, int part, int parts) {
  return elements * static_cast<std::size_t>(part) / static_cast<std::size_t>(parts);
}

class TreeReducer : public GradientReducer {
 public:
  TreeReducer(const Communicator& communicator, std::int64_t leaves, std::size_t elements)
      : communicator_(communicator.handle() ? duplicate(communicator) : communicator),
        tree_{0, leaves},
        elements_(elements),
        cursor_(leaves_of_rank(leaves, communicator.rank(), communicator.size()), elements),
        halving_(is_power_of_two(leaves) && is_power_of_two(communicator.size())) {
    for (int r = 0; r < communicator.size(); ++r) {
      nodes_of_rank_.push_back(nodes_within(tree_, leaves_of_rank(leaves, r, communicator.size())));
      if (r != communicator.rank()) partial_sums_ += nodes_of_rank_.back().size();
    }
  }

  void add(std::int64_t leaf, Span<const float> values) override {
    cursor_.take(leaf, values.size());
    const TreeNode node{leaf, 1};
    if (!stack_.empty() && are_siblings(tree_, stack_.back().node, node)) {
      add_to(stack_.back().sum.data(), values.data(), elements_);
      stack_.back().node.leaves += 1;
      join_siblings();
    } else {
      stack_.push_back({node, spare()});
      std::copy(values.begin(), values.end(), stack_.back().sum.begin());
    }
  }

  Span<float> finish() override {
    cursor_.finish();
    spares_.push_back(std::move(total_));
    std::optional<Waiting> waiting;
    if (communicator_.handle()) waiting.emplace(communicator_, "the reduction of gradients");
    if (communicator_.size() == 1 || halving_) {
      total_ = std::move(stack_.back().sum);  // own leaves are one complete subtree
      stack_.pop_back();
      if (communicator_.size() > 1) halve_and_double();
    } else {
      total_ = spare();
      for (std::size_t at = 0; at < elements_; at += block_elements) {
        reduce_block(at, std::min(block_elements, elements_ - at));
      }
    }
    for (Partial& partial : stack_) spares_.push_back(std::move(partial.sum));
    stack_.clear();
    return {total_.data(), total_.size()};
  }

 private:
  struct Partial {
    TreeNode node;
    Buffer sum;
  };

  Buffer spare() {
    Buffer buffer;
    if (!spares_.empty()) {
      buffer = std::move(spares_.back());
      spares_.pop_back();
    }
    buffer.resize(elements_);
    return buffer;
  }

  /// Right children join their left siblings, so that the stack holds as many buffers as the tree is deep.
  void join_siblings() {
    while (stack_.size() > 1) {
      Partial& left = stack_[stack_.size() - 2];
      Partial& right = stack_.back();
      if (!are_siblings(tree_, left.node, right.node)) return;
      add_to(left.sum.data(), right.sum.data(), elements_);
      left.node.leaves += right.node.leaves;
      spares_.push_back(std::move(right.sum));
      stack_.pop_back();
    }
  }

  struct Range {
    std::size_t first, last;
  };
  struct Exchange {
    int partner;
    Range kept, given;
  };

  /// Recursive halving from the nearest rank outwards (so that sums associate as the tree does), then doubling back.
  void halve_and_double() {
    std::vector<Exchange> exchanges;
    Range own{0, elements_};
    for (int distance = 1; distance < communicator_.size(); distance *= 2) {
      const std::size_t middle = own.first + (own.last - own.first) / 2;
      Exchange e{communicator_.rank() ^ distance, {own.first, middle}, {middle, own.last}};
      if (communicator_.rank() & distance) std::swap(e.kept, e.given);
      received_.resize(std::min(piece_elements, e.kept.last - e.kept.first));
      swap_pieces(e.partner, e.given, e.kept, true);
      own = e.kept;
      exchanges.push_back(e);
    }
    for (auto e = exchanges.rbegin(); e != exchanges.rend(); ++e) swap_pieces(e->partner, e->kept, e->given, false);
  }

  /// Sends `out` of the total to the partner, whose `in` is added to the own or takes its place.
  void swap_pieces(int partner, Range out, Range in, bool adding) {
    while (out.first < out.last || in.first < in.last) {
      const std::size_t sent = std::min(piece_elements, out.last - out.first);
      const std::size_t got = std::min(piece_elements, in.last - in.first);
      float* const target = total_.data() + in.first;
      check_mpi(MPI_Sendrecv(total_.data() + out.first, static_cast<int>(sent), MPI_FLOAT, partner, 0,
                             adding ? received_.data() : target, static_cast<int>(got), MPI_FLOAT, partner, 0,
                             mpi_comm(communicator_), MPI_STATUS_IGNORE),
                "MPI_Sendrecv");
      if (adding) add_to(target, received_.data(), got);
      out.first += sent;
      in.first += got;
    }
  }

  /// Any rank count: each rank owns a slice of the block, gets that slice of every rank's partial sums, finishes the
  /// tree and shares the result. Partial sums of one rank arrive in the order of their leaves.
  void reduce_block(std::size_t block, std::size_t size) {
    const int ranks = communicator_.size(), rank = communicator_.rank();
    std::vector<int> counts, offsets;
    for (int r = 0; r < ranks; ++r) {
      offsets.push_back(static_cast<int>(slice_start(size, r, ranks)));
      counts.push_back(static_cast<int>(slice_start(size, r + 1, ranks)) - offsets.back());
    }
    const auto own_count = static_cast<std::size_t>(counts[static_cast<std::size_t>(rank)]);
    const auto own_offset = block + static_cast<std::size_t>(offsets[static_cast<std::size_t>(rank)]);
    received_.resize(own_count * partial_sums_);
    std::vector<PartialSum> parts;
    std::vector<MPI_Request> requests;
    float* free = received_.data();
    for (int r = 0; r < ranks; ++r) {
      if (r == rank) {
        for (Partial& own : stack_) parts.push_back({own.node, own.sum.data() + own_offset});
        continue;
      }
      for (const TreeNode& node : nodes_of_rank_[static_cast<std::size_t>(r)]) {
        check_mpi(MPI_Irecv(free, static_cast<int>(own_count), MPI_FLOAT, r, 0, mpi_comm(communicator_),
                            &requests.emplace_back()),
                  "MPI_Irecv");
        parts.push_back({node, free});
        free += own_count;
      }
    }
    for (int r = 0; r < ranks; ++r) {
      if (r == rank) continue;
      const auto peer = static_cast<std::size_t>(r);
      for (const Partial& own : stack_) {
        check_mpi(MPI_Isend(own.sum.data() + block + static_cast<std::size_t>(offsets[peer]), counts[peer], MPI_FLOAT,
                            r, 0, mpi_comm(communicator_), &requests.emplace_back()),
                  "MPI_Isend");
      }
    }
    check_mpi(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
    check_mpi(MPI_Allgatherv(sum_up(tree_, parts, own_count), static_cast<int>(own_count), MPI_FLOAT,
                             total_.data() + block, counts.data(), offsets.data(), MPI_FLOAT, mpi_comm(communicator_)),
              "MPI_Allgatherv");
  }

  Communicator communicator_;
  TreeNode tree_;
  std::size_t elements_;
  LeafCursor cursor_;
  bool halving_;
  std::vector<std::vector<TreeNode>> nodes_of_rank_;  // what each rank's leaves add up to by themselves
  std::size_t partial_sums_ = 0;                      // of the other ranks
  std::vector<Partial> stack_;                        // disjoint subtrees from left to right, the own leaves so far
  std::vector<Buffer> spares_;
  Buffer received_, total_;
};

double sum_scalars(TreeNode tree, std::size_t width, std::size_t column, const std::vector<double>& all) {
  if (tree.leaves == 1) return all[static_cast<std::size_t>(tree.first) * width + column];
  const std::int64_t left = left_leaves(tree.leaves);
  return sum_scalars({tree.first, left}, width, column, all) +
         sum_scalars({tree.first + left, tree.leaves - left}, width, column, all);
}

}  // namespace

LeafRange leaves_of_rank(std::int64_t leaves, int rank, int ranks) {
  return {leaves * rank / ranks, leaves * (rank + 1) / ranks};
}

void require_leaves(const Communicator& communicator, std::int64_t leaves) {
  if (leaves >= communicator.size()) return;
  throw UsageError(concat(leaves, " leaves cannot feed ", communicator.size(), " ranks"), "",
                   "raise train.leaves and improve.leaves to at least the number of ranks, or use fewer ranks");
}

std::unique_ptr<GradientReducer> make_tree_reducer(const Communicator& communicator, std::int64_t leaves,
                                                   std::size_t elements) {
  require_leaves(communicator, leaves);
  return std::make_unique<TreeReducer>(communicator, leaves, elements);
}

std::vector<double> reduce_leaf_scalars(const Communicator& communicator, std::int64_t leaves, std::size_t width,
                                        Span<const double> own) {
  const auto all = all_gather(communicator, own);
  if (leaves < 1 || all.size() != static_cast<std::size_t>(leaves) * width) {
    throw Error(concat(all.size(), " figures of ", leaves, " leaves were given to the reduction"),
                concat("it expects ", width, " a leaf"));
  }
  std::vector<double> sums;
  for (std::size_t column = 0; column < width; ++column) sums.push_back(sum_scalars({0, leaves}, width, column, all));
  return sums;
}

}  // namespace rest
