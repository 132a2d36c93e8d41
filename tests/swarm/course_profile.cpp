#include <fmt/format.h>

#include <array>

#include "tests/swarm/plan_profiles.hpp"

namespace cellrig::swarm {
namespace {

constexpr std::string_view indent = "            ";  ///< of a step in a loop within a loop

/// What a profile may ask of this channel.
struct Able {
  bool feels_temperature = false;
  bool has_power = false;       ///< the cycler has a mode of constant power
  bool has_resistance = false;  ///< the cycler has a mode of constant resistance
};

/// Steps from some charge to some other, each safe wherever the cell stands: their ends say so.
using Block = std::string (*)(sim::Random&, const Able&);

double within(sim::Random& random, double low, double high) { return low + (high - low) * random.uniform(); }

/// Charge and discharge within one step, and rests between: about even in the sum.
std::string pulses(sim::Random& random, const Able&) {
  const double out_C = within(random, 0.3, 1.5);
  const double in_C = within(random, 0.2, 0.9);
  return fmt::format(
      "- pulse_train: {{times: {}, pulses: [{{discharge_rate_C: {:.3f}, for_s: {}}}, {{for_s: {}}}, {{charge_rate_C: {:.3f}, "
      "for_s: "
      "{:.0f}}}, {{for_s: 20}}],\n{}    until: [voltage_V <= cell.voltage_min_V + 0.1 after 2 s, voltage_V >= cell.voltage_max_V "
      "- "
      "0.02 for 2 s], record: {{every_s: 5, voltage_change_V: 0.02, before_event_s: 5}}}}\n",
      3 + random.below(20), out_C, 10 + random.below(20), 5 + random.below(60), in_C, 10 * out_C / in_C, indent);
}

std::string ramps(sim::Random& random, const Able&) {
  const double low_C = within(random, 0.05, 0.3);
  const double high_C = within(random, 0.6, 1.5);
  return fmt::format(
      "- ramp_discharge: {{from_rate_C: {:.3f}, to_rate_C: {:.3f}, for_min: {:.2f}, until: [voltage_V <= cell.voltage_min_V + "
      "0.05, "
      "voltage_drop_V >= 1.2], update_s: {}}}\n"
      "{}- ramp_charge: {{from_rate_C: {:.3f}, to_rate_C: {:.3f}, for_min: {:.2f}, until: voltage_V >= cell.voltage_max_V}}\n",
      low_C, high_C, within(random, 2, 15), 1 + random.below(10), indent, high_C * 0.8, low_C, within(random, 2, 15));
}

/// The current goes either way, as the cell stands to the voltage.
std::string voltage_ramp(sim::Random& random, const Able&) {
  const double from_V = within(random, 3.3, 3.6);
  return fmt::format(
      "- voltage_ramp: {{from_voltage_V: {:.3f}, to_voltage_V: {:.3f}, rate_max_C: {:.3f}, for_min: {:.2f}, "
      "update_s: {}, record: {{every_s: 60, current_change_A: 0.5}}}}\n",
      from_V, from_V + within(random, -0.3, 0.5), within(random, 0.3, 0.9), within(random, 5, 40), 1 + random.below(20));
}

std::string drive(sim::Random& random, const Able& able) {
  constexpr std::array<std::string_view, 3> at_limit{"hold", "end", "hold"};
  const std::string_view ends = at_limit[random.below(at_limit.size())];
  const std::uint64_t times = 2 + random.below(10);
  const double share = within(random, 0.15, 0.4);
  if (!able.has_power) return pulses(random, able);
  return fmt::format(
      "- drive_cycle: {{file: robot.csv, scale: cell.nominal_capacity_Ah * cell.voltage_max_V * {:.3f}, times: {}, "
      "at_limit: {}, rate_max_C: 1.9,\n{}    until: voltage_V <= cell.voltage_min_V + 0.15 for 1 s, record: "
      "{{every_s: 5, voltage_change_V: 0.02}}}}\n",
      share, times, ends, indent);
}

/// Power and resistance, ended by what was counted, and held at a voltage for a while.
std::string powers(sim::Random& random, const Able& able) {
  const std::string power = fmt::format(
      "- cp_discharge: {{power_W: cell.nominal_capacity_Ah * cell.voltage_max_V * {:.3f}, rate_max_C: 2, until: [voltage_V <= "
      "cell.voltage_min_V + 0.05, energy_Wh >= cell.nominal_capacity_Ah * cell.voltage_max_V * {:.3f}], at_most_h: 6}}\n",
      within(random, 0.25, 1.0), within(random, 0.05, 0.25));
  const std::string resistance = fmt::format(
      "- cr_discharge: {{resistance_Ohm: cell.voltage_max_V / cell.nominal_capacity_Ah * {:.2f}, rate_max_C: 2, until: "
      "[voltage_V <= "
      "cell.voltage_min_V + 0.05, capacity_pct >= {}], at_most_h: 6}}\n",
      within(random, 1, 3), 5 + random.below(15));
  std::string text;
  if (able.has_power) text += power + std::string(indent);
  if (able.has_resistance) text += resistance + std::string(indent);
  return text + fmt::format(
                    "- cccv_charge: {{rate_C: {:.3f}, voltage_V: {:.2f}, until: {{any: [cv_time_min >= {}, {{all: [capacity_pct "
                    ">= 20, voltage_per_minute_V <= 0.01]}}]}}, at_most_h: 6}}\n",
                    within(random, 0.4, 1.0), within(random, 3.9, 4.1), 2 + random.below(10));
}

/// Somebody is asked for something, in the middle of it.
std::string person(sim::Random& random, const Able&) {
  return fmt::format("- wait_for_person: {{message: look at the cell, at_most_h: {}}}\n", 1 + random.below(3));
}

/// A way that depends on what was measured: out of the step, out of the loop, or past a step.
std::string branch(sim::Random& random, const Able& able) {
  const double rise_K = within(random, 0.5, 5);
  const std::string warm =
      able.feels_temperature ? fmt::format("temperature_rise_K >= {:.1f}", rise_K) : "voltage_per_minute_V >= 0.05";
  const std::string target = fmt::format("cool down {}", random.below(1'000'000));
  return fmt::format(
      "- cccv_charge: {{rate_C: {0:.3f}, voltage_V: cell.voltage_max_V, at_most_h: 6,\n{1}    until: [rate_C <= 0.1 for 5 s, "
      "{{when: "
      "{2}, then: {3}}}, {{when: capacity_Ah >= variables.most_Ah, then: {3}}}]}}\n"
      "{1}- rest: {{name: only when it stayed cool, for_s: {4}}}\n"
      "{1}- rest: {{name: {3}, for_min: {5}}}\n"
      "{1}- set: {{most_Ah: variables.most_Ah * 0.9}}\n"
      "{1}- leave_if: variables.most_Ah < cell.nominal_capacity_Ah * 0.1\n",
      within(random, 0.5, 1.3), indent, warm, target, 1 + random.below(90), 1 + random.below(10));
}

/// Somebody sets the press; the load cell says when it is done.
std::string pressure(sim::Random& random) {
  return fmt::format("- set_pressure: {{pressure_MPa: {:.2f}, tolerance_MPa: 0.2, at_most_h: 2}}\n", within(random, 3, 6));
}

constexpr std::array<Block, 7> blocks{pulses, ramps, voltage_ramp, drive, powers, person, branch};

std::string drawn_blocks(const Draw& draw, const Plan& plan, const ChannelPlan& channel) {
  sim::Random random = draw.stream("blocks" + channel.name);
  const Able able{.feels_temperature = !plan.logger.empty(),
                  .has_power = channel.make != Make::n6900,
                  .has_resistance = channel.make == Make::ea};
  std::string text;
  const std::uint64_t count = 2 + random.below(3);
  for (std::uint64_t i = 0; i < count; ++i) text += std::string(indent) + blocks[random.below(blocks.size())](random, able);
  if (!plan.press.empty()) text += std::string(indent) + pressure(random);
  return text;
}

}  // namespace

/// From full, with nested loops around the blocks; between two cycles a check-up when it is due.
std::string course_profile(const Draw& draw, const Plan& plan, const ChannelPlan& channel) {
  const std::string& n = channel.name;
  const bool is_long = plan.pace == Pace::long_work;
  const std::string rate = is_long ? draw.number("charge" + n, 0.25, 0.5) : draw.number("charge" + n, 0.6, 1.2);
  const std::string rest = is_long ? draw.number("rest" + n, 30, 120) : draw.number("rest" + n, 1, 5);
  const std::uint64_t cycles = is_long ? 2 + draw.below("cycles" + n, 3) : 1 + draw.below("cycles" + n, 2);
  return fmt::format(
             "profile: Courses\nformat: 1\nrecord: {{every_s: 30, voltage_change_V: 0.05}}\non_interruption: resume\n"
             "variables:\n  most_Ah: {{start: cell.nominal_capacity_Ah, min: 0, max: cell.nominal_capacity_Ah * 2}}\nsteps:\n"
             "  - cccv_charge: {{rate_C: {0}, voltage_V: cell.voltage_max_V, until: rate_C <= 1/10 for 5 s, at_most_h: 8, "
             "sets_soc_pct: 100}}\n"
             "  - rest: {{for_min: {1}}}\n"
             "  - cycles:\n      times: {2}\n      steps:\n"
             "        - cc_discharge: {{rate_C: {0}, until: [soc_pct <= {3}, voltage_V <= cell.voltage_min_V], at_most_h: 6}}\n"
             "        - repeat:\n            times: {4}\n            steps:\n",
             rate, rest, cycles, draw.number("half" + n, 40, 80), 1 + draw.below("passes" + n, 3)) +
         drawn_blocks(draw, plan, channel) +
         fmt::format(
             "            - rest: {{until: {{all: [voltage_per_hour_V <= 0.05, voltage_per_hour_V >= -0.05]}}, at_most_h: 6}}\n"
             "        - cccv_charge: {{rate_C: {0}, voltage_V: cell.voltage_max_V, until: rate_C <= 1/10 for 5 s, at_most_h: "
             "8, sets_soc_pct: 100}}\n"
             "        - rest: {{for_min: {1}}}\n"
             "      diagnostics:\n        every_cycles: 1\n        after_alarm: true\n        steps:\n"
             "          - cc_discharge: {{rate_C: {0}, until: voltage_V <= cell.voltage_min_V, at_most_h: 6, measure: "
             "reference, sets_soc_pct: 0}}\n"
             "          - cccv_charge: {{rate_C: {0}, voltage_V: cell.voltage_max_V, until: rate_C <= 1/10 for 5 s, "
             "at_most_h: 8, sets_soc_pct: 100}}\n",
             rate, rest);
}

}  // namespace cellrig::swarm
