#include "rest/eval/translate.hpp"

#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "rest/core/error.hpp"
#include "rest/text/bitext.hpp"

namespace rest {
namespace {

constexpr std::size_t batch_lines = 64;

struct Line {
  std::vector<Token> tokens;
  std::uint64_t number;
};

void translate_batch(const Decode& decode, const Tokenizer& tokenizer, const std::vector<Line>& lines,
                     std::ostream& out) {
  std::vector<GenerateSource> sources;
  for (const Line& line : lines) {
    if (line.tokens.empty()) continue;
    GenerateSource source;
    source.tokens = line.tokens;
    source.id = line.number;
    sources.push_back(source);
  }
  const auto candidates = decode.run(sources, [] {});
  std::size_t next = 0;
  for (const Line& line : lines) {
    if (line.tokens.empty()) {
      out << '\n';
      continue;
    }
    for (const Candidate& candidate : candidates[next++]) {
      const std::string text = tokenizer.decode(candidate.tokens);
      for (std::uint32_t i = 0; i < candidate.count; ++i) out << text << '\n';
    }
  }
  out.flush();
}

}  // namespace

void translate_lines(const Decode& decode, const Tokenizer& tokenizer, std::istream& in, std::ostream& out) {
  std::vector<Line> batch;
  std::string text;
  for (std::uint64_t number = 1; std::getline(in, text); ++number) {
    if (!is_valid_utf8(text))
      throw Error(concat("input line ", number, " is no UTF-8"), "", "convert the text to UTF-8");
    batch.push_back({tokenizer.encode(text), number});
    if (batch.size() == batch_lines) {
      translate_batch(decode, tokenizer, batch, out);
      batch.clear();
    }
  }
  translate_batch(decode, tokenizer, batch, out);
  if (!out) throw Error("the translation cannot be written");
}

}  // namespace rest
