#pragma once

#include <torch/types.h>

#include <memory>

#include "functions.hpp"
#include "recomputed.hpp"

namespace rest {

/// What runs through a stack of blocks. Pre-norm: x + drop(body(norm(x))), and a norm behind the last block; post-norm:
/// norm(x + drop(body(x))). Each sum is formed together with the norm that reads it.
class ResidualStream {
 public:
  /// Of rows without dropout.
  ResidualStream(NormOrder order, torch::Tensor x) : order_(order), x_(std::move(x)) {}
  ResidualStream(NormOrder order, torch::Tensor x, const Sequences& rows, Dropout& dropout)
      : order_(order), x_(std::move(x)), rows_(&rows), dropout_(&dropout) {}

  template <class Body>
  void add(const NormWeights& norm, Body body) {
    if (order_ == NormOrder::pre) {
      added_ = body(normed(norm));
    } else {
      added_ = body(x_);
      x_ = normed(norm);
    }
  }

  /// Adds blocks(stream, input), of which only what goes in is kept for the backward pass, when they run again.
  template <class Blocks>
  void recompute(const torch::Tensor& input, Blocks blocks) {
    const auto behind = std::make_shared<Dropout>(*dropout_);
    const auto run = [order = order_, rows = *rows_, start = *dropout_, behind, blocks](const auto& in) {
      *behind = start;
      ResidualStream stream(order, in[0], rows, *behind);
      stream.added_ = in[1];
      blocks(stream, in[2]);
      return torch::autograd::variable_list{stream.x_, stream.added_};
    };
    const auto out = recomputed({x_, added_, input}, run);
    x_ = out[0];
    added_ = out[1];
    *dropout_ = *behind;
  }

  /// What comes out; `last` is not looked at for post-norm.
  torch::Tensor finish(const NormWeights& last) { return order_ == NormOrder::pre ? normed(last) : x_; }

 private:
  torch::Tensor normed(const NormWeights& norm) {
    const DropoutSite site = dropout_ && added_.defined() ? dropout_->next(*rows_) : DropoutSite();
    const SumAndNorm both = add_norm(x_, added_, norm, site);
    x_ = both.sum;
    added_ = torch::Tensor();
    return both.normed;
  }

  NormOrder order_;
  torch::Tensor x_, added_;  // [rows, hidden]; what the last block gave, until it is added
  const Sequences* rows_ = nullptr;
  Dropout* dropout_ = nullptr;
};

}  // namespace rest
