#pragma once

#include <functional>
#include <optional>
#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"

namespace CLI {
class App;
}

namespace rest {

/// What --help says of a program.
struct ProgramHelp {
  std::string name, description, example;
};

/// What every program is told.
struct CommandLine {
  Experiment experiment;
  RunDirectory run;
  int threads = 1;  ///< computing threads of each rank
  bool allow_mixed_cpus = false;
  std::string program;
};

/// --device cpu|cuda, for the programs that compute; what choose_device() takes.
void add_device_option(CLI::App& app, std::string& device);

/// Reads EXPERIMENT.toml --run DIR --set section.key=value --threads N and what `add_options` registers; makes the run
/// directory and starts the log there. Nothing when --help, --version or --print-experiment have been answered: the
/// program then ends with exit_success. Throws UsageError.
std::optional<CommandLine> read_command_line(const Communicator& world, int argc, char** argv, const ProgramHelp& help,
                                             const std::function<void(CLI::App&)>& add_options = {});

}  // namespace rest
