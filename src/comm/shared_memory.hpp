#pragma once

#include <cstddef>
#include <optional>

#include "rest/comm/communicator.hpp"

namespace rest {

/// Zeroed memory, of this process alone or of all ranks of a host. It has no name in any file system: nothing stays
/// behind, whatever ends the job.
class SharedMemory {
 public:
  /// Of this process. Throws std::bad_alloc.
  explicit SharedMemory(std::size_t bytes);
  /// Of all ranks of `host`; nothing where they cannot have any together (ranks in containers of their own do not see
  /// each other's files). Collective, with the same outcome on all ranks.
  static std::optional<SharedMemory> of_host(const Communicator& host, std::size_t bytes);

  SharedMemory(SharedMemory&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  char* data() const { return static_cast<char*>(data_); }

 private:
  SharedMemory(void* data, std::size_t bytes) : data_(data), bytes_(bytes) {}
  void* data_;
  std::size_t bytes_;
};

}  // namespace rest
