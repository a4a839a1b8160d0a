#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/inspect/verify.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"
#include "rest/store/safetensors.hpp"
#include "rest/text/tokenizer.hpp"
#include "unit/store/grow_fixture.hpp"

namespace rest {

/// A complete run made by hand: five sentences, two shards of three and two sources with four samples each, reward
/// "chrf", variant "bc" with steps i0, i1 and a moot i2, an evaluation of each policy.
class RunTest : public StoreTest {
 protected:
  static constexpr std::int64_t sources = 5, sources_per_shard = 3, shards = 2, vocabulary = 300;

  RunDirectory run() const { return RunDirectory(dir() / "run"); }
  std::filesystem::path at(const std::string& path) const { return run().root() / path; }
  static std::string digest(const std::filesystem::path& file) { return find_committed(file).value().sha256; }

  void make_run() const {
    prepare();
    train();
    grow();
    score();
    improve();
    evaluate();
  }

  void prepare() const {
    commit_file(run().tokenizer(), make_lineage("tokenizer", {}, {}), [&](const std::filesystem::path& file) {
      train_tokenizer(sentences(), {vocabulary, 1.0}, file);
    });
    const std::string tokenizer = digest(run().tokenizer());
    for (const char* name : {"train", "valid"}) {
      Corpus corpus;
      corpus.vocabulary_size = vocabulary;
      corpus.tokenizer_digest = tokenizer;
      for (std::int64_t i = 0; i < sources; ++i) {
        for (CorpusSide* side : {&corpus.source, &corpus.target}) {
          side->tokens.push_back(std::vector<Token>{static_cast<Token>(10 + i), 20});
          side->text.push_back("text");
        }
      }
      const Lineage lineage = make_lineage("corpus", {{"tokenizer", tokenizer}}, {});
      commit_json(at(std::string("corpus/") + name + ".report.json"), {{"sentences", sources}}, lineage);
      write_corpus(run().corpus(name), corpus, lineage);
    }
    Experiment experiment;
    experiment.grow.sources_per_shard = sources_per_shard;
    experiment.improve.steps = 2;
    experiment.improve.thresholds = {0.5, 0.9};
    put(at("experiment.toml"), to_toml(experiment));
  }

  void train(float weight = 0.5f) const {
    save_policy(run().initial_policy(), weight,
                make_lineage("policy",
                             {{"corpus", digest(run().corpus("train"))}, {"validation", digest(run().corpus("valid"))}},
                             {{"train", 1}}));
  }

  Lineage shard_lineage(std::int64_t shard) const {
    return make_lineage("candidates",
                        {{"policy", digest(at("policy/g0-i0/model.safetensors"))},
                         {"corpus", digest(run().corpus("train"))},
                         {"tokenizer", digest(run().tokenizer())}},
                        {{"grow.samples", 4},
                         {"grow.include_originals", true},
                         {"grow.sources_per_shard", sources_per_shard},
                         {"shard", shard}});
  }

  void grow_shard(std::int64_t number, const CandidateShard& shard) const {
    const Lineage lineage = shard_lineage(number);
    const auto input = [&](const char* name) { return lineage["inputs"][name].get<std::string>(); };
    write_shard(shard_file(run().grow(1), number), shard,
                {vocabulary, input("tokenizer"), input("policy"), input("corpus"), {{"samples", 4}}}, lineage);
  }

  /// Each source: [5] three times, [6 7] once, and an original.
  static CandidateShard shard(std::int64_t number) {
    CandidateShard made;
    made.first_source = number * sources_per_shard;
    for (std::int64_t i = made.first_source; i < std::min(sources, made.first_source + sources_per_shard); ++i) {
      made.candidates_per_source.push_back(3);
      for (const std::vector<Token>& row : std::vector<std::vector<Token>>{{5}, {6, 7}, {static_cast<Token>(10 + i)}}) {
        made.tokens.push_back(row);
      }
      made.log_prob.insert(made.log_prob.end(), {-1.0f, -2.0f, -3.0f});
      made.sampling_log_prob.insert(made.sampling_log_prob.end(),
                                    {-1.0f, -2.0f, -std::numeric_limits<float>::infinity()});
      made.count.insert(made.count.end(), {3, 1, 1});
      made.finished.insert(made.finished.end(), {1, 0, 1});
      made.origin.insert(made.origin.end(), {0, 0, 1});
    }
    return made;
  }

  void grow() const {
    for (std::int64_t number = 0; number < shards; ++number) grow_shard(number, shard(number));
    write_index(run().grow(1), shards, {});
  }

  void score() const {
    for (std::int64_t number = 0; number < shards; ++number) {
      const std::string shard_digest = digest(shard_file(run().grow(1), number));
      std::vector<float> rewards(shard(number).size(), 0.75f);
      std::filesystem::create_directories(run().grow(1) / "rewards/chrf");
      write_rewards(reward_file(run().grow(1), "chrf", number),
                    {"chrf", shard_digest, rewards, CandidateColumns(shard(number))},
                    make_lineage("reward", {{"shard", shard_digest}, {"corpus", digest(run().corpus("train"))}},
                                 {{"reward.name", "chrf"}}));
    }
    write_index(run().grow(1), shards, {"chrf"});
  }

  /// As CandidateView::digest() has it.
  std::string candidates() const {
    std::string text;
    for (std::int64_t number = 0; number < shards; ++number) {
      const std::string name = shard_file("", number).string();
      text += name + " " + digest(shard_file(run().grow(1), number)) + "\nchrf/" + name + " " +
              digest(reward_file(run().grow(1), "chrf", number)) + "\n";
    }
    return sha256(text);
  }

  void improve() const {
    for (std::int64_t step = 0; step < 2; ++step) {
      const auto directory = run().improve("bc", 1, step);
      const Lineage lineage = make_lineage("policy",
                                           {{"policy", digest(at("policy/g0-i0/model.safetensors"))},
                                            {"candidates", candidates()},
                                            {"corpus", digest(run().corpus("train"))},
                                            {"validation", digest(run().corpus("valid"))}},
                                           {{"reward", "chrf"}, {"step", step}});
      save_policy(directory, static_cast<float>(step), lineage);
      commit_json(directory / "step.json",
                  {{"step", step},
                   {"grow_step", 1},
                   {"threshold", step == 0 ? -1.0 : 0.5},
                   {"v_pi", 0.75},
                   {"kept_share", step == 0 ? 1.0 : 0.625},
                   {"sampled_share", 0.8},
                   {"best_reward", 0.8 - 0.1 * static_cast<double>(step)},
                   {"best_update", 0},
                   {"updates", 20},
                   {"rose", false},
                   {"moot", false}},
                  lineage);
    }
    commit_json(run().improve("bc", 1, 2) / "step.json",
                {{"step", 2},
                 {"grow_step", 1},
                 {"threshold", 0.9},
                 {"moot", true},
                 {"reason", "step 1 did not raise the reward"}},
                make_lineage("moot step", {}, {{"step", 2}}));
    const nlohmann::json best = {{"policy", "bc/g1-i0"}, {"reward", 0.8}};
    commit_json(at("improve/bc/g1-best.json"), best, make_lineage("best policy", {}, best));
  }

  void evaluate() const {
    for (const char* policy : {"g0-i0", "bc/g1-i0", "bc/g1-i1"}) {
      std::string name = policy;
      std::replace(name.begin(), name.end(), '/', '_');
      const nlohmann::json metrics = {{"policy", policy},
                                      {"corpus", "valid"},
                                      {"sources", 1},
                                      {"sampled", {{"mean_reward", 0.5}}},
                                      {"greedy", {{"mean_reward", 0.6}, {"bleu", 12.5}, {"chrf", 43.25}}},
                                      {"per_source", {{"greedy_reward", {0.6}}}}};
      commit_json(run().metrics() / (name + ".valid.json"), metrics,
                  make_lineage("evaluation",
                               {{"policy", digest(run().policy(policy) / "model.safetensors")},
                                {"corpus", digest(run().corpus("valid"))},
                                {"initial_policy", digest(at("policy/g0-i0/model.safetensors"))}},
                               {}));
    }
  }

  void save_policy(const std::filesystem::path& directory, float weight, const Lineage& lineage) const {
    const nlohmann::json config = {{"hidden", 1}};
    const std::vector<float> values(2, weight);
    commit_json(directory / "config.json", config, lineage);
    commit_file(directory / "model.safetensors", lineage, [&](const std::filesystem::path& file) {
      write_safetensors(file, {{"weights", "F32", {2}, values.data(), 2 * sizeof(float)}},
                        {{"config", config.dump()}, {"tokenizer", digest(run().tokenizer())}});
    });
    for (const char* checkpoint : {"update-00000010", "update-00000020"}) {
      commit_directory(directory / "checkpoints" / checkpoint, lineage, [&](const std::filesystem::path& folder) {
        put(folder / "state.json", nlohmann::json{{"update", std::stoi(std::string(checkpoint).substr(7))}}.dump());
        write_safetensors(folder / "state.safetensors", {{"weights", "F32", {2}, values.data(), 2 * sizeof(float)}});
      });
    }
    put(directory / "metrics.jsonl", "{\"update\": 10}\n");
  }

  /// The lineage of an artefact's record with one input changed; the bytes stay as they are.
  static void change_input(const std::filesystem::path& file, const std::string& input, const std::string& digest) {
    const std::filesystem::path record = file.string() + ".commit.json";
    nlohmann::json content = read_json(record);
    content["lineage"]["inputs"][input] = digest;
    put(record, content.dump(1) + "\n");
  }

  /// What is wrong, by path: the words behind it.
  std::map<std::string, std::string> wrong(Hashing hashing = Hashing::on) const {
    std::map<std::string, std::string> found;
    VerifyOptions options;
    options.hashing = hashing;
    for (const Finding& finding : verify_run(run(), options).findings) {
      if (finding.severity == Finding::Severity::wrong) found[finding.where.string()] = finding.line();
    }
    return found;
  }

 private:
  static std::vector<std::string> sentences() {
    std::vector<std::string> text;
    for (int i = 0; i < 200; ++i) text.push_back("the cat number " + std::to_string(i) + " sat on a mat of straw");
    return text;
  }
};

}  // namespace rest
