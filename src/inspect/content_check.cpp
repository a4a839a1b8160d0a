#include "content_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "rest/core/entries_of.hpp"
#include "rest/core/error.hpp"
#include "rest/store/content.hpp"
#include "rest/store/safetensors.hpp"
#include "rest/store/scored.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string input_of(const Lineage& lineage, const std::string& name) {
  return lineage.value("inputs", json::object()).value(name, std::string());
}

void require_lineage(const Lineage& in_file, const CommitRecord& record) {
  const std::string difference = lineage_difference(record.lineage, in_file);
  if (!difference.empty()) throw WrongRecord("its lineage is not that of the file: " + difference);
}

void require_input(const CommitRecord& record, const std::string& name, const std::string& digest) {
  if (input_of(record.lineage, name) != digest) throw Error("its attribute " + name + " is not its lineage's");
}

void require_unit_interval(const json& record, const char* key) {
  const double value = record.at(key);
  if (!(value >= 0.0 && value <= 1.0)) throw Error(concat(key, " is ", value), "it lies in [0, 1]");
}

void require_finite(const Safetensors& stored) {
  for (const TensorView& tensor : stored.tensors()) {
    if (tensor.dtype != "F32") continue;
    const auto* bytes = static_cast<const char*>(tensor.data);
    for (std::size_t at = 0; at < tensor.bytes; at += sizeof(float)) {
      float value = 0.0f;
      std::memcpy(&value, bytes + at, sizeof value);
      if (!std::isfinite(value)) throw Error(concat("tensor ", tensor.name, " holds ", value));
    }
  }
}

/// The samples of every source add up to N; a source has one original or none.
void require_counts(const CandidateShard& shard, std::int64_t samples, bool originals) {
  std::size_t row = 0;
  for (std::size_t source = 0; source < shard.sources(); ++source) {
    std::int64_t sampled = 0, original = 0;
    for (const std::size_t end = row + shard.candidates_per_source[source]; row < end; ++row) {
      (shard.origin[row] == static_cast<std::uint8_t>(Origin::original) ? original : sampled) += shard.count[row];
    }
    if (sampled != samples || original != (originals ? 1 : 0)) {
      throw Error(concat("source ", source, " has ", sampled, " samples and ", original, " originals"),
                  concat("its lineage says ", samples, " and ", originals ? 1 : 0));
    }
  }
}

/// Every sample was drawn, so its log-probabilities are finite; an original may lie outside of what can be drawn.
void require_finite(const CandidateShard& shard) {
  for (std::size_t row = 0; row < shard.size(); ++row) {
    const bool sample = shard.origin[row] == static_cast<std::uint8_t>(Origin::sample);
    if (!std::isfinite(shard.log_prob[row]) || (sample && !std::isfinite(shard.sampling_log_prob[row]))) {
      throw Error(concat("the log-probability of candidate ", row, " is not finite"));
    }
  }
}

}  // namespace

void ContentCheck::check(const Artefact& artefact, const CommitRecord& record) {
  using Check = void (ContentCheck::*)(const Artefact&, const CommitRecord&);
  static const std::map<ArtefactKind, Check> checks = {
      {ArtefactKind::tokenizer, &ContentCheck::check_tokenizer},
      {ArtefactKind::corpus, &ContentCheck::check_corpus},
      {ArtefactKind::corpus_report, &ContentCheck::check_corpus_report},
      {ArtefactKind::policy, &ContentCheck::check_policy},
      {ArtefactKind::policy_config, &ContentCheck::check_policy_config},
      {ArtefactKind::step, &ContentCheck::check_step},
      {ArtefactKind::checkpoint, &ContentCheck::check_checkpoint},
      {ArtefactKind::shard, &ContentCheck::check_shard},
      {ArtefactKind::reward, &ContentCheck::check_reward},
      {ArtefactKind::index, &ContentCheck::check_index},
      {ArtefactKind::best, &ContentCheck::check_best},
      {ArtefactKind::metrics, &ContentCheck::check_metrics}};
  const auto found = checks.find(artefact.kind);
  if (found != checks.end()) (this->*found->second)(artefact, record);
}

void ContentCheck::check_tokenizer(const Artefact& artefact, const CommitRecord&) {
  tokenizer_pieces_ = Tokenizer(full(artefact)).vocabulary_size();
}

void ContentCheck::check_corpus(const Artefact& artefact, const CommitRecord& record) {
  const CorpusContent content = load_corpus(full(artefact));
  require_lineage(content.lineage, record);
  require_input(record, "tokenizer", content.corpus.tokenizer_digest);
  if (tokenizer_pieces_ > 0 && content.corpus.vocabulary_size != tokenizer_pieces_) {
    throw Error(concat("its vocabulary has ", content.corpus.vocabulary_size, " pieces"),
                concat("the tokenizer has ", tokenizer_pieces_));
  }
  sentences_[artefact.name] = content.corpus.size();
}

void ContentCheck::check_corpus_report(const Artefact& artefact, const CommitRecord&) {
  const std::uint64_t sentences = read_json(full(artefact)).at("sentences");
  const auto corpus = sentences_.find(artefact.name);
  if (corpus != sentences_.end() && sentences != corpus->second) {
    throw Error(concat("it reports ", sentences, " sentences"), concat("the corpus has ", corpus->second));
  }
}

void ContentCheck::check_policy(const Artefact& artefact, const CommitRecord&) {
  const Safetensors stored(full(artefact));
  require_finite(stored);
  if (stored.metadata().count("tokenizer") == 0) throw Error("its metadata names no tokenizer");
  configurations_[artefact.path.parent_path().string()] = json::parse(stored.metadata().at("config"));
}

void ContentCheck::check_policy_config(const Artefact& artefact, const CommitRecord&) {
  const json configuration = read_json(full(artefact));
  const auto policy = configurations_.find(artefact.path.parent_path().string());
  if (policy != configurations_.end() && configuration != policy->second) {
    throw Error("it is not the configuration that model.safetensors holds");
  }
}

void ContentCheck::check_step(const Artefact& artefact, const CommitRecord&) {
  const json step = read_json(full(artefact));
  if (step.at("step") != artefact.improve_step || step.at("grow_step") != artefact.grow_step) {
    throw Error("it is of another step than its folder says");
  }
  if (step.at("moot").get<bool>()) {
    step.at("reason").get<std::string>();
  } else {
    for (const char* key : {"v_pi", "kept_share", "sampled_share", "best_reward"}) require_unit_interval(step, key);
    if (step.at("best_update").get<std::int64_t>() > step.at("updates").get<std::int64_t>()) {
      throw Error("its best update comes after its last");
    }
  }
  steps_[artefact.path.parent_path().string()] = step;
}

void ContentCheck::check_checkpoint(const Artefact& artefact, const CommitRecord&) {
  for (const fs::path& file : entries_of(full(artefact))) {
    if (file.extension() == ".safetensors") require_finite(Safetensors(file));
    if (file.filename() == "state.json" && read_json(file).at("update") != artefact.number) {
      throw Error("its state is of another update");
    }
  }
}

void ContentCheck::check_shard(const Artefact& artefact, const CommitRecord& record) {
  const ShardContent content = load_shard(full(artefact));
  require_lineage(content.lineage, record);
  require_input(record, "tokenizer", content.attributes.tokenizer_digest);
  require_input(record, "policy", content.attributes.policy_digest);
  require_input(record, "corpus", content.attributes.corpus_digest);
  const CandidateShard& shard = content.shard;
  require_finite(shard);
  const json options = record.lineage.value("options", json::object());
  if (options.value("shard", artefact.number) != artefact.number) throw Error("it was made as another shard");
  require_counts(shard, options.at("grow.samples"), options.at("grow.include_originals"));
  const std::int64_t size = options.at("grow.sources_per_shard"), first = size * artefact.number;
  if (shard.first_source != first) throw Error(concat("it begins at source ", shard.first_source, ", not ", first));
  if (const auto corpus = sentences_.find("train"); corpus != sentences_.end()) {
    const std::int64_t left = std::max<std::int64_t>(0, static_cast<std::int64_t>(corpus->second) - first);
    const auto expected = static_cast<std::size_t>(std::min(size, left));
    if (shard.sources() != expected) throw Error(concat("it has ", shard.sources(), " sources, not ", expected));
  }
  shards_[artefact.path.string()] = {shard.sources(), shard.size(), shard.tokens.values.size()};
}

void ContentCheck::check_reward(const Artefact& artefact, const CommitRecord& record) {
  const RewardContent content = load_rewards(full(artefact));
  require_lineage(content.lineage, record);
  require_input(record, "shard", content.column.shard_digest);
  if (content.column.name != artefact.name) throw Error("it holds the reward " + content.column.name);
  const fs::path shard_path = artefact.path.parent_path().parent_path().parent_path() / artefact.path.filename();
  const auto shard = shards_.find(shard_path.string());
  if (shard == shards_.end()) return;
  if (content.column.reward.size() != shard->second.candidates) {
    throw Error(concat(content.column.reward.size(), " rewards for ", shard->second.candidates, " candidates"));
  }
  if (content.column.candidates.size() == 0) return;
  const auto made = find_committed(run_.root() / shard_path);
  if (!made || made->sha256 != content.column.shard_digest) return;  // of another shard: its lineage says so
  ScoredColumns in_shard;
  const ShardRange whole{0, 0, 0, shard->second.sources, shard->second.candidates, 0};
  read_scored(run_.root() / shard_path, full(artefact), whole, in_shard);
  if (!(in_shard.candidates == content.column.candidates))
    throw Error("its columns of the candidates are not the shard's");
}

void ContentCheck::require_whole_step(const Artefact& index, const std::vector<std::uint64_t>& source_offset) const {
  const auto corpus = sentences_.find("train");
  if (corpus == sentences_.end() || corpus->second == source_offset.back()) return;
  throw Error(concat("its shards hold ", source_offset.back(), " sources"),
              concat(corpus->second, " in the corpus of Grow step ", index.grow_step));
}

void ContentCheck::check_index(const Artefact& artefact, const CommitRecord& record) {
  const IndexContent index = load_index(full(artefact));
  require_lineage(index.lineage, record);
  require_whole_step(artefact, index.source_offset);
  for (std::size_t shard = 0; shard + 1 < index.source_offset.size(); ++shard) {
    const fs::path file = shard_file(artefact.path.parent_path(), static_cast<std::int64_t>(shard));
    const auto found = shards_.find(file.string());
    if (found == shards_.end()) continue;
    const ShardSize& size = found->second;
    const auto length = [&](const std::vector<std::uint64_t>& offset) { return offset.at(shard + 1) - offset[shard]; };
    if (length(index.source_offset) != size.sources || length(index.candidate_offset) != size.candidates ||
        length(index.token_offset) != size.tokens) {
      throw Error("its offsets are not those of " + file.filename().string());
    }
  }
}

void ContentCheck::check_best(const Artefact& artefact, const CommitRecord&) {
  const json best = read_json(full(artefact));
  const std::string policy = best.at("policy");
  const double reward = best.at("reward");
  const auto named = steps_.find((fs::path("improve") / policy).string());
  if (named == steps_.end()) return;
  if (named->second.value("best_reward", -1.0) != reward) throw Error("its reward is not that of " + policy);
  for (const auto& [folder, step] : steps_) {
    const Artefact other = classify(fs::path(folder) / "step.json");
    if (other.name != artefact.name || other.grow_step != artefact.grow_step) continue;
    const json left_out = best.value("left_out", json::array());
    const std::string name = fs::path(folder).lexically_relative("improve").generic_string();
    if (std::find(left_out.begin(), left_out.end(), name) != left_out.end()) continue;
    if (step.value("best_reward", -1.0) > reward) throw Error("it names " + policy, folder + " has a higher reward");
  }
}

void ContentCheck::check_metrics(const Artefact& artefact, const CommitRecord& record) {
  const json metrics = read_json(full(artefact));
  if (record.lineage.value("kind", "") != "evaluation") return;
  for (const char* output : {"sampled", "greedy"}) require_unit_interval(metrics.at(output), "mean_reward");
  for (const auto& [name, values] : metrics.at("per_source").items()) {
    if (values.size() != metrics.at("sources")) throw Error(name + " has not one value for each source");
  }
}

}  // namespace rest
