// A live line per channel on standard error: step, cycle, V, I, T, Ah, elapsed, time left.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

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
  void person_asked(std::string_view channel, const PersonTask& task) override {
    if (person_) person_(std::string(channel), task);
  }
  /// Who is told when a step asks for a person.
  void set_person(std::function<void(const std::string& channel, const PersonTask& task)> person) { person_ = std::move(person); }
  /// Who looks at one sample in 64, quiet or not.
  void set_watcher(std::function<void(const ChannelView& view)> watcher) { watcher_ = std::move(watcher); }
  /// Shown even when quiet was asked for: somebody waits for somebody.
  void ask(std::string_view channel, std::string_view text);
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
  std::function<void(const std::string&, const PersonTask&)> person_;
  std::function<void(const ChannelView&)> watcher_;
  std::map<std::string, Expected, std::less<>> channels_;
  std::chrono::steady_clock::time_point next_draw_{};
  unsigned calls_ = 0;
  int lines_drawn_ = 0;
};

}  // namespace cellrig::cli
