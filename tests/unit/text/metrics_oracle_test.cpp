#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rest/core/philox.hpp"
#include "rest/text/metrics.hpp"
#include "rest_source_dir.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

// Draws in order from one fixed stream.
class Draws {
 public:
  std::uint64_t below(std::uint64_t n) { return philox_.bits64(next_++) % n; }
  const std::string& choose(const std::vector<std::string>& from) { return from[below(from.size())]; }

 private:
  Philox philox_{Purpose::sample, 500};
  std::uint32_t next_ = 0;
};

const std::vector<std::string> words = {
    "the",     "a",     "dog",    "cat",       "sees",     "Haus",   "schön",     "Männer",     "größer",
    "Übung",   "naïve", "don't",  "e-mail",    "U.S.",     "3",      "1,000",     "3.14",       "1990-",
    "2-3",     "10%",   "$5",     "x.",        ",y",       ".5",     "5.",        "...",        "a.b",
    "1.a",     "..,",   "--",     "-",         "日本語",   "中文。", "한국어",    "Привет",     "😀",
    "e\u0301", "&amp;", "&quot;", "&lt;b&gt;", "&amp;lt;", "&",      "<skipped>", "(see)",      "[1]",
    "{x}",     "~",     "`",      "^_^",       "a/b",      "@home",  "#1",        "\"quoted\"", "'s",
    "!",       "?",     ";",      ":",         "!?",       "“so”",   "–",         "ZÜRICH",     "\x7F"};
const std::vector<std::string> spaces = {" ",  " ",      " ",      " ",  "  ",  "\u00A0", "\u3000",
                                         "\t", "\u2009", "\u200B", "\n", "-\n", "\x1C",   ""};

std::string sentence(Draws& draw) {
  std::string text = draw.below(8) == 0 ? draw.choose(spaces) : "";
  for (std::uint64_t left = draw.below(14); left > 0; --left) text += draw.choose(words) + draw.choose(spaces);
  return text;
}

// The reference with some words gone, doubled or replaced; now and then something else, or nothing.
std::string candidate_for(const std::string& reference, Draws& draw) {
  const std::uint64_t kind = draw.below(12);
  if (kind == 0) return "";
  if (kind == 1) return sentence(draw);
  if (kind == 2) return reference;
  std::string text, word;
  for (const char c : reference + " ") {
    word += c;
    if (c != ' ') continue;
    const std::uint64_t change = draw.below(8);
    if (change == 0) word = draw.choose(words) + " ";
    if (change == 1) word += word;
    if (change != 2) text += word;
    word.clear();
  }
  return text;
}

struct Pair {
  std::string candidate, reference;
};

std::vector<Pair> generated_pairs() {
  Draws draw;
  std::vector<Pair> pairs;
  for (int i = 0; i < 500; ++i) {
    std::string reference = sentence(draw);
    std::string candidate = candidate_for(reference, draw);
    pairs.push_back({std::move(candidate), std::move(reference)});
  }
  return pairs;
}

std::string python() {
  const char* named = std::getenv("REST_PYTHON");
  return named && *named ? named : "python3";
}

// The oracle's scores, or null when there is no sacreBLEU.
nlohmann::json sacrebleu_scores(const std::vector<Pair>& pairs) {
  if (std::system((python() + " -c 'import sacrebleu' 2>/dev/null").c_str()) != 0) return nullptr;
  const TemporaryDirectory folder;
  nlohmann::json json = nlohmann::json::array();
  for (const Pair& pair : pairs) json.push_back({pair.candidate, pair.reference});
  std::ofstream(folder / "pairs.json") << json;
  const std::string script = REST_SOURCE_DIR "/tests/support/sacrebleu_oracle.py";
  const std::string command =
      python() + " " + script + " " + (folder / "pairs.json").string() + " " + (folder / "scores.json").string();
  if (std::system(command.c_str()) != 0) throw Error("failed: " + command);
  return nlohmann::json::parse(std::ifstream(folder / "scores.json"));
}

TEST(MetricsOracle, EqualSacrebleuOn500Pairs) {
  const std::vector<Pair> pairs = generated_pairs();
  const nlohmann::json theirs = sacrebleu_scores(pairs);
  if (theirs.is_null()) GTEST_SKIP() << "sacrebleu is not importable by " << python();
  BleuStatistics bleu;
  ChrfStatistics chrf_sum;
  int between = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [candidate, reference] = pairs[i];
    SCOPED_TRACE(concat("pair ", i, ": \"", candidate, "\" against \"", reference, "\""));
    EXPECT_EQ(tokenize_13a(candidate), theirs["tokens"][i].get<std::vector<std::string>>());
    const double ours = sentence_bleu(candidate, reference);
    EXPECT_NEAR(ours, theirs["sentence_bleu"][i].get<double>(), 1e-6);
    EXPECT_NEAR(sentence_chrf(candidate, reference), theirs["sentence_chrf"][i].get<double>(), 1e-6);
    between += ours > 1.0 && ours < 99.0 ? 1 : 0;
    bleu += bleu_statistics(candidate, reference);
    chrf_sum += chrf_statistics(candidate, reference);
  }
  EXPECT_NEAR(corpus_bleu(bleu), theirs["corpus_bleu"].get<double>(), 1e-6);
  EXPECT_NEAR(chrf(chrf_sum), theirs["corpus_chrf"].get<double>(), 1e-6);
  EXPECT_GT(between, 250) << "the pairs should be neither equal nor unrelated";
}

}  // namespace
}  // namespace rest
