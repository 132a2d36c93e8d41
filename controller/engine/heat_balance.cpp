#include "controller/engine/heat_balance.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig {
namespace {

constexpr int readings_min = 3;  ///< of a bin: a mean of fewer is none

std::optional<double> warmer(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a ? a : b;
  return std::max(*a, *b);
}

}  // namespace

double HeatBalance::heat_bound_W(const ElectricalSample& sample) const {
  const double current = sample.current.value();
  const Volts left = current > 0 ? sample.voltage - options_.voltage_min : options_.voltage_max - sample.voltage;
  return std::abs(current) * (std::max(left.value(), 0.0) + options_.entropic.value());
}

std::optional<TripCause> HeatBalance::look(const ElectricalSample& sample, const State& state) {
  if (!(options_.heat_capacity_J_per_K > 0)) return std::nullopt;
  bin_.heat_max_W = std::max(bin_.heat_max_W, heat_bound_W(sample));
  bin_.warmest_around_degC = warmer(bin_.warmest_around_degC, state.surroundings_degC);
  if (!state.cell.usable() || state.cell.at <= last_at_) return std::nullopt;
  last_at_ = state.cell.at;
  std::optional<TripCause> cause;
  if (bin_.count >= readings_min && state.cell.at - bin_.begin >= options_.bin) cause = close_bin();
  if (bin_.count == 0) bin_.begin = state.cell.at;
  ++bin_.count;
  bin_.sum_degC += state.cell.value;
  bin_.seconds += to_seconds(state.cell.at - bin_.begin);
  return cause;
}

std::optional<TripCause> HeatBalance::close_bin() {
  newest_ = (newest_ + 1) % past_.size();
  past_[newest_] = {bin_.heat_max_W, bin_.warmest_around_degC};
  const Reading mean{bin_.sum_degC / bin_.count, bin_.begin + from_seconds(bin_.seconds / bin_.count), Quality::good};
  bin_ = Bin{};
  const std::optional<Reading> before = std::exchange(last_mean_, mean);
  if (!before || !is_warmer_than_all_around(mean.value)) {
    above_ = 0;
    return std::nullopt;
  }
  const double rate = (mean.value - before->value) / to_seconds(mean.at - before->at);
  const double bound = heat_max_W() / options_.heat_capacity_J_per_K + options_.tolerance_K_per_s;
  above_ = rate > bound ? above_ + 1 : 0;
  if (above_ < options_.bins) return std::nullopt;
  return TripCause{Hazard::unexplained_heat, Measurand::cell_temperature, rate, bound, mean.at};
}

double HeatBalance::heat_max_W() const {
  double most = 0;
  for (std::size_t ago = 0; ago < std::min(options_.heat_memory_bins, past_.size()); ++ago)
    most = std::max(most, past_[(newest_ + past_.size() - ago) % past_.size()].heat_max_W);
  return most;
}

/// False as well where nothing was measured around it. One place that is warm enough says it.
bool HeatBalance::is_warmer_than_all_around(double cell_degC) const {
  bool is_known = false;
  for (const Past& past : past_) {
    if (!past.warmest_around_degC) continue;
    if (cell_degC < *past.warmest_around_degC + options_.warmer_K) return false;
    is_known = true;
  }
  return is_known;
}

}  // namespace cellrig
