#include "controller/engine/self_heating_watch.hpp"

#include <algorithm>

namespace cellrig {

std::optional<TripCause> SelfHeatingWatch::look(const State& state) {
  if (state.since != since_) {
    coldest_degC_.reset();
    warmest_around_degC_.reset();
    above_since_.reset();
  }
  since_ = state.since;
  if (!state.cell.usable() || state.cell.at < state.since + options_.settled || !state.surroundings_degC) return std::nullopt;
  coldest_degC_ = std::min(coldest_degC_.value_or(state.cell.value), state.cell.value);
  warmest_around_degC_ = std::max(warmest_around_degC_.value_or(*state.surroundings_degC), *state.surroundings_degC);
  const double bound_degC = std::max(*coldest_degC_, *warmest_around_degC_) + options_.rise_K;
  if (state.cell.value <= bound_degC) {
    above_since_.reset();
    return std::nullopt;
  }
  if (!above_since_) above_since_ = state.cell.at;
  if (state.cell.at - *above_since_ < options_.hold) return std::nullopt;
  return TripCause{Hazard::self_heating, Measurand::cell_temperature, state.cell.value, bound_degC, state.cell.at};
}

}  // namespace cellrig
