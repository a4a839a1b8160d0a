#pragma once

#include <string>

namespace rest {

/// The time now as ISO 8601 in UTC: 2026-01-31T12:00:00Z.
std::string utc_now();

std::string host_name();

}  // namespace rest
