#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rest {

/// One tensor of a safetensors file, row-major.
struct TensorView {
  std::string name;
  std::string dtype;  ///< "F32", "F64", "BF16", "I64", ...
  std::vector<std::int64_t> shape;
  const void* data;
  std::size_t bytes;
};

/// Writes tensors in the order given. `metadata` becomes __metadata__. Throws Error naming the file.
void write_safetensors(const std::filesystem::path& file, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// A whole file in memory, with views into it. Throws Error naming the file: truncated, header no JSON, offsets out of
/// range or overlapping, shape and size at odds.
class Safetensors {
 public:
  explicit Safetensors(const std::filesystem::path& file);
  Safetensors(Safetensors&&) = default;  // the views point into bytes_: movable, not copyable
  Safetensors& operator=(Safetensors&&) = default;
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Throws Error naming file and tensor when it is missing.
  const TensorView& at(const std::string& name) const;

 private:
  std::filesystem::path file_;
  std::vector<char> bytes_;  // data section: tensors of a padded header are aligned in memory too
  std::vector<TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace rest
