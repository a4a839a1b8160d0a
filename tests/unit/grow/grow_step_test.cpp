#include "rest/grow/grow_step.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>

#include "random_model.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "rest/model/policy.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

/// A run with a corpus of 10 pairs and a random policy; 4 sources a shard make 3 shards.
class GrowStep : public testing::Test {
 protected:
  GrowStep() : sources_(10), run_(make_folder()) {
    Corpus corpus;
    corpus.vocabulary_size = 37;
    corpus.tokenizer_digest = digest_;
    for (const auto& source : sources_.all()) {
      corpus.source.tokens.push_back(source.tokens);
      corpus.target.tokens.push_back(source.original);
      corpus.source.text.push_back("source");
      corpus.target.text.push_back("target");
    }
    fs::create_directories(run_.corpus("train").parent_path());
    write_corpus(run_.corpus("train"), corpus, make_lineage("corpus", {}, {}));
    save(policy(digest_), run_.initial_policy());
    experiment_.grow.samples = 6;
    experiment_.grow.max_length = 8;
    experiment_.grow.sources_per_shard = 4;
    experiment_.grow.precision = "float64";
  }
  ~GrowStep() override {
    std::error_code ignored;
    fs::remove_all(run_.root(), ignored);
  }

  static fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "rest-grow-XXXXXX").string();
    if (!mkdtemp(name.data())) throw Error("cannot make " + name);
    return name;
  }
  static Policy policy(const std::string& tokenizer_digest) {
    Policy policy;
    policy.config = grow_test::small_config();
    policy.parameters = initial_parameters(make_layout(policy.config), 4);
    policy.tokenizer_digest = tokenizer_digest;
    return policy;
  }
  static void save(const Policy& policy, const fs::path& directory) {
    save_policy(directory, policy, make_lineage("policy", {}, {}));
  }
  int grow() { return run_grow_step({}, experiment_, run_, {1, run_.initial_policy(), {}}); }
  std::string error() {
    try {
      grow();
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }
  std::string bytes(std::int64_t shard) const {
    std::ifstream in(shard_file(run_.grow(1), shard), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const std::string digest_ = std::string(64, 'a');
  grow_test::Sources sources_;
  RunDirectory run_;
  Experiment experiment_;
};

TEST_F(GrowStep, writes_the_candidates_of_every_source_and_the_index) {
  ASSERT_EQ(grow(), exit_success);
  EXPECT_EQ(read_extent(run_.grow(1)).shards(), 3);
  const auto all = sources_.all();
  std::size_t source = 0;
  for (std::int64_t i = 0; i < 3; ++i) {
    const CandidateShard shard = read_shard(shard_file(run_.grow(1), i));
    EXPECT_EQ(shard.first_source, 4 * i);
    std::size_t row = 0;
    for (const std::uint32_t candidates : shard.candidates_per_source) {
      std::uint32_t samples = 0;
      for (std::uint32_t k = 0; k + 1 < candidates; ++k, ++row) {
        EXPECT_EQ(shard.origin[row], 0);
        samples += shard.count[row];
      }
      EXPECT_EQ(samples, 6u);
      EXPECT_EQ(shard.origin[row], 1);
      const auto original = shard.tokens[row++];
      EXPECT_EQ(std::vector<Token>(original.begin(), original.end()),
                std::vector<Token>(all[source].original.begin(), all[source].original.end()));
      ++source;
    }
  }
  EXPECT_EQ(source, 10u);
}

TEST_F(GrowStep, goes_on_from_the_shards_that_are_there_with_the_same_bytes) {
  ASSERT_EQ(grow(), exit_success);
  const std::string first = bytes(0), second = bytes(1);
  remove_committed(shard_file(run_.grow(1), 1));
  const auto untouched = fs::last_write_time(shard_file(run_.grow(1), 0));
  ASSERT_EQ(grow(), exit_success);
  EXPECT_EQ(bytes(0), first);
  EXPECT_EQ(bytes(1), second);
  EXPECT_EQ(fs::last_write_time(shard_file(run_.grow(1), 0)), untouched);
}

TEST_F(GrowStep, refuses_shards_made_with_other_options_or_another_policy) {
  ASSERT_EQ(grow(), exit_success);
  experiment_.grow.temperature = 0.7;
  EXPECT_NE(error().find("grow.temperature"), std::string::npos) << error();
  experiment_.grow.temperature = 0.8;
  Policy other = policy(digest_);
  other.parameters += 0.01;
  remove_committed(run_.initial_policy() / "model.safetensors");
  save(other, run_.initial_policy());
  EXPECT_NE(error().find("policy"), std::string::npos) << error();
}

TEST_F(GrowStep, refuses_a_policy_of_another_tokenizer_or_vocabulary) {
  save(policy(std::string(64, 'b')), run_.root() / "policy" / "other");
  EXPECT_THROW(run_grow_step({}, experiment_, run_, {1, run_.root() / "policy" / "other", {}}), Error);
  Policy smaller = policy(digest_);
  smaller.config.vocabulary_size = 30;
  smaller.parameters = initial_parameters(make_layout(smaller.config), 4);
  save(smaller, run_.root() / "policy" / "smaller");
  EXPECT_THROW(run_grow_step({}, experiment_, run_, {1, run_.root() / "policy" / "smaller", {}}), Error);
}

TEST_F(GrowStep, samples_without_originals_when_told_to) {
  experiment_.grow.include_originals = false;
  ASSERT_EQ(grow(), exit_success);
  for (const std::uint8_t origin : read_shard(shard_file(run_.grow(1), 2)).origin) EXPECT_EQ(origin, 0);
}

}  // namespace
}  // namespace rest
