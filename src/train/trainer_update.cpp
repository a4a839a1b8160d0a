#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <chrono>
#include <cmath>

#include "gradient_hook.hpp"
#include "rest/comm/cuda.hpp"
#include "rest/core/error.hpp"
#include "rest/train/trainer.hpp"

namespace rest {
namespace {

std::unique_ptr<GradientReducer> make_reducer(const Communicator& world, const TrainerOptions& options,
                                              const Transformer& model) {
  ReducerOptions reducer;
  reducer.leaves = options.leaves;
  reducer.elements = static_cast<std::size_t>(model.layout().elements);
  for (const ParameterSpec& spec : model.layout().specs)
    reducer.parts.push_back({static_cast<std::size_t>(spec.offset), static_cast<std::size_t>(spec.elements)});
  if (options.optimizer == TrainerOptions::Optimizer::sharded) reducer.result = ReducerOptions::Result::own_buckets;
  reducer.parallel_for = [](std::size_t count, const std::function<void(std::size_t, std::size_t)>& work) {
    at::parallel_for(0, static_cast<std::int64_t>(count), 4, [&](std::int64_t first, std::int64_t last) {
      work(static_cast<std::size_t>(first), static_cast<std::size_t>(last));
    });
  };
  return model.device().is_cuda() ? make_nccl_reducer(world, reducer) : make_tree_reducer(world, reducer);
}

Shard make_shard(const Communicator& world, const TrainerOptions& options, std::int64_t elements) {
  if (options.optimizer == TrainerOptions::Optimizer::whole) return Shard(elements);
  return {elements, world.rank(), world.size()};
}

/// What a model adds its gradients to, where it can; else undefined.
torch::Tensor buffer_to_bind(const TransformerConfig& config, const torch::Tensor& parameters) {
  if (!Transformer::binds_gradients(config, parameters.scalar_type(), parameters.device())) return {};
  return torch::zeros_like(parameters, torch::kFloat32);
}

void add_gradient(GradientReducer& reducer, std::int64_t leaf, std::size_t part, const torch::Tensor& gradient) {
  const torch::Tensor values = gradient.contiguous();
  const auto size = static_cast<std::size_t>(values.numel());
  if (values.scalar_type() == torch::kFloat32) {
    reducer.add(leaf, part, Span<const float>(values.data_ptr<float>(), size));
  } else {
    reducer.add(leaf, part, Span<const Bfloat16>(static_cast<const Bfloat16*>(values.data_ptr()), size));
  }
}

}  // namespace

Trainer::Trainer(const Communicator& world, const TrainerOptions& options, Setup setup)
    : world_(world),
      options_(options),
      setup_(std::move(setup)),
      adam_(setup_.start.parameters.clone(), options.adam, make_shard(world, options, setup_.start.parameters.numel())),
      compute_parameters_(adam_.shard().is_whole() && options.precision == "float32"
                              ? adam_.parameters()
                              : setup_.start.parameters.to(scalar_type(options.precision), false, true)),
      gradients_(buffer_to_bind(setup_.start.config, compute_parameters_)),
      model_(setup_.start.config, compute_parameters_, gradients_),
      plan_(setup_.data, options.seed, {options.tokens_per_update, options.leaves, options.candidates_together}),
      reducer_(make_reducer(world, options, model_)) {
  setup_.start.parameters.reset();
  if (world.is_root() && !setup_.speed_log.empty()) speed_ = std::make_unique<SpeedLog>(setup_.speed_log);
  model_.recompute_layers(options.gradient_checkpointing);
  hand_over_gradients();
}

/// From now on each part of the gradient goes to the reducer when the backward pass has it.
void Trainer::hand_over_gradients() {
  if (!gradients_.defined()) {
    rest::hand_over_gradients(model_.parameters(), [this](std::size_t part, const torch::Tensor& gradient) {
      add_gradient(*reducer_, leaf_, part, gradient);
    });
    return;
  }
  for (torch::Tensor& parameter : model_.parameters()) parameter.requires_grad_(true);
  model_.hear_gradients([this](std::size_t part) { hand_over_bound(part); });
}

void Trainer::hand_over_bound(std::size_t part) {
  const ParameterSpec& spec = model_.layout().specs[part];
  const torch::Tensor gradient = gradients_.narrow(0, spec.offset, spec.elements);
  add_gradient(*reducer_, leaf_, part, gradient);
  gradient.zero_();
}

double Trainer::learning_rate(std::int64_t update) const {
  const auto n = static_cast<double>(update), warmup = static_cast<double>(options_.warmup_updates);
  if (n < warmup) return options_.learning_rate * n / warmup;
  if (options_.schedule == TrainerOptions::Schedule::constant || warmup < 1.0) return options_.learning_rate;
  return options_.learning_rate * std::sqrt(warmup / n);
}

bool Trainer::computes_with_master_weights() const {
  return compute_parameters_.data_ptr() == adam_.parameters().data_ptr();
}

torch::Tensor Trainer::whole(const torch::Tensor& own) const {
  if (adam_.shard().is_whole()) return own;
  const torch::Tensor all = torch::empty({compute_parameters_.numel()}, own.options());
  adam_.shard().put(own, all);
  reducer_->gather_buckets(all.data_ptr(), all.element_size());
  return all;
}

void Trainer::refresh_model() {
  if (!computes_with_master_weights()) compute_parameters_.copy_(whole(adam_.parameters()));
  model_.parameters_changed();
}

/// Its gradient goes to the reducer; its loss, negative log-likelihood and count to `sums`.
void Trainer::compute_leaf(const std::vector<std::size_t>& examples, std::vector<double>& sums) {
  LossSum sum;
  double loss = 0.0;
  if (!examples.empty()) {
    const Batch batch = make_batch(plan_.examples(), examples).to(model_.device());
    Dropout dropout(options_.dropout, options_.seed, static_cast<std::uint64_t>(state_.update));
    sum = setup_.loss(model_, batch, dropout);
    sum.loss.backward();
    loss = sum.loss.item<double>();
    if (gradients_.defined()) {
      for (const std::size_t part : model_.embeddings()) hand_over_bound(part);
    }
  }
  reducer_->end_leaf(leaf_);
  sums.insert(sums.end(), {loss, sum.negative_log_likelihood, sum.count});
}

GradientSum Trainer::reduce(UpdateFigures& figures) {
  const auto begin = std::chrono::steady_clock::now();
  const GradientSum gradient = reducer_->finish();
  figures.reduction.hidden = gradient.hidden;
  figures.reduction.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return gradient;
}

Trainer::UpdateFigures Trainer::update() {
  const auto leaves = plan_.next(state_.cursor);
  const std::int64_t number = ++state_.update;
  const LeafRange own = leaves_of_rank(options_.leaves, world_.rank(), world_.size());
  std::vector<double> sums;
  for (leaf_ = own.first; leaf_ < own.last; ++leaf_) compute_leaf(leaves[static_cast<std::size_t>(leaf_)], sums);
  UpdateFigures figures;
  const GradientSum gradient = reduce(figures);
  const auto total = reduce_leaf_scalars(world_, options_.leaves, 3, sums);
  figures.learning_rate = learning_rate(number);
  figures.gradient_norm = adam_.update(gradient, total[2], figures.learning_rate, number,
                                       computes_with_master_weights() ? torch::Tensor() : compute_parameters_);
  if (!adam_.shard().is_whole())
    reducer_->gather_buckets(compute_parameters_.data_ptr(), compute_parameters_.element_size());
  model_.parameters_changed();
  figures.loss = total[0] / total[2];
  figures.perplexity = std::exp(total[1] / total[2]);
  figures.count = total[2];
  if (!std::isfinite(figures.loss) || !std::isfinite(figures.gradient_norm)) {
    throw Error(concat("the loss is not finite at update ", number, " of ", setup_.directory.string()), "",
                "lower the learning rate or lengthen the warm-up; the last checkpoint is kept");
  }
  return figures;
}

}  // namespace rest
