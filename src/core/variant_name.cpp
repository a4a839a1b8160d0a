#include "rest/core/variant_name.hpp"

#include "rest/core/error.hpp"

namespace rest {

void require_variant_name(const std::string& name) {
  const std::string first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  if (!name.empty() && first.find(name.front()) != std::string::npos &&
      name.find_first_not_of(first + "._-") == std::string::npos) {
    return;
  }
  throw UsageError("the variant \"" + name + "\" has a name that cannot be a folder's", "",
                   "use letters, digits, and \".\", \"_\", \"-\" behind the first of them");
}

}  // namespace rest
