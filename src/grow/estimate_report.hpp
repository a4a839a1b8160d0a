#pragma once

#include <nlohmann/json.hpp>

namespace rest {

/// Prints what estimate_grow_step() found: {"grow_step", "measured", "step"}.
void print_estimate(const nlohmann::json& estimate);

}  // namespace rest
