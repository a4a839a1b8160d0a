#include "rest/core/experiment.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "rest/core/error.hpp"
#include "rest/core/variant_name.hpp"
#include "rest_source_dir.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

class ExperimentFile : public ::testing::Test {
 protected:
  Experiment load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    std::ofstream(file_, std::ios::binary) << text;
    return load_experiment(file_, overrides);
  }
  std::string message_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
      load(text, overrides);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  TemporaryDirectory folder_;
  const std::filesystem::path file_ = folder_ / "e.toml";
};

TEST_F(ExperimentFile, EmptyOneHasTheDefaults) { EXPECT_EQ(to_toml(load("")), to_toml(Experiment{})); }

TEST_F(ExperimentFile, ValuesOfEveryTypeAreRead) {
  const Experiment e = load(
      "[model]\npreset = \"mini\"\nshare_embeddings = false\n[grow]\nsamples = 25\ntemperature = 1\n"
      "[improve]\nthresholds = [0, 0.5, 0.9]\nlambda = 0.25\n");
  EXPECT_EQ(e.model.preset, "mini");
  EXPECT_FALSE(e.model.share_embeddings);
  EXPECT_EQ(e.grow.samples, 25);
  EXPECT_EQ(e.grow.temperature, 1.0) << "an integer where a float is expected";
  EXPECT_EQ(e.improve.thresholds, (std::vector<double>{0.0, 0.5, 0.9}));
  EXPECT_EQ(e.improve.lambda, 0.25);
  EXPECT_EQ(e.grow.max_length, 128) << "not named: the default";
}

TEST_F(ExperimentFile, RelativePathsAreTakenFromItsFolder) {
  const Experiment e = load(
      "[data]\ntrain_source = \"corpus/train.en\"\nvalid_source = \"../v.en\"\ntest_source = \"/abs/t.en\"\n"
      "[train]\ninitial_policy = \"p\"\n");
  EXPECT_EQ(e.data.train_source, (folder_ / "corpus/train.en").string());
  EXPECT_EQ(e.data.valid_source, (folder_.path().parent_path() / "v.en").string());
  EXPECT_EQ(e.data.test_source, "/abs/t.en");
  EXPECT_EQ(e.data.test_target, "") << "empty stays empty";
  EXPECT_EQ(e.train.initial_policy, (folder_ / "p").string());
}

TEST_F(ExperimentFile, OverridesWinAndTakeBareText) {
  const Experiment e = load("[grow]\nsamples = 25\n",
                            {"grow.samples=7", "train.precision=bfloat16", "data.tokenizer=\"a b\"", "grow.top_p = 0.5",
                             "improve.thresholds=[0.1, 0.2]", "improve.stop_when_flat=false", "data.test_source=2024",
                             "data.test_target=x#y=z", "train.initial_policy="});
  EXPECT_EQ(e.grow.samples, 7);
  EXPECT_EQ(e.train.precision, "bfloat16");
  EXPECT_EQ(e.data.tokenizer, "a b");
  EXPECT_EQ(e.grow.top_p, 0.5);
  EXPECT_EQ(e.improve.thresholds, (std::vector<double>{0.1, 0.2}));
  EXPECT_FALSE(e.improve.stop_when_flat);
  EXPECT_EQ(e.data.test_source, "2024");
  EXPECT_EQ(e.data.test_target, "x#y=z");
  EXPECT_EQ(e.train.initial_policy, "");
}

TEST_F(ExperimentFile, WrongOverridesAreNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"grow.samples", "--set grow.samples is no section.key=value"},
      {"samples=3", "is no section.key=value"},
      {"grow.sample=3", "unknown key grow.sample; did you mean grow.samples?"},
      {"grown.samples=3", "unknown section [grown]; did you mean [grow]?"},
      {"grow.samples=many", "--set grow.samples=many: grow.samples must be an integer"},
      {"grow.samples=0", "grow.samples must be at least 1"},
      {"grow.samples=2.5", "must be an integer"},
      {"grow.samples=1\nseed=3", "is no single value"},
      {"grow.include_originals=1", "must be true or false"},
      {"train.precision=float16", "must be \"float32\" or \"bfloat16\""}};
  for (const auto& [override_text, part] : cases) {
    const std::string message = message_of("", {override_text});
    EXPECT_TRUE(contains(message, part)) << override_text << " gave: " << message;
  }
}

TEST_F(ExperimentFile, UnknownNamesAreRefusedByLineWithTheNearest) {
  EXPECT_EQ(message_of("[grow]\nsamples = 3\n\ntemprature = 0.8\n"),
            file_.string() + ":4: unknown key grow.temprature; did you mean grow.temperature?");
  EXPECT_EQ(message_of("\n[trian]\n"), file_.string() + ":2: unknown section [trian]; did you mean [train]?");
  EXPECT_TRUE(contains(message_of("seed = 1\n"), "e.toml:1: seed stands outside a section"));
  EXPECT_TRUE(contains(message_of("[train]\n[train.adam]\nbeta1 = 0.9\n"), "e.toml:2: unknown key train.adam"));
}

TEST_F(ExperimentFile, BrokenTomlIsRefusedByLine) {
  EXPECT_TRUE(contains(message_of("[grow]\nsamples = \n"), "e.toml:2: "));
  EXPECT_TRUE(contains(message_of("[grow]\nseed = 1\nseed = 2\n"), "e.toml:3: "));
  EXPECT_TRUE(contains(message_of("[data]\ntokenizer = \"\xff\"\n"), "e.toml:2: "));
}

TEST_F(ExperimentFile, OneThatCannotBeReadIsNamed) {
  EXPECT_THROW(load_experiment(folder_ / "absent.toml"), UsageError);
  EXPECT_THROW(load_experiment(folder_.path()), UsageError) << "a directory is no empty experiment";
}

struct BadValue {
  const char *section, *line, *words;
};

class BadValues : public ExperimentFile, public ::testing::WithParamInterface<BadValue> {};

TEST_P(BadValues, AreRefusedByFileLineAndKey) {
  const BadValue& bad = GetParam();
  const std::string key = std::string(bad.line).substr(0, std::string(bad.line).find(' '));
  const std::string message = message_of(concat("# a comment\n[", bad.section, "]\n", bad.line, "\n"));
  EXPECT_EQ(message, concat(file_.string(), ":3: ", bad.section, ".", key, " must be ", bad.words));
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadValues,
    ::testing::Values(
        BadValue{"grow", "temperature = \"hot\"", "a finite number"},
        BadValue{"grow", "temperature = -0.1", "0 or more"}, BadValue{"grow", "temperature = nan", "a finite number"},
        BadValue{"grow", "temperature = inf", "a finite number"},
        BadValue{"grow", "temperature = 9007199254740993", "a finite number"},
        BadValue{"grow", "samples = 10.0", "an integer"}, BadValue{"grow", "samples = 0", "at least 1"},
        BadValue{"grow", "top_p = 0.0", "above 0 and at most 1"},
        BadValue{"grow", "top_p = 1.01", "above 0 and at most 1"}, BadValue{"grow", "top_k = -1", "0 or more"},
        BadValue{"grow", "epsilon = 1.0", "at least 0 and below 1"},
        BadValue{"grow", "max_length = 4097", "from 1 to 4096"}, BadValue{"grow", "max_length = 0", "from 1 to 4096"},
        BadValue{"grow", "precision = \"int4\"", "\"float32\", \"bfloat16\", \"int8\" or \"float64\""},
        BadValue{"grow", "include_originals = \"yes\"", "true or false"},
        BadValue{"data", "vocabulary_size = 15", "from 16 to 1000000"},
        BadValue{"data", "vocabulary_size = 1000001", "from 16 to 1000000"},
        BadValue{"data", "character_coverage = 0.0", "above 0 and at most 1"},
        BadValue{"data", "train_source = 3", "text in quotes"},
        BadValue{"model", "preset = \"huge\"", "\"mini\", \"tiny\", \"base\" or \"big\""},
        BadValue{"model", "norm = \"none\"", "\"pre\" or \"post\""}, BadValue{"model", "dropout = 1.0", "below 1"},
        BadValue{"model", "hidden = -8", "from 0 (the preset's) to 65536"},
        BadValue{"train", "leaves = 3", "a power of two"}, BadValue{"train", "leaves = 0", "a power of two"},
        BadValue{"train", "precision = \"float64\"", "\"float32\" or \"bfloat16\""},
        BadValue{"train", "learning_rate = 0", "above 0"},
        BadValue{"train", "adam_beta2 = 1.0", "at least 0 and below 1"},
        BadValue{"train", "keep_checkpoints = 1", "at least 2"},
        BadValue{"train", "shard_optimizer = 1", "true or false"},
        BadValue{"improve", "shard_optimizer = 2", "true or false"},
        BadValue{"train", "gradient_checkpointing = 1", "true or false"},
        BadValue{"improve", "gradient_checkpointing = 0", "true or false"},
        BadValue{"improve", "candidates_together = 0", "at least 1"},
        BadValue{"reward", "name = \"a b\"", file_name_words}, BadValue{"reward", "command = 3", "text in quotes"},
        BadValue{"reward", "batch = 0", "at least 1"}, BadValue{"reward", "start_seconds = 0", "above 0"},
        BadValue{"reward", "timeout_seconds = -1", "above 0"}, BadValue{"improve", "loss = \"ppo\"", "\"bc\""},
        BadValue{"improve", "lambda = 1.5", "at most 1"},
        BadValue{"improve", "thresholds = 0.5", "a list of finite numbers"},
        BadValue{"improve", "thresholds = [0.5, \"x\"]", "a list of finite numbers"},
        BadValue{"improve", "thresholds = []", "a list of at least one number"},
        BadValue{"improve", "filter = \"best\"",
                 "\"threshold\", \"percentile\", \"interpolation\", \"quantile\" or \"top_k\""},
        BadValue{"reward", "combine = \"max\"", "\"mean\" or \"min\""},
        BadValue{"reward", "of = [1]", "a list of texts in quotes"},
        BadValue{"reward", "of = \"chrf\"", "a list of texts in quotes"},
        BadValue{"reward", "of = [\"\"]", "a list of names of letters, digits, \".\", \"_\" and \"-\""},
        BadValue{"reward", "weights = [-1.0]", "a list of numbers that are 0 or more"},
        BadValue{"reward", "spread_penalty = -1", "0 or more"},
        BadValue{"reward", "precision = \"int8\"", "\"float32\" or \"bfloat16\""},
        BadValue{"reward_model", "architecture = \"cross\"", "\"predictor\" or \"joint\""},
        BadValue{"reward_model", "normalise = \"z\"", "\"range\", \"rank\" or \"none\""},
        BadValue{"reward_model", "calibration = \"none\"", "\"rating\" or \"quantile\""},
        BadValue{"reward_model", "augment_share = 1.0", "at least 0 and below 1"},
        BadValue{"reward_model", "folds = 1", "at least 2"}, BadValue{"reward_model", "members = 0", "at least 1"},
        BadValue{"evaluate", "bootstrap = 0", "at least 1"}));

TEST_F(ExperimentFile, ThresholdsAreHeldAgainstTheFilterWhateverTheirOrder) {
  EXPECT_TRUE(contains(message_of("[improve]\nthresholds = [0.5, 0.5]\n"), "improve.thresholds do not rise"));
  EXPECT_TRUE(contains(message_of("[improve]\nfilter = \"top_k\"\n"), "must be whole numbers"));
  EXPECT_EQ(load("[improve]\nthresholds = [8, 4]\nfilter = \"top_k\"\n").improve.filter, "top_k");
  EXPECT_EQ(load("", {"improve.thresholds=[8, 4]", "improve.filter=top_k"}).improve.thresholds.front(), 8.0);
  EXPECT_TRUE(contains(message_of("", {"improve.filter=quantile", "improve.thresholds=[0.5, 1]"}),
                       "improve.filter = \"quantile\" must be at least 0 and below 1"));
}

TEST_F(ExperimentFile, RewardIsComputedInOneWay) {
  EXPECT_EQ(load("[reward]\nname = \"learned\"\nwatch = \"other\"\n").reward.name, "learned") << "the run knows it";
  EXPECT_NE(message_of("[reward]\ncommand = \"a\"\n").find("a name of its own"), std::string::npos);
  EXPECT_NE(message_of("[reward]\nof = [\"bleu\"]\n").find("a name of its own"), std::string::npos);
  EXPECT_NE(message_of("[reward]\nname = \"a\"\nof = [\"a\"]\n").find("the reward itself"), std::string::npos);
  EXPECT_NE(message_of("[reward]\nname = \"a\"\nof = [\"bleu\"]\ncommand = \"b\"\n").find("in one way"),
            std::string::npos);
  const std::string two = "[reward]\nname = \"a\"\nof = [\"bleu\", \"chrf\"]\n";
  EXPECT_NE(message_of(two + "weights = [1]\n").find("one each"), std::string::npos);
  EXPECT_NE(message_of(two + "weights = [0, 0]\n").find("all 0"), std::string::npos);
  EXPECT_EQ(load(two + "weights = [1, 2]\n").reward.of, (std::vector<std::string>{"bleu", "chrf"}));
  EXPECT_NE(message_of("[reward_model]\nfold = 10\n").find("below reward_model.folds"), std::string::npos);
  EXPECT_NE(message_of("[reward]\nwatch = \"chrf\"\n").find("another reward"), std::string::npos);
  EXPECT_NE(message_of("[reward]\nwatch_command = \"a\"\n").find("no reward is watched"), std::string::npos);
  EXPECT_NE(message_of("[improve]\nstop_when_parted = true\n").find("no reward is watched"), std::string::npos);
  EXPECT_EQ(load("[reward]\nwatch = \"bleu\"\n").reward.watch, "bleu");
  const std::string program = "[reward]\nname = \"mine\"\ncommand = 'python3 \"a b.py\" --x \\ y'\n";
  EXPECT_EQ(load(program).reward.command, "python3 \"a b.py\" --x \\ y");
  EXPECT_EQ(to_toml(load(to_toml(load(program)))), to_toml(load(program)));
}

TEST_F(ExperimentFile, PrintedOneReadsBackTheSame) {
  Experiment e =
      load("", {"grow.temperature=0.1", "train.learning_rate=3e-300", "improve.thresholds=[-1, 0.3333333333333333]",
                "train.seed=-9223372036854775807", "train.adam_epsilon=1e30", "model.preset=mini", "model.norm=post",
                "improve.filter=threshold", "reward.name=bleu", "reward_model.ratings=[\"/a b\", \"/c\"]",
                "improve.stop_when_flat=false", "evaluate.bootstrap=7"});
  e.data.tokenizer = "/a \"quoted\" \\ back'slash # no comment \t tab \xc3\xa9";
  const Experiment again = load(to_toml(e));
  EXPECT_EQ(to_toml(again), to_toml(e));
  EXPECT_EQ(again.data.tokenizer, e.data.tokenizer);
  EXPECT_EQ(again.train.learning_rate, 3e-300);
  EXPECT_EQ(again.train.adam_epsilon, 1e30);
  EXPECT_EQ(again.improve.thresholds, e.improve.thresholds);
  EXPECT_EQ(options_json(again.data), options_json(e.data));
  EXPECT_EQ(options_json(again.model), options_json(e.model));
  EXPECT_EQ(options_json(again.train), options_json(e.train));
  EXPECT_EQ(options_json(again.grow), options_json(e.grow));
  EXPECT_EQ(options_json(again.reward), options_json(e.reward));
  EXPECT_EQ(options_json(again.reward_model), options_json(e.reward_model));
  EXPECT_EQ(options_json(again.improve), options_json(e.improve));
  EXPECT_EQ(options_json(again.evaluate), options_json(e.evaluate));
}

TEST_F(ExperimentFile, PrintedOneSaysWhatKeysMean) {
  const std::string text = to_toml(Experiment{});
  EXPECT_TRUE(contains(text, "[grow]\n"));
  EXPECT_TRUE(contains(text, "\nsamples = 100  # N, per source\n"));
}

TEST_F(ExperimentFile, OptionsAreListedByKey) {
  const auto json = options_json(GrowOptions{});
  EXPECT_EQ(json.at("samples"), 100);
  EXPECT_EQ(json.at("precision"), "float32");
  EXPECT_EQ(json.at("include_originals"), true);
  EXPECT_EQ(json.size(), 12u);
}

TEST(ModelPreset, FillsWhatIsNotGiven) {
  struct Case {
    const char* preset;
    std::int64_t hidden, feed_forward, heads, layers;
    double dropout;
  };
  for (const Case& c : {Case{"mini", 128, 256, 4, 4, 0.3}, Case{"tiny", 512, 1024, 4, 6, 0.1},
                        Case{"base", 512, 2048, 8, 6, 0.1}, Case{"big", 1024, 8192, 16, 6, 0.1}}) {
    ModelOptions options;
    options.preset = c.preset;
    const ModelOptions filled = resolve_preset(options);
    EXPECT_EQ(filled.hidden, c.hidden) << c.preset;
    EXPECT_EQ(filled.feed_forward, c.feed_forward) << c.preset;
    EXPECT_EQ(filled.heads, c.heads) << c.preset;
    EXPECT_EQ(filled.encoder_layers, c.layers) << c.preset;
    EXPECT_EQ(filled.decoder_layers, c.layers) << c.preset;
    EXPECT_EQ(filled.dropout, c.dropout) << c.preset;
  }
}

TEST(ModelPreset, KeepsWhatIsGiven) {
  ModelOptions options;
  options.hidden = 64, options.decoder_layers = 2, options.dropout = 0.0;
  const ModelOptions filled = resolve_preset(options);
  EXPECT_EQ(filled.hidden, 64);
  EXPECT_EQ(filled.encoder_layers, 6);
  EXPECT_EQ(filled.decoder_layers, 2);
  EXPECT_EQ(filled.dropout, 0.0);
}

TEST_F(ExperimentFile, HeadsThatDoNotDivideHiddenAreRefusedAtOnce) {
  EXPECT_EQ(message_of("[model]\nhidden = 100\n"), "model.heads = 8 does not divide model.hidden = 100");
  ModelOptions unknown;
  unknown.preset = "huge";
  EXPECT_THROW(resolve_preset(unknown), UsageError);
}

TEST(ExperimentFiles, OfTheRepositoryAreGood) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(REST_SOURCE_DIR) / "data/experiments")) {
    if (entry.path().extension() != ".toml") continue;
    EXPECT_NO_THROW(load_experiment(entry.path())) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace rest
