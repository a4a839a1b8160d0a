#include "apps/work_session.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include "rest/comm/agreement.hpp"
#include "rest/comm/processors.hpp"
#include "rest/core/log.hpp"

namespace rest {
namespace {

void check_processors(const Communicator& world, const CommandLine& command) {
  const auto ranks = gather_processors(world, own_processors(command.threads, at::get_cpu_capability()));
  if (!command.allow_mixed_cpus) require_equal_instruction_sets(ranks);
  if (!world.is_root()) return;
  for (const std::string& warning : processor_warnings(ranks)) log_warning(warning);
}

}  // namespace

WorkSession::WorkSession(const Communicator& world, const CommandLine& command, const WorkName& work)
    : run_(command.run) {
  stop_point(world);
  check_processors(world, command);
  at::set_num_threads(command.threads);
  const double patience = watchdog_limit();
  on_root(world, [&] { lock_.emplace(command.run, work, command.program, world.size()); });
  watchdog_.emplace(world, command.run.locks() / (work.name + ".ranks"), patience);  // the folder is the lock holder's
  if (world.is_root()) run_ = run_.reporting_to([this](const ProgressFigures& figures) { lock_->report(figures); });
}

}  // namespace rest
