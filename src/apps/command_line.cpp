#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "rest/comm/version_text.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"

namespace rest {
namespace {

struct Raw {
  std::string experiment, run;
  std::vector<std::string> overrides;
  int threads = 1;
  bool print_experiment = false, version = false, allow_mixed_cpus = false;
};

void add_common_options(CLI::App& app, Raw& raw) {
  app.add_option("EXPERIMENT", raw.experiment, "Experiment file (TOML); --print-experiment shows every key");
  app.add_option("--run", raw.run, "Run directory: everything made goes there [run/<name of the experiment file>]");
  app.add_option("--set", raw.overrides, "Overrides a key of the experiment: section.key=value (repeatable)")
      ->expected(1)
      ->take_all();
  app.add_option("--threads", raw.threads, "Computing threads of each rank; results depend on it in the last bits [1]")
      ->check(CLI::Range(1, 1024));
  app.add_flag(
      "--allow-mixed-cpus", raw.allow_mixed_cpus,
      "Let ranks compute with different instruction sets: results then differ from run to run in the last bits");
  app.add_flag("--print-experiment", raw.print_experiment, "Print the complete experiment, all defaults filled in");
  app.add_flag("--version", raw.version, "Print revision and library versions");
}

void print(const Communicator& world, const std::string& text) {
  if (world.is_root()) std::cout << text << std::flush;
}

RunDirectory open_run(const Communicator& world, const Raw& raw, const std::string& program) {
  const std::filesystem::path experiment(raw.experiment);
  const RunDirectory run(raw.run.empty() ? std::filesystem::path("run") / experiment.stem()
                                         : std::filesystem::path(raw.run));
  const std::filesystem::path logs = run.root() / "log";
  std::error_code error;
  std::filesystem::create_directories(logs, error);
  if (error) throw UsageError("cannot make the run directory " + run.root().string(), error.message(), "change --run");
  std::string name = program;
  std::replace(name.begin(), name.end(), ' ', '_');  // rest_reward check
  configure_log(program, world.rank(), logs / (name + ".log"));
  return run;
}

}  // namespace

void add_device_option(CLI::App& app, std::string& device) {
  app.add_option("--device", device, "Compute on cpu, or on cuda: one GPU a rank")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->envname("REST_DEVICE")
      ->capture_default_str();
}

std::optional<CommandLine> read_command_line(const Communicator& world, int argc, char** argv, const ProgramHelp& help,
                                             const std::function<void(CLI::App&)>& add_options) {
  configure_log(help.name, world.rank());
  CLI::App app(help.description, help.name);
  app.footer("Runs alone or under mpirun or srun. Started again, it goes on from what is complete.\nExample:\n  " +
             help.example);
  Raw raw;
  add_common_options(app, raw);
  if (add_options) add_options(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(world, app.help());
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what(), "", help.name + " --help shows the options");
  }
  if (raw.version) {
    print(world, version_text(help.name));
    return std::nullopt;
  }
  if (raw.experiment.empty()) throw UsageError("no experiment file given", "", "start as in: " + help.example);
  const Experiment experiment = load_experiment(raw.experiment, raw.overrides);
  if (raw.print_experiment) {
    print(world, to_toml(experiment));
    return std::nullopt;
  }
  return CommandLine{experiment, open_run(world, raw, help.name), raw.threads, raw.allow_mixed_cpus, help.name};
}

}  // namespace rest
