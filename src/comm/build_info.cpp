#include "rest/comm/build_info.hpp"

#include <mpi.h>
#include <unistd.h>

#include <ctime>
#include <rest_revision.hpp>

#include "rest/core/error.hpp"

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

nlohmann::json machine_info() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  gmtime_r(&now, &utc);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
  const char* isa = "generic";
#if defined(__x86_64__)
  isa = __builtin_cpu_supports("avx512bf16") ? "avx512-bf16"
        : __builtin_cpu_supports("avx512f")  ? "avx512"
        : __builtin_cpu_supports("avx2")     ? "avx2"
                                             : "x86-64";
#endif
  return {{"host", host}, {"date", date}, {"instruction_set", isa}};
}

nlohmann::json made_by(const Communicator& world, int threads, const std::string& device) {
  return {{"build", build_info()},
          {"machine", machine_info()},
          {"ranks", world.size()},
          {"threads", threads},
          {"device", device}};
}

}  // namespace rest
