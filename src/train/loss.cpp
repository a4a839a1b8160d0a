#include "rest/train/loss.hpp"

#include "rest/train/cross_entropy.hpp"

namespace rest {

LossSum CrossEntropyLoss::operator()(const Transformer& model, const Batch& batch, Dropout& dropout) const {
  const auto memory = model.encode(batch.source, batch.sources, dropout);
  const auto hidden = model.decode(batch.target_in, batch.targets, memory, batch.sources, batch.readers, dropout);
  const TokenLoss sum =
      projected_cross_entropy(hidden, model.target_embedding(), batch.target_out, batch.token_weight, smoothing_);
  return {sum.loss, sum.negative_log_likelihood, batch.weight};
}

}  // namespace rest
