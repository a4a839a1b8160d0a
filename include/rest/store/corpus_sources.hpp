#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rest/core/ragged.hpp"

namespace rest {

/// The source side of a corpus file, read a run of sentences at a time: memory does not grow with the corpus but for 8
/// bytes every 4,096 sentences.
class CorpusSources {
 public:
  /// Verifies the file. Throws Error naming it.
  explicit CorpusSources(std::filesystem::path file);

  std::uint64_t size() const { return size_; }
  const std::string& digest() const { return digest_; }  ///< SHA-256 of the file
  const std::string& tokenizer_digest() const { return tokenizer_digest_; }
  /// Pieces of the sentences [first, first + count). Throws Error when there are fewer.
  Ragged<Token> read(std::uint64_t first, std::size_t count) const;

 private:
  std::filesystem::path file_;
  std::uint64_t size_ = 0;
  std::string digest_, tokenizer_digest_;
  std::vector<std::uint64_t> offsets_;  ///< where the pieces of every 4,096th sentence begin
};

}  // namespace rest
