#include "head_operators.hpp"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>

#include "head_draw.hpp"
#include "kept_tokens.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

template <class Real>
void sum_rows(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  const std::int64_t pieces = logits.size(1);
  for (std::int64_t row = 0; row < logits.size(0); ++row) {
    sum_blocks(logits.data_ptr<Real>() + row * pieces, pieces, static_cast<Real>(inverse_temperature),
               reinterpret_cast<BlockSums<Real>*>(sums.data_ptr<Real>() + row * sums.stride(0)));
  }
}

void sum_head_blocks_on_cpu(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  if (logits.scalar_type() == at::kDouble) {
    sum_rows<double>(logits, inverse_temperature, sums);
  } else {
    sum_rows<float>(logits, inverse_temperature, sums);
  }
}

/// enter(sums of a row's blocks, row) for each row that is drawn for, draw(uniform, piece, row) for each draw; -> the
/// draws' results.
template <class Real, class Enter, class DrawPiece>
at::Tensor draw_all(const at::Tensor& sums, const at::Tensor& draws, Enter enter, DrawPiece draw) {
  const auto* const blocks = reinterpret_cast<const BlockSums<Real>*>(sums.data_ptr<Real>());
  at::Tensor results = at::empty_like(draws);
  std::int64_t entered = -1;
  for (std::int64_t i = 0; i < draws.size(0); ++i) {
    const double* const request = draws.data_ptr<double>() + 3 * i;
    const auto row = static_cast<std::int64_t>(request[0]), piece = static_cast<std::int64_t>(request[2]);
    if (row != entered) enter(blocks + (entered = row) * sums.size(1), row);
    const DrawnToken drawn = draw(request[1], piece, row);
    double* const result = results.data_ptr<double>() + 3 * i;
    result[0] = static_cast<double>(drawn.token);
    result[1] = drawn.log_prob;
    result[2] = drawn.sampling_log_prob;
  }
  return results;
}

/// Logits [at most 128] of a block of a row's pieces.
at::Tensor logits_of_block(const at::Tensor& hidden, const at::Tensor& embedding, std::int64_t row, std::int64_t block,
                           at::ScalarType type) {
  const std::int64_t first = block * head_block, valid = std::min(head_block, embedding.size(0) - first);
  return at::mv(embedding.narrow(0, first, valid).to(type), hidden[row].to(type));
}

template <class Real>
at::Tensor draw_uncut(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                      const at::Tensor& draws, const SamplingOptions& options) {
  RowDrawer<Real> drawer(options, sums.size(1));
  return draw_all<Real>(
      sums, draws, [&](const BlockSums<Real>* of_row, std::int64_t) { drawer.enter(of_row); },
      [&](double uniform, std::int64_t piece, std::int64_t row) {
        const BlockDraw place = drawer.place(uniform, piece);
        const at::Tensor logits = logits_of_block(hidden, embedding, row, place.block, sums.scalar_type());
        std::copy_n(logits.data_ptr<Real>(), logits.numel(), drawer.logits());
        drawer.weigh(logits.numel());
        return drawer.draw(place, piece);
      });
}

at::Tensor draw_pieces_on_cpu(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                              const at::Tensor& draws, double temperature) {
  SamplingOptions options;
  options.temperature = temperature;
  if (sums.scalar_type() == at::kDouble) return draw_uncut<double>(hidden, embedding, sums, draws, options);
  return draw_uncut<float>(hidden, embedding, sums, draws, options);
}

/// The pieces of a row that can be looked at: those likelier than the last, unless all are there.
template <class Real>
std::vector<RankedToken<Real>> leading_of_row(const Real* logits, const std::int64_t* pieces, std::int64_t count,
                                              std::int64_t vocabulary) {
  std::vector<RankedToken<Real>> tokens;
  for (std::int64_t i = 0; i < count; ++i) tokens.push_back({logits[i], static_cast<std::int32_t>(pieces[i]), 0});
  if (count == vocabulary) return tokens;
  const Real bound = *std::min_element(logits, logits + count);
  tokens.erase(std::remove_if(tokens.begin(), tokens.end(), [&](const auto& token) { return token.logit == bound; }),
               tokens.end());
  return tokens;
}

template <class Real>
at::Tensor draw_kept(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                     const at::Tensor& logits, const at::Tensor& pieces, const at::Tensor& draws,
                     const SamplingOptions& options) {
  const std::int64_t vocabulary = embedding.size(0), count = logits.size(1);
  KeptTokens<Real> kept(options, vocabulary);
  bool enough = false;
  return draw_all<Real>(
      sums, draws,
      [&](const BlockSums<Real>* of_row, std::int64_t row) {
        kept.enter(of_row);
        auto tokens = leading_of_row(logits.data_ptr<Real>() + row * count,
                                     pieces.data_ptr<std::int64_t>() + row * count, count, vocabulary);
        enough = !tokens.empty() && kept.cut_leading(tokens);
      },
      [&](double uniform, std::int64_t piece, std::int64_t row) -> DrawnToken {
        if (!enough) return {-1, 0.0, 0.0};
        if (piece < 0) return kept.draw(uniform);
        if (const auto* const found = kept.find(piece)) return kept.describe(*found);
        const at::Tensor block = logits_of_block(hidden, embedding, row, piece / head_block, sums.scalar_type());
        return kept.describe_cut(piece, block.data_ptr<Real>()[piece % head_block]);
      });
}

at::Tensor draw_kept_pieces_on_cpu(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                                   const at::Tensor& logits, const at::Tensor& pieces, const at::Tensor& draws,
                                   double temperature, std::int64_t top_k, double top_p, double epsilon) {
  const SamplingOptions options{temperature, top_k, top_p, epsilon};
  if (sums.scalar_type() == at::kDouble) {
    return draw_kept<double>(hidden, embedding, sums, logits, pieces, draws, options);
  }
  return draw_kept<float>(hidden, embedding, sums, logits, pieces, draws, options);
}

TORCH_LIBRARY_FRAGMENT(rest, library) {
  library.def("sum_head_blocks(Tensor logits, float inverse_temperature, Tensor(a!) sums) -> ()");
  library.def("draw_pieces(Tensor hidden, Tensor embedding, Tensor sums, Tensor draws, float temperature) -> Tensor");
  library.def(
      "draw_kept_pieces(Tensor hidden, Tensor embedding, Tensor sums, Tensor logits, Tensor pieces, Tensor draws, "
      "float temperature, int top_k, float top_p, float epsilon) -> Tensor");
}
TORCH_LIBRARY_IMPL(rest, CPU, library) {
  library.impl("sum_head_blocks", &sum_head_blocks_on_cpu);
  library.impl("draw_pieces", &draw_pieces_on_cpu);
  library.impl("draw_kept_pieces", &draw_kept_pieces_on_cpu);
}

}  // namespace

void sum_head_blocks(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  static const auto sum = c10::Dispatcher::singleton()
                              .findSchemaOrThrow("rest::sum_head_blocks", "")
                              .typed<decltype(sum_head_blocks_on_cpu)>();
  sum.call(logits, inverse_temperature, sums);
}

at::Tensor draw_pieces(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                       const at::Tensor& draws, double temperature) {
  static const auto draw =
      c10::Dispatcher::singleton().findSchemaOrThrow("rest::draw_pieces", "").typed<decltype(draw_pieces_on_cpu)>();
  return draw.call(hidden, embedding, sums, draws, temperature);
}

at::Tensor draw_kept_pieces(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                            const at::Tensor& logits, const at::Tensor& pieces, const at::Tensor& draws,
                            const SamplingOptions& options) {
  const std::int64_t count = logits.size(1);
  if (count > most_leading_pieces + 1 || (count < 2 && count < embedding.size(0))) {
    throw Error(concat("rest::draw_kept_pieces cannot look at ", count, " pieces"));
  }
  static const auto draw = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("rest::draw_kept_pieces", "")
                               .typed<decltype(draw_kept_pieces_on_cpu)>();
  return draw.call(hidden, embedding, sums, logits, pieces, draws, options.temperature, options.top_k, options.top_p,
                   options.epsilon);
}

}  // namespace rest
