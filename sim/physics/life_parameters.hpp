// The slow processes of a cell: which of them its file switches on, and with what numbers.
#pragma once

#include <optional>

#include "sim/physics/ageing.hpp"
#include "sim/physics/plating.hpp"
#include "sim/physics/runaway.hpp"
#include "sim/physics/soft_short.hpp"
#include "sim/physics/stack_pressure.hpp"

namespace cellrig::sim {

/// Relative standard deviations between cells of one lot; drawn from the bench's seed when the bench file asks for it.
struct SpreadParameters {
  double capacity = 0.0;
  double resistance = 0.0;
  double lifetime = 0.0;
};

/// An empty section is switched off and costs nothing.
struct LifeParameters {
  std::optional<AgeingParameters> ageing;
  std::optional<SelfDischargeParameters> self_discharge;
  std::optional<PlatingParameters> plating;
  std::optional<SoftShortParameters> soft_short;
  std::optional<BreathingParameters> breathing;
  std::optional<StackPressureParameters> stack_pressure;
  std::optional<RunawayParameters> runaway;
  std::optional<SpreadParameters> spread;
  double short_S = 0.0;  ///< an internal short that is there from the start (a fault to be found), S

  [[nodiscard]] bool is_ageing() const { return ageing && ageing->active; }
  [[nodiscard]] bool may_run_away() const { return runaway && runaway->active; }
  /// Whether anything goes on besides the fast model.
  [[nodiscard]] bool any() const {
    return is_ageing() || self_discharge || plating || soft_short || breathing || stack_pressure || may_run_away() || short_S > 0;
  }
};

}  // namespace cellrig::sim
