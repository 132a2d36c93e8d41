#include "controller/cli/run/progress.hpp"

#include <fmt/format.h>

#include "controller/cli/text/standard_error.hpp"
#include "controller/cli/text/table.hpp"

namespace cellrig::cli {
namespace {

/// Virtual time makes 300,000 samples a second: the wall clock is asked only now and then.
constexpr unsigned calls_between_clock_reads = 64;
constexpr std::chrono::milliseconds live_interval{250};
constexpr std::chrono::seconds line_interval{10};

std::string reading(const Observation& observation, Measurand measurand, const char* format) {
  const Reading& r = observation[measurand];
  return r.usable() ? fmt::format(fmt::runtime(format), r.value) : std::string("-");
}

std::string_view severity_word(db::Severity severity) {
  switch (severity) {
    case db::Severity::info: return "note";
    case db::Severity::warning: return "warning";
    case db::Severity::alarm: return "ALARM";
    case db::Severity::trip: return "SAFETY TRIP";
  }
  return "note";
}

ProgramPosition position_of(const ChannelView& view) {
  ProgramPosition position{.instruction = view.state->pc, .in_step = view.step_time};
  for (std::size_t i = 0; i < view.state->loop_depth; ++i) position.passes.push_back(view.state->loops[i].passes);
  return position;
}

}  // namespace

Progress::Progress(bool quiet) : style_{quiet ? Style::quiet : ::isatty(STDERR_FILENO) != 0 ? Style::live : Style::lines} {}

Progress::~Progress() { finish(); }

void Progress::expect(const std::string& channel, const Program& program) {
  channels_[channel] = Expected{&program, estimate(program), {}};
}

std::string Progress::line_of(const ChannelView& view, const Expected& expected) const {
  const double moved = std::max(view.step_moved.charge.value(), view.step_moved.discharge.value());
  std::string line = fmt::format("{}  {:<18.18}  cycle {:<4}  {} V  {} A  {} degC  {:.3f} Ah", view.channel, view.step_name,
                                 view.cycle, reading(view.observation, Measurand::voltage, "{:7.4f}"),
                                 reading(view.observation, Measurand::current, "{:+8.3f}"),
                                 reading(view.observation, Measurand::cell_temperature, "{:5.1f}"), moved);
  if (view.observation[Measurand::stack_pressure].usable())
    line += fmt::format("  {} MPa", reading(view.observation, Measurand::stack_pressure, "{:.3f}"));
  if (view.observation[Measurand::gas].usable())
    line += fmt::format("  {} ppm", reading(view.observation, Measurand::gas, "{:.1f}"));
  line += fmt::format("  {} elapsed", clock_text(to_seconds(view.test_time)));
  if (!view.waits.empty()) return line + "  " + std::string{view.waits};  // for how long, nobody can tell
  if (view.state != nullptr && expected.program != nullptr) {
    line += fmt::format("  ~{} left",
                        clock_text(to_seconds(estimate_remaining(*expected.program, expected.estimate, position_of(view)))));
  }
  return line;
}

void Progress::sample(const ChannelView& view) {
  if (style_ == Style::quiet && !watcher_) return;
  if (++calls_ % calls_between_clock_reads != 0) return;
  if (watcher_) watcher_(view);
  if (style_ == Style::quiet) return;
  const auto now = std::chrono::steady_clock::now();
  const auto found = channels_.find(view.channel);
  if (found == channels_.end()) return;
  if (now >= next_draw_) {
    found->second.line = line_of(view, found->second);
    redraw();
    next_draw_ =
        now + (style_ == Style::live ? std::chrono::milliseconds{live_interval} : std::chrono::milliseconds{line_interval});
  } else if (style_ == Style::live) {
    found->second.line = line_of(view, found->second);
  }
}

void Progress::step_started(const ChannelView& view) {
  if (const auto found = channels_.find(view.channel);
      found != channels_.end() && style_ != Style::quiet && found->second.line.empty()) {
    found->second.line = line_of(view, found->second);
  }
}

void Progress::message(std::string_view channel, db::Severity severity, std::string_view text) {
  // An alarm is shown even when quiet was asked for.
  if (style_ == Style::quiet && severity == db::Severity::info) return;
  erase();
  tell_without_waiting(fmt::format("{}: {}: {}\n", channel, severity_word(severity), text));
  if (style_ == Style::live) redraw();
}

void Progress::ask(std::string_view channel, std::string_view text) {
  erase();
  tell_without_waiting(fmt::format("{}: {}\n", channel, text));
  if (style_ == Style::live) redraw();
}

void Progress::redraw() {
  erase();
  for (const auto& [name, channel] : channels_) {
    if (channel.line.empty()) continue;
    tell_without_waiting(channel.line + "\n");
    if (style_ == Style::live) ++lines_drawn_;
  }
}

/// Moves up over the live lines and clears them.
void Progress::erase() {
  if (lines_drawn_ == 0) return;
  tell_without_waiting(fmt::format("\x1b[{}A\x1b[J", lines_drawn_));
  lines_drawn_ = 0;
}

void Progress::finish() { lines_drawn_ = 0; }

}  // namespace cellrig::cli
