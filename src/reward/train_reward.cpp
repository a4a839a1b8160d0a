#include "rest/reward/train_reward.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "learned_figures.hpp"
#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/committed.hpp"
#include "rest/core/correlation.hpp"
#include "rest/core/counted.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"
#include "rest/reward/learned.hpp"
#include "rest/reward/quality.hpp"
#include "rest/reward/rated_dataset.hpp"
#include "rest/train/trainer.hpp"

namespace rest {
namespace {

using nlohmann::json;

TrainerOptions trainer_options(const RewardModelOptions& options, std::int64_t member, double dropout) {
  TrainerOptions trainer;
  trainer.seed = static_cast<std::uint64_t>(options.seed + member);
  trainer.precision = options.precision;
  trainer.leaves = options.leaves;
  trainer.tokens_per_update = options.tokens_per_update;
  trainer.max_updates = options.max_updates;
  trainer.learning_rate = options.learning_rate;
  trainer.warmup_updates = options.warmup_updates;
  trainer.adam.clip_norm = options.clip_norm;
  trainer.adam.average_decay = options.average_decay;
  trainer.dropout = dropout;
  trainer.candidates_together = options.candidates_together;
  trainer.evaluate_every = options.validate_every;
  trainer.patience = options.patience;
  trainer.checkpoint_every = options.checkpoint_every;
  trainer.keep_checkpoints = options.keep_checkpoints;
  return trainer;
}

TransformerConfig with_estimator(TransformerConfig config, const std::string& architecture) {
  config.estimator = architecture == "joint" ? Estimator::joint : Estimator::predictor;
  if (config.estimator == Estimator::joint) {
    config.vocabulary_size *= 2;  // pieces of translations behind those of sources
    config.decoder_layers = 0;
    config.share_embeddings = true;
  }
  return config;
}

/// Copies what a policy has of an estimator's parameters.
void start_from(const Policy& policy, const TransformerConfig& config, const torch::Tensor& parameters) {
  const auto theirs = make_layout(policy.config), layout = make_layout(config);
  const auto from = parameter_views(theirs, policy.parameters), to = parameter_views(layout, parameters);
  const std::int64_t pieces = policy.config.vocabulary_size;
  for (std::size_t i = 0; i < layout.specs.size(); ++i) {
    for (std::size_t j = 0; j < theirs.specs.size(); ++j) {
      const bool joint_embedding = config.estimator == Estimator::joint && layout.specs[i].name == "target_embedding";
      if (joint_embedding && theirs.specs[j].name == "target_embedding") {
        to[i].narrow(0, pieces, pieces).copy_(from[j]);
        if (policy.config.share_embeddings) to[i].narrow(0, 0, pieces).copy_(from[j]);
      } else if (joint_embedding && theirs.specs[j].name == "source_embedding") {
        to[i].narrow(0, 0, pieces).copy_(from[j]);
      } else if (layout.specs[i].name == theirs.specs[j].name) {
        to[i].copy_(from[j]);
      }
    }
  }
}

class RewardTraining {
 public:
  RewardTraining(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                 const std::string& name, torch::Device device)
      : world_(world),
        options_(experiment.reward_model),
        model_(experiment.model),
        run_(run),
        name_(name),
        files_{run.learned_reward(name)},
        device_(device),
        tokenizer_digest_(verify_committed(run.tokenizer(), "rest_prepare").sha256),
        tokenizer_(run.tokenizer()),
        kinds_(perturbations_named(options_.augment)),
        split_(read_rated_split(options_)),
        train_(tokenizer_),
        valid_(tokenizer_) {
    for (std::size_t i = 0; i < split_.train.size(); ++i)
      train_.add(split_.train.source[i], split_.train.translation[i], split_.train.score[i]);
    add_spoiled(train_, split_.train, kinds_, options_.augment_share, static_cast<std::uint64_t>(options_.seed));
    for (std::size_t i = 0; i < split_.valid.size(); ++i)
      valid_.add(split_.valid.source[i], split_.valid.translation[i], split_.valid.score[i]);
    if (!options_.start.empty()) {
      start_ = load_policy(run.policy(options_.start));
      require_tokenizer(*start_, tokenizer_digest_, run.tokenizer().string());
    }
    for (const std::string& file : options_.ratings) digests_.push_back(sha256_of_file(file));
  }

  bool is_complete() const;
  bool train_member(std::int64_t member);
  void describe() const;
  void announce() const;

 private:
  /// Of a member, or of the whole.
  Lineage lineage(std::optional<std::int64_t> member) const;
  TransformerConfig config() const;
  Policy fresh(std::int64_t member) const;
  Evaluation validate(const Policy& policy) const;
  std::vector<Opinion> opinions(const std::vector<Transformer>& members, const Dataset& dataset) const;

  Communicator world_;
  RewardModelOptions options_;
  ModelOptions model_;
  const RunDirectory& run_;
  std::string name_;
  LearnedRewardFiles files_;
  torch::Device device_;
  std::string tokenizer_digest_;
  Tokenizer tokenizer_;
  std::vector<Perturbation> kinds_;
  RatedSplit split_;
  RatedDataset train_, valid_;
  std::optional<Policy> start_;
  std::vector<std::string> digests_;  // of the files of ratings
};

Lineage RewardTraining::lineage(std::optional<std::int64_t> member) const {
  json options = options_json(options_);
  for (const char* harmless : {"ratings", "start", "checkpoint_every", "keep_checkpoints"}) options.erase(harmless);
  if (member) {
    options.erase("members");
    options.erase("calibration");
    options["seed"] = options_.seed + *member;
    options["augment_seed"] = options_.seed;
  }
  return make_lineage(
      member ? "reward model" : "learned reward",
      {{"ratings", digests_}, {"tokenizer", tokenizer_digest_}, {"start", start_ ? start_->digest : ""}},
      {{"reward_model", options}, {"model", to_json(config())}});
}

bool RewardTraining::is_complete() const {
  return is_committed(files_.description(), lineage(std::nullopt)) &&
         read_json(files_.description()).at("digests") == digests_in(files_, options_.members);
}

TransformerConfig RewardTraining::config() const {
  return with_estimator(start_ ? start_->config : make_config(model_, tokenizer_.vocabulary_size()),
                        options_.architecture);
}

/// What a member starts from; its head is new.
Policy RewardTraining::fresh(std::int64_t member) const {
  Policy policy;
  policy.config = config();
  policy.tokenizer_digest = tokenizer_digest_;
  policy.parameters =
      initial_parameters(make_layout(policy.config), static_cast<std::uint64_t>(options_.seed + member));
  if (start_) start_from(*start_, policy.config, policy.parameters);
  return policy;
}

Evaluation RewardTraining::validate(const Policy& policy) const {
  const torch::NoGradGuard no_gradient;
  std::vector<double> predicted;
  for (const double logit : predict_quality(world_, policy.model(), valid_))
    predicted.push_back(Opinion{logit}.probability());
  const std::vector<double> rated = valid_.ratings();
  const double linear = pearson(rated, predicted), ranks = spearman(rated, predicted);
  const bool defined = std::isfinite(linear);  // else it says the same of all
  return {defined ? linear : -1.0, {{"pearson", defined ? linear : 0.0}, {"spearman", defined ? ranks : 0.0}}};
}

/// False when a signal ended it early.
bool RewardTraining::train_member(std::int64_t member) {
  const auto directory = files_.member(member);
  const Lineage made_from = lineage(member);
  if (is_committed(directory / "model.safetensors", made_from) && is_committed(directory / "config.json", made_from)) {
    return true;
  }
  Policy start = fresh(member).to(device_);
  const double dropout = options_.dropout < 0.0 ? start.config.dropout : options_.dropout;
  const ShuffledDataset data(train_);
  const QualityLoss loss(options_.ranking);
  const std::string label = concat("train reward ", name_, options_.members > 1 ? concat(", member ", member) : "");
  Trainer trainer(world_, trainer_options(options_, member, dropout),
                  {std::move(start), data, loss, [this](const Policy& policy) { return validate(policy); }, directory,
                   made_from, label, run_.progress_sink(), run_.logs() / concat("speed.reward.", name_, ".jsonl")});
  const TrainingResult result = trainer.run();
  if (result.end == TrainingResult::End::stopped) return false;
  if (world_.is_root()) {
    save_policy(directory, result.best, made_from, made_by(world_, at::get_num_threads(), result.devices));
    log_info(concat(label, ": complete, update ", result.best_update, ", Pearson ", with_digits(result.best_score, 4),
                    " on held-out ratings"));
  }
  barrier(world_);
  return true;
}

std::vector<Opinion> RewardTraining::opinions(const std::vector<Transformer>& members, const Dataset& dataset) const {
  std::vector<std::vector<double>> predictions;
  for (const Transformer& member : members) predictions.push_back(predict_quality(world_, member, dataset));
  return opinions_of(predictions);
}

void RewardTraining::announce() const {
  if (!world_.is_root()) return;
  log_info(concat("learning reward ", name_, ": ", split_.train.size(), " rated translations, ",
                  train_.size() - split_.train.size(), " spoiled ones, ", split_.valid.size(), " held out; ",
                  options_.architecture, ", ", make_layout(config()).elements, " parameters, ",
                  counted(options_.members, "member"), ", ", counted(world_.size(), "rank"), ", ", options_.precision,
                  ", ", device_name(device_)));
}

void RewardTraining::describe() const {
  std::vector<Transformer> members;
  for (std::int64_t m = 0; m < options_.members; ++m) {
    members.push_back(load_policy(files_.member(m)).to(device_).model());
  }
  std::vector<double> predicted;
  for (const Opinion& opinion : opinions(members, valid_)) predicted.push_back(opinion.probability());
  std::optional<double> spread_auroc;
  if (members.size() > 1) {
    const SpoiledValidation spoiled(split_.valid, tokenizer_, static_cast<std::uint64_t>(options_.seed));
    const auto of_spoiled = opinions(members, spoiled.spoiled), of_good = opinions(members, spoiled.good);
    spread_auroc = auroc_of_spread(of_spoiled, of_good);
  }
  if (world_.is_root()) {
    const std::vector<double> rated = valid_.ratings();
    const auto by_rating = Calibration::by_rating(predicted, rated), by_quantile = Calibration::by_quantile(predicted);
    LearnedFigures figures = figures_of(valid_, predicted);
    figures.above_by_rating = shares_above(predicted, by_rating);
    figures.above_by_quantile = shares_above(predicted, by_quantile);
    figures.spread_auroc = spread_auroc;
    log_info(to_text(name_, figures));
    commit_file(files_.tokenizer(), make_lineage("tokenizer of a reward", {{"tokenizer", tokenizer_digest_}}, {}),
                [&](const std::filesystem::path& to) { std::filesystem::copy_file(run_.tokenizer(), to); });
    commit_json(files_.description(),
                {{"architecture", options_.architecture},
                 {"members", options_.members},
                 {"digests", digests_in(files_, options_.members)},
                 {"augment", options_.augment_share > 0.0 ? options_.augment : std::vector<std::string>()},
                 {"calibration", (options_.calibration == "rating" ? by_rating : by_quantile).to_json()},
                 {"by_rating", by_rating.to_json()},
                 {"by_quantile", by_quantile.to_json()},
                 {"held_out", to_json(figures)}},
                lineage(std::nullopt), made_by(world_, at::get_num_threads(), device_name(device_)));
    log_info(files_.directory.string() + ": complete; use it by reward.name = \"" + name_ + "\"");
  }
  barrier(world_);
}

}  // namespace

int run_reward_training(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                        const std::string& name, torch::Device device) {
  RewardTraining training(world, experiment, run, name, device);
  stop_point(world);
  if (training.is_complete()) {
    if (world.is_root()) log_info(run.learned_reward(name).string() + " is complete");
    return exit_success;
  }
  training.announce();
  for (std::int64_t member = 0; member < experiment.reward_model.members; ++member) {
    if (!training.train_member(member)) return exit_stopped;
  }
  training.describe();
  return exit_success;
}

}  // namespace rest
