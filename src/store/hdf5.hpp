#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "rest/core/span.hpp"

namespace rest::hdf5 {

/// An HDF5 identifier with the call that closes it.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(other.id_), close_(other.close_) { other.id_ = H5I_INVALID_HID; }
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// Element types on disk, little-endian.
enum class Type { u8, u16, u32, u64, f32 };

template <class T>
constexpr Type type_of() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return Type::u8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return Type::u16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return Type::u32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return Type::u64;
  if constexpr (std::is_same_v<T, float>) return Type::f32;
}

/// The type pieces of a vocabulary are stored in.
inline Type token_type(std::int64_t vocabulary_size) { return vocabulary_size > 65536 ? Type::u32 : Type::u16; }

/// The narrowest type that holds every value.
template <class T>
Type narrowest(Span<const T> values) {
  if constexpr (std::is_same_v<T, std::uint32_t>) {
    std::uint32_t bits = 0;
    for (const std::uint32_t value : values) bits |= value;
    return bits <= 0xFF ? Type::u8 : bits <= 0xFFFF ? Type::u16 : Type::u32;
  } else {
    return type_of<T>();
  }
}

/// A range of a virtual dataset: all `size` elements of `dataset` in `file` (relative to the file that holds the view).
struct VirtualSource {
  std::string file, dataset;
  std::uint64_t size;
};

/// One file of flat columns and attributes. Every failure is an Error naming the file and the dataset or attribute.
class File {
 public:
  /// An empty file in memory; save() writes it out.
  static File create(const std::filesystem::path& path);
  /// Reads an existing file.
  static File open(const std::filesystem::path& path);

  /// Writes the whole file with ordinary output, so that a full disk is an error here and not inside the library.
  void save() const;

  void create_group(const std::string& name);
  bool has(const std::string& name) const;

  template <class T>
  void write(const std::string& name, Span<const T> values) {
    write(name, values, type_of<T>());
  }
  /// Stores as `stored`, which must hold every value.
  template <class T>
  void write(const std::string& name, Span<const T> values, Type stored) {
    write_values(name, values.data(), values.size(), type_of<T>(), stored, Layout::compressed);
  }
  /// In one piece, uncompressed, in the narrowest type that holds every value: more bytes, read at the speed of memory.
  template <class T>
  void write_plain(const std::string& name, Span<const T> values) {
    write_values(name, values.data(), values.size(), type_of<T>(), narrowest(values), Layout::plain);
  }
  /// A column of another type, or with a value T cannot hold, is an Error.
  template <class T>
  std::vector<T> read(const std::string& name) const {
    std::vector<T> values;
    const Column column = open_column(name, type_of<T>());
    read_range(column, 0, static_cast<std::size_t>(column.size), values);
    return values;
  }
  /// The same, and an Error unless it has `size` values.
  template <class T>
  std::vector<T> read(const std::string& name, std::size_t size) const {
    std::vector<T> values = read<T>(name);
    require_size(name, values.size(), size);
    return values;
  }
  /// Elements [first, first + count) into `values`, whose memory is used again. An Error when there are fewer.
  template <class T>
  void read(const std::string& name, std::uint64_t first, std::size_t count, std::vector<T>& values) const {
    read_range(open_column(name, type_of<T>()), first, count, values);
  }
  /// Number of elements of a column.
  std::uint64_t size(const std::string& name) const;

  /// Where a column that was written plain begins in the file, and the bytes of an element. It is not empty.
  std::uint64_t plain_offset(const std::string& name) const;
  std::uint8_t element_bytes(const std::string& name) const;

  /// A virtual dataset over the sources, one after another.
  void write_virtual(const std::string& name, const std::vector<VirtualSource>& sources, Type stored);

  void write_attribute(const std::string& name, const std::string& value);
  void write_attribute(const std::string& name, std::int64_t value);
  std::string read_text(const std::string& attribute) const;
  std::int64_t read_integer(const std::string& attribute) const;
  nlohmann::json read_json(const std::string& attribute) const;

  void write_format(const std::string& format, std::int64_t version);
  void require_format(const std::string& format, std::int64_t version) const;

  /// Throws Error("<file>: dataset <name>: <problem>").
  [[noreturn]] void fail(const std::string& dataset, const std::string& problem) const;
  [[noreturn]] void fail_attribute(const std::string& attribute, const std::string& problem) const;

 private:
  File(const std::filesystem::path& path, bool create);
  template <class Result>
  Result check(Result result, const char* call, const std::string& object) const;
  Handle open_dataset(const std::string& name) const;
  Handle open_attribute(const std::string& name) const;
  Handle dataset_properties() const;
  enum class Layout { compressed, plain };
  void write_values(const std::string& name, const void* values, std::size_t size, Type memory, Type stored,
                    Layout layout);

  struct Column {
    std::string name;
    Handle dataset;
    Type stored;
    std::uint64_t size;
  };
  /// Checks that its elements fit `memory` and that its size is possible.
  Column open_column(const std::string& name, Type memory) const;
  void read_values(const Column& column, std::uint64_t first, std::size_t count, void* values, Type memory) const;
  std::uint64_t size_of(hid_t dataset, const std::string& name) const;

  template <class T>
  void read_range(const Column& column, std::uint64_t first, std::size_t count, std::vector<T>& values) const {
    if (std::is_same_v<T, std::uint32_t> && column.stored == Type::u8) {
      return read_narrow<std::uint8_t>(column, first, count, values);
    }
    if (std::is_same_v<T, std::uint32_t> && column.stored == Type::u16) {
      return read_narrow<std::uint16_t>(column, first, count, values);
    }
    values.resize(count);
    read_values(column, first, count, values.data(), type_of<T>());
  }
  /// Widens here: the library's conversion takes several times as long.
  template <class Stored, class T>
  void read_narrow(const Column& column, std::uint64_t first, std::size_t count, std::vector<T>& values) const {
    std::vector<Stored> narrow(count);
    read_values(column, first, count, narrow.data(), column.stored);
    values.assign(narrow.begin(), narrow.end());
  }
  void require_size(const std::string& name, std::size_t size, std::size_t expected) const;

  std::filesystem::path path_;
  Handle file_;
};

}  // namespace rest::hdf5
