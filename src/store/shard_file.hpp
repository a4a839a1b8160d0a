#pragma once

#include "hdf5.hpp"
#include "rest/store/candidates.hpp"

namespace rest {

/// Attributes that shards and their index share.
void write_attributes(hdf5::File& file, const ShardAttributes& attributes);
ShardAttributes read_attributes(const hdf5::File& file);

/// Opens a shard and checks format and version; its bytes are verified by the caller.
hdf5::File open_shard(const std::filesystem::path& path);

}  // namespace rest
