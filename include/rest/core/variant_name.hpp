#pragma once

#include <string>

namespace rest {

/// The name of an Improve variant becomes that of a folder. Throws UsageError unless it is made of letters, digits, and
/// ".", "_", "-" behind the first character.
void require_variant_name(const std::string& name);

}  // namespace rest
