#pragma once

#include "rest/comm/gradient_reducer.hpp"
#include "rest/core/error.hpp"

namespace rest {

/// Sees to it that a reducer gets its own leaves, whole and in order.
class LeafCursor {
 public:
  LeafCursor(LeafRange own, std::size_t elements) : own_(own), next_(own.first), elements_(elements) {}

  bool at_first() const { return next_ == own_.first; }
  /// Moves on behind `leaf`. Throws Error when it is not the next one.
  void take(std::int64_t leaf, std::size_t elements) {
    if (leaf != next_ || leaf >= own_.last || elements != elements_) {
      throw Error(concat("the gradient reducer was given leaf ", leaf, " of ", elements, " elements"),
                  concat("it expects leaf ", next_, " of [", own_.first, ", ", own_.last, ") with ", elements_));
    }
    ++next_;
  }
  /// Back to the first. Throws Error when leaves are missing.
  void finish() {
    if (next_ != own_.last) throw Error(concat("the gradient of leaf ", next_, " is missing from the reduction"));
    next_ = own_.first;
  }

 private:
  LeafRange own_;
  std::int64_t next_;
  std::size_t elements_;
};

}  // namespace rest
