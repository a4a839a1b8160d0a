#include "packed_model.hpp"

#include <ATen/ATen.h>

#include "../decoder/native_decoder.hpp"
#include "../heads/fused_head.hpp"

namespace rest {
namespace {

template <class Real>
std::vector<Real> values_of(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(c10::CppTypeToScalarType<Real>::value).contiguous();
  return {plain.data_ptr<Real>(), plain.data_ptr<Real>() + plain.numel()};
}

template <class Format>
class PackedModelOf : public PackedModel {
 public:
  explicit PackedModelOf(const Transformer& model)
      : model_(model), weights_{model.config(), {}, {}, PackedMatrix<Format>(model.target_embedding().weight)} {
    for (const DecoderLayer& layer : model.decoder()) {
      const auto& [self, cross, feed_forward] = layer;
      weights_.layers.push_back({linear(self.qkv), linear(self.out), linear(cross.query), linear(cross.out),
                                 linear(feed_forward.in), linear(feed_forward.out), norm(self.norm), norm(cross.norm),
                                 norm(feed_forward.norm)});
    }
    if (model.config().norm == NormOrder::pre) weights_.norm = norm(model.decoder_norm());
  }

  std::unique_ptr<TreeDecoder> decoder(PhaseTimes& times) const override {
    return native_decoder(model_, weights_, times);
  }
  std::unique_ptr<ProjectionHead> head(const SamplingOptions& options) const override {
    return fused_head(weights_, options);
  }

 private:
  using Real = typename Format::Real;
  using Weights = DecoderWeights<Format>;

  static typename Weights::Linear linear(const LinearWeights& weights) {
    PackedMatrix<Format> matrix(weights.weight);
    auto bias = values_of<Real>(weights.bias);
    bias.resize(static_cast<std::size_t>(matrix.blocks() * PackedMatrix<Format>::block));
    return {std::move(matrix), std::move(bias)};
  }
  static typename Weights::Norm norm(const NormWeights& weights) {
    return {values_of<Real>(weights.weight), values_of<Real>(weights.bias)};
  }

  Transformer model_;  // shares its memory
  Weights weights_;
};

}  // namespace

std::shared_ptr<const PackedModel> pack(const Transformer& model, bool int8) {
  if (int8) return std::make_shared<PackedModelOf<Int8Format>>(model);
  switch (model.dtype()) {
    case at::kDouble:
      return std::make_shared<PackedModelOf<Float64Format>>(model);
    case at::kBFloat16:
      return std::make_shared<PackedModelOf<Bfloat16Format>>(model);
    default:
      return std::make_shared<PackedModelOf<Float32Format>>(model);
  }
}

}  // namespace rest
