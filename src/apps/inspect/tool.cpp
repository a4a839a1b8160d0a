#include "tool.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "rest/comm/version_text.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"
#include "rest/inspect/inventory.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

/// An empty folder will do; one with other things in it is no run.
void require_run(const fs::path& root) {
  if (!fs::is_directory(root)) throw Error("there is no run directory " + root.string());
  std::vector<std::string> known = artefact_folders();
  known.insert(known.end(), {"experiment.toml", "log", "report", "locks"});
  const auto exists = [&](const std::string& name) { return fs::exists(root / name); };
  if (fs::is_empty(root) || std::any_of(known.begin(), known.end(), exists)) return;
  throw Error(root.string() + " is no run directory", "it holds nothing that a program of the chain makes");
}

int start(int argc, char** argv, const Tool& tool) {
  CLI::App app(tool.description, tool.name);
  app.footer("Example:\n  " + tool.example);
  std::string run;
  bool version = false;
  app.add_option("RUN", run, "Run directory");
  app.add_flag("--version", version, "Print revision and library versions");
  if (tool.add_options) tool.add_options(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return exit_success;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what(), "", tool.name + " --help shows the options");
  }
  if (version) {
    std::cout << version_text(tool.name);
    return exit_success;
  }
  if (run.empty()) throw UsageError("no run directory given", "", "start as in: " + tool.example);
  fs::path root = fs::path(run).lexically_normal();
  if (!root.has_filename() && root.has_relative_path()) root = root.parent_path();
  require_run(root);
  return tool.work(RunDirectory(root));
}

}  // namespace

int run_tool(int argc, char** argv, const Tool& tool) {
  configure_log(tool.name, 0);
  try {
    return start(argc, argv, tool);
  } catch (const UsageError& problem) {
    log_error(problem.what());
    return exit_usage;
  } catch (const std::exception& problem) {
    log_error(problem.what());
    return exit_failure;
  }
}

}  // namespace rest
