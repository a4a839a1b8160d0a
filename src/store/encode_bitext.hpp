#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/store/corpus.hpp"
#include "rest/text/bitext.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {

/// What becomes of lines that cannot be used as they are.
enum class Unusable { drop, refuse };

struct EncodedBitext {
  Corpus corpus;                           ///< without tokenizer_digest
  std::vector<std::uint64_t> empty_lines;  ///< 1-based numbers of lines without text, or whose text has no pieces
  std::vector<std::uint64_t> invalid_lines;
  std::vector<std::uint64_t> long_lines;  ///< dropped, or cut when Unusable::refuse
};

/// `max_length` in pieces. Throws Error when nothing is left, or (Unusable::refuse) naming the first line without text
/// or with invalid UTF-8. `name` is what messages call it: the files it came from.
/// `tick` hears now and then how many pairs are done, and may throw.
EncodedBitext encode_bitext(Bitext bitext, const Tokenizer& tokenizer, std::int64_t max_length, Unusable unusable,
                            const std::string& name, const std::function<void(std::size_t done)>& tick = {});

/// Logs the first lines of each kind and how many there are.
void log_dropped(const EncodedBitext& encoded, Unusable unusable, const std::string& name);

/// Counts and first line numbers, as <name>.report.json has them.
nlohmann::json corpus_report(const EncodedBitext& encoded, Unusable unusable);

}  // namespace rest
