// A live line per channel on standard error: step, cycle, V, I, T, Ah, elapsed, time left.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "controller/runtime/listener.hpp"
#include "profiles/estimate.hpp"

namespace cellrig::cli {

class Progress final : public RunListener {
 public:
  enum class Style { quiet, lines, live };
  /// live when standard error is a terminal, lines otherwise, quiet when asked for.
  explicit Progress(bool quiet);
  ~Progress() override;

  /// What a channel will run, for the time left. The program must outlive this.
  void expect(const std::string& channel, const Program& program);

  void sample(const ChannelView& view) override;
  void step_started(const ChannelView& view) override;
  void message(std::string_view channel, db::Severity severity, std::string_view text) override;
  /// Leaves the last state of the live lines on the screen.
  void finish();

 private:
  struct Expected {
    const Program* program = nullptr;
    DurationEstimate estimate;
    std::string line;
  };

  [[nodiscard]] std::string line_of(const ChannelView& view, const Expected& expected) const;
  void redraw();
  void erase();

  Style style_;
  std::map<std::string, Expected, std::less<>> channels_;
  std::chrono::steady_clock::time_point next_draw_{};
  unsigned calls_ = 0;
  int lines_drawn_ = 0;
};

}  // namespace cellrig::cli
