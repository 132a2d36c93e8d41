// Ramps, pulse trains and drive cycles of a profile as courses of the engine.
#pragma once

#include <vector>

#include "controller/engine/program.hpp"
#include "profiles/setpoints.hpp"

namespace cellrig {

/// `length` is that of a ramp. Throws ConfigError: a current, power or voltage that the cell does not allow, with its place.
[[nodiscard]] Course make_course(const StepSpec& spec, const StepScope& scope, Duration length);

/// How often a pulse train or drive cycle is done.
[[nodiscard]] std::uint64_t course_passes(const StepSpec& spec, const StepScope& scope);

/// The most that a course asks for in one direction, as a set-point; nothing where it never goes that way.
[[nodiscard]] std::optional<Setpoint> hardest_charge(const Course& course);
[[nodiscard]] std::optional<Setpoint> hardest_discharge(const Course& course);

/// Net charge of one pass of a course of currents, A h: what `forecast` may count on.
[[nodiscard]] double net_charge_Ah(const Course& course);

}  // namespace cellrig
