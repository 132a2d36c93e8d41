// The words of the enumerations, as JSON has them.
#pragma once

#include <array>
#include <string_view>

#include "controller/api/messages.hpp"

namespace cellrig::api {

/// The words of an enumeration, in the order of its enumerators.
template <class E>
struct Words;

template <>
struct Words<Activity> {
  static constexpr std::array<std::string_view, 12> list{"idle",     "starting", "running", "resting", "waiting", "paused",
                                                         "stopping", "finished", "stopped", "tripped", "failed",  "not_safe"};
};
template <>
struct Words<Regulation> {
  static constexpr std::array<std::string_view, 5> list{"off", "cc", "cv", "cp", "cr"};
};
template <>
struct Words<AlarmSeverity> {
  static constexpr std::array<std::string_view, 4> list{"info", "warning", "alarm", "trip"};
};
template <>
struct Words<FindingSeverity> {
  static constexpr std::array<std::string_view, 2> list{"warning", "error"};
};
template <>
struct Words<PreflightState> {
  static constexpr std::array<std::string_view, 3> list{"ok", "warning", "refused"};
};
template <>
struct Words<JobState> {
  static constexpr std::array<std::string_view, 4> list{"waiting", "running", "done", "failed"};
};
template <>
struct Words<Role> {
  static constexpr std::array<std::string_view, 3> list{"viewer", "operator", "engineer"};
};
template <>
struct Words<Origin> {
  static constexpr std::array<std::string_view, 3> list{"measured", "simulated", "imported"};
};
template <>
struct Words<StreamType> {
  static constexpr std::array<std::string_view, 7> list{"snapshot", "channel", "chamber", "alarm", "run", "samples", "dropped"};
};

template <class E>
requires requires { Words<E>::list; }
[[nodiscard]] constexpr std::string_view word(E value) {
  const auto index = static_cast<std::size_t>(value);
  return index < Words<E>::list.size() ? Words<E>::list[index] : std::string_view{"unknown"};
}

}  // namespace cellrig::api
