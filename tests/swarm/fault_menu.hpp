// Which faults the swarm orders, and how: the one place that knows the simulator's words for them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/swarm/plan.hpp"

namespace cellrig::swarm {

/// How soon the current has to be gone once the fault is there. Those without end no run by themselves.
enum class Reaction : unsigned char {
  none,       ///< the run goes on, or ends by its own rules
  two_polls,  ///< seen in the next measurement
  age_limit,  ///< seen by the age of what is missing, then the way to OFF
  charge,     ///< seen by the charge that flows while the readings stand still: 1 % of the capacity
};

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
