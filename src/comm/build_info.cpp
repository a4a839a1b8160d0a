#include "rest/comm/build_info.hpp"

#include <mpi.h>

#include <rest_revision.hpp>

#include "rest/core/error.hpp"
#include "rest/core/utc.hpp"

namespace rest {

nlohmann::json build_info() {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  if (MPI_Get_library_version(mpi, &length) != MPI_SUCCESS)
    throw Error("MPI_Get_library_version failed");  // needs no MPI_Init
  const std::string mpi_version(mpi), cuda(REST_CUDA_WORDS);
  return {{"version", REST_VERSION},
          {"revision", REST_REVISION},
          {"compiler", __VERSION__},
          {"mpi", mpi_version.substr(0, mpi_version.find(','))},
          {"hdf5", REST_HDF5_VERSION},
          {"libtorch", REST_LIBTORCH_VERSION},
          {"cuda", cuda.empty() ? "none" : cuda},
          {"sentencepiece", REST_SENTENCEPIECE_VERSION}};
}

std::string instruction_set() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") ? "avx512-bf16"
         : __builtin_cpu_supports("avx512f")  ? "avx512"
         : __builtin_cpu_supports("avx2")     ? "avx2"
                                              : "x86-64";
#else
  return "generic";
#endif
}

nlohmann::json machine_info() {
  return {{"host", host_name()}, {"date", utc_now()}, {"instruction_set", instruction_set()}};
}

nlohmann::json made_by(const Communicator& world, int threads, const std::string& device) {
  return {{"build", build_info()},
          {"machine", machine_info()},
          {"ranks", world.size()},
          {"threads", threads},
          {"device", device}};
}

}  // namespace rest
