#pragma once

#include <string>
#include <vector>

#include "rest/comm/communicator.hpp"

namespace rest {

/// What a rank computes on.
struct RankProcessors {
  std::string host;
  std::vector<int> cores;       ///< numbers of the processors it may use
  int threads = 1;              ///< computing threads
  std::string instruction_set;  ///< what its kernels use: instruction_set() and what LibTorch says
};

RankProcessors own_processors(int threads, const std::string& torch_capability);

/// Warnings, in words: more threads than cores on a host, or a rank's threads bound to fewer cores than they are.
/// One for each kind, naming the first host or rank concerned.
std::vector<std::string> processor_warnings(const std::vector<RankProcessors>& ranks);

/// Throws UsageError naming two ranks that compute with different instructions: their results differ in the last bits.
void require_equal_instruction_sets(const std::vector<RankProcessors>& ranks);

/// Every rank's, by rank, on every rank. Collective.
std::vector<RankProcessors> gather_processors(const Communicator& world, const RankProcessors& own);

}  // namespace rest
