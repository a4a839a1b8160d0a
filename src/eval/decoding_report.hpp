#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace rest {

/// Prints evaluations of ways of decoding, of one policy and corpus: a row each below greedy output, and Best-of-N at
/// `best_of`. The formats are those of data/README.md.
void print_decoding(const std::vector<nlohmann::json>& metrics, const std::vector<std::int64_t>& best_of);

}  // namespace rest
