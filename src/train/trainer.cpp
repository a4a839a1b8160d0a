#include "rest/train/trainer.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

#include "rest/comm/cuda.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/progress.hpp"
#include "rest/core/signals.hpp"

namespace rest {
namespace {

std::unique_ptr<GradientReducer> make_reducer(const Communicator& world, std::int64_t leaves,
                                              const torch::Tensor& gradient) {
  const auto elements = static_cast<std::size_t>(gradient.numel());
  return gradient.is_cuda() ? make_nccl_reducer(world, leaves, elements) : make_tree_reducer(world, leaves, elements);
}

}  // namespace

Trainer::Trainer(const Communicator& world, const TrainerOptions& options, Setup setup)
    : world_(world),
      options_(options),
      setup_(std::move(setup)),
      adam_(setup_.start.parameters.clone(), options.adam),
      compute_parameters_(options.precision == "float32" ? adam_.parameters()
                                                         : adam_.parameters().to(scalar_type(options.precision))),
      gradient_(torch::zeros_like(compute_parameters_)),
      model_(setup_.start.config, compute_parameters_),
      plan_(setup_.data, options.seed, options.tokens_per_update, options.leaves),
      reducer_(make_reducer(world, options.leaves, gradient_)) {
  if (world.is_root() && !setup_.speed_log.empty()) speed_ = std::make_unique<SpeedLog>(setup_.speed_log);
  const auto gradients = parameter_views(model_.layout(), gradient_);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    model_.parameters()[i].requires_grad_(true);
    model_.parameters()[i].mutable_grad() = gradients[i];
  }
}

double Trainer::learning_rate(std::int64_t update) const {
  const auto n = static_cast<double>(update), warmup = static_cast<double>(options_.warmup_updates);
  if (n < warmup) return options_.learning_rate * n / warmup;
  if (options_.schedule == TrainerOptions::Schedule::constant || warmup < 1.0) return options_.learning_rate;
  return options_.learning_rate * std::sqrt(warmup / n);
}

void Trainer::refresh_model() {
  if (compute_parameters_.data_ptr() != adam_.parameters().data_ptr()) compute_parameters_.copy_(adam_.parameters());
}

void Trainer::note_device() {
  const std::string device = device_name(model_.device());
  if (std::find(state_.devices.begin(), state_.devices.end(), device) == state_.devices.end()) {
    state_.devices.push_back(device);
  }
}

std::string Trainer::devices() const {
  std::string all;
  for (const std::string& device : state_.devices) all += (all.empty() ? "" : ", then ") + device;
  return all;
}

Trainer::UpdateFigures Trainer::update() {
  const auto leaves = plan_.next(state_.cursor);
  const std::int64_t number = ++state_.update;
  const LeafRange own = leaves_of_rank(options_.leaves, world_.rank(), world_.size());
  std::vector<double> sums;  // per own leaf: loss, negative log-likelihood, count, smoothed loss
  for (std::int64_t leaf = own.first; leaf < own.last; ++leaf) {
    gradient_.zero_();
    const auto& examples = leaves[static_cast<std::size_t>(leaf)];
    LossSum sum;
    double loss = 0.0;
    if (!examples.empty()) {
      const Batch batch = make_batch(plan_.examples(), examples).to(model_.device());
      Dropout dropout(options_.dropout, options_.seed, static_cast<std::uint64_t>(number), batch.ids);
      sum = setup_.loss(model_, batch, dropout);
      sum.loss.backward();
      loss = sum.loss.item<double>();
    }
    const auto gradient = gradient_.scalar_type() == torch::kFloat32 ? gradient_ : gradient_.to(torch::kFloat32);
    reducer_->add(leaf, {gradient.data_ptr<float>(), static_cast<std::size_t>(gradient.numel())});
    sums.insert(sums.end(), {loss, sum.negative_log_likelihood, sum.count});
  }
  const auto total = reduce_leaf_scalars(world_, options_.leaves, 3, sums);
  const Span<float> gradient = reducer_->finish();
  UpdateFigures figures;
  figures.learning_rate = learning_rate(number);
  figures.gradient_norm = adam_.update({gradient.data(), gradient.size()}, total[2], figures.learning_rate, number);
  figures.loss = total[0] / total[2];
  figures.perplexity = std::exp(total[1] / total[2]);
  figures.tokens = total[2];
  if (!std::isfinite(figures.loss) || !std::isfinite(figures.gradient_norm)) {
    throw Error(concat("the loss is not finite at update ", number, " of ", setup_.directory.string()), "",
                "lower the learning rate or lengthen the warm-up; the last checkpoint is kept");
  }
  refresh_model();
  return figures;
}

void Trainer::evaluate() {
  Policy policy = setup_.start;
  policy.parameters = adam_.policy_parameters();
  policy.digest.clear();
  const Evaluation evaluation = setup_.evaluate(policy);
  const bool better = state_.best_update < 0 || evaluation.score > state_.best_score;
  if (better) {
    state_.best_score = evaluation.score;
    state_.best_update = state_.update;
    state_.since_best = 0;
    save_best();
  } else {
    ++state_.since_best;
  }
  nlohmann::json line = evaluation.figures;
  line["update"] = state_.update;
  line["epoch"] = state_.cursor.epoch;
  line["score"] = evaluation.score;
  log_metrics(line);
  if (world_.is_root()) {
    log_info(concat(setup_.label, ": update ", state_.update, ", ", evaluation.figures.dump(),
                    better ? ", the best so far" : concat(", best was update ", state_.best_update)));
  }
  if (state_.since_best >= options_.patience) state_.done = true;
}

void Trainer::log_metrics(nlohmann::json line) {
  if (!world_.is_root()) return;
  std::ofstream out(setup_.directory / "metrics.jsonl", std::ios::app);
  out << line.dump() << '\n';
  if (!out.flush()) throw Error((setup_.directory / "metrics.jsonl").string() + " cannot be written");
}

double Trainer::time_update() {
  barrier(world_);
  const auto begin = std::chrono::steady_clock::now();
  update();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void Trainer::log_figures(const UpdateFigures& figures) {
  log_metrics({{"update", state_.update},
               {"loss", figures.loss},
               {"perplexity", figures.perplexity},
               {"gradient_norm", figures.gradient_norm},
               {"learning_rate", figures.learning_rate},
               {"tokens", figures.tokens}});
  if (speed_) speed_->write(state_.update);
}

/// False when a stop ended the evaluation, on all ranks alike: it is then still due.
bool Trainer::evaluate_unless_stopped() {
  try {
    evaluate();
    state_.evaluation_due = false;
  } catch (const Stopped&) {
    state_.evaluation_due = true;
  }
  return !state_.evaluation_due;
}

/// One update and what is due after it. False when training has been stopped and saved.
bool Trainer::train(Progress& progress) {
  constexpr std::int64_t metrics_every = 50;
  const UpdateFigures figures = update();
  if (speed_) speed_->count(figures.tokens);
  if (state_.update % metrics_every == 0) log_figures(figures);
  progress.update(static_cast<std::uint64_t>(state_.update),
                  concat("loss ", figures.loss, ", perplexity ", figures.perplexity));
  const bool last = state_.update == options_.max_updates;
  const bool evaluated = (state_.update % options_.evaluate_every != 0 && !last) || evaluate_unless_stopped();
  const bool stop = any(world_, stop_requested()) || !evaluated;
  if (state_.update % options_.checkpoint_every == 0 || stop || state_.done || last) save_checkpoint();
  return !stop || (evaluated && is_over());
}

TrainingResult Trainer::stopped(Progress& progress) {
  progress.finish(concat("stopped by a signal, saved at update ", state_.update));
  return {TrainingResult::End::stopped, state_.update, state_.best_update, state_.best_score, {}, devices()};
}

TrainingResult Trainer::run() {
  const bool restored = restore();
  if (!is_over()) note_device();
  if (restored && world_.is_root())
    log_info(concat(setup_.label, ": goes on from the checkpoint of update ", state_.update));
  Progress progress(setup_.label, "updates", static_cast<std::uint64_t>(options_.max_updates),
                    world_.is_root() ? Progress::Output::enabled : Progress::Output::silent, setup_.sink);
  progress.update(static_cast<std::uint64_t>(state_.update));
  // A stop in the first evaluation leaves nothing to save, one in a later one a checkpoint that says it is due.
  const bool due = restored ? state_.evaluation_due : options_.evaluate_first;
  if (due && !evaluate_unless_stopped()) return stopped(progress);
  if (due && restored) save_checkpoint();
  while (!is_over()) {
    if (!train(progress)) return stopped(progress);
  }
  progress.finish(concat("best was update ", state_.best_update));
  return {TrainingResult::End::finished, state_.update, state_.best_update, state_.best_score, load_best(), devices()};
}

}  // namespace rest
