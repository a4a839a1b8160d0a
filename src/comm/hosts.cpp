#include "hosts.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace rest {

bool Hosts::is_here(int rank) const { return std::binary_search(here().begin(), here().end(), rank); }

Hosts find_hosts(const Communicator& world, const Communicator& host) {
  const std::string first = broadcast(host, std::to_string(world.rank()));  // host's first rank names it
  std::map<std::string, std::size_t> numbers;
  Hosts hosts;
  int rank = 0;
  for (const std::string& name : all_gather(world, first)) {
    const auto found = numbers.emplace(name, hosts.ranks.size());
    if (found.second) hosts.ranks.emplace_back();
    hosts.ranks[found.first->second].push_back(rank++);
  }
  hosts.own = numbers.at(first);
  const auto& here = hosts.here();
  hosts.place = static_cast<std::size_t>(std::find(here.begin(), here.end(), world.rank()) - here.begin());
  return hosts;
}

}  // namespace rest
