#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "rest/grow/sampling_head.hpp"
#include "rest/grow/sampling_model.hpp"
#include "rest/model/device.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

/// A piece to choose behind a row of hidden states.
struct Draw {
  static constexpr std::int64_t open = -1;

  std::int64_t row;
  double uniform = 0.0;                            ///< in [0, 1); not looked at when greedy or when the piece is given
  std::int64_t token = open;                       ///< open: the head draws it
  double log_prob = 0.0, sampling_log_prob = 0.0;  ///< of `token`, as SamplingHead says; set by the head
};

/// From hidden states to pieces: projection, softmax and draw, however they are computed.
class ProjectionHead {
 public:
  virtual ~ProjectionHead() = default;
  /// hidden [rows, hidden] as the decoder gives it; `draws` in ascending order of rows.
  /// Throws Error when logits are not finite.
  virtual void draw(const at::Tensor& hidden, std::vector<Draw>& draws) = 0;
};

/// The packed model's; where there is none or operators are asked for, by these.
std::unique_ptr<ProjectionHead> make_head(const SamplingModel& model, Kernels kernels, const SamplingOptions& options);

/// SamplingHead's draws by operators on any device, without all logits in memory; rows of which cuts keep more pieces
/// than most_leading_pieces are drawn as by logits_head. The model must outlive it.
std::unique_ptr<ProjectionHead> operator_head(const Transformer& model, const SamplingOptions& options);

/// By SamplingHead over the logits of a few rows at a time, not rounded to bfloat16: any precision and device, any cut,
/// and the reference of the others. The model must outlive it.
std::unique_ptr<ProjectionHead> logits_head(const Transformer& model, const SamplingOptions& options);

}  // namespace rest
