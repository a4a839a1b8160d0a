#include "rest/comm/communicator.hpp"

#include <algorithm>
#include <exception>
#include <numeric>

#include "mpi_handle.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

/// MPI counts are int: what is larger goes in pieces.
constexpr std::size_t piece_bytes = std::size_t{1} << 26;

void broadcast_pieces(const Communicator& communicator, char* bytes, std::size_t size, int root) {
  const Waiting waiting(communicator, "MPI_Bcast");
  for (std::size_t first = 0; first < size; first += piece_bytes) {
    const auto count = static_cast<int>(std::min(piece_bytes, size - first));
    check_mpi(MPI_Bcast(bytes + first, count, MPI_BYTE, root, mpi_comm(communicator)), "MPI_Bcast");
  }
}

/// Byte counts of all ranks.
std::vector<std::size_t> gather_sizes(const Communicator& communicator, std::size_t own) {
  const Waiting waiting(communicator, "MPI_Allgather");
  const std::uint64_t size = own;
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(communicator.size()));
  check_mpi(MPI_Allgather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, mpi_comm(communicator)),
            "MPI_Allgather");
  return {sizes.begin(), sizes.end()};
}

/// Every rank's bytes end to end into `all`, which has room for them.
void gather_bytes(const Communicator& communicator, const void* own, const std::vector<std::size_t>& sizes, char* all) {
  const auto rank = static_cast<std::size_t>(communicator.rank());
  if (std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) <= piece_bytes) {
    const std::vector<int> counts(sizes.begin(), sizes.end());
    std::vector<int> offsets(counts.size(), 0);
    std::partial_sum(counts.begin(), counts.end() - 1, offsets.begin() + 1);
    const Waiting waiting(communicator, "MPI_Allgatherv");
    check_mpi(MPI_Allgatherv(own, counts[rank], MPI_BYTE, all, counts.data(), offsets.data(), MPI_BYTE,
                             mpi_comm(communicator)),
              "MPI_Allgatherv");
    return;
  }
  for (std::size_t root = 0; root < sizes.size(); ++root) {
    if (root == rank) std::copy_n(static_cast<const char*>(own), sizes[root], all);
    broadcast_pieces(communicator, all, sizes[root], static_cast<int>(root));
    all += sizes[root];
  }
}

}  // namespace

Communicator::Handle::~Handle() {
  int finalized = 0;
  if (!owned || MPI_Finalized(&finalized) != MPI_SUCCESS || finalized) return;
  // Freeing is collective: a rank that fails alone must not wait for the others in it.
  if (std::uncaught_exceptions() == 0) MPI_Comm_free(&comm);
}

void check_mpi(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char words[MPI_MAX_ERROR_STRING] = {};
  int length = 0, rank = -1;
  MPI_Error_string(status, words, &length);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  throw Error(concat(call, " failed on rank ", rank), words);
}

Communicator duplicate(const Communicator& communicator) {
  MPI_Comm copy = MPI_COMM_NULL;
  const Waiting waiting(communicator, "MPI_Comm_dup");
  check_mpi(MPI_Comm_dup(mpi_comm(communicator), &copy), "MPI_Comm_dup");
  return Communicator(std::make_shared<const Communicator::Handle>(copy, true, communicator.handle()->activity));
}

Communicator::Communicator(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {
  check_mpi(MPI_Comm_rank(handle_->comm, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(handle_->comm, &size_), "MPI_Comm_size");
}

void barrier(const Communicator& communicator) {
  if (!communicator.handle()) return;
  const Waiting waiting(communicator, "MPI_Barrier");
  check_mpi(MPI_Barrier(mpi_comm(communicator)), "MPI_Barrier");
}

bool any(const Communicator& communicator, bool value) {
  if (!communicator.handle()) return value;
  const int own = value ? 1 : 0;
  int all = 0;
  const Waiting waiting(communicator, "MPI_Allreduce");
  check_mpi(MPI_Allreduce(&own, &all, 1, MPI_INT, MPI_MAX, mpi_comm(communicator)), "MPI_Allreduce");
  return all != 0;
}

std::int64_t sum(const Communicator& communicator, std::int64_t value) {
  if (!communicator.handle()) return value;
  std::int64_t all = 0;
  const Waiting waiting(communicator, "MPI_Allreduce");
  check_mpi(MPI_Allreduce(&value, &all, 1, MPI_INT64_T, MPI_SUM, mpi_comm(communicator)), "MPI_Allreduce");
  return all;
}

std::string broadcast(const Communicator& communicator, std::string bytes) {
  if (!communicator.handle()) return bytes;
  const Waiting waiting(communicator, "MPI_Bcast");
  std::uint64_t size = bytes.size();
  check_mpi(MPI_Bcast(&size, 1, MPI_UINT64_T, 0, mpi_comm(communicator)), "MPI_Bcast");
  bytes.resize(size);
  broadcast_pieces(communicator, bytes.data(), bytes.size(), 0);
  return bytes;
}

std::vector<std::string> all_gather(const Communicator& communicator, const std::string& bytes) {
  if (!communicator.handle()) return {bytes};
  const auto sizes = gather_sizes(communicator, bytes.size());
  std::string all(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), '\0');
  gather_bytes(communicator, bytes.data(), sizes, all.data());
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    parts.push_back(all.substr(at, size));
    at += size;
  }
  return parts;
}

std::vector<double> all_gather(const Communicator& communicator, Span<const double> values) {
  if (!communicator.handle()) return {values.begin(), values.end()};
  const auto sizes = gather_sizes(communicator, values.size() * sizeof(double));
  std::vector<double> all(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) / sizeof(double));
  gather_bytes(communicator, values.data(), sizes, reinterpret_cast<char*>(all.data()));
  return all;
}

double largest(const Communicator& communicator, double value) {
  const auto of_all_ranks = all_gather(communicator, Span<const double>(&value, 1));
  return *std::max_element(of_all_ranks.begin(), of_all_ranks.end());
}

Communicator split_by_host(const Communicator& communicator) {
  if (!communicator.handle()) return {};
  const Waiting waiting(communicator, "MPI_Comm_split_type");
  MPI_Comm host = MPI_COMM_NULL;
  check_mpi(
      MPI_Comm_split_type(mpi_comm(communicator), MPI_COMM_TYPE_SHARED, communicator.rank(), MPI_INFO_NULL, &host),
      "MPI_Comm_split_type");
  return Communicator(std::make_shared<const Communicator::Handle>(host, true, communicator.handle()->activity));
}

}  // namespace rest
