#include "rest/train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>

#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/progress.hpp"
#include "rest/core/signals.hpp"

namespace rest {
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

Policy Trainer::with(torch::Tensor parameters) const {
  Policy policy = setup_.start;
  policy.parameters = std::move(parameters);
  policy.digest.clear();
  return policy;
}

void Trainer::evaluate() {
  const Evaluation evaluation = setup_.evaluate(with(whole(adam_.policy_parameters())));
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
  nlohmann::json line = {{"update", state_.update},
                         {"loss", figures.loss},
                         {"gradient_norm", figures.gradient_norm},
                         {"learning_rate", figures.learning_rate},
                         {counts_tokens() ? "tokens" : "targets", figures.count}};
  if (counts_tokens()) line["perplexity"] = figures.perplexity;
  log_metrics(std::move(line));
  if (speed_) speed_->write(state_.update, peak_memory(model_.device()));
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
  if (speed_) speed_->count(figures.count, figures.reduction);
  if (state_.update % metrics_every == 0) log_figures(figures);
  progress.update(static_cast<std::uint64_t>(state_.update),
                  concat("loss ", figures.loss, counts_tokens() ? concat(", perplexity ", figures.perplexity) : ""));
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

/// Of the rank that took most.
void Trainer::log_peak_memory() const {
  const double bytes = largest(world_, static_cast<double>(peak_memory(model_.device())));
  if (world_.is_root()) log_info(concat(setup_.label, ": up to ", with_digits(bytes / 1e9, 2), " GB of memory a rank"));
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
  log_peak_memory();
  return {TrainingResult::End::finished,
          state_.update,
          state_.best_update,
          state_.best_score,
          with(load_best()),
          devices()};
}

}  // namespace rest
