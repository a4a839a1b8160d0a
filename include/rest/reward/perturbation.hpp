#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rest/core/span.hpp"

namespace rest {

/// A source with a good translation.
struct GoodTranslation {
  std::string source, text;
};

/// Ways to spoil a good translation that a reward should notice: the paper's repetitions and word orders (A.4), and
/// what learned metrics are known to be fooled by.
enum class Perturbation {
  repeat,         ///< said twice
  repeat_phrase,  ///< up to three of its words said three times
  truncate,       ///< the last third is missing
  drop_words,     ///< a fifth of the words, one at least, are missing
  shuffle_words,  ///< its words in another order
  copy_source,    ///< the source, untranslated
  half_source,    ///< its second half is that of the source
  wrong_source,   ///< the translation of another source
  numbers,        ///< its digits are others
  empty           ///< nothing
};

/// All of them, in order, and their names ("repeat_phrase").
std::vector<Perturbation> all_perturbations();
std::string to_string(Perturbation kind);

/// The text of `good[at]` spoiled; nothing where the kind does not apply: no digits, too few words, or no change. Words
/// are what white space parts, or characters in a text of fewer than four. A function of its arguments alone.
std::optional<std::string> perturbed(Perturbation kind, Span<const GoodTranslation> good, std::size_t at,
                                     std::uint64_t seed);

}  // namespace rest
