#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "rest/comm/communicator.hpp"

namespace rest {

/// Called now and then during the work on an item; throws Stopped once a stop is known.
using Tick = std::function<void()>;

/// The results of work(0) ... work(count - 1), in this order, on every rank. Items are shared out by a WorkQueue: which
/// rank computes which may differ from run to run, so a result may only depend on its item. Collective.
/// `observe` hears on rank 0 how many items are done on all ranks.
/// A stop requested on one rank ends the work within a tick on all of them, with Stopped on each: what was computed is
/// lost, and computed again after the next start.
std::vector<std::string> share_out(const Communicator& communicator, std::int64_t count,
                                   const std::function<std::string(std::int64_t item, const Tick& tick)>& work,
                                   const std::function<void(std::int64_t done)>& observe = {});

/// The same for items whose results are numbers: those of all items, one behind the other.
template <class Number>
std::vector<Number> share_out_numbers(
    const Communicator& communicator, std::int64_t count,
    const std::function<std::vector<Number>(std::int64_t item, const Tick& tick)>& work) {
  const auto results = share_out(communicator, count, [&](std::int64_t item, const Tick& tick) {
    const std::vector<Number> numbers = work(item, tick);
    return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number));
  });
  std::vector<Number> all;
  for (const std::string& bytes : results) {
    const std::size_t before = all.size();
    all.resize(before + bytes.size() / sizeof(Number));
    if (!bytes.empty()) std::memcpy(all.data() + before, bytes.data(), bytes.size());
  }
  return all;
}

}  // namespace rest
