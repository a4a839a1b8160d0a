#pragma once

#include <vector>

#include "rest/comm/communicator.hpp"

namespace rest {

/// Which ranks share memory.
struct Hosts {
  std::vector<std::vector<int>> ranks;  ///< by host, ascending
  std::size_t own = 0;                  ///< host of this rank
  std::size_t place = 0;                ///< of this rank among those of its host

  const std::vector<int>& here() const { return ranks[own]; }
  bool is_here(int rank) const;
  /// The rank that speaks for a host with the owner of a bucket, which is on another one.
  int delegate(std::size_t host, int owner) const {
    return ranks[host][static_cast<std::size_t>(owner) % ranks[host].size()];
  }
};

/// `host` holds the ranks of `world` that share memory with this one, in the same order. Collective over both.
Hosts find_hosts(const Communicator& world, const Communicator& host);

}  // namespace rest
