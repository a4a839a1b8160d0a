#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rest {

/// [data] Paths are relative to the experiment file. Plain text or .gz, one sentence a line, UTF-8.
struct DataOptions {
  std::string train_source, train_target;
  std::string valid_source, valid_target;
  std::string test_source, test_target;  ///< optional
  std::string monolingual_source;        ///< optional: more sources to Grow from, without references
  std::string tokenizer;                 ///< a SentencePiece model to use; empty: train one on the training bitext
  std::int64_t vocabulary_size = 32000;  ///< pieces, both languages together
  double character_coverage = 1.0;       ///< of the trained tokenizer; the rest falls back to bytes
  std::int64_t max_length = 128;         ///< pieces; longer training pairs are dropped
};

/// [model] The preset fills in what is 0 or empty here. tiny 512/1024/4, base 512/2048/8, big 1024/8192/16 with 6+6
/// layers (the paper's section 4), mini 128/256/4 with 4+4 layers and dropout 0.3 (Transformer-Tiny of Multi30k).
struct ModelOptions {
  std::string preset = "base";
  std::int64_t hidden = 0, feed_forward = 0, heads = 0, encoder_layers = 0, decoder_layers = 0;
  double dropout = -1.0;         ///< negative: the preset's
  std::string norm = "pre";      ///< "pre" or "post"
  bool share_embeddings = true;  ///< source embedding tied with the target's (target and projection always are)
};

/// [train] Behaviour cloning of the bitext (policy g0-i0).
struct TrainOptions {
  std::int64_t seed = 1;
  std::string initial_policy;             ///< directory of a policy to start from; empty: from scratch
  std::string precision = "float32";      ///< or "bfloat16": matrices in bfloat16, master weights float32
  std::int64_t leaves = 4;                ///< micro-batches of an update; at least the number of ranks
  std::int64_t tokens_per_update = 4096;  ///< target tokens, over all leaves
  std::int64_t max_updates = 500000;
  double learning_rate = 5e-4;  ///< peak, reached after the warm-up, then falls with 1/sqrt(update)
  std::int64_t warmup_updates = 4000;
  double adam_beta1 = 0.9, adam_beta2 = 0.98, adam_epsilon = 1e-9;
  double clip_norm = 1.0;  ///< 0: no clipping
  double label_smoothing = 0.1;
  double average_decay = 0.0;            ///< exponential moving average of weights, per update; 0: none
  std::int64_t validate_every = 1000;    ///< updates
  std::int64_t patience = 10;            ///< validations without improvement before stopping
  std::int64_t checkpoint_every = 1000;  ///< updates
  std::int64_t keep_checkpoints = 2;
  bool shard_optimizer = false;         ///< ranks share the optimizer's memory and work (ZeRO stage 1); same result
  bool gradient_checkpointing = false;  ///< keep only what goes into each layer, which runs twice; same result
};

/// [grow] Sampling of the Grow step (section 3.1, N and temperature of section 4).
struct GrowOptions {
  std::int64_t seed = 1;
  std::int64_t samples = 100;  ///< N, per source
  double temperature = 0.8;    ///< 0: greedy
  std::int64_t top_k = 0;      ///< 0: all
  double top_p = 1.0;
  double epsilon = 0.0;           ///< drop tokens below this probability
  std::int64_t max_length = 128;  ///< pieces
  std::int64_t sources_per_shard = 256;
  std::int64_t max_rows = 512;        ///< distinct prefixes decoded at a time: bounds memory whatever N is
  std::string precision = "float32";  ///< or "bfloat16", "int8", "float64"
  bool share_prefixes = true;  ///< false: one row a sample, for comparison; the samples are the same but for rounding
  bool include_originals = true;  ///< D_g = samples + D
};

/// Rewards that are computed here, from a reference.
constexpr const char* built_in_rewards[] = {"chrf", "bleu"};

/// [reward]
struct RewardOptions {
  std::string name = "chrf";  ///< column the Improve steps read: built in ("chrf", "bleu"), learned, or of a program
  std::string command;        ///< program that computes it, by /bin/sh, one a rank; empty: none
  std::int64_t batch = 256;   ///< texts it is asked for at a time
  double start_seconds = 600.0, timeout_seconds = 300.0;  ///< it may take to get ready, and for a batch
  std::vector<std::string> of;        ///< rewards that this one is made of; empty: it is one by itself
  std::string combine = "mean";       ///< of these: "mean" or "min"
  std::vector<double> weights;        ///< of these in the mean; empty: equal
  double spread_penalty = 0.0;        ///< learned with several members: so many standard deviations are taken off
  std::string precision = "float32";  ///< of learned ones, or "bfloat16"
  std::string watch, watch_command;   ///< another one, that Improve steps are compared by and never see; empty: none
};

/// [reward_model] A reference-free reward learned from rated translations.
struct RewardModelOptions {
  std::int64_t seed = 1;
  std::vector<std::string> ratings;        ///< files of lines source, translation, score; each a set of raters
  std::string normalise = "range";         ///< of a set's scores, to [0, 1]: "range", "rank" or "none"
  std::int64_t folds = 10, fold = 0;       ///< of the sources one in `folds` is held out for validation: part `fold`
  std::string architecture = "predictor";  ///< "predictor": a policy reads the translation; "joint": one encoder both
  std::string start = "g0-i0";             ///< policy that the weights come from; empty: fresh ones, shaped by [model]
  std::int64_t members = 1;                ///< of the ensemble, with seeds seed, seed + 1, ...
  double ranking = 1.0;                    ///< weight of the loss over pairs of a source, beside regression
  std::vector<std::string> augment = {"repeat",  "repeat_phrase", "truncate", "shuffle_words", "copy_source",
                                      "numbers", "wrong_source",  "empty"};  ///< ways to spoil the best translations
  double augment_share = 0.3;          ///< weight of spoiled translations in the loss
  std::string calibration = "rating";  ///< of predictions, to [0, 1]: by "rating" or by "quantile"
  std::string precision = "float32";
  std::int64_t leaves = 4;
  std::int64_t tokens_per_update = 4096;
  std::int64_t max_updates = 3000;
  double learning_rate = 5e-4;
  std::int64_t warmup_updates = 200;
  double clip_norm = 1.0;
  double dropout = -1.0;  ///< negative: the model's
  double average_decay = 0.0;
  std::int64_t validate_every = 200;
  std::int64_t patience = 5;
  std::int64_t checkpoint_every = 200;
  std::int64_t keep_checkpoints = 2;
  std::int64_t candidates_together = 16;  ///< up to so many of a source stand in one update and form pairs
};

/// [improve] Improve steps (algorithm 1, sections 3.2 and A.9).
struct ImproveOptions {
  std::string loss = "bc";
  std::int64_t seed = 1;
  std::int64_t grow_step = 1;        ///< G: Grow steps of the whole run
  std::int64_t steps = 6;            ///< I: Improve steps after g-i0; fewer than thresholds skip the small ones
  std::string filter = "threshold";  ///< or "percentile", "interpolation", "quantile", "top_k" (select/filter.hpp)
  std::vector<double> thresholds = {0.0, 0.7, 0.8, 0.9, 0.95, 0.99};  ///< of the filter, one a step
  double lambda = -1.0;          ///< share of sampled data in the loss (A.9); negative: as it comes
  bool keep_unfinished = false;  ///< also train on samples cut at the maximum length
  std::string precision = "float32";
  std::int64_t leaves = 4;
  std::int64_t tokens_per_update = 4096;
  std::int64_t max_updates = 10000;  ///< per step
  double learning_rate = 1e-4;       ///< of the first step
  double learning_rate_decay = 0.5;  ///< factor from step to step
  std::int64_t warmup_updates = 100;
  double clip_norm = 1.0;
  double label_smoothing = 0.0;
  double dropout = -1.0;  ///< negative: the model's
  double average_decay = 0.0;
  std::int64_t evaluate_every = 500;  ///< updates between rewards on the first half of validation
  std::int64_t evaluate_samples = 4;  ///< samples a source in those
  std::int64_t patience = 3;          ///< evaluations without a rise before a step ends
  bool stop_when_flat = true;         ///< a step that does not raise the reward ends the Improve steps
  bool stop_when_parted = false;      ///< so does one that raises it while the watched reward falls
  std::int64_t checkpoint_every = 500;
  std::int64_t keep_checkpoints = 2;
  bool shard_optimizer = false;
  bool gradient_checkpointing = false;
  std::int64_t candidates_together = 1;  ///< up to so many of a source in one update share its encoder pass
};

/// [evaluate]
struct EvaluateOptions {
  std::int64_t seed = 1;
  double temperature = 0.8;
  std::int64_t samples = 8;  ///< per source, for the mean reward of sampled output
  std::int64_t max_length = 128;
  std::int64_t bootstrap = 1000;  ///< resamples of the paired bootstrap
};

/// Everything an experiment file says. Each program reads the sections it needs.
struct Experiment {
  DataOptions data;
  ModelOptions model;
  TrainOptions train;
  GrowOptions grow;
  RewardOptions reward;
  RewardModelOptions reward_model;
  ImproveOptions improve;
  EvaluateOptions evaluate;
};

/// Reads a TOML file and applies overrides "section.key=value". Relative paths in the file are relative to
/// it, those of overrides to the working directory.
/// Throws UsageError naming file, line and key: unknown section or key (with the nearest known one), wrong type, value
/// out of range.
Experiment load_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// Fills what is 0 (dropout: negative) from the preset. Throws UsageError when heads do not divide hidden.
ModelOptions resolve_preset(ModelOptions options);

/// The complete experiment as TOML, with the meaning of each key as a comment.
std::string to_toml(const Experiment& experiment);

/// A section's options by key, for lineages and sidecars: options_json(experiment.grow).
nlohmann::json options_json(const DataOptions&);
nlohmann::json options_json(const ModelOptions&);
nlohmann::json options_json(const TrainOptions&);
nlohmann::json options_json(const GrowOptions&);
nlohmann::json options_json(const RewardOptions&);
nlohmann::json options_json(const RewardModelOptions&);
nlohmann::json options_json(const ImproveOptions&);
nlohmann::json options_json(const EvaluateOptions&);

}  // namespace rest
