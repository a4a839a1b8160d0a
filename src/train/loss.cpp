#include "rest/train/loss.hpp"

#include "rest/train/cross_entropy.hpp"

namespace rest {

LossSum CrossEntropyLoss::operator()(const Transformer& model, const Batch& batch, Dropout& dropout) const {
  const auto memory = model.encode(batch.source, batch.source_mask, dropout);
  const auto decoded = model.decode(batch.target_in, memory, batch.source_mask, dropout);
  const auto hidden = decoded.flatten(0, 1).index_select(0, batch.target_rows);  // [tokens, hidden]
  const TokenLoss sum =
      projected_cross_entropy(hidden, model.target_embedding(), batch.target_out, batch.token_weight, smoothing_);
  return {sum.loss, sum.negative_log_likelihood, batch.weight};
}

}  // namespace rest
