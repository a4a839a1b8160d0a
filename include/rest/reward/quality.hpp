#pragma once

#include <torch/types.h>

#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/comm/share_out.hpp"
#include "rest/model/policy.hpp"
#include "rest/train/batch.hpp"
#include "rest/train/loss.hpp"

namespace rest {

/// Log-odds that the translations of a batch are good, by a model with an estimator -> [targets] float32 (float64 for a
/// float64 model). A predictor's decoder reads each under teacher forcing, and the head sees its hidden states with
/// what it thought of each piece: log-probability, entropy, how far from the most likely (Kim et al. 2017; without a
/// gradient to these). A joint encoder reads source and translation as one sequence, the pieces of translations being
/// numbered behind those of sources. The head pools over positions by mean and maximum.
torch::Tensor quality_logits(const Transformer& model, const Batch& batch, Dropout& dropout);

/// Cross-entropy with ratings in [0, 1] as probabilities that a translation is good, and over the pairs of a source
/// -log sigmoid of how far the better one is ahead (Bradley and Terry 1952), weighted by how far their ratings are
/// apart.
class QualityLoss : public Loss {
 public:
  /// `ranking`: weight of the pairs; those of a source together count as much as its translations.
  explicit QualityLoss(double ranking) : ranking_(ranking) {}
  LossSum operator()(const Transformer& model, const Batch& batch, Dropout& dropout) const override;
  Unit unit() const override { return Unit::targets; }

 private:
  double ranking_;
};

/// quality_logits() of the translations of a dataset, in order. Batches are of neighbours in length, up to
/// 4,096 pieces; neighbours of one source share its encoder pass.
std::vector<double> predict_quality(const Transformer& model, const Dataset& dataset);

/// The same, shared out over ranks in chunks that do not depend on their number, and known to all. Collective. Throws
/// Stopped on all ranks when a stop was requested on one.
std::vector<double> predict_quality(const Communicator& world, const Transformer& model, const Dataset& dataset);

}  // namespace rest
