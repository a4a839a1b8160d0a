#pragma once

#include <cstdint>

namespace rest {

/// Memory that this process has resident, and the most it ever had, in bytes. What ranks of a host share counts in
/// each. Throws Error where the system does not say.
std::int64_t resident_bytes();
std::int64_t peak_resident_bytes();

}  // namespace rest
