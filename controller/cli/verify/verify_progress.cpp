#include "controller/cli/verify/verify_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "controller/cli/rehearsal/rehearsal_report.hpp"

namespace cellrig::cli {
namespace {

constexpr double told_from_s = 2.0;
constexpr double told_from_share = 1e-3;
constexpr unsigned samples_between_looks = 64;  // and the listener calls for one sample in 64
constexpr std::chrono::milliseconds drawn_every{500};
constexpr std::chrono::seconds line_every{30};

std::string left_text(const std::optional<double>& seconds) {
  return seconds ? fmt::format(", about {} left", duration_text(*seconds)) : std::string{};
}

}  // namespace

double SeriesClock::share(double running) const { return total_ > 0.0 ? std::clamp((done_ + running) / total_, 0.0, 1.0) : 0.0; }

std::optional<double> SeriesClock::seconds_left(double elapsed_s, double running) const {
  const double made = done_ + running;
  if (!(elapsed_s >= told_from_s) || !(share(running) >= told_from_share)) return std::nullopt;
  return std::max(0.0, total_ - made) / made * elapsed_s;
}

VerifyProgress::VerifyProgress(bool quiet)
    : form_{quiet                          ? Form::quiet
            : ::isatty(STDERR_FILENO) != 0 ? Form::drawn
                                           : Form::lines},
      began_{std::chrono::steady_clock::now()} {}

void VerifyProgress::expect(std::size_t runs, double cost_of_each) {
  expected_ += runs;
  clock_.expect(static_cast<double>(runs) * cost_of_each);
}

void VerifyProgress::begin_run(const std::string& claim, const std::string& what, std::optional<Program> program, double cost) {
  claim_ = claim;
  program_ = std::move(program);
  if (program_) estimate_ = estimate(*program_);
  cost_ = cost;
  ++begun_;
  next_ = std::chrono::steady_clock::now() + (form_ == Form::drawn ? std::chrono::milliseconds{drawn_every} : line_every);
  say(fmt::format("{}: run {} of {}: {}{}\n", claim, begun_, std::max(expected_, begun_), what,
                  left_text(clock_.seconds_left(elapsed_s(), 0.0))));
}

void VerifyProgress::end_run() {
  erase();
  clock_.finish(cost_);
  cost_ = 0.0;
  program_.reset();
}

void VerifyProgress::pass_over(const std::string& claim, const std::string& what, double cost) {
  clock_.pass_over(cost);
  ++begun_;
  say(fmt::format("{}: run {} of {}: {}\n", claim, begun_, std::max(expected_, begun_), what));
}

void VerifyProgress::look(const ChannelView& view) {
  if (form_ == Form::quiet || !program_ || view.state == nullptr || ++calls_ % samples_between_looks != 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + (form_ == Form::drawn ? std::chrono::milliseconds{drawn_every} : line_every);
  ProgramPosition position{.instruction = view.state->pc, .in_step = view.step_time, .passes = {}};
  for (std::size_t i = 0; i < view.state->loop_depth; ++i) position.passes.push_back(view.state->loops[i].passes);
  const double left_s = to_seconds(estimate_remaining(*program_, estimate_, position)), done_s = to_seconds(view.test_time);
  const double share = done_s + left_s > 0.0 ? done_s / (done_s + left_s) : 0.0;
  const std::string line =
      fmt::format("{}: run {} of {}: {:.0f} % of it, {:.0f} % of all{}", claim_, begun_, std::max(expected_, begun_), 100 * share,
                  100 * clock_.share(share * cost_), left_text(clock_.seconds_left(elapsed_s(), share * cost_)));
  if (form_ == Form::lines) return say(line + "\n");
  erase();
  std::fputs(line.c_str(), stderr);
  is_drawn_ = true;
}

void VerifyProgress::say(const std::string& line) {
  if (form_ == Form::quiet) return;
  erase();
  std::fputs(line.c_str(), stderr);
}

void VerifyProgress::erase() {
  if (is_drawn_) std::fputs("\r\x1b[K", stderr);
  is_drawn_ = false;
}

}  // namespace cellrig::cli
