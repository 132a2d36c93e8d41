// What `serve` says while it runs.
#pragma once

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "controller/async/time_source.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/text/standard_error.hpp"
#include "controller/runtime/listener.hpp"

namespace cellrig::cli {

/// What happens, a line each, on standard error.
class ServeLog final : public RunListener {
 public:
  ServeLog(TimeSource& time, bool quiet) : time_{time}, quiet_{quiet} {}
  void message(std::string_view channel, db::Severity severity, std::string_view text) override {
    if (quiet_ && severity < db::Severity::alarm) return;
    constexpr std::array<const char*, 4> words{"", "warning: ", "ALARM: ", "TRIP: "};
    tell_without_waiting(
        fmt::format("{}  {}: {}{}\n", utc_text(time_.utc_now()), channel, words[static_cast<std::size_t>(severity)], text));
  }
  void step_started(const ChannelView& view) override {
    message(view.channel, db::Severity::info, fmt::format("step {} '{}', cycle {}", view.step_count, view.step_name, view.cycle));
  }
  void person_asked(std::string_view channel, const PersonTask& task) override {
    message(channel, db::Severity::warning, "asks for a person: " + task.message);
  }

 private:
  TimeSource& time_;
  bool quiet_;
};

}  // namespace cellrig::cli
