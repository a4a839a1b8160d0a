#include "rest/store/safetensors.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using nlohmann::json;

constexpr std::uint64_t largest_header = 100'000'000;  // the limit of the reference implementation
constexpr std::size_t length_bytes = 8;

std::size_t dtype_bytes(const std::string& dtype) {
  static const std::map<std::string, std::size_t> bytes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"I64", 8},     {"U64", 8}, {"F64", 8}};
  const auto found = bytes.find(dtype);
  return found == bytes.end() ? 0 : found->second;
}

// Bytes a tensor of this type and shape takes; false when the type is unknown, an extent negative or the size absurd.
bool tensor_bytes(const std::string& dtype, const std::vector<std::int64_t>& shape, std::uint64_t& bytes) {
  bytes = dtype_bytes(dtype);
  if (bytes == 0) return false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return false;
    const auto n = static_cast<std::uint64_t>(extent);
    if (n != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / n) return false;
    bytes *= n;
  }
  return true;
}

std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (std::size_t i = 0; i < length_bytes; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  return bytes;
}

std::uint64_t from_little_endian(const char* bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = length_bytes; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string make_header(const std::filesystem::path& file, const std::vector<TensorView>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    std::uint64_t bytes = 0;
    if (!tensor_bytes(tensor.dtype, tensor.shape, bytes) || bytes != tensor.bytes) {
      throw Error(concat(file.string(), ": tensor ", tensor.name), "its type, shape and size are at odds");
    }
    if (header.contains(tensor.name)) throw Error(concat(file.string(), ": tensor ", tensor.name), "given twice");
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the data starts at a multiple of 8
  return text;
}

// One entry of the header; `data` is the section its offsets point into.
TensorView parse_tensor(const std::filesystem::path& file, const std::string& name, const json& entry,
                        const std::vector<char>& data) {
  const auto fail = [&](const std::string& why) -> Error {
    return Error(concat(file.string(), ": tensor ", name), why);
  };
  TensorView tensor{name, {}, {}, nullptr, 0};
  std::vector<std::uint64_t> offsets;
  try {
    tensor.dtype = entry.at("dtype").get<std::string>();
    if (!entry.at("shape").is_array() || !entry.at("data_offsets").is_array())
      throw fail("shape or offsets that are no list");
    for (const json& extent : entry.at("shape")) {
      if (!extent.is_number_unsigned()) throw fail("a shape that is no list of extents");
      tensor.shape.push_back(extent.get<std::int64_t>());
    }
    for (const json& offset : entry.at("data_offsets")) {
      if (!offset.is_number_unsigned()) throw fail("offsets that are no whole numbers");
      offsets.push_back(offset.get<std::uint64_t>());
    }
  } catch (const json::exception&) {
    throw fail("its header entry lacks dtype, shape or data_offsets");
  }
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
    throw fail("its offsets lie outside the file");
  }
  std::uint64_t bytes = 0;
  if (!tensor_bytes(tensor.dtype, tensor.shape, bytes)) throw fail("unknown type " + tensor.dtype + " or absurd shape");
  if (bytes != offsets[1] - offsets[0]) throw fail("its shape and size are at odds");
  tensor.data = data.data() + offsets[0];
  tensor.bytes = static_cast<std::size_t>(bytes);
  return tensor;
}

json read_header(const std::filesystem::path& file, std::ifstream& in, std::uint64_t file_bytes) {
  char length[length_bytes];
  if (file_bytes < length_bytes || !in.read(length, length_bytes))
    throw Error(file.string() + " is truncated", "no header");
  const std::uint64_t header_bytes = from_little_endian(length);
  if (header_bytes > largest_header || header_bytes > file_bytes - length_bytes) {
    throw Error(file.string() + " is truncated or no safetensors file", concat("a header of ", header_bytes, " bytes"));
  }
  std::string text(static_cast<std::size_t>(header_bytes), '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(text.size()))) throw Error(file.string() + " cannot be read");
  json header = json::parse(text, nullptr, false);
  if (!header.is_object()) throw Error(file.string() + " is no safetensors file", "its header is no JSON object");
  return header;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = make_header(file, tensors, metadata);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << little_endian(header.size()) << header;
  for (const TensorView& tensor : tensors) {
    out.write(static_cast<const char*>(tensor.data), static_cast<std::streamsize>(tensor.bytes));
  }
  out.close();
  if (!out) throw Error("cannot write " + file.string(), std::generic_category().message(errno));
}

Safetensors::Safetensors(const std::filesystem::path& file) : file_(file) {
  std::error_code code;
  const std::uint64_t file_bytes = std::filesystem::file_size(file, code);
  std::ifstream in(file, std::ios::binary);
  if (code || !in)
    throw Error("cannot read " + file.string(), code ? code.message() : std::generic_category().message(errno));
  const json header = read_header(file, in, file_bytes);
  const auto data_start = static_cast<std::uint64_t>(in.tellg());
  bytes_.resize(static_cast<std::size_t>(file_bytes - data_start));
  if (!in.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size())))
    throw Error(file.string() + " cannot be read");

  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      tensors_.push_back(parse_tensor(file, name, entry, bytes_));
      continue;
    }
    if (!entry.is_object()) throw Error(file.string() + ": __metadata__ is no map of texts");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) throw Error(concat(file.string(), ": __metadata__ ", key, " is no text"));
      metadata_[key] = value.get<std::string>();
    }
  }
  // In file order; together they cover the data once, as the format demands.
  std::stable_sort(tensors_.begin(), tensors_.end(), [](const TensorView& a, const TensorView& b) {
    return std::make_pair(a.data, a.bytes) < std::make_pair(b.data, b.bytes);
  });
  const char* end = bytes_.data();
  for (const TensorView& tensor : tensors_) {
    if (tensor.data != end) {
      throw Error(concat(file.string(), ": tensor ", tensor.name), "its data overlaps another's or leaves a gap");
    }
    end += tensor.bytes;
  }
  if (end != bytes_.data() + bytes_.size()) throw Error(file.string() + " holds bytes that belong to no tensor");
}

const TensorView& Safetensors::at(const std::string& name) const {
  for (const TensorView& tensor : tensors_) {
    if (tensor.name == name) return tensor;
  }
  throw Error(concat(file_.string(), ": no tensor ", name));
}

}  // namespace rest
