#include "native_decoder.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "attention.hpp"
#include "matrix_rows.hpp"
#include "row_kernels.hpp"

namespace rest {
namespace {

/// Rows that go through all layers together, as one thread's work: enough to make use of the weights while they are in
/// the cache, few enough to stay there themselves. Fixed, as what a product rounds to may depend on it.
constexpr std::int64_t chunk_rows = 256;

template <class Format>
class NativeDecoder : public TreeDecoder {
 public:
  using Real = typename Format::Real;
  using Cache = typename Format::Cache;
  using Weights = DecoderWeights<Format>;

  NativeDecoder(const Transformer& model, const Weights& weights, PhaseTimes& times)
      : model_(model),
        weights_(weights),
        times_(times),
        shape_{weights.config.heads, weights.config.head_dim()},
        hidden_(weights.config.hidden),
        pre_norm_(weights.config.norm == NormOrder::pre),
        cache_(weights.layers.size()) {}

  at::Tensor step(const PrefixTree& tree, const std::vector<PrefixRow>& rows) override {
    paths_.find(tree, rows);
    for (at::Tensor& layer : cache_) {
      reserve_nodes(layer, tree.capacity(), 2 * hidden_, c10::CppTypeToScalarType<Cache>::value);
    }
    at::Tensor x = embed_rows(model_, rows).to(c10::CppTypeToScalarType<Real>::value).contiguous();
    times_.charge(Phase::bookkeeping);
    const auto count = static_cast<std::int64_t>(rows.size()), chunks = (count + chunk_rows - 1) / chunk_rows;
    at::parallel_for(0, chunks, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t chunk = first; chunk < last; ++chunk) {
        const std::int64_t from = chunk * chunk_rows;
        Chunk(*this, rows, from, std::min(chunk_rows, count - from), x.data_ptr<Real>() + from * hidden_).decode();
      }
      end_products();
    });
    return x;
  }

 private:
  using Linear = typename Weights::Linear;
  using Norm = typename Weights::Norm;

  /// What a thread computes with; kept from step to step.
  struct Memory {
    MatrixRows<Format> input, context, inner;  // of a block's first product, its last, the feed-forward's last
    std::vector<typename Format::Output> sums;
    std::vector<Real> scratch;
  };

  /// Consecutive rows on their way through the layers.
  class Chunk {
   public:
    Chunk(NativeDecoder& decoder, const std::vector<PrefixRow>& rows, std::int64_t first, std::int64_t count, Real* x)
        : decoder_(decoder),
          rows_(rows.data() + first),
          path_offsets_(decoder.paths_.offsets.data() + first),
          count_(count),
          hidden_(decoder.hidden_),
          x_(x),
          charge_(at::get_thread_num() == 0) {
      const std::int64_t longest = decoder.paths_.longest;
      const auto attention = static_cast<std::int64_t>(attention_scratch(decoder.shape_, longest));
      const std::int64_t needed =
          std::max(decoder.weights_.config.feed_forward, (4 + count) * hidden_ + attention);
      if (static_cast<std::int64_t>(memory_.scratch.size()) < needed) {
        memory_.scratch.resize(static_cast<std::size_t>(needed));
      }
    }

    void decode() {
      for (std::size_t i = 0; i < decoder_.weights_.layers.size(); ++i) decode_layer(i, decoder_.weights_.layers[i]);
      if (!decoder_.pre_norm_) return;
      for (std::int64_t row = 0; row < count_; ++row) normalise(decoder_.weights_.norm, x_row(row), x_row(row));
      charge(Phase::bookkeeping);
    }

   private:
    void decode_layer(std::size_t layer, const typename Weights::Layer& weights) {
      enter(weights.self_norm);
      multiply(weights.qkv, memory_.input);
      charge(Phase::projection);
      self_attention(layer, weights.qkv);
      charge(Phase::attention);
      multiply(weights.self_out, memory_.context);
      leave(weights.self_out, memory_.context, weights.self_norm);
      enter(weights.cross_norm);
      multiply(weights.query, memory_.input);
      charge(Phase::projection);
      cross_attention(layer, weights.query);
      charge(Phase::attention);
      multiply(weights.cross_out, memory_.context);
      leave(weights.cross_out, memory_.context, weights.cross_norm);
      charge(Phase::projection);
      enter(weights.feed_forward_norm);
      multiply(weights.in, memory_.input);
      relu(weights.in);
      multiply(weights.out, memory_.inner);
      leave(weights.out, memory_.inner, weights.feed_forward_norm);
      charge(Phase::feed_forward);
    }

    /// What a block's first product reads: x, normalised when that comes first.
    void enter(const Norm& norm) {
      memory_.input.resize(count_, hidden_);
      for (std::int64_t row = 0; row < count_; ++row) {
        if (decoder_.pre_norm_) normalise(norm, x_row(row), scratch());
        memory_.input.store(row, decoder_.pre_norm_ ? scratch() : x_row(row));
      }
    }

    /// Adds what a block gave to x, normalised when that comes last.
    void leave(const Linear& linear, const MatrixRows<Format>& input, const Norm& norm) {
      for (std::int64_t row = 0; row < count_; ++row) {
        add_row(sums_row(row), finish(linear, input, row), hidden_, x_row(row));
        if (!decoder_.pre_norm_) normalise(norm, x_row(row), x_row(row));
      }
    }

    void relu(const Linear& linear) {
      const std::int64_t inner = linear.matrix.outputs();
      memory_.inner.resize(count_, inner);
      for (std::int64_t row = 0; row < count_; ++row) {
        load_row(sums_row(row), finish(linear, memory_.input, row), inner, scratch());
        relu_row(scratch(), inner);
        memory_.inner.store(row, scratch());
      }
    }

    void self_attention(std::size_t layer, const Linear& qkv) {
      Cache* const cache = decoder_.cache_[layer].template data_ptr<Cache>();
      Real *const query = scratch(), *const context = scratch() + 3 * hidden_;
      memory_.context.resize(count_, hidden_);
      for (std::int64_t row = 0; row < count_; ++row) {
        load_row(sums_row(row), finish(qkv, memory_.input, row), 3 * hidden_, query);
        store_row(query + hidden_, 2 * hidden_, cache + std::int64_t{rows_[row].node} * 2 * hidden_);
        const Attended<Cache> path{cache, decoder_.paths_.nodes.data() + path_offsets_[row], rows_[row].position + 1};
        attend(query, path, decoder_.shape_, scratch() + 4 * hidden_, context);
        memory_.context.store(row, context);
      }
    }

    void cross_attention(std::size_t layer, const Linear& query) {
      memory_.context.resize(count_, hidden_);
      for (std::int64_t first = 0, last = 0; first < count_; first = last) {
        const SourceMemory* const source = rows_[first].source;
        for (; last < count_ && rows_[last].source == source; ++last) {
          load_row(sums_row(last), finish(query, memory_.input, last), hidden_, scratch() + (last - first) * hidden_);
        }
        attend(scratch(), last - first, source->attended<Real>(layer), decoder_.shape_, scratch() + count_ * hidden_,
               scratch());
        for (std::int64_t row = first; row < last; ++row) {
          memory_.context.store(row, scratch() + (row - first) * hidden_);
        }
      }
    }

    void multiply(const Linear& linear, const MatrixRows<Format>& input) {
      sums_stride_ = linear.matrix.blocks() * PackedMatrix<Format>::block;
      const auto elements = static_cast<std::size_t>(count_ * sums_stride_);
      if (memory_.sums.size() < elements) memory_.sums.resize(elements);
      linear.matrix.multiply(input.row(0), input.stride(), count_, 0, linear.matrix.blocks(), memory_.sums.data(),
                             sums_stride_);
    }
    const typename Format::Output* sums_row(std::int64_t row) const { return memory_.sums.data() + row * sums_stride_; }
    static Finish<Real> finish(const Linear& linear, const MatrixRows<Format>& input, std::int64_t row) {
      return {linear.bias.data(), linear.matrix.scales(), linear.matrix.offsets(), input.scale(row)};
    }
    void normalise(const Norm& norm, const Real* row, Real* out) const {
      normalise_row(row, norm.weight.data(), norm.bias.data(), hidden_, out);
    }
    Real* x_row(std::int64_t row) const { return x_ + row * hidden_; }
    Real* scratch() const { return memory_.scratch.data(); }
    /// The first thread's time stands for all.
    void charge(Phase phase) const {
      if (charge_) decoder_.times_.charge(phase);
    }

    NativeDecoder& decoder_;
    const PrefixRow* rows_;
    const std::int64_t* path_offsets_;
    std::int64_t count_, hidden_, sums_stride_ = 0;
    Real* x_;  // [count, hidden]
    bool charge_;
    Memory& memory_ = memory_of_thread();
  };

  static Memory& memory_of_thread() {
    thread_local Memory memory;
    return memory;
  }

  const Transformer& model_;
  const Weights& weights_;
  PhaseTimes& times_;
  AttentionShape shape_;
  std::int64_t hidden_;
  bool pre_norm_;
  std::vector<at::Tensor> cache_;  // per layer [nodes, 2 hidden]
  RowPaths paths_;                 // of the step being decoded
};

}  // namespace

template <class Format>
std::unique_ptr<TreeDecoder> native_decoder(const Transformer& model, const DecoderWeights<Format>& weights,
                                            PhaseTimes& times) {
  return std::make_unique<NativeDecoder<Format>>(model, weights, times);
}

template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Float64Format>&, PhaseTimes&);
template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Float32Format>&, PhaseTimes&);
template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Bfloat16Format>&, PhaseTimes&);
template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Int8Format>&, PhaseTimes&);

}  // namespace rest
