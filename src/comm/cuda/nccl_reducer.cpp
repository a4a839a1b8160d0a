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

}  // namespace

NcclReducer::NcclReducer(const NcclOptions& options)
    : rank_(options.rank), ranks_(options.ranks), elements_(options.elements), cursor_(options.own, options.elements) {
  try {
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags", rank_);
    check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags", rank_);
    check_cuda(cudaMalloc(&total_, elements_ * sizeof(float)), "cudaMalloc", rank_);
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

void NcclReducer::add(std::int64_t leaf, Span<const float> values) {
  const bool first = cursor_.at_first();
  cursor_.take(leaf, values.size());
  follow(stream_, default_stream);
  if (first) {
    check_cuda(cudaMemcpyAsync(total_, values.data(), elements_ * sizeof(float), cudaMemcpyDeviceToDevice, stream_),
               "cudaMemcpyAsync", rank_);
  } else {
    check_cuda(add_to(total_, values.data(), elements_, stream_), "the kernel that adds gradients", rank_);
  }
  follow(default_stream, stream_);  // the caller may then write to `values` again
}

Span<float> NcclReducer::finish() {
  cursor_.finish();
  if (ranks_ > 1) {
    check_nccl(ncclAllReduce(total_, total_, elements_, ncclFloat32, ncclSum, comm_, stream_), "ncclAllReduce", rank_);
  }
  wait();
  return {total_, elements_};
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
