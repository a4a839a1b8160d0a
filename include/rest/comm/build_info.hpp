#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "rest/comm/communicator.hpp"

namespace rest {

/// Version, git revision and the versions of the libraries (Open MPI, HDF5, SentencePiece, CUDA, compiler).
nlohmann::json build_info();

/// The instruction set of this processor: "avx512-bf16", "avx512", "avx2", "x86-64" or "generic".
std::string instruction_set();

/// Host, date (UTC), instruction set of this process: what a sidecar records beside build_info().
nlohmann::json machine_info();

/// What made an artefact: build, machine, ranks, the computing threads of each and the device they computed on. Every
/// commit record holds it outside the lineage.
nlohmann::json made_by(const Communicator& world, int threads, const std::string& device = "cpu");

}  // namespace rest
