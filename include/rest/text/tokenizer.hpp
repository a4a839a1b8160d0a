#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rest/core/ragged.hpp"
#include "rest/core/span.hpp"

namespace rest {

/// SentencePiece (unigram, byte fallback). Special pieces: pad 0, unknown 1, begin 2, end 3.
class Tokenizer {
 public:
  static constexpr Token pad = 0, unknown = 1, begin = 2, end = 3;

  /// Throws Error naming the file when it is no SentencePiece model or its special pieces lie elsewhere.
  explicit Tokenizer(const std::filesystem::path& model);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  std::int64_t vocabulary_size() const;
  /// Pieces of the text, without begin and end.
  std::vector<Token> encode(const std::string& text) const;
  /// Throws Error when a token is no piece of the vocabulary.
  std::string decode(Span<const Token> tokens) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct TokenizerTraining {
  std::int64_t vocabulary_size = 32000;
  double character_coverage = 1.0;
};
/// Trains on sentences of both languages and writes `model`; the same bytes for the same input (one thread: the sums of
/// several would depend on their number). Throws Error when the text is too small or too large for the vocabulary,
/// saying the size it allows.
void train_tokenizer(const std::vector<std::string>& sentences, const TokenizerTraining& options,
                     const std::filesystem::path& model);

}  // namespace rest
