#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace rest {

/// What a user can act on: the problem (why); what to do. `what()` reads "problem (why); suggestion".
/// The problem names the file, line, key or call concerned.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& problem, const std::string& why = {}, const std::string& suggestion = {})
      : std::runtime_error(problem + (why.empty() ? "" : " (" + why + ")") +
                           (suggestion.empty() ? "" : "; " + suggestion)) {}
};

/// A command line or an experiment file that cannot be meant: exit code 2 instead of 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Joins the printed forms of its arguments: concat("row ", 3, " of ", path).
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// With so many digits behind the point.
inline std::string with_digits(double value, int digits) {
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(digits);
  out << value;
  return out.str();
}

}  // namespace rest
