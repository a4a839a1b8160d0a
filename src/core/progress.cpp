#include "rest/core/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
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

/// Columns of the terminal: a longer line would wrap, and the next could not wipe it out.
std::size_t terminal_width() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
}

void draw_bar(double share, const std::string& line) {
  constexpr std::size_t width = 24;
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  const std::string bar = "[" + std::string(filled, '#') + std::string(width - filled, '.') + "] " + line;
  std::fprintf(stderr, "\r\033[K%s", bar.substr(0, terminal_width()).c_str());
}

std::string with_note(const std::string& line, const std::string& note) {
  return note.empty() ? line : line + ", " + note;
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
  if (!started_ || done < first_done_) {
    started_ = true;
    first_done_ = done;
    start_ = last_print_ = now;
    return;
  }
  if (std::chrono::duration<double>(now - last_print_).count() < (terminal_ ? 0.2 : 30.0)) return;
  last_print_ = now;
  const double rate = static_cast<double>(done - first_done_) / std::chrono::duration<double>(now - start_).count();
  const double share = total_ == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  std::string line = concat(label_, ": ", done, " of ", total_, " ", unit_, " (", number(100.0 * share), " %), ",
                            number(rate), " ", unit_, "/s");
  if (rate > 0.0 && total_ > done) line += ", " + duration(static_cast<double>(total_ - done) / rate) + " left";
  line = with_note(line, note);
  terminal_ ? draw_bar(share, line) : log_info(line);
}

void Progress::finish(const std::string& note) {
  if (!enabled_) return;
  if (terminal_ && started_) std::fputs("\r\033[K", stderr);
  started_ = false;
  const double taken = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string line = concat(label_, ": ", done_, " ", unit_, " in ", duration(taken));
  if (done_ > first_done_) line += ", " + number(static_cast<double>(done_ - first_done_) / taken) + " " + unit_ + "/s";
  log_info(with_note(line, note));
}

}  // namespace rest
