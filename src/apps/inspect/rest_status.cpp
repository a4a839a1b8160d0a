#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/inspect/tool.hpp"
#include "rest/core/signals.hpp"
#include "rest/inspect/status.hpp"

int main(int argc, char** argv) {
  bool json = false;
  return rest::run_tool(
      argc, argv,
      {"rest_status",
       "Says what of a run is complete, what is running, what comes next and what it has reached so far. Writes "
       "nothing.",
       "rest_status run/synthetic", [&](CLI::App& app) { app.add_flag("--json", json, "As JSON, for scripts"); },
       [&](const rest::RunDirectory& run) {
         const rest::RunStatus status = rest::read_status(run);
         std::cout << (json ? rest::to_json(status).dump(2) + "\n" : rest::to_text(status));
         return rest::exit_success;
       }});
}
