#include "rest/train/validation.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "rest/train/loss.hpp"

namespace rest {

double validation_loss(const Communicator& world, const Policy& policy, const Dataset& dataset,
                       const std::string& precision) {
  constexpr std::size_t batch_examples = 64;
  const torch::NoGradGuard no_gradient;
  const Transformer model = policy.model(precision);
  std::vector<std::size_t> order(dataset.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return dataset.get(a).target.size() < dataset.get(b).target.size();
  });
  const CrossEntropyLoss loss(0.0);
  const std::size_t batches = (order.size() + batch_examples - 1) / batch_examples;
  const LeafRange own = leaves_of_rank(static_cast<std::int64_t>(batches), world.rank(), world.size());
  std::vector<double> sums;  // per batch: negative log-likelihood, tokens
  for (std::int64_t b = own.first; b < own.last; ++b) {
    const std::size_t first = static_cast<std::size_t>(b) * batch_examples;
    const Batch batch =
        make_batch(dataset, {order.data() + first, std::min(batch_examples, order.size() - first)}).to(model.device());
    Dropout no_dropout;
    const LossSum sum = loss(model, batch, no_dropout);
    sums.insert(sums.end(), {sum.negative_log_likelihood, sum.count});
  }
  double total = 0.0, tokens = 0.0;
  const auto all = all_gather(world, Span<const double>(sums));
  for (std::size_t b = 0; b < batches; ++b) total += all[2 * b], tokens += all[2 * b + 1];
  return total / tokens;
}

}  // namespace rest
