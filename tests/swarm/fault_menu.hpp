// Which faults the swarm orders, and how: the one place that knows the simulator's words for them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/swarm/plan.hpp"

namespace cellrig::swarm {

/// How soon the current has to be gone once the fault is there. Those without end no run by themselves. The first ones are judged
/// after the run, where the fault ended a channel; the others have a clock (fault_clock.hpp), which begins where the truth shows what
/// the yardstick counts from, and judges whatever the run thinks of it.
enum class Reaction : unsigned char {
  none,       ///< the run goes on, or ends by its own rules
  two_polls,  ///< seen in the next measurement
  age_limit,  ///< seen by the age of what is missing, then the way to OFF
  // with a clock
  stillness,      ///< where the digits have long moved by noise: 5 s at 1C, as much charge below; else 1 % of the capacity
  watchdog,       ///< nobody speaks any more: the watchdog's delay and 1 s
  awakening,      ///< a gap above the age limit is over: one period and the OFF
  off_refused,    ///< OFF is wanted and a current flows: the contactor, where there is one; else the silence for the watchdog
  unasked,        ///< a current flows where the rig wants none: two looks
  over_voltage,   ///< the cell is above its limit of voltage: two periods
  warms_fast,     ///< it rises by more than 1 K/s, without a pause: 4 s
  voltage_falls,  ///< at once, at a constant current, by more than the rig's bound: two periods and 50 ms
  circuit_opens,  ///< under a current worth the name: two periods and 50 ms until the output is off
  chamber_leaves,  ///< its air leaves the set-point by more than the band: 3 min and a reading (beyond a cell's limit: the clock H4)
  clipped,         ///< voltage and current stand at an end that the rig does not know: the charge that their display makes 1 % of
};

[[nodiscard]] constexpr bool has_clock(Reaction reaction) { return reaction >= Reaction::stillness; }

struct MenuEntry {
  std::string_view name;  ///< "F02"
  std::string_view what;  ///< for people
  Reaction reaction = Reaction::none;
};

/// Orders that begin so are not the simulator's: "record record_fails ".
inline constexpr std::string_view record_orders = "record ";

[[nodiscard]] std::span<const MenuEntry> fault_menu();
/// nullptr: no such fault. Letter case does not matter.
[[nodiscard]] const MenuEntry* menu_entry(std::string_view name);

/// The fault at some place of this bench, with its rates and durations drawn; nothing: there is no place for it. `at` and what it takes
/// from whom are filled in.
[[nodiscard]] std::optional<DrawnFault> draw_fault(std::string_view name, const Plan& plan, sim::Random& random);

}  // namespace cellrig::swarm
