#pragma once

#include <iosfwd>

#include "rest/grow/decode.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {

/// Translates text, one sentence a line: each candidate that `decode` gives on a line of its own, as often as it
/// counts. An empty line stays empty. Throws Error naming the line when it is no UTF-8.
void translate_lines(const Decode& decode, const Tokenizer& tokenizer, std::istream& in, std::ostream& out);

}  // namespace rest
