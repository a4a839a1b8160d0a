#include "rest/comm/processors.hpp"

#include <sched.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "rest/comm/build_info.hpp"
#include "rest/core/error.hpp"
#include "rest/core/utc.hpp"

namespace rest {
namespace {

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;  // more than 1,024: not known
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

struct Host {
  std::set<int> cores;
  std::size_t ranks = 0, threads = 0;
};

}  // namespace

RankProcessors own_processors(int threads, const std::string& torch_capability) {
  return {host_name(), allowed_cores(), threads, instruction_set() + ", LibTorch " + torch_capability};
}

std::vector<std::string> processor_warnings(const std::vector<RankProcessors>& ranks) {
  std::vector<std::string> warnings;
  std::map<std::string, Host> hosts;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankProcessors& own = ranks[rank];
    if (own.cores.empty()) continue;
    const auto threads = static_cast<std::size_t>(own.threads);
    Host& host = hosts[own.host];
    host.cores.insert(own.cores.begin(), own.cores.end());
    host.ranks += 1;
    host.threads += threads;
    if (warnings.empty() && threads > own.cores.size()) {
      warnings.push_back(
          concat("the ", threads, " threads of rank ", rank, " on host ", own.host, " share ", own.cores.size(),
                 own.cores.size() == 1 ? " core" : " cores",
                 " (the launcher binds the rank to them); give each rank its cores, as in mpirun --map-by "
                 "slot:PE=",
                 threads, " or srun --cpus-per-task=", threads, ", or lower --threads"));
    }
  }
  for (const auto& [name, host] : hosts) {
    if (host.threads <= host.cores.size()) continue;
    warnings.push_back(concat(host.ranks, " ranks with ", host.threads, " threads share ", host.cores.size(),
                              host.cores.size() == 1 ? " core" : " cores", " of host ", name,
                              "; start fewer ranks, or lower --threads"));
    break;
  }
  return warnings;
}

void require_equal_instruction_sets(const std::vector<RankProcessors>& ranks) {
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    const RankProcessors &first = ranks.front(), &other = ranks[rank];
    if (other.instruction_set == first.instruction_set) continue;
    throw UsageError(concat("rank 0 on host ", first.host, " computes with ", first.instruction_set, ", rank ", rank,
                            " on host ", other.host, " with ", other.instruction_set),
                     "results would depend in their last bits on which rank computes what",
                     "start on equal processors, or allow it with --allow-mixed-cpus");
  }
}

std::vector<RankProcessors> gather_processors(const Communicator& world, const RankProcessors& own) {
  const nlohmann::json packed = {own.host, own.cores, own.threads, own.instruction_set};
  std::vector<RankProcessors> all;
  for (const std::string& bytes : all_gather(world, packed.dump())) {
    const auto of_rank = nlohmann::json::parse(bytes);
    all.push_back({of_rank[0], of_rank[1].get<std::vector<int>>(), of_rank[2], of_rank[3]});
  }
  return all;
}

}  // namespace rest
