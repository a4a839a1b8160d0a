#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <type_traits>
#include <vector>

#include "rest/store/scored.hpp"

namespace rest {

/// Columns of an HDF5 file that lie in it in one piece, little-endian as they are in memory. Throws Error naming the
/// file.
class PlainFile {
 public:
  explicit PlainFile(const std::filesystem::path& path);
  ~PlainFile();
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  /// Elements [first, first + count), widened, into memory that is used again.
  template <class T>
  void read(const ScoredLayout::Column& column, std::uint64_t first, std::size_t count, std::vector<T>& values) const {
    if (column.element_bytes == sizeof(T) || count == 0) return read_as_is(column, first, count, values);
    if constexpr (std::is_same_v<T, std::uint32_t>) {
      if (column.element_bytes == 1) return widen<std::uint8_t>(column, first, count, values);
      if (column.element_bytes == 2) return widen<std::uint16_t>(column, first, count, values);
    }
    fail("has a column of another type than this format has");
  }

 private:
  template <class T>
  void read_as_is(const ScoredLayout::Column& column, std::uint64_t first, std::size_t count,
                  std::vector<T>& values) const {
    values.resize(count);
    read_bytes(column.offset + first * sizeof(T), count * sizeof(T), values.data());
  }
  template <class Stored, class T>
  void widen(const ScoredLayout::Column& column, std::uint64_t first, std::size_t count, std::vector<T>& values) const {
    constexpr std::size_t most = 4096;  // elements that stay close to the processor
    Stored narrow[most];
    values.resize(count);
    for (std::size_t done = 0; done < count; done += most) {
      const std::size_t part = std::min(most, count - done);
      read_bytes(column.offset + (first + done) * sizeof(Stored), part * sizeof(Stored), narrow);
      copy(narrow, part, values.data() + done);
    }
  }
  static void copy(const std::uint8_t* narrow, std::size_t count, std::uint32_t* wide);
  static void copy(const std::uint16_t* narrow, std::size_t count, std::uint32_t* wide);
  void read_bytes(std::uint64_t offset, std::size_t bytes, void* into) const;
  [[noreturn]] void fail(const char* problem) const;

  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace rest
