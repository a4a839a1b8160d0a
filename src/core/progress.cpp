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

Progress::Progress(std::string label, std::string unit, std::uint64_t total, Output output, ProgressSink sink)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(output == Output::enabled),
      terminal_(isatty(STDERR_FILENO) == 1),
      sink_(std::move(sink)),
      start_(Clock::now()),
      last_print_(start_) {}

Progress::~Progress() {
  if (enabled_ && terminal_ && started_) std::fputs("\n", stderr);
}

ProgressFigures Progress::figures(Clock::time_point now) const {
  ProgressFigures figures{label_, unit_, done_, total_};
  const double taken = std::chrono::duration<double>(now - start_).count();
  if (done_ > first_done_ && taken > 0.0) {
    figures.rate = static_cast<double>(done_ - first_done_) / taken;
    figures.seconds_left = total_ > done_ ? static_cast<double>(total_ - done_) / figures.rate : 0.0;
  }
  return figures;
}

bool Progress::is_due(Clock::time_point now) const {
  const double pause = std::chrono::duration<double>(now - last_print_).count();
  if (terminal_) return pause >= 0.2;
  return pause >= (printed_ || done_ == first_done_ ? 30.0 : 5.0);
}

void Progress::update(std::uint64_t done, const std::string& note) {
  if (!enabled_) return;
  const auto now = Clock::now();
  done_ = done;
  if (!started_ || done < first_done_) {
    started_ = true;
    first_done_ = done;
    start_ = last_print_ = now;
  }
  const ProgressFigures figures = this->figures(now);
  if (sink_) sink_(figures);
  if (!is_due(now)) return;
  last_print_ = now;
  printed_ = true;
  const double share = total_ == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  std::string line = concat(label_, ": ", done, " of ", total_, " ", unit_, " (", number(100.0 * share), " %), ",
                            number(figures.rate), " ", unit_, "/s");
  if (figures.seconds_left > 0.0) line += ", " + duration(figures.seconds_left) + " left";
  line = with_note(line, note);
  terminal_ ? draw_bar(share, line) : log_info(line);
}

void Progress::finish(const std::string& note) {
  if (!enabled_) return;
  if (terminal_ && started_) std::fputs("\r\033[K", stderr);
  started_ = false;
  const auto now = Clock::now();
  const double rate = figures(now).rate;
  std::string line =
      concat(label_, ": ", done_, " ", unit_, " in ", duration(std::chrono::duration<double>(now - start_).count()));
  if (rate > 0.0) line += ", " + number(rate) + " " + unit_ + "/s";
  log_info(with_note(line, note));
}

}  // namespace rest
