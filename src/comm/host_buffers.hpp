#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "shared_memory.hpp"

namespace rest {

/// What the reducers of one host keep in the memory they share: partial sums of each rank, the sum, and how far each
/// is.
class HostBuffers {
 public:
  /// How far a rank is, counted on from update to update. A cache line each.
  struct alignas(64) Progress {
    std::atomic<std::uint64_t> ready{0};     ///< buckets, from the end of the buffer, that its leaves are complete in
    std::atomic<std::uint64_t> finished{0};  ///< updates of which it has done its part
    std::atomic<std::uint64_t> staged{0};    ///< gatherings for which its part is in the shared buffer
    std::atomic<std::uint64_t> copied{0};    ///< gatherings that it is through with
  };
  struct Sizes {
    std::size_t elements = 0;
    std::vector<std::size_t> partials;  ///< by place of the rank in its host
    std::size_t bytes() const;
  };

  /// Buffers in memory of Sizes::bytes().
  HostBuffers(SharedMemory memory, const Sizes& sizes);

  std::size_t ranks() const { return partials_.size(); }
  Progress& progress(std::size_t place) const { return progress_[place]; }
  bool all_reached(std::atomic<std::uint64_t> Progress::*counter, std::uint64_t value) const;
  /// Until all_reached().
  void wait_for(std::atomic<std::uint64_t> Progress::*counter, std::uint64_t value) const;
  /// [elements] float32
  float* partial(std::size_t place, std::size_t partial) const { return partials_[place] + partial * stride_; }
  float* total() const { return total_; }
  double* squares() const { return squares_; }  ///< a sum_block each

 private:
  SharedMemory memory_;
  std::size_t stride_;
  Progress* progress_;
  double* squares_;
  float* total_;
  std::vector<float*> partials_;
};

}  // namespace rest
