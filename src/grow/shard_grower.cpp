#include "shard_grower.hpp"

#include <algorithm>
#include <numeric>

#include "rest/core/error.hpp"
#include "rest/grow/grow_step.hpp"

namespace rest {
namespace {

void append(CandidateShard& shard, const Candidate& candidate) {
  shard.tokens.push_back(Span<const Token>(candidate.tokens));
  shard.log_prob.push_back(static_cast<float>(candidate.log_prob));
  shard.sampling_log_prob.push_back(static_cast<float>(candidate.sampling_log_prob));
  shard.count.push_back(candidate.count);
  shard.finished.push_back(candidate.finished ? 1 : 0);
  shard.origin.push_back(static_cast<std::uint8_t>(candidate.original ? Origin::original : Origin::sample));
}

}  // namespace

GenerateOptions generate_options(const GrowOptions& options) {
  GenerateOptions generate;
  generate.sampling = {options.temperature, options.top_k, options.top_p, options.epsilon};
  generate.samples = options.samples;
  generate.max_length = options.max_length;
  generate.max_rows = options.max_rows;
  generate.sharing = options.share_prefixes ? GenerateOptions::Sharing::prefixes : GenerateOptions::Sharing::none;
  generate.seed = static_cast<std::uint64_t>(options.seed);
  return generate;
}

ShardGrower::ShardGrower(const Experiment& experiment, const RunDirectory& run, std::int64_t grow_step,
                         const std::filesystem::path& policy_directory, torch::Device device)
    : options_(experiment.grow),
      grow_step_(grow_step),
      directory_(run.grow(grow_step)),
      corpus_(read_corpus(run.corpus("train"))),
      policy_(load_policy(policy_directory).to(device)),
      model_(policy_, options_.precision) {
  const std::string corpus_file = run.corpus("train").string();
  require_tokenizer(policy_, corpus_.tokenizer_digest, corpus_file);
  if (policy_.config.vocabulary_size != corpus_.vocabulary_size) {
    throw Error(concat("the policy in ", policy_directory.string(), " and ", corpus_file, " do not fit"),
                concat("vocabularies of ", policy_.config.vocabulary_size, " and ", corpus_.vocabulary_size, " pieces"),
                "use a policy and a corpus of the same run");
  }
  if (options_.include_originals && !corpus_.has_target()) {
    throw Error(corpus_file + " has no target side", "grow.include_originals asks for it",
                "set grow.include_originals to false");
  }
}

std::int64_t ShardGrower::shards() const {
  const auto size = static_cast<std::int64_t>(corpus_.size());
  return (size + options_.sources_per_shard - 1) / options_.sources_per_shard;
}

std::int64_t ShardGrower::sources(std::int64_t shard) const {
  return std::min(options_.sources_per_shard,
                  static_cast<std::int64_t>(corpus_.size()) - shard * options_.sources_per_shard);
}

Lineage ShardGrower::lineage(std::int64_t shard) const {
  const nlohmann::json grow = options_json(options_);
  nlohmann::json options;
  for (const auto& [key, value] : grow.items()) options["grow." + key] = value;
  options["grow step"] = grow_step_;
  options["shard"] = shard;
  return make_lineage("candidates",
                      {{"policy", policy_.digest}, {"corpus", corpus_.digest}, {"tokenizer", corpus_.tokenizer_digest}},
                      options);
}

ShardAttributes ShardGrower::attributes() const {
  return {corpus_.vocabulary_size, corpus_.tokenizer_digest, policy_.digest, corpus_.digest, options_json(options_)};
}

CandidateShard ShardGrower::sample(std::int64_t shard, const std::function<void(const GenerateCounts&)>& tick) const {
  const auto first = static_cast<std::uint64_t>(shard * options_.sources_per_shard);
  std::vector<std::uint64_t> sources(static_cast<std::size_t>(this->sources(shard)));
  std::iota(sources.begin(), sources.end(), first);
  CandidateShard out = sample(sources, tick);
  out.first_source = static_cast<std::int64_t>(first);
  return out;
}

CandidateShard ShardGrower::sample(const std::vector<std::uint64_t>& chosen,
                                   const std::function<void(const GenerateCounts&)>& tick) const {
  std::vector<GenerateSource> sources;
  for (const std::uint64_t source : chosen) {
    GenerateSource next{corpus_.source.tokens[source], source};
    if (options_.include_originals) {
      next.original = corpus_.target.tokens[source];
      next.has_original = true;
    }
    sources.push_back(next);
  }
  GenerateOptions options = generate_options(options_);
  options.step = static_cast<std::uint64_t>(grow_step_);
  CandidateShard out;
  for (const auto& candidates : generate(model_, sources, options, tick)) {
    out.candidates_per_source.push_back(static_cast<std::uint32_t>(candidates.size()));
    for (const Candidate& candidate : candidates) append(out, candidate);
  }
  return out;
}

}  // namespace rest
