#include "hdf5.hpp"

#include <algorithm>
#include <fstream>
#include <limits>

#include "rest/core/error.hpp"

namespace rest::hdf5 {
namespace {

constexpr hsize_t chunk_elements = 65536;
constexpr unsigned deflate_level = 4;
// Deflate shrinks by 1032 at most: a column that claims more than this from its stored bytes is damaged.
constexpr std::uint64_t largest_compression = 1100;

hid_t native_type(Type type) {
  switch (type) {
    case Type::u8:
      return H5T_NATIVE_UINT8;
    case Type::u16:
      return H5T_NATIVE_UINT16;
    case Type::u32:
      return H5T_NATIVE_UINT32;
    case Type::u64:
      return H5T_NATIVE_UINT64;
    case Type::f32:
      return H5T_NATIVE_FLOAT;
  }
  throw Error("unknown column type");
}

hid_t disk_type(Type type) {
  switch (type) {
    case Type::u8:
      return H5T_STD_U8LE;
    case Type::u16:
      return H5T_STD_U16LE;
    case Type::u32:
      return H5T_STD_U32LE;
    case Type::u64:
      return H5T_STD_U64LE;
    case Type::f32:
      return H5T_IEEE_F32LE;
  }
  throw Error("unknown column type");
}

// What the library says of the failed call: the innermost entry of its error stack.
std::string library_reason() {
  std::string reason;
  const auto keep_first = [](unsigned depth, const H5E_error2_t* error, void* text) {
    if (depth == 0 && error->desc) *static_cast<std::string*>(text) = error->desc;
    return herr_t{0};
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &reason);
  H5Eclear2(H5E_DEFAULT);
  return reason;
}

// Text of any length, UTF-8: what h5py hands out as str.
Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  if (type < 0 || H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
    throw Error("H5Tset_size failed", library_reason());
  }
  return type;
}

}  // namespace

template <class Result>
Result File::check(Result result, const char* call, const std::string& object) const {
  if (result < 0) {
    throw Error(concat(path_.string(), object.empty() ? "" : ": ", object, ": ", call, " failed"), library_reason());
  }
  return result;
}

File::File(const std::filesystem::path& path, bool create)
    : path_(path), file_([&] {
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors travel as exceptions, not as prints
        const Handle access(check(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate", ""), H5Pclose);
        // Fixed bounds, for equal bytes whatever the library's defaults; the earliest because H5Fget_file_image breaks
        // the checksum of later superblocks (seen in 1.10.8).
        check(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110), "H5Pset_libver_bounds", "");
#if H5_VERSION_GE(1, 10, 7)
        // Committed files never change, and many cluster file systems have no locks.
        check(H5Pset_file_locking(access, false, true), "H5Pset_file_locking", "");
#endif
        if (!create) return Handle(check(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), "H5Fopen", ""), H5Fclose);
        check(H5Pset_fapl_core(access, std::size_t{1} << 20, false), "H5Pset_fapl_core", "");
        const Handle creation(check(H5Pcreate(H5P_FILE_CREATE), "H5Pcreate", ""), H5Pclose);
        check(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times", "");
        return Handle(check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access), "H5Fcreate", ""), H5Fclose);
      }()) {
}

File File::create(const std::filesystem::path& path) { return File(path, true); }
File File::open(const std::filesystem::path& path) { return File(path, false); }

void File::save() const {
  check(H5Fflush(file_, H5F_SCOPE_LOCAL), "H5Fflush", "");
  std::vector<char> image(
      static_cast<std::size_t>(check(H5Fget_file_image(file_, nullptr, 0), "H5Fget_file_image", "")));
  check(H5Fget_file_image(file_, image.data(), image.size()), "H5Fget_file_image", "");
  std::ofstream out(path_, std::ios::binary | std::ios::trunc);
  out.write(image.data(), static_cast<std::streamsize>(image.size()));
  out.close();
  if (!out) throw Error("cannot write " + path_.string(), std::generic_category().message(errno));
}

void File::create_group(const std::string& name) {
  const Handle properties(check(H5Pcreate(H5P_GROUP_CREATE), "H5Pcreate", name), H5Pclose);
  check(H5Pset_obj_track_times(properties, false), "H5Pset_obj_track_times", name);
  const Handle group(check(H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT), "H5Gcreate2", name),
                     H5Gclose);
}

bool File::has(const std::string& name) const {
  return check(H5Lexists(file_, name.c_str(), H5P_DEFAULT), "H5Lexists", name) > 0;
}

Handle File::open_dataset(const std::string& name) const {
  // H5Lexists wants every group on the way to exist.
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    if (!has(name.substr(0, slash))) fail(name, "missing");
  }
  if (!has(name)) fail(name, "missing");
  return Handle(check(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), "H5Dopen2", name), H5Dclose);
}

Handle File::dataset_properties() const {
  Handle properties(check(H5Pcreate(H5P_DATASET_CREATE), "H5Pcreate", ""), H5Pclose);
  check(H5Pset_obj_track_times(properties, false), "H5Pset_obj_track_times", "");
  return properties;
}

void File::write_values(const std::string& name, const void* values, std::size_t size, Type memory, Type stored,
                        Layout layout) {
  const hsize_t extent = size, chunk = std::min(extent, chunk_elements);
  const Handle space(check(H5Screate_simple(1, &extent, nullptr), "H5Screate_simple", name), H5Sclose);
  const Handle properties = dataset_properties();
  if (size > 0 && layout == Layout::compressed) {
    check(H5Pset_chunk(properties, 1, &chunk), "H5Pset_chunk", name);
    check(H5Pset_shuffle(properties), "H5Pset_shuffle", name);
    check(H5Pset_deflate(properties, deflate_level), "H5Pset_deflate", name);
    check(H5Pset_fletcher32(properties), "H5Pset_fletcher32", name);
  }
  const Handle dataset(
      check(H5Dcreate2(file_, name.c_str(), disk_type(stored), space, H5P_DEFAULT, properties, H5P_DEFAULT),
            "H5Dcreate2", name),
      H5Dclose);
  if (size > 0) check(H5Dwrite(dataset, native_type(memory), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "H5Dwrite", name);
}

std::uint64_t File::size_of(hid_t dataset, const std::string& name) const {
  const Handle space(check(H5Dget_space(dataset), "H5Dget_space", name), H5Sclose);
  hsize_t extent = 0;
  if (check(H5Sget_simple_extent_ndims(space), "H5Sget_simple_extent_ndims", name) != 1)
    fail(name, "not one-dimensional");
  check(H5Sget_simple_extent_dims(space, &extent, nullptr), "H5Sget_simple_extent_dims", name);
  return extent;
}

std::uint64_t File::size(const std::string& name) const { return size_of(open_dataset(name), name); }

File::Column File::open_column(const std::string& name, Type memory) const {
  Handle dataset = open_dataset(name);
  const Handle type(check(H5Dget_type(dataset), "H5Dget_type", name), H5Tclose);
  const H5T_class_t wanted = memory == Type::f32 ? H5T_FLOAT : H5T_INTEGER;
  const std::size_t element_bytes = H5Tget_size(type);
  if (H5Tget_class(type) != wanted || element_bytes > H5Tget_size(native_type(memory)) ||
      (wanted == H5T_INTEGER && H5Tget_sign(type) != H5T_SGN_NONE)) {
    fail(name, "another element type than this format has");
  }
  const std::uint64_t elements = size_of(dataset, name);
  if (elements / largest_compression > H5Dget_storage_size(dataset) / element_bytes + 1) {
    fail(name, "claims more values than its stored bytes can hold");
  }
  const Type narrow = element_bytes == 1 ? Type::u8 : element_bytes == 2 ? Type::u16 : memory;
  return {name, std::move(dataset), wanted == H5T_INTEGER ? narrow : memory, elements};
}

void File::read_values(const Column& column, std::uint64_t first, std::size_t count, void* values, Type memory) const {
  if (first > column.size || count > column.size - first) {
    fail(column.name, concat(column.size, " values where ", first + count, " are needed"));
  }
  if (count == 0) return;
  const hsize_t start = first, extent = count;
  const Handle there(check(H5Dget_space(column.dataset), "H5Dget_space", column.name), H5Sclose);
  const Handle here(check(H5Screate_simple(1, &extent, nullptr), "H5Screate_simple", column.name), H5Sclose);
  check(H5Sselect_hyperslab(there, H5S_SELECT_SET, &start, nullptr, &extent, nullptr), "H5Sselect_hyperslab",
        column.name);
  check(H5Dread(column.dataset, native_type(memory), here, there, H5P_DEFAULT, values), "H5Dread", column.name);
}

std::uint64_t File::plain_offset(const std::string& name) const {
  const haddr_t offset = H5Dget_offset(open_dataset(name));
  if (offset == HADDR_UNDEF) fail(name, "not stored in one piece");
  return offset;
}

std::uint8_t File::element_bytes(const std::string& name) const {
  const Handle type(check(H5Dget_type(open_dataset(name)), "H5Dget_type", name), H5Tclose);
  return static_cast<std::uint8_t>(H5Tget_size(type));
}

void File::require_size(const std::string& name, std::size_t size, std::size_t expected) const {
  if (size != expected) fail(name, concat(size, " values where the other columns need ", expected));
}

void File::write_virtual(const std::string& name, const std::vector<VirtualSource>& sources, Type stored) {
  hsize_t total = 0;
  for (const VirtualSource& source : sources) total += source.size;
  if (total == 0) return write_values(name, nullptr, 0, stored, stored, Layout::compressed);
  const Handle space(check(H5Screate_simple(1, &total, nullptr), "H5Screate_simple", name), H5Sclose);
  const Handle properties = dataset_properties();
  // A source that is lost later reads as the fill value: make that visible where the type can.
  const float missing = std::numeric_limits<float>::quiet_NaN();
  if (stored == Type::f32) check(H5Pset_fill_value(properties, H5T_NATIVE_FLOAT, &missing), "H5Pset_fill_value", name);
  hsize_t start = 0;
  for (const VirtualSource& source : sources) {
    const hsize_t count = source.size;
    if (count == 0) continue;
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr), "H5Sselect_hyperslab", name);
    const Handle source_space(check(H5Screate_simple(1, &count, nullptr), "H5Screate_simple", name), H5Sclose);
    check(H5Pset_virtual(properties, space, source.file.c_str(), source.dataset.c_str(), source_space),
          "H5Pset_virtual", name);
    start += count;
  }
  check(H5Sselect_all(space), "H5Sselect_all", name);
  const Handle dataset(
      check(H5Dcreate2(file_, name.c_str(), disk_type(stored), space, H5P_DEFAULT, properties, H5P_DEFAULT),
            "H5Dcreate2", name),
      H5Dclose);
}

Handle File::open_attribute(const std::string& name) const {
  if (check(H5Aexists(file_, name.c_str()), "H5Aexists", name) == 0) {
    fail_attribute(name, "missing");
  }
  return Handle(check(H5Aopen(file_, name.c_str(), H5P_DEFAULT), "H5Aopen", name), H5Aclose);
}

void File::write_attribute(const std::string& name, const std::string& value) {
  const Handle type = text_type();
  const Handle space(check(H5Screate(H5S_SCALAR), "H5Screate", name), H5Sclose);
  const Handle attribute(
      check(H5Acreate2(file_, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), "H5Acreate2", name), H5Aclose);
  const char* text = value.c_str();
  check(H5Awrite(attribute, type, &text), "H5Awrite", name);
}

void File::write_attribute(const std::string& name, std::int64_t value) {
  const Handle space(check(H5Screate(H5S_SCALAR), "H5Screate", name), H5Sclose);
  const Handle attribute(
      check(H5Acreate2(file_, name.c_str(), H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT), "H5Acreate2", name),
      H5Aclose);
  check(H5Awrite(attribute, H5T_NATIVE_INT64, &value), "H5Awrite", name);
}

std::string File::read_text(const std::string& name) const {
  const Handle attribute = open_attribute(name);
  const Handle type(check(H5Aget_type(attribute), "H5Aget_type", name), H5Tclose);
  const Handle space(check(H5Aget_space(attribute), "H5Aget_space", name), H5Sclose);
  if (H5Tis_variable_str(type) <= 0 || H5Sget_simple_extent_npoints(space) != 1) {
    fail_attribute(name, "not one text");
  }
  char* text = nullptr;
  check(H5Aread(attribute, text_type(), &text), "H5Aread", name);
  const std::string value = text ? text : "";
  H5free_memory(text);
  return value;
}

std::int64_t File::read_integer(const std::string& name) const {
  const Handle attribute = open_attribute(name);
  const Handle type(check(H5Aget_type(attribute), "H5Aget_type", name), H5Tclose);
  const Handle space(check(H5Aget_space(attribute), "H5Aget_space", name), H5Sclose);
  if (H5Tget_class(type) != H5T_INTEGER || H5Sget_simple_extent_npoints(space) != 1) {
    fail_attribute(name, "not one integer");
  }
  std::int64_t value = 0;
  check(H5Aread(attribute, H5T_NATIVE_INT64, &value), "H5Aread", name);
  return value;
}

nlohmann::json File::read_json(const std::string& name) const {
  nlohmann::json value = nlohmann::json::parse(read_text(name), nullptr, false);
  if (value.is_discarded()) fail_attribute(name, "not JSON");
  return value;
}

void File::write_format(const std::string& format, std::int64_t version) {
  write_attribute("format", format);
  write_attribute("format_version", version);
}

void File::require_format(const std::string& format, std::int64_t version) const {
  if (const std::string there = read_text("format"); there != format) {
    fail_attribute("format", concat("is \"", there, "\" where \"", format, "\" is needed"));
  }
  if (const std::int64_t there = read_integer("format_version"); there != version) {
    fail_attribute("format_version", concat("is ", there, " where this program reads ", version));
  }
}

void File::fail(const std::string& dataset, const std::string& problem) const {
  throw Error(concat(path_.string(), ": dataset ", dataset, ": ", problem));
}

void File::fail_attribute(const std::string& attribute, const std::string& problem) const {
  throw Error(concat(path_.string(), ": attribute ", attribute, ": ", problem));
}

}  // namespace rest::hdf5
