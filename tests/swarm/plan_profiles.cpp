#include "tests/swarm/plan_profiles.hpp"

#include <fmt/format.h>

#include <array>

namespace cellrig::swarm {
namespace {

using Settings = std::map<std::string, std::string>;

/// Where numbers of a family differ between some hours of a bench and its days.
struct Range {
  double low = 0, high = 0;
};

std::string drawn(const Draw& draw, const std::string& name, const Plan& plan, Range hours, Range days) {
  const Range& range = plan.pace == Pace::long_work ? days : hours;
  return draw.number(name, range.low, range.high);
}

/// What every test is measured against, and the pauses around it.
void draw_reference(const Draw& draw, const Plan& plan, const std::string& n, Settings& set) {
  set["reference_rate_C"] = drawn(draw, "reference" + n, plan, {0.5, 1.0}, {0.2, 0.4});
  set["rest_min"] = drawn(draw, "rest" + n, plan, {1, 10}, {30, 120});
}

void draw_fast_charge(const Draw& draw, const Plan& plan, ChannelPlan& channel) {
  const std::string& n = channel.name;
  Settings& set = channel.settings;
  channel.profile = "fast-charge-window";
  draw_reference(draw, plan, n, set);
  set["reference_cycles"] = plan.pace == Pace::long_work ? std::to_string(2 + draw.below("cycles" + n, 2)) : "1";
  set["charge_rate_C"] = draw.number("charge" + n, 1.0, 2.0);
  set["soc_low_pct"] = draw.number("low" + n, 5, 20);
  set["soc_high_pct"] = draw.number("high" + n, 60, 90);
  set["charge_time_max_min"] = "60";
  set["window_rest_min"] = drawn(draw, "window" + n, plan, {1, 10}, {30, 120});
}

void draw_cold(const Draw& draw, const Plan& plan, ChannelPlan& channel) {
  const std::string& n = channel.name;
  Settings& set = channel.settings;
  channel.profile = "cold-discharge";
  set["cold_temperature_degC"] = draw.number("cold" + n, -20, 5);
  set["soak_min"] = drawn(draw, "soak" + n, plan, {1, 20}, {60, 960});
  set["charge_rate_C"] = drawn(draw, "charge" + n, plan, {0.5, 1.0}, {0.2, 0.4});
  set["discharge_rate_C"] = drawn(draw, "discharge" + n, plan, {0.33, 1.0}, {0.2, 0.4});
  set["rest_min"] = drawn(draw, "rest" + n, plan, {1, 10}, {30, 240});
}

void draw_storage(const Draw& draw, const Plan&, ChannelPlan& channel) {
  const std::string& n = channel.name;
  Settings& set = channel.settings;
  channel.profile = "calendar-storage";
  set["checkups_max"] = std::to_string(1 + draw.below("checkups" + n, 2));
  set["storage_days"] = draw.number("days" + n, 0.5, 2.0);
  set["storage_temperature_degC"] = draw.number("warm" + n, 30, 50);
  set["storage_soc_pct"] = draw.number("stored" + n, 40, 100);
  set["rate_C"] = draw.number("charge" + n, 0.25, 0.5);
  set["rest_min"] = draw.number("rest" + n, 30, 120);
}

void draw_cycle_life(const Draw& draw, const Plan& plan, ChannelPlan& channel) {
  const std::string& n = channel.name;
  const bool is_long = plan.pace == Pace::long_work;
  if (is_long && draw.chance("storage" + n, 0.25)) return draw_storage(draw, plan, channel);
  Settings& set = channel.settings;
  channel.profile = "cycle-life";
  draw_reference(draw, plan, n, set);
  set["cycles_per_block"] = std::to_string(is_long ? 4 + draw.below("cycles" + n, 7) : 1 + draw.below("cycles" + n, 2));
  set["blocks_max"] = "1";
  set["charge_rate_C"] = drawn(draw, "charge" + n, plan, {0.7, 1.5}, {0.3, 0.5});
  set["discharge_rate_C"] = drawn(draw, "discharge" + n, plan, {0.7, 2.0}, {0.3, 0.5});
  set["cutoff_rate_C"] = draw.number("cutoff" + n, 0.05, 0.2);
  if (!is_long) set["rest_min"] = draw.number("rest" + n, 1, 5);
}

/// Courses that come with cellrig: tables of powers, pulse pairs, a swept voltage.
void draw_library_course(const Draw& draw, const Plan& plan, ChannelPlan& channel) {
  const std::string& n = channel.name;
  const bool is_long = plan.pace == Pace::long_work;
  constexpr std::array<std::string_view, 5> some{"hppc", "voltage-sweep", "robot-shift", "drone-flights", "grid-storage-8h"};
  constexpr std::size_t without_power = 2;
  const std::size_t choice = channel.make == Make::n6900 ? without_power : is_long ? some.size() : some.size() - 1;
  channel.profile = some[draw.below("course" + n, choice)];
  Settings& set = channel.settings;
  if (channel.profile == "voltage-sweep") {
    set["sweep_h"] = drawn(draw, "sweep" + n, plan, {1, 3}, {8, 24});
    set["rate_max_C"] = drawn(draw, "charge" + n, plan, {0.5, 1.0}, {0.2, 0.3});
    set["empty_rate_C"] = drawn(draw, "discharge" + n, plan, {0.5, 1.0}, {0.2, 0.4});
    set["hold_until_rate_C"] = drawn(draw, "hold" + n, plan, {0.05, 0.1}, {0.02, 0.05});
    set["update_s"] = draw.number("update" + n, 1, 20);
    return;
  }
  set["reference_rate_C"] = drawn(draw, "reference" + n, plan, {0.5, 1.0}, {0.25, 0.5});
  if (channel.profile == "hppc") {
    set["reference_rest_min"] = drawn(draw, "rest" + n, plan, {1, 10}, {30, 60});
    set["rest_h"] = drawn(draw, "window" + n, plan, {0.1, 0.2}, {0.5, 2});
    set["steps"] = std::to_string(2 + draw.below("steps" + n, is_long ? 8 : 3));
    set["pulse_discharge_rate_C"] = draw.number("discharge" + n, 0.5, 2.0);
    set["pulse_charge_rate_C"] = draw.number("charge" + n, 0.3, 1.2);
    return;
  }
  set["rest_min"] = drawn(draw, "rest" + n, plan, {1, 10}, {30, 60});
  if (channel.profile == "robot-shift") set["walking_rate_C"] = draw.number("walk" + n, 0.2, 0.43);
  if (channel.profile == "drone-flights") set["hover_rate_C"] = draw.number("hover" + n, 0.5, 1.2);
  if (channel.profile == "grid-storage-8h") set["days"] = std::to_string(1 + draw.below("nights" + n, 3));
}

/// Without a chamber nobody soaks: the cell is at the temperature of the room.
std::string room_profile(const Draw& draw, const Plan& plan, const std::string& n) {
  const bool is_fast = plan.family == Family::fast_charge;
  const std::string rate =
      is_fast ? draw.number("charge" + n, 0.7, 2.0) : drawn(draw, "charge" + n, plan, {0.7, 1.5}, {0.25, 0.5});
  const std::string out = drawn(draw, "discharge" + n, plan, {0.7, 2.0}, {0.25, 0.5});
  const std::string rest = drawn(draw, "rest" + n, plan, {1, 5}, {20, 90});
  const std::uint64_t cycles = (plan.pace == Pace::long_work ? 3 : 1) + draw.below("cycles" + n, is_fast ? 2 : 3);
  if (is_fast) {
    return fmt::format(
        "profile: Fast charge at room temperature\nformat: 1\nrecord: {{every_s: 10}}\nsteps:\n"
        "  - cc_discharge: {{rate_C: 1, until: voltage_V <= cell.voltage_min_V, at_most_h: 3, sets_soc_pct: 0, measure: "
        "reference}}\n"
        "  - rest: {{for_min: {0}}}\n"
        "  - cycles:\n      times: {3}\n      steps:\n"
        "        - cccv_charge: {{rate_C: {1}, voltage_V: cell.voltage_max_V, until: soc_pct >= 80, at_most_h: 6, "
        "record_every_s: 1}}\n"
        "        - rest: {{for_min: {0}}}\n"
        "        - cc_discharge: {{rate_C: {2}, until: voltage_V <= cell.voltage_min_V, at_most_h: 6, sets_soc_pct: 0}}\n"
        "        - rest: {{for_min: {0}}}\n",
        rest, rate, out, cycles);
  }
  return fmt::format(
      "profile: Cycles at room temperature\nformat: 1\nrecord: {{every_s: 60}}\nsteps:\n"
      "  - cycles:\n      times: {3}\n      steps:\n"
      "        - cccv_charge: {{rate_C: {1}, voltage_V: cell.voltage_max_V, until: rate_C <= 1/10 for 5 s, at_most_h: 8}}\n"
      "        - rest: {{for_min: {0}}}\n"
      "        - cc_discharge: {{rate_C: {2}, until: voltage_V <= cell.voltage_min_V, at_most_h: 6}}\n"
      "        - rest: {{for_min: {0}}}\n",
      rest, rate, out, cycles);
}

}  // namespace

void draw_profile(const Draw& draw, const Plan& plan, ChannelPlan& channel) {
  if (plan.family == Family::courses) {
    const bool is_of_the_library = !plan.chamber.empty() && plan.press.empty() && draw.chance("library" + channel.name, 0.5);
    if (is_of_the_library) return draw_library_course(draw, plan, channel);
    channel.profile = course_profile(draw, plan, channel);
    return;
  }
  if (plan.chamber.empty()) {
    channel.profile = room_profile(draw, plan, channel.name);
    return;
  }
  switch (plan.family) {
    case Family::fast_charge: return draw_fast_charge(draw, plan, channel);
    case Family::cold_weather: return draw_cold(draw, plan, channel);
    case Family::cycle_life:
    case Family::courses: return draw_cycle_life(draw, plan, channel);
  }
}

}  // namespace cellrig::swarm
