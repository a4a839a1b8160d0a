#include "rest/train/cross_entropy.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "../model/native/native_functions.hpp"
#include "../model/native/recorded_step.hpp"
#include "../model/wide_products.hpp"
#include "bfloat16_cross_entropy.hpp"
#include "rest/core/error.hpp"
#include "rest/core/vector_math.hpp"
#include "training_operators.hpp"

namespace rest {
namespace {

constexpr std::int64_t block_tokens = 1024;
constexpr std::int64_t lanes = 16;

/// One token: reads logits [vocabulary], leaves d loss / d logits in their place.
REST_CLONES CrossEntropySums softmax_row(float* logits, std::int64_t vocabulary, std::int64_t target, float weight,
                                         double smoothing) {
  const std::int64_t whole = vocabulary / lanes * lanes;
  float top[lanes], sum[lanes] = {}, plain[lanes] = {};
  for (std::int64_t j = 0; j < lanes; ++j) top[j] = logits[0];
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t j = 0; j < lanes; ++j) {
      top[j] = logits[i + j] > top[j] ? logits[i + j] : top[j];
      plain[j] += logits[i + j];
    }
  float max = top[0];
  for (std::int64_t j = 1; j < lanes; ++j) max = std::max(max, top[j]);
  double logit_sum = 0.0;
  for (std::int64_t j = 0; j < lanes; ++j) logit_sum += static_cast<double>(plain[j]);
  for (std::int64_t i = whole; i < vocabulary; ++i) {
    max = std::max(max, logits[i]);
    logit_sum += static_cast<double>(logits[i]);
  }
  const auto target_logit = static_cast<double>(logits[target]);
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t j = 0; j < lanes; ++j) {
      logits[i + j] = vector_exp(logits[i + j] - max);
      sum[j] += logits[i + j];
    }
  double total = 0.0;
  for (std::int64_t j = 0; j < lanes; ++j) total += static_cast<double>(sum[j]);
  for (std::int64_t i = whole; i < vocabulary; ++i) {
    logits[i] = vector_exp(logits[i] - max);
    total += static_cast<double>(logits[i]);
  }
  const auto scale = static_cast<float>(static_cast<double>(weight) / total);
  const auto spread = static_cast<float>(static_cast<double>(weight) * smoothing / static_cast<double>(vocabulary));
  for (std::int64_t i = 0; i < vocabulary; ++i) logits[i] = logits[i] * scale - spread;
  logits[target] -= static_cast<float>(static_cast<double>(weight) * (1.0 - smoothing));
  const double normaliser = static_cast<double>(max) + std::log(total);
  const double nll = normaliser - target_logit;
  const double even = normaliser - logit_sum / static_cast<double>(vocabulary);
  return {static_cast<double>(weight) * ((1.0 - smoothing) * nll + smoothing * even),
          static_cast<double>(weight) * nll};
}

CrossEntropySums softmax_block(torch::Tensor& logits, const torch::Tensor& target, const torch::Tensor& weight,
                               double smoothing) {
  logits = logits.to(torch::kFloat32).contiguous();
  const std::int64_t rows = logits.size(0), vocabulary = logits.size(1);
  float* const values = logits.data_ptr<float>();
  const auto* const targets = target.data_ptr<std::int64_t>();
  const auto* const weights = weight.data_ptr<float>();
  std::vector<CrossEntropySums> losses(static_cast<std::size_t>(rows));
  at::parallel_for(0, rows, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r)
      losses[static_cast<std::size_t>(r)] =
          softmax_row(values + r * vocabulary, vocabulary, targets[r], weights[r], smoothing);
  });
  CrossEntropySums sum;
  for (const CrossEntropySums& row : losses) {
    sum.loss += row.loss;
    sum.negative_log_likelihood += row.negative_log_likelihood;
  }
  return sum;
}

/// Loss and gradients in blocks of tokens. Where wanted, hidden_gradient is set and embedding_gradient added to.
CrossEntropySums cross_entropy_in_blocks(const torch::Tensor& hidden, const torch::Tensor& embedding,
                                         const torch::Tensor& target, const torch::Tensor& weight, double smoothing,
                                         const torch::Tensor& hidden_gradient, torch::Tensor embedding_gradient) {
  CrossEntropySums total;
  for (std::int64_t first = 0; first < hidden.size(0); first += block_tokens) {
    const std::int64_t rows = std::min(block_tokens, hidden.size(0) - first);
    const auto block = hidden.narrow(0, first, rows);
    torch::Tensor logits = torch::linear(block, embedding);
    const CrossEntropySums sum =
        softmax_block(logits, target.narrow(0, first, rows), weight.narrow(0, first, rows), smoothing);
    total.loss += sum.loss;
    total.negative_log_likelihood += sum.negative_log_likelihood;
    if (!hidden_gradient.defined()) continue;
    const auto gradient = logits.to(hidden.scalar_type());
    hidden_gradient.narrow(0, first, rows).copy_(torch::mm(gradient, embedding));
    embedding_gradient.addmm_(gradient.t(), block);
  }
  return total;
}

/// The same for GPUs and for float64 models (gradient checks): nothing is read back before all blocks are on their way.
CrossEntropySums cross_entropy_by_operators(const torch::Tensor& hidden, const torch::Tensor& embedding,
                                            const torch::Tensor& target, const torch::Tensor& weight, double smoothing,
                                            const torch::Tensor& hidden_gradient, torch::Tensor& embedding_gradient) {
  const auto wide = hidden.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const std::int64_t tokens = hidden.size(0), block = std::min(tokens, block_tokens);
  const torch::Tensor sums = torch::empty({tokens, 2}, hidden.options().dtype(torch::kFloat64));
  const torch::Tensor gradients = torch::empty({block, embedding.size(0)}, hidden.options());
  if (hidden_gradient.defined()) embedding_gradient = torch::zeros_like(embedding, wide);
  for (std::int64_t first = 0; first < tokens; first += block_tokens) {
    const std::int64_t rows = std::min(block_tokens, tokens - first);
    const torch::Tensor of_block = hidden.narrow(0, first, rows), gradient = gradients.narrow(0, 0, rows);
    cross_entropy_rows(wide_product(of_block, embedding), target.narrow(0, first, rows), weight.narrow(0, first, rows),
                       smoothing, gradient, sums.narrow(0, first, rows));
    if (!hidden_gradient.defined()) continue;
    torch::Tensor into = hidden_gradient.narrow(0, first, rows);
    torch::mm_out(into, gradient, embedding);
    add_wide_product(gradient, of_block, embedding_gradient);
  }
  const torch::Tensor total = sums.sum(0).cpu();
  if (hidden_gradient.defined()) embedding_gradient = embedding_gradient.to(embedding.scalar_type());
  return {total[0].item<double>(), total[1].item<double>()};
}

/// The loss is what gets differentiated, so the incoming gradient is a scale, 1 unless the caller scaled the loss.
struct ProjectedCrossEntropy : torch::autograd::Function<ProjectedCrossEntropy> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& hidden,
                               const torch::Tensor& embedding, const torch::Tensor& target, const torch::Tensor& weight,
                               double smoothing, double* negative_log_likelihood, bool want_gradient) {
    torch::Tensor hidden_gradient, embedding_gradient;
    if (want_gradient) hidden_gradient = torch::empty_like(hidden);
    CrossEntropySums sum;
    if (hidden.is_cpu() && hidden.scalar_type() != torch::kFloat64) {
      if (want_gradient) embedding_gradient = torch::zeros_like(embedding);
      sum = cross_entropy_in_blocks(hidden, embedding, target, weight, smoothing, hidden_gradient, embedding_gradient);
    } else {
      sum =
          cross_entropy_by_operators(hidden, embedding, target, weight, smoothing, hidden_gradient, embedding_gradient);
    }
    *negative_log_likelihood = sum.negative_log_likelihood;
    context->save_for_backward({hidden_gradient, embedding_gradient});
    return torch::full({}, sum.loss, torch::kFloat64);  // on the host, which has it
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outer) {
    const auto saved = context->get_saved_variables();
    const double scale = outer[0].item<double>();
    const auto scaled = [&](const torch::Tensor& gradient) { return scale == 1.0 ? gradient : gradient * scale; };
    return {scaled(saved[0]), scaled(saved[1]), {}, {}, {}, {}, {}};
  }
};

/// By our own loops: the embedding's gradient is added to its buffer right away.
TokenLoss native_cross_entropy(const torch::Tensor& hidden, const EmbeddingWeights& embedding,
                               const torch::Tensor& target, const torch::Tensor& weight, double smoothing) {
  const bool want_gradient = torch::GradMode::is_enabled() && hidden.requires_grad();
  TokenLoss result;
  torch::Tensor hidden_gradient;
  {
    const torch::NoGradGuard no_gradient;
    const torch::Tensor from = hidden.contiguous();
    if (want_gradient) hidden_gradient = torch::empty_like(from);
    const CrossEntropySums sums =
        hidden.scalar_type() == torch::kBFloat16
            ? bfloat16_cross_entropy(from, embedding, target, weight, smoothing, hidden_gradient)
            : cross_entropy_in_blocks(from, embedding.weight, target, weight, smoothing, hidden_gradient,
                                      embedding.gradient);
    result.negative_log_likelihood = sums.negative_log_likelihood;
    result.loss = torch::full({}, sums.loss, torch::kFloat64);
  }
  if (want_gradient) {
    record_step({hidden}, {result.loss}, [hidden_gradient](const auto& gradients) {
      if (gradients[0].template item<double>() != 1.0) throw Error("the cross-entropy of a batch cannot be scaled");
      return torch::autograd::variable_list{hidden_gradient};
    });
  }
  return result;
}

}  // namespace

TokenLoss projected_cross_entropy(const torch::Tensor& hidden, const EmbeddingWeights& embedding,
                                  const torch::Tensor& target, const torch::Tensor& weight, double smoothing) {
  if (native::serves(hidden, embedding.weight, embedding.gradient)) {
    return native_cross_entropy(hidden, embedding, target, weight, smoothing);
  }
  TokenLoss result;
  const bool want_gradient =
      torch::GradMode::is_enabled() && (hidden.requires_grad() || embedding.weight.requires_grad());
  result.loss = ProjectedCrossEntropy::apply(hidden, embedding.weight, target, weight, smoothing,
                                             &result.negative_log_likelihood, want_gradient);
  return result;
}

}  // namespace rest
