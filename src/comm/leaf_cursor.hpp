#pragma once

#include "rest/comm/gradient_reducer.hpp"
#include "rest/core/error.hpp"

namespace rest {

/// Sees to it that a reducer gets its own leaves in order and each part once, and knows what is complete.
class LeafCursor {
 public:
  LeafCursor(LeafRange own, std::vector<GradientPart> parts)
      : own_(own), next_(own.first), parts_(std::move(parts)), added_(parts_.size()), incomplete_(parts_.size()) {}

  const std::vector<GradientPart>& parts() const { return parts_; }
  bool at_first() const { return next_ == own_.first; }
  bool at_last() const { return next_ + 1 == own_.last; }
  /// The leaf that is being added, among the own ones.
  std::size_t place() const { return static_cast<std::size_t>(next_ - own_.first); }
  bool has(std::size_t part) const { return added_[part]; }
  /// Elements below which the leaf is not complete: from there on all parts were added.
  std::size_t complete_from() const {
    return incomplete_ == 0 ? 0 : parts_[incomplete_ - 1].offset + parts_[incomplete_ - 1].size;
  }

  /// Notes a part. Throws Error when it is not wanted.
  const GradientPart& take(std::int64_t leaf, std::size_t part, std::size_t elements) {
    require(leaf);
    if (part >= parts_.size() || added_[part] || parts_[part].size != elements) {
      throw Error(concat("the gradient reducer was given ", elements, " elements of part ", part, " of leaf ", leaf),
                  concat("it expects each of ", parts_.size(), " parts once, whole"));
    }
    added_[part] = true;
    while (incomplete_ > 0 && added_[incomplete_ - 1]) --incomplete_;
    return parts_[part];
  }
  /// On to the next leaf. Throws Error when it is not `leaf` that is being added.
  void end(std::int64_t leaf) {
    require(leaf);
    added_.assign(parts_.size(), false);
    incomplete_ = parts_.size();
    ++next_;
  }
  /// Back to the first leaf. Throws Error when leaves are missing.
  void finish() {
    if (next_ != own_.last) throw Error(concat("the gradient of leaf ", next_, " is missing from the reduction"));
    next_ = own_.first;
  }

 private:
  void require(std::int64_t leaf) const {
    if (leaf == next_ && leaf < own_.last) return;
    throw Error(concat("the gradient reducer was given leaf ", leaf),
                concat("it expects leaf ", next_, " of [", own_.first, ", ", own_.last, ")"));
  }

  LeafRange own_;
  std::int64_t next_;
  std::vector<GradientPart> parts_;
  std::vector<bool> added_;
  std::size_t incomplete_;  // parts from here on were added
};

}  // namespace rest
