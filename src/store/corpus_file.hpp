#pragma once

#include <filesystem>

#include "hdf5.hpp"

namespace rest {

/// Opens a corpus and checks format and version; its bytes are verified by the caller.
hdf5::File open_corpus(const std::filesystem::path& path);

}  // namespace rest
