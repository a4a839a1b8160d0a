#pragma once

#include <functional>
#include <string>

#include "rest/core/run_directory.hpp"

namespace CLI {
class App;
}

namespace rest {

/// A program that looks at a run: one process, no MPI, no experiment file, no log in the run.
struct Tool {
  std::string name, description, example;
  std::function<void(CLI::App&)> add_options;
  std::function<int(const RunDirectory&)> work;  ///< gives the exit code
};

/// Reads RUN and the tool's options, does its work and words what it throws. Gives the exit code: exit_usage for a
/// command line that cannot be meant, exit_failure when RUN is no run or the work throws.
int run_tool(int argc, char** argv, const Tool& tool);

}  // namespace rest
