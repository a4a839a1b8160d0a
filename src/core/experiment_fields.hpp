#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/filter_rules.hpp"
#include "rest/core/variant_name.hpp"

namespace rest {

/// What a value may be; the words end up in error messages.
template <class T>
struct Rule {
  bool (*allows)(const T&);
  const char* words;
};

inline constexpr Rule<std::int64_t> any_integer{[](const std::int64_t&) { return true; }, "an integer"};
inline constexpr Rule<std::int64_t> positive{[](const std::int64_t& v) { return v >= 1; }, "at least 1"};
inline constexpr Rule<std::int64_t> not_negative{[](const std::int64_t& v) { return v >= 0; }, "0 or more"};
inline constexpr Rule<std::int64_t> at_least_two{[](const std::int64_t& v) { return v >= 2; }, "at least 2"};
inline constexpr Rule<std::int64_t> size_rule{[](const std::int64_t& v) { return v >= 0 && v <= 65536; },
                                              "from 0 (the preset's) to 65536"};
inline constexpr Rule<std::int64_t> length_rule{[](const std::int64_t& v) { return v >= 1 && v <= 4096; },
                                                "from 1 to 4096"};
inline constexpr Rule<std::int64_t> vocabulary_rule{[](const std::int64_t& v) { return v >= 16 && v <= 1000000; },
                                                    "from 16 to 1000000"};
inline constexpr Rule<std::int64_t> power_of_two{[](const std::int64_t& v) { return v >= 1 && (v & (v - 1)) == 0; },
                                                 "a power of two"};
inline constexpr Rule<double> any_number{[](const double&) { return true; }, "a number"};
inline constexpr Rule<double> above_zero{[](const double& v) { return v > 0.0; }, "above 0"};
inline constexpr Rule<double> zero_or_more{[](const double& v) { return v >= 0.0; }, "0 or more"};
inline constexpr Rule<double> below_one{[](const double& v) { return v >= 0.0 && v < 1.0; }, "at least 0 and below 1"};
inline constexpr Rule<double> share{[](const double& v) { return v > 0.0 && v <= 1.0; }, "above 0 and at most 1"};
inline constexpr Rule<double> below_one_or_negative{[](const double& v) { return v < 1.0; }, "below 1"};
inline constexpr Rule<double> at_most_one{[](const double& v) { return v <= 1.0; }, "at most 1"};
inline constexpr Rule<bool> either{[](const bool&) { return true; }, "true or false"};
inline constexpr Rule<std::string> any_text{[](const std::string&) { return true; }, "text"};
inline constexpr Rule<std::string> preset_rule{
    [](const std::string& v) { return v == "mini" || v == "tiny" || v == "base" || v == "big"; },
    "\"mini\", \"tiny\", \"base\" or \"big\""};
inline constexpr Rule<std::string> norm_rule{[](const std::string& v) { return v == "pre" || v == "post"; },
                                             "\"pre\" or \"post\""};
inline constexpr Rule<std::string> training_precision{
    [](const std::string& v) { return v == "float32" || v == "bfloat16"; }, "\"float32\" or \"bfloat16\""};
inline constexpr Rule<std::string> sampling_precision{
    [](const std::string& v) { return v == "float32" || v == "bfloat16" || v == "int8" || v == "float64"; },
    "\"float32\", \"bfloat16\", \"int8\" or \"float64\""};
inline constexpr Rule<std::string> file_name_rule{[](const std::string& v) { return is_file_name(v); },
                                                  file_name_words};
inline constexpr Rule<std::string> name_or_none{[](const std::string& v) { return v.empty() || is_file_name(v); },
                                                file_name_words};
inline constexpr Rule<std::string> normalise_rule{
    [](const std::string& v) { return v == "range" || v == "rank" || v == "none"; }, "\"range\", \"rank\" or \"none\""};
inline constexpr Rule<std::string> architecture_rule{
    [](const std::string& v) { return v == "predictor" || v == "joint"; }, "\"predictor\" or \"joint\""};
inline constexpr Rule<std::string> calibration_rule{
    [](const std::string& v) { return v == "rating" || v == "quantile"; }, "\"rating\" or \"quantile\""};
inline constexpr Rule<std::string> combine_rule{[](const std::string& v) { return v == "mean" || v == "min"; },
                                                "\"mean\" or \"min\""};
inline constexpr Rule<std::vector<std::string>> file_names{
    [](const std::vector<std::string>& v) { return std::all_of(v.begin(), v.end(), is_file_name); },
    "a list of names of letters, digits, \".\", \"_\" and \"-\""};
inline constexpr Rule<std::vector<std::string>> any_texts{[](const std::vector<std::string>&) { return true; },
                                                          "a list of texts"};
inline constexpr Rule<std::vector<double>> zeros_or_more{
    [](const std::vector<double>& v) { return std::all_of(v.begin(), v.end(), [](double w) { return w >= 0.0; }); },
    "a list of numbers that are 0 or more"};
inline constexpr Rule<std::string> loss_rule{[](const std::string& v) { return v == "bc"; }, "\"bc\""};
inline constexpr Rule<std::string> filter_rule{[](const std::string& v) { return is_filter(v); }, filter_words};
// What their order and range must be depends on the filter: require_thresholds.
inline constexpr Rule<std::vector<double>> not_empty{[](const std::vector<double>& v) { return !v.empty(); },
                                                     "a list of at least one number"};

/// One list a section: `visit(key, field, meaning, rule)`. Reading, overriding, printing and digests all walk these
/// lists.
template <class Visit>
void fields(DataOptions& o, Visit visit) {
  visit("train_source", o.train_source, "source side of the bitext: plain text or .gz, one sentence a line", any_text);
  visit("train_target", o.train_target, "target side, line by line", any_text);
  visit("valid_source", o.valid_source, "validation: one half chooses checkpoints, the other is reported", any_text);
  visit("valid_target", o.valid_target, "", any_text);
  visit("test_source", o.test_source, "test set; may be empty", any_text);
  visit("test_target", o.test_target, "", any_text);
  visit("monolingual_source", o.monolingual_source, "more sources, without references; may be empty", any_text);
  visit("tokenizer", o.tokenizer, "a SentencePiece model to use; empty: one is trained on the training bitext",
        any_text);
  visit("vocabulary_size", o.vocabulary_size, "pieces, both languages together", vocabulary_rule);
  visit("character_coverage", o.character_coverage, "of the trained tokenizer; the rest falls back to bytes", share);
  visit("max_length", o.max_length, "pieces; longer training pairs are dropped", length_rule);
}

template <class Visit>
void fields(ModelOptions& o, Visit visit) {
  visit("preset", o.preset, "mini, tiny, base or big; fills in what is 0 below", preset_rule);
  visit("hidden", o.hidden, "width of the model", size_rule);
  visit("feed_forward", o.feed_forward, "", size_rule);
  visit("heads", o.heads, "", size_rule);
  visit("encoder_layers", o.encoder_layers, "", size_rule);
  visit("decoder_layers", o.decoder_layers, "", size_rule);
  visit("dropout", o.dropout, "negative: the preset's", below_one_or_negative);
  visit("norm", o.norm, "layer norm before (pre) or behind (post) each block", norm_rule);
  visit("share_embeddings", o.share_embeddings, "source embedding tied with the target's", either);
}

/// Of [train] and [improve] alike.
template <class Options, class Visit>
void memory_fields(Options& o, Visit visit) {
  visit("shard_optimizer", o.shard_optimizer,
        "each rank keeps a share of the optimizer's state; the result is the same", either);
  visit("gradient_checkpointing", o.gradient_checkpointing,
        "less memory: layers run again in the backward pass; the result is the same", either);
}

template <class Visit>
void fields(TrainOptions& o, Visit visit) {
  visit("seed", o.seed, "", any_integer);
  visit("initial_policy", o.initial_policy, "directory of a policy to start from; empty: from scratch", any_text);
  visit("precision", o.precision, "float32 or bfloat16 (master weights stay float32)", training_precision);
  visit("leaves", o.leaves, "micro-batches of an update: a power of two, at least the number of ranks", power_of_two);
  visit("tokens_per_update", o.tokens_per_update, "target tokens, over all leaves", positive);
  visit("max_updates", o.max_updates, "", positive);
  visit("learning_rate", o.learning_rate, "peak, reached after the warm-up, then falls with 1/sqrt(update)",
        above_zero);
  visit("warmup_updates", o.warmup_updates, "", not_negative);
  visit("adam_beta1", o.adam_beta1, "", below_one);
  visit("adam_beta2", o.adam_beta2, "", below_one);
  visit("adam_epsilon", o.adam_epsilon, "", above_zero);
  visit("clip_norm", o.clip_norm, "largest gradient norm; 0: no clipping", zero_or_more);
  visit("label_smoothing", o.label_smoothing, "", below_one);
  visit("average_decay", o.average_decay, "moving average of weights, per update; 0: none", below_one);
  visit("validate_every", o.validate_every, "updates", positive);
  visit("patience", o.patience, "validations without improvement before stopping", positive);
  visit("checkpoint_every", o.checkpoint_every, "updates", positive);
  visit("keep_checkpoints", o.keep_checkpoints, "at least 2", at_least_two);
  memory_fields(o, visit);
}

template <class Visit>
void fields(GrowOptions& o, Visit visit) {
  visit("seed", o.seed, "", any_integer);
  visit("samples", o.samples, "N, per source", positive);
  visit("temperature", o.temperature, "0: greedy", zero_or_more);
  visit("top_k", o.top_k, "0: all", not_negative);
  visit("top_p", o.top_p, "", share);
  visit("epsilon", o.epsilon, "drop tokens below this probability", below_one);
  visit("max_length", o.max_length, "pieces of a sample", length_rule);
  visit("sources_per_shard", o.sources_per_shard, "", positive);
  visit("max_rows", o.max_rows, "distinct prefixes decoded at a time: bounds memory", positive);
  visit("precision", o.precision, "float32, bfloat16, int8 or float64", sampling_precision);
  visit("share_prefixes", o.share_prefixes, "decode what samples of a source have in common once", either);
  visit("include_originals", o.include_originals, "D_g = samples + D", either);
}

template <class Visit>
void fields(RewardOptions& o, Visit visit) {
  visit(
      "name", o.name,
      "reward column the Improve steps read: chrf, bleu, a learned one of the run, or the name of what is given below",
      file_name_rule);
  visit("command", o.command, "program that computes it (data/README.md); empty: none", any_text);
  visit("batch", o.batch, "texts that it is asked for at a time", positive);
  visit("start_seconds", o.start_seconds, "it may take to get ready", above_zero);
  visit("timeout_seconds", o.timeout_seconds, "it may take for a batch", above_zero);
  visit("of", o.of, "rewards that it is made of; empty: it is one by itself", file_names);
  visit("combine", o.combine, "of these: mean or min", combine_rule);
  visit("weights", o.weights, "of these in the mean; empty: equal", zeros_or_more);
  visit("spread_penalty", o.spread_penalty, "learned ones: so many standard deviations of the members are taken off",
        zero_or_more);
  visit("precision", o.precision, "learned ones: what they compute in, float32 or bfloat16", training_precision);
  visit("watch", o.watch, "another one, that Improve steps are compared by and never see; empty: none", name_or_none);
  visit("watch_command", o.watch_command, "program that computes that one; empty: none", any_text);
}

template <class Visit>
void fields(RewardModelOptions& o, Visit visit) {
  visit("seed", o.seed, "", any_integer);
  visit("ratings", o.ratings, "files of rated translations (data/README.md), each a set with a scale of its own",
        any_texts);
  visit("normalise", o.normalise,
        "of a set's scores, to [0, 1]: range (percentiles 1 to 99), rank, or none (they are in [0, 1])",
        normalise_rule);
  visit("folds", o.folds, "the sources are cut into so many parts, one of which validates", at_least_two);
  visit("fold", o.fold, "which", not_negative);
  visit("architecture", o.architecture,
        "predictor: a policy reads the translation; joint: one encoder reads source and translation",
        architecture_rule);
  visit("start", o.start, "policy that the weights come from; empty: fresh ones, shaped by [model]", any_text);
  visit("members", o.members, "of the ensemble, with seeds seed, seed + 1, ...", positive);
  visit("ranking", o.ranking, "weight of the loss over pairs of translations of a source, beside regression",
        zero_or_more);
  visit("augment", o.augment,
        "ways to spoil each source's best translation, to learn what is bad (data/README.md); empty: none", any_texts);
  visit("augment_share", o.augment_share, "weight of spoiled translations in the loss", below_one);
  visit("calibration", o.calibration, "to [0, 1]: by rating (what people would say) or quantile (better than so many)",
        calibration_rule);
  visit("precision", o.precision, "float32 or bfloat16", training_precision);
  visit("leaves", o.leaves, "micro-batches of an update: a power of two, at least the number of ranks", power_of_two);
  visit("tokens_per_update", o.tokens_per_update, "tokens of translations, over all leaves", positive);
  visit("max_updates", o.max_updates, "", positive);
  visit("learning_rate", o.learning_rate, "peak, reached after the warm-up, then falls with 1/sqrt(update)",
        above_zero);
  visit("warmup_updates", o.warmup_updates, "", not_negative);
  visit("clip_norm", o.clip_norm, "largest gradient norm; 0: no clipping", zero_or_more);
  visit("dropout", o.dropout, "negative: the model's", below_one_or_negative);
  visit("average_decay", o.average_decay, "moving average of weights, per update; 0: none", below_one);
  visit("validate_every", o.validate_every, "updates", positive);
  visit("patience", o.patience, "validations without a higher correlation before stopping", positive);
  visit("checkpoint_every", o.checkpoint_every, "updates", positive);
  visit("keep_checkpoints", o.keep_checkpoints, "at least 2", at_least_two);
  visit("candidates_together", o.candidates_together,
        "up to so many translations of a source stand in one update and are compared with each other", positive);
}

template <class Visit>
void fields(ImproveOptions& o, Visit visit) {
  visit("loss", o.loss, "bc: behaviour cloning", loss_rule);
  visit("seed", o.seed, "", any_integer);
  visit("grow_step", o.grow_step, "G: Grow steps of the whole run", positive);
  visit("steps", o.steps, "I: Improve steps behind i0; fewer than thresholds skip those that keep most", positive);
  visit("filter", o.filter,
        "threshold, percentile, interpolation (both a source), quantile (of D_g) or top_k (a source)", filter_rule);
  visit("thresholds", o.thresholds, "of the filter, one a step: tau, p, gamma or q, which rise, or k, which falls",
        not_empty);
  visit("lambda", o.lambda, "share of sampled data in the loss; negative: as it comes", at_most_one);
  visit("keep_unfinished", o.keep_unfinished, "also train on samples cut at the maximum length", either);
  visit("precision", o.precision, "float32 or bfloat16", training_precision);
  visit("leaves", o.leaves, "micro-batches of an update: a power of two, at least the number of ranks", power_of_two);
  visit("tokens_per_update", o.tokens_per_update, "target tokens, over all leaves", positive);
  visit("max_updates", o.max_updates, "per step", positive);
  visit("learning_rate", o.learning_rate, "of the first step", above_zero);
  visit("learning_rate_decay", o.learning_rate_decay, "factor from step to step", share);
  visit("warmup_updates", o.warmup_updates, "", not_negative);
  visit("clip_norm", o.clip_norm, "largest gradient norm; 0: no clipping", zero_or_more);
  visit("label_smoothing", o.label_smoothing, "", below_one);
  visit("dropout", o.dropout, "negative: the model's", below_one_or_negative);
  visit("average_decay", o.average_decay, "moving average of weights, per update; 0: none", below_one);
  visit("evaluate_every", o.evaluate_every, "updates between rewards on the selection half of validation", positive);
  visit("evaluate_samples", o.evaluate_samples, "samples a source in those", positive);
  visit("patience", o.patience, "evaluations without a rise before a step ends", positive);
  visit("stop_when_flat", o.stop_when_flat, "a step that does not raise the reward ends the Improve steps", either);
  visit("stop_when_parted", o.stop_when_parted, "so does one that raises it while reward.watch falls, and is left out",
        either);
  visit("checkpoint_every", o.checkpoint_every, "updates", positive);
  visit("keep_checkpoints", o.keep_checkpoints, "at least 2", at_least_two);
  memory_fields(o, visit);
  visit("candidates_together", o.candidates_together,
        "up to so many candidates of a source stand in one update and share its encoder pass", positive);
}

template <class Visit>
void fields(EvaluateOptions& o, Visit visit) {
  visit("seed", o.seed, "", any_integer);
  visit("temperature", o.temperature, "of sampled output", zero_or_more);
  visit("samples", o.samples, "per source, for the mean reward of sampled output", positive);
  visit("max_length", o.max_length, "pieces", length_rule);
  visit("bootstrap", o.bootstrap, "resamples", positive);
}

/// `visit(name, section)` for every section.
template <class Visit>
void sections(Experiment& e, Visit visit) {
  visit("data", e.data);
  visit("model", e.model);
  visit("train", e.train);
  visit("grow", e.grow);
  visit("reward", e.reward);
  visit("reward_model", e.reward_model);
  visit("improve", e.improve);
  visit("evaluate", e.evaluate);
}

}  // namespace rest
