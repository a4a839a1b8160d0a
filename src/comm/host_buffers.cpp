#include "host_buffers.hpp"

#include <sched.h>

#include "vector_sum.hpp"

namespace rest {
namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "ranks share counters");

constexpr std::size_t page = 4096;

std::size_t whole_pages(std::size_t bytes) { return (bytes + page - 1) / page * page; }

std::size_t squares_bytes(std::size_t elements) {
  return whole_pages((elements + sum_block - 1) / sum_block * sizeof(double));
}

}  // namespace

std::size_t HostBuffers::Sizes::bytes() const {
  std::size_t buffers = 1;
  for (const std::size_t of_rank : partials) buffers += of_rank;
  return whole_pages(partials.size() * sizeof(Progress)) + squares_bytes(elements) +
         buffers * whole_pages(elements * sizeof(float));
}

HostBuffers::HostBuffers(SharedMemory memory, const Sizes& sizes)
    : memory_(std::move(memory)), stride_(whole_pages(sizes.elements * sizeof(float)) / sizeof(float)) {
  char* at = memory_.data();
  // Zeros, as the memory is, are how they begin: nothing is constructed.
  progress_ = reinterpret_cast<Progress*>(at);
  at += whole_pages(sizes.partials.size() * sizeof(Progress));
  squares_ = reinterpret_cast<double*>(at);
  at += squares_bytes(sizes.elements);
  total_ = reinterpret_cast<float*>(at);
  at += stride_ * sizeof(float);
  for (const std::size_t of_rank : sizes.partials) {
    partials_.push_back(reinterpret_cast<float*>(at));
    at += of_rank * stride_ * sizeof(float);
  }
}

bool HostBuffers::all_reached(std::atomic<std::uint64_t> Progress::*counter, std::uint64_t value) const {
  for (std::size_t place = 0; place < ranks(); ++place)
    if ((progress_[place].*counter).load(std::memory_order_acquire) < value) return false;
  return true;
}

void HostBuffers::wait_for(std::atomic<std::uint64_t> Progress::*counter, std::uint64_t value) const {
  while (!all_reached(counter, value)) sched_yield();
}

}  // namespace rest
