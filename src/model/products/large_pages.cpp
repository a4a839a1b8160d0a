#include "large_pages.hpp"

#include <ATen/ATen.h>
#include <sys/mman.h>

#include <algorithm>
#include <numeric>

#include "rest/core/error.hpp"

namespace rest {

at::Tensor empty_in_large_pages(const std::vector<std::int64_t>& shape, at::ScalarType type) {
  const std::int64_t elements = std::accumulate(shape.begin(), shape.end(), std::int64_t{1},
                                                [](std::int64_t a, std::int64_t b) { return a * b; });
  const std::size_t bytes = std::max<std::size_t>(static_cast<std::size_t>(elements) * c10::elementSize(type), 1);
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Error(concat("no memory for ", bytes, " bytes"), "mmap refused them");
  madvise(memory, bytes, MADV_HUGEPAGE);  // a wish
  return at::from_blob(
      memory, shape, [bytes](void* mapped) { munmap(mapped, bytes); }, at::TensorOptions(type));
}

}  // namespace rest
