#include "controller/cli/rehearsal/rehearsal_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "controller/cli/rehearsal/rehearsal_report.hpp"

namespace cellrig::cli {
namespace {

constexpr unsigned calls_between_looks = 4096;
constexpr std::chrono::milliseconds draw_interval{500};

}  // namespace

RehearsalProgress::RehearsalProgress(const Program& program, Form form)
    : program_{program},
      estimate_{estimate(program)},
      form_{form == Form::drawn && ::isatty(STDERR_FILENO) == 0 ? Form::none : form},
      began_{std::chrono::steady_clock::now()} {}

RehearsalProgress::~RehearsalProgress() {
  if (was_drawn_) std::fputs("\r\x1b[K", stderr);
}

bool RehearsalProgress::look(const ChannelView& view) {
  if (++calls_ % calls_between_looks != 0) return false;
  const auto now = std::chrono::steady_clock::now();
  if (form_ != Form::none && view.state != nullptr && now >= next_) {
    next_ = now + draw_interval;
    draw(view, now);
  }
  return true;
}

void RehearsalProgress::draw(const ChannelView& view, std::chrono::steady_clock::time_point now) {
  ProgramPosition position{.instruction = view.state->pc, .in_step = view.step_time, .passes = {}};
  for (std::size_t i = 0; i < view.state->loop_depth; ++i) position.passes.push_back(view.state->loops[i].passes);
  const double left = to_seconds(estimate_remaining(program_, estimate_, position)), done = to_seconds(view.test_time);
  if (!(done > 0)) return;
  if (form_ == Form::lines) {
    fmt::print(stderr, "progress {:.3f}\n", done / (done + left));
    return;
  }
  const double wall = std::chrono::duration<double>(now - began_).count();
  const std::string text = fmt::format("\r\x1b[Krehearsing: {:.0f} %, {} of test, about {} left", 100 * done / (done + left),
                                       duration_text(done), duration_text(wall * left / done));
  std::fputs(text.c_str(), stderr);
  was_drawn_ = true;
}

}  // namespace cellrig::cli
