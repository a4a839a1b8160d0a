#include "rest/core/progress.hpp"

#include <unistd.h>

#include <cstdio>

#include "rest/core/error.hpp"
#include "rest/core/log.hpp"

namespace rest {
namespace {

std::string duration(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  char text[48];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  } else if (whole >= 60) {
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%llds", whole);
  }
  return text;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f" : "%.0f", value);
  return text;
}

}  // namespace

Progress::Progress(std::string label, std::string unit, std::uint64_t total, Output output)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(output == Output::enabled),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_print_(start_) {}

Progress::~Progress() {
  if (enabled_ && terminal_ && started_) std::fputs("\n", stderr);
}

void Progress::update(std::uint64_t done, const std::string& note) {
  if (!enabled_) return;
  done_ = done;
  const auto now = Clock::now();
  if (!started_) {
    started_ = true;
    first_done_ = done;
    start_ = last_print_ = now;
    return;
  }
  const double since = std::chrono::duration<double>(now - last_print_).count();
  if (since < (terminal_ ? 0.2 : 30.0)) return;
  last_print_ = now;
  const double taken = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done - first_done_) / taken;
  const double share = total_ == 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(total_);
  const std::string left =
      rate > 0.0 && total_ > done ? duration(static_cast<double>(total_ - done) / rate) + " left" : "";
  const std::string line = concat(label_, ": ", done, " of ", total_, " ", unit_, " (", number(100.0 * share), " %), ",
                                  number(rate), " ", unit_, "/s", left.empty() ? "" : ", ", left,
                                  note.empty() ? "" : ", ", note);
  if (!terminal_) return log_info(line);
  constexpr int width = 24;
  const int filled = static_cast<int>(share * width);
  std::fprintf(stderr, "\r\033[K[%s%s] %s", std::string(static_cast<std::size_t>(filled), '#').c_str(),
               std::string(static_cast<std::size_t>(width - filled), '.').c_str(), line.c_str());
}

void Progress::finish(const std::string& note) {
  if (!enabled_) return;
  if (terminal_ && started_) std::fputs("\r\033[K", stderr);
  started_ = false;
  const double taken = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = taken > 0.0 ? static_cast<double>(done_ - first_done_) / taken : 0.0;
  log_info(concat(label_, ": ", done_, " ", unit_, " in ", duration(taken), ", ", number(rate), " ", unit_, "/s",
                  note.empty() ? "" : ", ", note));
}

}  // namespace rest
