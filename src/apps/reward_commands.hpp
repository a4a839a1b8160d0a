#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/command_line.hpp"
#include "rest/eval/label_candidates.hpp"

namespace rest {

// What rest_reward does by its first word, each with a command line of its own; all collective.
int check_command(const Communicator& world, int argc, char** argv);
int correlate_command(const Communicator& world, int argc, char** argv);
int label_command(const Communicator& world, int argc, char** argv);
int train_reward_command(const Communicator& world, int argc, char** argv);

/// Which candidates are to be labelled, as label and train are told on the command line.
struct LabelOptions {
  LabelRequest request;
  std::string corpus;               ///< of the run; empty: none
  std::vector<std::string> bitext;  ///< two files instead
};
void add_label_options(CLI::App& app, LabelOptions& options);
/// Labels them by label_candidates(). Collective.
void label(const Communicator& world, const Experiment& experiment, const RunDirectory& run, LabelOptions options);

/// Writes a file into report/, where tables and figures of a run are, and gives its path.
std::filesystem::path write_report(const RunDirectory& run, const std::string& name, const std::string& text);
/// A result for eyes and, in report/, for programs.
void report(const RunDirectory& run, const std::string& title, const std::string& text, const std::string& name,
            const nlohmann::json& json);

}  // namespace rest
