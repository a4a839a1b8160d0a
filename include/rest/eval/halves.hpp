#pragma once

#include <cstdint>
#include <vector>

namespace rest {

/// Validation is cut in two by a fixed keyed shuffle: Improve steps choose checkpoints on one half and reports are made
/// on the other, so that no figure is read off data it was selected on.
enum class Half { select, report };
std::vector<std::size_t> validation_half(std::size_t size, Half half);

}  // namespace rest
