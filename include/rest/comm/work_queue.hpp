#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "rest/comm/communicator.hpp"

namespace rest {

/// Hands out items 0..count-1, each to one rank, in order of asking. Collective construction and destruction.
/// Each rank asks for its next item one ahead, so that a computing rank 0, which answers inside progress(), never
/// stalls the others. A stop requested (core/signals) on one rank reaches all through rank 0: nobody starts another
/// item, and items fetched ahead are dropped. So is the one of a rank that ends its queue early for another reason.
///
/// Ranks may count what they do: every word of theirs to rank 0 carries their counters, at least one a second when they
/// call progress(), so that rank 0 knows what all ranks together have done.
class WorkQueue {
 public:
  /// What one rank has done, or all of them; the meaning is the caller's.
  using Counters = std::array<std::int64_t, 4>;
  /// Hears on rank 0 the sums over all ranks whenever they may have changed; the last time, when the queue ends, with
  /// all that was done.
  using Observer = std::function<void(const Counters& totals)>;

  /// `items` must be equal on all ranks (what is left to do, in the order to do it). `observer` must outlive the queue.
  WorkQueue(const Communicator& communicator, std::vector<std::int64_t> items, Observer observer = {});
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// The next item of this rank; nothing when all are handed out or a stop was requested on any rank.
  std::optional<std::int64_t> next();
  /// On rank 0: answers waiting ranks. Elsewhere: reports a stop. Cheap; call it now and then during long work.
  void progress();
  /// The same, with what this rank has done since the queue began.
  void progress(const Counters& done);
  /// A stop is known here: an item in work may be left, for it will be handed out again after the next start.
  bool stopped() const;
  /// Items handed out so far, as known at rank 0 (elsewhere: this rank's own).
  std::int64_t handed_out() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rest
