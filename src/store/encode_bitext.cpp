#include "encode_bitext.hpp"

#include <algorithm>

#include "rest/core/error.hpp"
#include "rest/core/log.hpp"

namespace rest {
namespace {

constexpr std::size_t lines_named = 10;

std::vector<std::uint64_t> first_of(const std::vector<std::uint64_t>& lines) {
  return {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(lines.size(), lines_named))};
}

void log_lines(const std::vector<std::uint64_t>& lines, const std::string& name, const std::string& what) {
  if (lines.empty()) return;
  std::string numbers;
  for (const std::uint64_t line : first_of(lines)) numbers += concat(numbers.empty() ? "" : ", ", line);
  if (lines.size() > lines_named) numbers += ", ...";
  log_warning(concat(name, ": ", lines.size(), " ", what, " (", lines.size() == 1 ? "line " : "lines ", numbers, ")"));
}

void refuse_if_any(const std::vector<std::uint64_t>& lines, const std::string& name, const std::string& what) {
  if (lines.empty()) return;
  throw Error(concat("line ", lines.front(), " of ", name, " ", what),
              concat(lines.size(), lines.size() == 1 ? " such line" : " such lines",
                     "; a validation or test set may lose none"),
              "mend or remove the line in all its files");
}

// Pieces beyond max_length are cut off; true when there were any.
bool cut(std::vector<Token>& pieces, std::int64_t max_length) {
  if (pieces.size() <= static_cast<std::size_t>(max_length)) return false;
  pieces.resize(static_cast<std::size_t>(max_length));
  return true;
}

}  // namespace

EncodedBitext encode_bitext(Bitext bitext, const Tokenizer& tokenizer, std::int64_t max_length, Unusable unusable,
                            const std::string& name, const std::function<void(std::size_t done)>& tick) {
  constexpr std::size_t tick_every = 1024;
  const bool has_target = !bitext.target.empty();
  EncodedBitext encoded;
  encoded.corpus.vocabulary_size = tokenizer.vocabulary_size();
  encoded.empty_lines = std::move(bitext.empty_lines);
  encoded.invalid_lines = std::move(bitext.invalid_lines);
  for (std::size_t i = 0; i < bitext.source.size(); ++i) {
    if (tick && i % tick_every == 0) tick(i);
    std::vector<Token> source = tokenizer.encode(bitext.source[i]);
    std::vector<Token> target;
    if (has_target) target = tokenizer.encode(bitext.target[i]);
    if (source.empty() || (has_target && target.empty())) {
      encoded.empty_lines.push_back(bitext.line[i]);
      continue;
    }
    const bool source_was_long = cut(source, max_length), target_was_long = cut(target, max_length);
    if (source_was_long || target_was_long) {
      encoded.long_lines.push_back(bitext.line[i]);
      if (unusable == Unusable::drop) continue;
    }
    encoded.corpus.source.tokens.push_back(source);
    encoded.corpus.source.text.push_back(std::move(bitext.source[i]));
    if (has_target) {
      encoded.corpus.target.tokens.push_back(target);
      encoded.corpus.target.text.push_back(std::move(bitext.target[i]));
    }
  }
  std::sort(encoded.empty_lines.begin(), encoded.empty_lines.end());
  if (unusable == Unusable::refuse) {
    refuse_if_any(encoded.invalid_lines, name, "is not UTF-8");
    refuse_if_any(encoded.empty_lines, name, "has no text");
  }
  if (encoded.corpus.size() == 0) {
    throw Error("nothing is left of " + name,
                concat(encoded.invalid_lines.size(), " lines are not UTF-8, ", encoded.empty_lines.size(),
                       " have no text, ", encoded.long_lines.size(), " have more than ", max_length, " pieces"),
                "look at the files, data.tokenizer and data.max_length");
  }
  return encoded;
}

void log_dropped(const EncodedBitext& encoded, Unusable unusable, const std::string& name) {
  const bool drop = unusable == Unusable::drop;
  log_lines(encoded.invalid_lines, name, "dropped that are not UTF-8");
  log_lines(encoded.empty_lines, name, "dropped that have no text");
  log_lines(encoded.long_lines, name,
            drop ? "dropped with more pieces than data.max_length" : "cut to data.max_length pieces (text kept whole)");
}

nlohmann::json corpus_report(const EncodedBitext& encoded, Unusable unusable) {
  const auto lines = [](const std::vector<std::uint64_t>& all) {
    return nlohmann::json{{"count", all.size()}, {"first_lines", first_of(all)}};
  };
  const Corpus& corpus = encoded.corpus;
  return {{"sentences", corpus.size()},
          {"source_pieces", corpus.source.tokens.values.size()},
          {"target_pieces", corpus.target.tokens.values.size()},
          {"dropped_invalid_utf8", lines(encoded.invalid_lines)},
          {"dropped_without_text", lines(encoded.empty_lines)},
          {unusable == Unusable::drop ? "dropped_too_long" : "cut_too_long", lines(encoded.long_lines)}};
}

}  // namespace rest
