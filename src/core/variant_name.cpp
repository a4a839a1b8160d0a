#include "rest/core/variant_name.hpp"

#include "rest/core/error.hpp"

namespace rest {

bool is_file_name(const std::string& name) {
  const std::string first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return !name.empty() && first.find(name.front()) != std::string::npos &&
         name.find_first_not_of(first + "._-") == std::string::npos;
}

void require_name(const std::string& what, const std::string& name) {
  if (is_file_name(name)) return;
  throw UsageError("the " + what + " \"" + name + "\" has a name that cannot be a folder's", "",
                   concat("use ", file_name_words));
}

}  // namespace rest
