#include "native_decoder.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <type_traits>

#include "../products/matrix_rows.hpp"
#include "attention.hpp"
#include "row_kernels.hpp"

namespace rest {
namespace {

/// Rows that go through all layers together, as one thread's work: enough to make use of the weights while they are in
/// the cache, few enough to stay there themselves. Fixed, as what a product rounds to may depend on it.
constexpr std::int64_t chunk_rows = 256;
/// Rows that a product computes at a time: what it gives is used while it is in the first-level cache.
constexpr std::int64_t tile_rows = 64;

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
        const std::int64_t from = count * chunk / chunks, to = count * (chunk + 1) / chunks;
        Chunk(*this, rows, from, to - from, x.data_ptr<Real>() + from * hidden_).decode();
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
    typename Format::Output tile[tile_rows * PackedMatrix<Format>::block];
    std::vector<Real> query, scratch;
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
      const std::int64_t inner = decoder.weights_.config.feed_forward;
      const auto attention = static_cast<std::int64_t>(attention_scratch(decoder.shape_, decoder.paths_.longest));
      const auto queries = static_cast<std::size_t>(count * hidden_);
      const auto scratch = static_cast<std::size_t>(std::max(scaled_rows * inner, hidden_ + attention));
      if (memory_.query.size() < queries) memory_.query.resize(queries);
      if (memory_.scratch.size() < scratch) memory_.scratch.resize(scratch);
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
      load_query_and_store_key_value(layer, weights.qkv);
      charge(Phase::projection);
      self_attention(layer);
      charge(Phase::attention);
      leave(weights.self_out, memory_.context, weights.self_norm);
      enter(weights.cross_norm);
      load_query(weights.query);
      charge(Phase::projection);
      cross_attention(layer);
      charge(Phase::attention);
      leave(weights.cross_out, memory_.context, weights.cross_norm);
      charge(Phase::projection);
      enter(weights.feed_forward_norm);
      activate(weights.in);
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

    /// Adds what a block gives to x, normalised when that comes last.
    void leave(const Linear& linear, const MatrixRows<Format>& input, const Norm& norm) {
      multiply(linear, input, 0, count_, [&](std::int64_t row, const Part& part) {
        add_row(part.sums, part.finish, part.size, x_row(row) + part.first);
      });
      if (decoder_.pre_norm_) return;
      for (std::int64_t row = 0; row < count_; ++row) normalise(norm, x_row(row), x_row(row));
    }

    void load_query(const Linear& query) {
      multiply(query, memory_.input, 0, count_, [&](std::int64_t row, const Part& part) {
        load_row(part.sums, part.finish, part.size, query_row(row) + part.first);
      });
    }

    void load_query_and_store_key_value(std::size_t layer, const Linear& qkv) {
      Cache* const cache = decoder_.cache_[layer].template data_ptr<Cache>();
      multiply(qkv, memory_.input, 0, count_, [&](std::int64_t row, const Part& part) {
        Real values[PackedMatrix<Format>::block];
        load_row(part.sums, part.finish, part.size, values);
        const std::int64_t of_query = std::clamp(hidden_ - part.first, std::int64_t{0}, part.size);
        std::copy_n(values, of_query, query_row(row) + part.first);
        Cache* const key_value = cache + std::int64_t{rows_[row].node} * 2 * hidden_;
        store_row(values + of_query, part.size - of_query, key_value + (part.first + of_query - hidden_));
      });
    }

    void self_attention(std::size_t layer) {
      const Cache* const cache = decoder_.cache_[layer].template data_ptr<Cache>();
      memory_.context.resize(count_, hidden_);
      for (std::int64_t row = 0; row < count_; ++row) {
        if (row + 1 < count_) prefetch(path(cache, row + 1));
        attend(query_row(row), path(cache, row), decoder_.shape_, scratch() + hidden_, scratch());
        memory_.context.store(row, scratch());
      }
    }

    /// Entries lie anywhere: the processor cannot guess where the next row's are.
    void prefetch(const Attended<Cache>& over) const {
      constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(Cache));
      for (std::int64_t t = 0; t < over.length; ++t) {
        const Cache* const entry = over.table + over.entries[t] * 2 * hidden_;
        for (std::int64_t i = 0; i < 2 * hidden_; i += line) __builtin_prefetch(entry + i, 0, 2);
      }
    }

    Attended<Cache> path(const Cache* cache, std::int64_t row) const {
      return {cache, decoder_.paths_.nodes.data() + path_offsets_[row], rows_[row].position + 1};
    }

    void cross_attention(std::size_t layer) {
      memory_.context.resize(count_, hidden_);
      for (std::int64_t first = 0, last = 0; first < count_; first = last) {
        const SourceMemory* const source = rows_[first].source;
        while (last < count_ && rows_[last].source == source) ++last;
        attend(query_row(first), last - first, source->attended<Real>(layer), decoder_.shape_, scratch(),
               query_row(first));
      }
      for (std::int64_t row = 0; row < count_; ++row) memory_.context.store(row, query_row(row));
    }

    /// Rows of the feed-forward's inner layer that stand in the cache until their scales are known.
    static constexpr std::int64_t scaled_rows = 64;

    void activate(const Linear& linear) {
      const std::int64_t inner = linear.matrix.outputs();
      memory_.inner.resize(count_, inner);
      if constexpr (!std::is_same_v<Format, Int8Format>) {
        multiply(linear, memory_.input, 0, count_, [&](std::int64_t row, const Part& part) {
          Real values[PackedMatrix<Format>::block];
          load_row(part.sums, part.finish, part.size, values);
          relu_row(values, part.size);
          memory_.inner.store_part(row, part.first, part.size, values);
        });
      } else {
        for (std::int64_t first = 0; first < count_; first += scaled_rows) {
          const std::int64_t last = std::min(first + scaled_rows, count_);
          multiply(linear, memory_.input, first, last, [&](std::int64_t row, const Part& part) {
            load_row(part.sums, part.finish, part.size, scratch() + (row - first) * inner + part.first);
          });
          for (std::int64_t row = first; row < last; ++row) {
            relu_row(scratch() + (row - first) * inner, inner);
            memory_.inner.store(row, scratch() + (row - first) * inner);
          }
        }
      }
    }

    /// Some output features of one row, as a product gives them.
    struct Part {
      const typename Format::Output* sums;
      Finish<Real> finish;
      std::int64_t first, size;
    };

    /// Rows [first, last) times a matrix: consume(row, part) for each row and block of output features.
    template <class Consume>
    void multiply(const Linear& linear, const MatrixRows<Format>& input, std::int64_t first, std::int64_t last,
                  Consume consume) {
      constexpr std::int64_t block = PackedMatrix<Format>::block;
      const PackedMatrix<Format>& matrix = linear.matrix;
      for (std::int64_t b = 0; b < matrix.blocks(); ++b) {
        const std::int64_t from = b * block, size = std::min(block, matrix.outputs() - from);
        for (std::int64_t tile = first; tile < last; tile += tile_rows) {
          const std::int64_t count = std::min(tile_rows, last - tile);
          matrix.multiply(input.row(tile), input.stride(), count, b, 1, memory_.tile, block);
          for (std::int64_t row = 0; row < count; ++row) {
            const Finish<Real> finish{linear.bias.data() + from, matrix.scales() + from, matrix.offsets() + from,
                                      input.scale(tile + row)};
            consume(tile + row, Part{memory_.tile + row * block, finish, from, size});
          }
        }
      }
    }

    void normalise(const Norm& norm, const Real* row, Real* out) const {
      normalise_row(row, norm.weight.data(), norm.bias.data(), hidden_, out);
    }
    Real* x_row(std::int64_t row) const { return x_ + row * hidden_; }
    Real* query_row(std::int64_t row) const { return memory_.query.data() + row * hidden_; }
    Real* scratch() const { return memory_.scratch.data(); }
    /// The first thread's time stands for all.
    void charge(Phase phase) const {
      if (charge_) decoder_.times_.charge(phase);
    }

    NativeDecoder& decoder_;
    const PrefixRow* rows_;
    const std::int64_t* path_offsets_;
    std::int64_t count_, hidden_;
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

template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Float64Format>&,
                                                     PhaseTimes&);
template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Float32Format>&,
                                                     PhaseTimes&);
template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Bfloat16Format>&,
                                                     PhaseTimes&);
template std::unique_ptr<TreeDecoder> native_decoder(const Transformer&, const DecoderWeights<Int8Format>&,
                                                     PhaseTimes&);

}  // namespace rest
