#include "rest/train/validation.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "rest/comm/share_out.hpp"
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
  const auto sums =
      share_out_numbers<double>(world, static_cast<std::int64_t>(batches), [&](std::int64_t b, const Tick& tick) {
        tick();
        const std::size_t first = static_cast<std::size_t>(b) * batch_examples;
        const Batch batch = make_batch(dataset, {order.data() + first, std::min(batch_examples, order.size() - first)})
                                .to(model.device());
        Dropout no_dropout;
        const LossSum sum = loss(model, batch, no_dropout);
        return std::vector<double>{sum.negative_log_likelihood, sum.count};
      });
  double total = 0.0, tokens = 0.0;
  for (std::size_t i = 0; i < sums.size(); i += 2) total += sums[i], tokens += sums[i + 1];
  return total / tokens;
}

}  // namespace rest
