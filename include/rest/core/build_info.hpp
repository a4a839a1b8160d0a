#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace rest {

/// Version, git revision and the versions of the libraries below torch (Open MPI, HDF5, SentencePiece, compiler).
nlohmann::json build_info();

/// Host, date (UTC), instruction set of this process: what a sidecar records beside build_info().
nlohmann::json machine_info();

}  // namespace rest
