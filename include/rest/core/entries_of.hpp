#pragma once

#include <filesystem>
#include <vector>

namespace rest {

/// What lies directly in a folder, sorted; nothing when it is none or cannot be read.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

}  // namespace rest
