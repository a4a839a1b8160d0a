#include "rest/core/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "rest/core/error.hpp"

namespace rest {
namespace {

std::shared_ptr<spdlog::sinks::sink> standard_error() {
  return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
}

/// Until configure_log names one, spdlog's own logger stands there, which writes to standard output.
void log_line(spdlog::level::level_enum level, const std::string& line) {
  static const bool ready = [] {
    if (spdlog::default_logger_raw()->name().empty()) {
      spdlog::set_default_logger(std::make_shared<spdlog::logger>("rest", standard_error()));
    }
    return true;
  }();
  if (ready) spdlog::default_logger_raw()->log(level, spdlog::string_view_t(line));
}

}  // namespace

void configure_log(const std::string& program, int rank, const std::filesystem::path& file) {
  // The next file opened would take its number, and log lines would end up in that file.
  if (fcntl(STDERR_FILENO, F_GETFD) < 0)
    throw Error("standard error is closed", std::strerror(errno), "redirect it to a file");
  std::vector<spdlog::sink_ptr> sinks{standard_error()};
  if (!file.empty()) {
    try {
      sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string()));
    } catch (const spdlog::spdlog_ex& problem) {
      throw Error("log file " + file.string() + " cannot be opened", problem.what(),
                  "check the run directory's permissions");
    }
  }
  auto logger = std::make_shared<spdlog::logger>(program.empty() ? "rest" : program, sinks.begin(), sinks.end());
  logger->set_pattern(rank == 0 ? "%Y-%m-%d %H:%M:%S %n: %^%l%$: %v"
                                : concat("%Y-%m-%d %H:%M:%S %n rank ", rank, ": %^%l%$: %v"));
  logger->set_level(rank == 0 ? spdlog::level::info : spdlog::level::warn);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log_info(const std::string& line) { log_line(spdlog::level::info, line); }
void log_warning(const std::string& line) { log_line(spdlog::level::warn, line); }
void log_error(const std::string& line) { log_line(spdlog::level::err, line); }

}  // namespace rest
