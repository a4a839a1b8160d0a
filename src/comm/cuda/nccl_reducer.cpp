#include "nccl_reducer.hpp"

#include <cstring>
#include <exception>
#include <thread>

#include "add_to.hpp"
#include "cuda_check.hpp"

namespace rest {
namespace {

/// LibTorch computes on it unless told otherwise, and nothing here tells it otherwise.
constexpr cudaStream_t default_stream = nullptr;

/// Elements that are worth an all-reduce of their own.
constexpr std::size_t slice_elements = std::size_t{1} << 22;

}  // namespace

NcclReducer::NcclReducer(const NcclOptions& options)
    : rank_(options.rank),
      ranks_(options.ranks),
      elements_(options.reducer.elements),
      cursor_(leaves_of_rank(options.reducer.leaves, rank_, ranks_), options.reducer.parts),
      buckets_(elements_, ranks_),
      reduced_from_(elements_) {
  try {
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags", rank_);
    check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags", rank_);
    check_cuda(cudaMalloc(&total_, elements_ * sizeof(float)), "cudaMalloc", rank_);
    // The gaps between parts are never written.
    check_cuda(cudaMemsetAsync(total_, 0, elements_ * sizeof(float), stream_), "cudaMemsetAsync", rank_);
    if (ranks_ == 1) return;
    ncclUniqueId id;
    if (options.id.size() != sizeof id.internal) throw Error("the id of the NCCL communicator has a wrong length");
    std::memcpy(id.internal, options.id.data(), sizeof id.internal);
    check_nccl(ncclCommInitRank(&comm_, ranks_, id, rank_), "ncclCommInitRank", rank_);
  } catch (...) {
    release();
    throw;
  }
}

NcclReducer::~NcclReducer() {
  // Ending a communicator waits for the other ranks; one that fails alone must not.
  if (comm_ && std::uncaught_exceptions() == 0) {
    ncclCommDestroy(comm_);
    comm_ = nullptr;
  }
  release();
}

void NcclReducer::release() noexcept {
  if (comm_) ncclCommAbort(comm_);
  if (total_) cudaFree(total_);
  if (event_) cudaEventDestroy(event_);
  if (stream_) cudaStreamDestroy(stream_);
  comm_ = nullptr, total_ = nullptr, event_ = nullptr, stream_ = nullptr;
}

/// What is put on `later` from now on runs behind all that `earlier` holds.
void NcclReducer::follow(cudaStream_t later, cudaStream_t earlier) {
  check_cuda(cudaEventRecord(event_, earlier), "cudaEventRecord", rank_);
  check_cuda(cudaStreamWaitEvent(later, event_, 0), "cudaStreamWaitEvent", rank_);
}

template <class T>
void NcclReducer::add_values(std::int64_t leaf, std::size_t number, Span<const T> values) {
  const GradientPart& part = cursor_.take(leaf, number, values.size());
  float* const sum = total_ + part.offset;
  follow(stream_, default_stream);
  check_cuda(cursor_.at_first() ? copy_to(sum, values.data(), part.size, stream_)
                                : add_to(sum, values.data(), part.size, stream_),
             "the kernel that adds gradients", rank_);
  follow(default_stream, stream_);  // the caller may then write to `values` again
  if (cursor_.at_last()) reduce_from(cursor_.complete_from());
}

void NcclReducer::end_leaf(std::int64_t leaf) {
  const auto& parts = cursor_.parts();
  for (std::size_t part = 0; part < parts.size() && cursor_.at_first(); ++part) {
    if (cursor_.has(part)) continue;
    check_cuda(cudaMemsetAsync(total_ + parts[part].offset, 0, parts[part].size * sizeof(float), stream_),
               "cudaMemsetAsync", rank_);
  }
  cursor_.end(leaf);
}

/// Puts the all-reduces of the slices that are complete, which they are from `complete` on, behind the last addition.
/// Slices begin at the same places on all ranks, whatever order their parts came in.
void NcclReducer::reduce_from(std::size_t complete) {
  while (reduced_from_ > 0) {
    const std::size_t first = (reduced_from_ - 1) / slice_elements * slice_elements;
    if (first < complete) return;
    if (ranks_ > 1) {
      check_nccl(
          ncclAllReduce(total_ + first, total_ + first, reduced_from_ - first, ncclFloat32, ncclSum, comm_, stream_),
          "ncclAllReduce", rank_);
    }
    reduced_from_ = first;
  }
}

GradientSum NcclReducer::finish() {
  cursor_.finish();
  GradientSum sum{{total_, elements_}};
  sum.hidden = elements_ == 0 ? 1.0 : 1.0 - static_cast<double>(reduced_from_) / static_cast<double>(elements_);
  reduce_from(0);
  reduced_from_ = elements_;
  wait();
  return sum;
}

void NcclReducer::gather_buckets(void* values, std::size_t element_bytes) {
  if (ranks_ == 1) return;
  follow(stream_, default_stream);
  check_nccl(ncclGroupStart(), "ncclGroupStart", rank_);
  for (std::size_t bucket = 0; bucket < buckets_.count(); ++bucket) {
    char* const first = static_cast<char*>(values) + buckets_.first(bucket) * element_bytes;
    check_nccl(ncclBroadcast(first, first, buckets_.size_of(bucket) * element_bytes, ncclInt8, buckets_.owner(bucket),
                             comm_, stream_),
               "ncclBroadcast", rank_);
  }
  check_nccl(ncclGroupEnd(), "ncclGroupEnd", rank_);
  wait();
}

/// Until the stream is through; a rank or a link that failed meanwhile shows as an error of the communicator.
void NcclReducer::wait() {
  for (;;) {
    const cudaError_t status = cudaStreamQuery(stream_);
    if (status == cudaSuccess) return;
    if (status != cudaErrorNotReady) check_cuda(status, "cudaStreamQuery", rank_);
    if (comm_) {
      ncclResult_t failure = ncclSuccess;
      check_nccl(ncclCommGetAsyncError(comm_, &failure), "ncclCommGetAsyncError", rank_);
      if (failure != ncclSuccess && failure != ncclInProgress) {
        ncclCommAbort(comm_);
        comm_ = nullptr;
        check_nccl(failure, "ncclAllReduce", rank_);
      }
    }
    std::this_thread::yield();
  }
}

}  // namespace rest
