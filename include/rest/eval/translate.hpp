#pragma once

#include <cstdint>
#include <iosfwd>

#include "rest/core/experiment.hpp"
#include "rest/model/policy.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {

/// Translates text, one sentence a line: greedy at temperature 0, else `samples` draws a line, one to an output line.
/// An empty line stays empty. Throws Error naming the line when it is no UTF-8.
void translate_lines(const Policy& policy, const Tokenizer& tokenizer, const GrowOptions& sampling, std::istream& in,
                     std::ostream& out);

}  // namespace rest
