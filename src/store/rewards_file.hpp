#pragma once

#include <filesystem>
#include <string>

#include "hdf5.hpp"

namespace rest {

/// Opens a reward file and checks format and version; its bytes are verified by the caller.
hdf5::File open_rewards(const std::filesystem::path& path);

/// An Error naming rest_score unless it was made for the shard of that SHA-256.
void require_made_for(const hdf5::File& file, const std::filesystem::path& path, const std::string& shard_digest);

/// Whether it holds the columns of its candidates.
inline bool holds_columns(const hdf5::File& file) { return file.has("count"); }

}  // namespace rest
