#include "rest/store/prepare_corpus.hpp"

#include <nlohmann/json.hpp>

#include "rest/store/corpus.hpp"
#include "rest/text/tokenizer.hpp"
#include "rest_source_dir.hpp"
#include "unit/store/store_fixture.hpp"

namespace rest {
namespace {

const std::filesystem::path synthetic = REST_SOURCE_DIR "/data/synthetic";

class PrepareTest : public StoreTest {
 protected:
  PrepareTest() : run_(dir() / "run") {
    data().train_source = text("train.src", first_lines("train.src", 500));
    data().train_target = text("train.tgt", first_lines("train.tgt", 500));
    data().valid_source = text("valid.src", first_lines("valid.src", 5));
    data().valid_target = text("valid.tgt", first_lines("valid.tgt", 5));
    data().vocabulary_size = 350;
  }
  DataOptions& data() { return experiment_.data; }
  void prepare() const { prepare_corpora(Communicator(), experiment_, run_); }
  std::string text(const std::string& name, const std::string& bytes) const {
    put(dir() / name, bytes);
    return (dir() / name).string();
  }
  static std::string first_lines(const std::string& name, int lines) {
    const std::string bytes = bytes_of(synthetic / name);
    std::size_t end = 0;
    for (int i = 0; i < lines; ++i) end = bytes.find('\n', end) + 1;
    return bytes.substr(0, end);
  }
  nlohmann::json report(const std::string& name) const {
    return nlohmann::json::parse(bytes_of(run_.root() / "corpus" / (name + ".report.json")));
  }
  Experiment experiment_;
  RunDirectory run_;
};

TEST_F(PrepareTest, EncodesEveryCorpusWithTheTrainedTokenizer) {
  data().test_source = data().valid_source;
  data().test_target = data().valid_target;
  data().monolingual_source = data().train_source;
  prepare();
  const Tokenizer tokenizer(run_.tokenizer());
  EXPECT_EQ(tokenizer.vocabulary_size(), 350);
  const Corpus train = read_corpus(run_.corpus("train"));
  EXPECT_EQ(train.size(), 500u);
  EXPECT_EQ(train.vocabulary_size, 350);
  EXPECT_EQ(train.tokenizer_digest, sha256_of_file(run_.tokenizer()));
  for (std::size_t i = 0; i < train.size(); ++i) {
    EXPECT_EQ(tokenizer.decode(train.source.tokens[i]), train.source.text[i]);
    EXPECT_EQ(tokenizer.decode(train.target.tokens[i]), train.target.text[i]);
  }
  EXPECT_EQ(read_corpus(run_.corpus("test")).size(), 5u);
  const Corpus monolingual = read_corpus(run_.corpus("monolingual"));
  EXPECT_EQ(monolingual.size(), 500u);
  EXPECT_FALSE(monolingual.has_target());
}

TEST_F(PrepareTest, LeavesTheExperimentInTheRunDirectory) {
  prepare();
  EXPECT_EQ(to_toml(load_experiment(run_.root() / "experiment.toml")), to_toml(experiment_));
}

TEST_F(PrepareTest, LeavesWhatIsCompleteAsItIs) {
  prepare();
  const auto written = std::filesystem::last_write_time(run_.corpus("train"));
  prepare();
  EXPECT_EQ(std::filesystem::last_write_time(run_.corpus("train")), written);
}

TEST_F(PrepareTest, MakesWhatIsMissingTheSameAgain) {
  prepare();
  const std::string before = bytes_of(run_.corpus("valid"));
  remove_committed(run_.corpus("valid"));
  prepare();
  EXPECT_EQ(bytes_of(run_.corpus("valid")), before);
}

TEST_F(PrepareTest, RefusesOtherInputsAndOptions) {
  prepare();
  data().max_length = 20;
  EXPECT_TRUE(contains(error_of([&] { prepare(); }), "data.max_length"));
  data().max_length = 128;
  text("valid.src", first_lines("train.src", 5));
  EXPECT_TRUE(contains(error_of([&] { prepare(); }), "source"));
}

TEST_F(PrepareTest, DropsUnusableTrainingLinesAndReportsThem) {
  std::string long_line;
  for (int i = 0; i < 200; ++i) long_line += "dog ";
  text("train.src", first_lines("train.src", 500) + "\n" + "dog\xFF\n" + long_line + "\n" + "the dog .\n");
  text("train.tgt", first_lines("train.tgt", 500) + "a\n" + "b\n" + "c\n" + "d\n");
  prepare();
  EXPECT_EQ(read_corpus(run_.corpus("train")).size(), 501u);
  const nlohmann::json json = report("train");
  EXPECT_EQ(json["sentences"], 501);
  EXPECT_EQ(json["dropped_without_text"]["first_lines"], nlohmann::json({501}));
  EXPECT_EQ(json["dropped_invalid_utf8"]["first_lines"], nlohmann::json({502}));
  EXPECT_EQ(json["dropped_too_long"]["first_lines"], nlohmann::json({503}));
}

TEST_F(PrepareTest, RefusesValidationLinesItWouldHaveToDrop) {
  text("valid.src", first_lines("valid.src", 5) + "\n");
  text("valid.tgt", first_lines("valid.tgt", 5) + "x\n");
  EXPECT_TRUE(contains(error_of([&] { prepare(); }), "line 6 of"));
  EXPECT_FALSE(find_committed(run_.corpus("valid")));
  EXPECT_FALSE(find_committed(run_.corpus("train"))) << "fails before the long work";
}

TEST_F(PrepareTest, CutsPiecesOfLongValidationLinesButKeepsTheirText) {
  data().max_length = 6;
  text("train.src", first_lines("train.src", 500) + "the dog\n");
  text("train.tgt", first_lines("train.tgt", 500) + "a\n");
  prepare();
  const Corpus valid = read_corpus(run_.corpus("valid"));
  EXPECT_EQ(valid.size(), 5u);
  EXPECT_EQ(valid.source.tokens.length(0), 6u);
  EXPECT_EQ(valid.source.text[0] + "\n", first_lines("valid.src", 1));
  EXPECT_GT(report("valid")["cut_too_long"]["count"], 0);
}

TEST_F(PrepareTest, RefusesUnequalLineCountsMissingKeysAndFiles) {
  const std::string target = data().train_target;
  text("train.tgt", first_lines("train.tgt", 499));
  EXPECT_TRUE(contains(error_of([&] { prepare(); }), "has 500 lines but"));
  data().train_target.clear();
  EXPECT_TRUE(contains(error_of([&] { prepare(); }), "data.train_target is missing"));
  data().train_target = "nowhere.tgt";
  EXPECT_TRUE(contains(error_of([&] { prepare(); }), "data.train_target"));
}

TEST_F(PrepareTest, TakesAGivenTokenizerOfTheRightVocabularyOnly) {
  prepare();
  const RunDirectory first = run_;
  run_ = RunDirectory(dir() / "other");
  data().tokenizer = first.tokenizer().string();
  data().vocabulary_size = 360;
  EXPECT_TRUE(contains(error_of([&] { prepare(); }), "set data.vocabulary_size = 350"));
  EXPECT_FALSE(find_committed(run_.tokenizer()));
  data().vocabulary_size = 350;
  prepare();
  EXPECT_EQ(bytes_of(run_.tokenizer()), bytes_of(first.tokenizer()));
  EXPECT_EQ(read_corpus(run_.corpus("train")).source.tokens.values,
            read_corpus(first.corpus("train")).source.tokens.values);
}

}  // namespace
}  // namespace rest
