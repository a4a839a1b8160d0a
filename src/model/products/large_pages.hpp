#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace rest {

/// Like at::empty on the CPU, but in large pages where the system has them to give: for megabytes that are read here
/// and there, where finding the page would take longer than reading.
at::Tensor empty_in_large_pages(const std::vector<std::int64_t>& shape, at::ScalarType type);

}  // namespace rest
