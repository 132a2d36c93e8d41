// The hazards as data, in one place: what each is called, how bad it is and what is done (hazard_table); and those that are one quantity beyond
// one bound, with the bound and for how long (limit_table). The others have a memory of their own, and their bounds and times in the
// options of their watch: SupervisorOptions, LeakOptions, CircuitOptions, HeatBalanceOptions, SelfHeatingOptions, EnergyBalanceOptions,
// StillnessOptions, JumpOptions, ChamberWatchOptions.
#pragma once

#include <array>
#include <optional>

#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/setpoint.hpp"
#include "controller/base/time.hpp"
#include "controller/engine/hazard.hpp"

namespace cellrig {

/// How bad it is, which says who is told and how the run ends.
enum class HazardSeverity : unsigned char {
  limit,       ///< a limit that OFF keeps: the run has tripped (exit code 3), a person acknowledges it in the morning
  instrument,  ///< an instrument or its link failed (exit code 4), what the cell does is not known
  people,      ///< nobody may sleep through it: the siren
};

/// What is done at once, after which everything is latched.
enum class HazardAction : unsigned char {
  channel_off,   ///< OFF of the channel, confirmed, or its contactor
  chamber_safe,  ///< the same for every channel of the chamber; heater off, exhaust and fan on
};

struct HazardRow {
  Hazard hazard;
  std::string_view number;  ///< in the list of hazards, docs/safety.md; "-": a matter of the bench alone
  std::string_view text;
  HazardSeverity severity;
  HazardAction action;
};

inline constexpr std::size_t hazard_count = 34;
[[nodiscard]] const std::array<HazardRow, hazard_count>& hazard_table();

enum class Bound : unsigned char { at_most, at_least };

/// One quantity and its bound, written so that NaN trips. The limits are the tightest of bench, cell, profile, step and person.
struct LimitRow {
  Hazard hazard;
  Measurand measurand;
  Bound bound;
  bool is_of_sensor;  ///< exists only where somebody gave it: then its sensor must answer, in time, with a number
  std::optional<double> (*limit)(const SafetyLimits&, const CurrentBounds& at_this_temperature);
  Duration (*hold)(const SafetyLimits&);  ///< from the first reading outside, none inside since
};

inline constexpr std::size_t limit_count = 9;
[[nodiscard]] const std::array<LimitRow, limit_count>& limit_table();

}  // namespace cellrig
