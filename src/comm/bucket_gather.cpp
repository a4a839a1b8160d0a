#include "bucket_gather.hpp"

#include <algorithm>

#include "mpi_handle.hpp"
#include "rest/core/error.hpp"

namespace rest {

void BucketGather::operator()(const HostBuffers& shared, char* values, std::size_t element_bytes) {
  if (element_bytes > sizeof(float)) throw Error(concat("elements of ", element_bytes, " bytes cannot be gathered"));
  const Waiting waiting(communicator_, "the gathering of buckets");
  HostBuffers::Progress& own = shared.progress(hosts_.place);
  const auto copy = [&](std::size_t bucket, char* to, const char* from) {
    std::copy_n(from, buckets_.size_of(bucket) * element_bytes, to);
  };
  const auto slot = [&](std::size_t bucket) {
    return reinterpret_cast<char*>(shared.total() + buckets_.first(bucket));
  };
  const auto place = [&](std::size_t bucket) { return values + buckets_.first(bucket) * element_bytes; };

  shared.wait_for(&HostBuffers::Progress::copied, gathers_);
  for (std::size_t bucket = 0; bucket < buckets_.count(); ++bucket)
    if (buckets_.owner(bucket) == communicator_.rank()) copy(bucket, slot(bucket), place(bucket));
  if (hosts_.ranks.size() > 1) exchange(shared, element_bytes);
  own.staged.store(++gathers_, std::memory_order_release);

  shared.wait_for(&HostBuffers::Progress::staged, gathers_);
  for (std::size_t bucket = 0; bucket < buckets_.count(); ++bucket)
    if (buckets_.owner(bucket) != communicator_.rank()) copy(bucket, place(bucket), slot(bucket));
  own.copied.store(gathers_, std::memory_order_release);
}

void BucketGather::exchange(const HostBuffers& shared, std::size_t element_bytes) const {
  std::vector<MPI_Request> requests;
  for (std::size_t bucket = 0; bucket < buckets_.count(); ++bucket) {
    const int owner = buckets_.owner(bucket), bytes = static_cast<int>(buckets_.size_of(bucket) * element_bytes);
    float* const slot = shared.total() + buckets_.first(bucket);
    if (!hosts_.is_here(owner) && hosts_.delegate(hosts_.own, owner) == communicator_.rank()) {
      check_mpi(MPI_Irecv(slot, bytes, MPI_BYTE, owner, 0, mpi_comm(communicator_), &requests.emplace_back()),
                "MPI_Irecv");
    }
    for (std::size_t host = 0; owner == communicator_.rank() && host < hosts_.ranks.size(); ++host) {
      if (host == hosts_.own) continue;
      check_mpi(MPI_Isend(slot, bytes, MPI_BYTE, hosts_.delegate(host, owner), 0, mpi_comm(communicator_),
                          &requests.emplace_back()),
                "MPI_Isend");
    }
  }
  check_mpi(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
}

}  // namespace rest
