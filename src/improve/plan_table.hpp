#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace rest {

/// A plan (the JSON that plan_improve writes) as text: what is kept, what it takes, what will not work.
std::string plan_text(const nlohmann::json& plan);

}  // namespace rest
