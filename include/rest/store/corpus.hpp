#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/core/committed.hpp"
#include "rest/core/ragged.hpp"

namespace rest {

/// One side of a corpus: pieces (without begin and end) and the text they came from.
struct CorpusSide {
  Ragged<Token> tokens;
  std::vector<std::string> text;
};

/// An encoded corpus: /source and, unless monolingual, /target, each with `length` u32, `tokens` (u16 up to 65,536
/// pieces, else u32), `text` u8 and `text_length` u32. Attributes: format version, vocabulary_size, tokenizer (SHA-256
/// of the model), lineage.
struct Corpus {
  std::int64_t vocabulary_size = 0;
  std::string tokenizer_digest;
  CorpusSide source, target;  ///< target is empty when monolingual
  std::string digest;         ///< SHA-256 of the file read (from its commit record); empty in memory

  std::size_t size() const { return source.tokens.size(); }
  bool has_target() const { return target.tokens.size() == size() && size() > 0; }
};

/// Committed write with read-back.
void write_corpus(const std::filesystem::path& file, const Corpus& corpus, const Lineage& lineage,
                  const nlohmann::json& sidecar = {});

/// Reads and verifies (record, SHA-256, shapes, piece ids below the vocabulary). Throws Error naming the file.
Corpus read_corpus(const std::filesystem::path& file);

}  // namespace rest
