#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <array>
#include <cstdint>
#include <optional>

namespace rest {

/// Host memory that a device copies to or from while the host goes on: pinned for a GPU, plain memory for the CPU.
/// It is kept and grows.
class Staging {
 public:
  Staging(at::ScalarType type, at::Device device) : type_(type), device_(device) {}

  /// [elements], once the copy under way is over.
  at::Tensor memory(std::int64_t elements);
  /// [elements], as it is.
  at::Tensor held(std::int64_t elements) const { return memory_.narrow(0, 0, elements); }
  /// Starts the copy on the device's current stream; one of the two is this memory.
  void copy(const at::Tensor& from, at::Tensor to);
  /// Returns when the last copy is over.
  void wait() const;

 private:
  at::ScalarType type_;
  at::Device device_;
  at::Tensor memory_;                 // [capacity]
  std::optional<c10::Event> copied_;  // on a GPU, once something was
};

/// To the device. Two buffers take turns, so that one is filled while the other is still being copied.
class Upload {
 public:
  /// With room for `least` elements on the device from the beginning.
  Upload(at::ScalarType type, at::Device device, std::int64_t least = 0)
      : buffers_{Staging(type, device), Staging(type, device)},
        options_(at::TensorOptions(type).device(device)),
        least_(least) {}

  /// [elements] to be written, then sent.
  at::Tensor next(std::int64_t elements);
  /// What next() gave, [elements] on the device, good until the next call: in the same place as long as it has room.
  at::Tensor send();

 private:
  std::array<Staging, 2> buffers_;
  std::size_t turn_ = 0;
  std::int64_t elements_ = 0;  // of the turn
  at::TensorOptions options_;
  std::int64_t least_;
  at::Tensor sent_;  // [capacity], on the device
};

/// From the device.
class Download {
 public:
  Download(at::ScalarType type, at::Device device) : buffers_{Staging(type, device), Staging(type, device)} {}

  /// Starts copying a contiguous tensor, after what the device has to do before.
  void start(const at::Tensor& from);
  /// What the last start() copies, [elements], once it is there; good until the second start() from now.
  at::Tensor wait() const;

 private:
  std::array<Staging, 2> buffers_;
  std::size_t turn_ = 0;
  std::int64_t elements_ = 0;  // of the turn
};

}  // namespace rest
