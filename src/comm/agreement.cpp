#include "rest/comm/agreement.hpp"

#include <new>

#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"

namespace rest {
namespace {

/// How rank 0's work ended; what went wrong in words follows.
constexpr char well = 'w', stopped = 's', usage = 'u', failed = 'f';

std::string ending_of(const std::function<void()>& work) {
  try {
    work();
    return {well};
  } catch (const Stopped&) {
    return {stopped};
  } catch (const UsageError& problem) {
    return usage + std::string(problem.what());
  } catch (const std::bad_alloc&) {
    throw;  // the others are ended in the collective they wait in
  } catch (const std::exception& problem) {
    return failed + std::string(problem.what());
  }
}

}  // namespace

void stop_point(const Communicator& communicator) {
  if (any(communicator, stop_requested())) throw Stopped();
}

void on_root(const Communicator& communicator, const std::function<void()>& work) {
  const std::string ending = broadcast(communicator, communicator.is_root() ? ending_of(work) : std::string());
  const std::string words = ending.substr(1);
  switch (ending.front()) {
    case stopped:
      throw Stopped();
    case usage:
      throw UsageError(words);
    case failed:
      throw Error(words);
    default:
      return;
  }
}

}  // namespace rest
