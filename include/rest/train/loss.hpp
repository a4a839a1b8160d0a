#pragma once

#include <torch/types.h>

#include "rest/model/transformer.hpp"
#include "rest/train/batch.hpp"

namespace rest {

/// A loss over a leaf: sums, and the count that the trainer divides the update's sum by.
struct LossSum {
  torch::Tensor loss;                    // scalar, differentiable
  double negative_log_likelihood = 0.0;  ///< nats, weighted
  double count = 0.0;                    ///< weighted target tokens, or targets
};

/// What Improve and BC training minimise. Losses of later steps implement the same interface.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual LossSum operator()(const Transformer& model, const Batch& batch, Dropout& dropout) const = 0;
  /// What it counts. (Only tokens have a perplexity.)
  enum class Unit { tokens, targets };
  virtual Unit unit() const { return Unit::tokens; }
};

/// Behaviour cloning: negative log-likelihood of the targets (equation 3), label-smoothed where asked.
class CrossEntropyLoss : public Loss {
 public:
  explicit CrossEntropyLoss(double smoothing) : smoothing_(smoothing) {}
  LossSum operator()(const Transformer& model, const Batch& batch, Dropout& dropout) const override;

 private:
  double smoothing_;
};

}  // namespace rest
