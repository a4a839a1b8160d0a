#include "apps/reward_commands.hpp"

#include <fstream>
#include <iostream>

#include "rest/core/error.hpp"
#include "rest/core/log.hpp"

namespace rest {

std::filesystem::path write_report(const RunDirectory& run, const std::string& name, const std::string& text) {
  const std::filesystem::path folder = run.root() / "report", file = folder / name;
  std::filesystem::create_directories(folder);
  std::ofstream out(file);
  out << text;
  if (!out.flush()) throw Error("cannot write " + file.string(), "", "free space there");
  return file;
}

void report(const RunDirectory& run, const std::string& title, const std::string& text, const std::string& name,
            const nlohmann::json& json) {
  const std::filesystem::path file = write_report(run, name, json.dump(1) + "\n");
  std::cout << title << ": " << text << std::flush;
  log_info("written to " + file.string());
}

}  // namespace rest
