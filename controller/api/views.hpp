// What the bench says of itself, in the words of the interface.
#pragma once

#include "controller/api/bench_watch.hpp"
#include "controller/api/messages.hpp"
#include "controller/runtime/bench_control.hpp"

namespace cellrig::api {

[[nodiscard]] ChannelView view_of(const ChannelStatus& status);
[[nodiscard]] ChamberView view_of(const ChamberStatus& status);
[[nodiscard]] AlarmView view_of(const AlarmStatus& status);
[[nodiscard]] BenchView view_of(const Gathered& gathered, const std::string& version);
[[nodiscard]] std::vector<PreflightItem> view_of(const std::vector<CheckLine>& lines);

}  // namespace cellrig::api
