#include "db/analysis/soft_short_watch.hpp"

#include <algorithm>
#include <cmath>

#include "db/analysis/soft_short.hpp"

namespace cellrig::db {
namespace {

constexpr double watch_ns_per_s = 1e9, watch_s_per_day = 86400;
/// Of a fall that is a slope and no noise.
constexpr double slope_window_s = 10;
constexpr double watched_rest_least_s = soft_short_rest_least_h * 3600;
constexpr std::size_t watched_points_max = 256;
constexpr double resistance_at_most_s = 10;
/// So near two resistances are alike.
constexpr double like_pulse_K = 3;
constexpr std::size_t pulses_max = 8, cycles_before_max = 5, cycles_before_min = 3;

std::optional<double> lesser(std::optional<double> a, std::optional<double> b) { return a && b ? std::min(*a, *b) : a ? a : b; }

}  // namespace

std::optional<StepResistance> early_resistance(std::span<const Metric> figures) {
  std::optional<StepResistance> first;
  for (const Metric& m : figures) {
    if (m.figure != Figure::dc_resistance_ohm || m.at > resistance_at_most_s || !(m.value > 0)) continue;
    if (!first || m.at < first->at_s) first = StepResistance{m.at, m.value};
  }
  return first;
}

void SoftShortWatch::begin_step(const StepRow& step) {
  step_ = step;
  charge_from_.reset();
  rest_.clear();
  rest_every_ = 1;
  rest_passed_ = 0;
  slope_least_V_per_s_.reset();
  if (!step.in_cycle) return;
  if (cycle_ != step.cycle) {  // also where the one before never came to its end
    cycle_ = step.cycle;
    signs_ = {};
    began_with_discharge_.reset();
    for (Pulse& pulse : pulses_) pulse.now.reset();
  }
  const bool is_discharge = step.type.ends_with("_DCH");
  if (!began_with_discharge_ && (is_discharge || step.type.ends_with("_CHG"))) began_with_discharge_ = is_discharge;
}

void SoftShortWatch::add_charge(const SampleRow& a, const SampleRow& b) {
  if (!charge_from_) charge_from_ = Point{a.test_time_ns, a.voltage_V};
  const double seconds = static_cast<double>(b.test_time_ns - charge_from_->at_ns) / watch_ns_per_s;
  if (seconds < slope_window_s) return;
  slope_least_V_per_s_ = lesser(slope_least_V_per_s_, (b.voltage_V - charge_from_->voltage_V) / seconds);
  charge_from_ = Point{b.test_time_ns, b.voltage_V};
}

/// Every second one is fine enough where there are many.
void SoftShortWatch::add_rest(const SampleRow& row) {
  if (rest_passed_++ % rest_every_ != 0) return;
  rest_.push_back({row.test_time_ns, row.voltage_V});
  if (rest_.size() < watched_points_max) return;
  for (std::size_t i = 0; 2 * i < rest_.size(); ++i) rest_[i] = rest_[2 * i];
  rest_.resize(watched_points_max / 2);
  rest_every_ *= 2;
}

/// A straight line through the second half of the rest (least squares).
std::optional<double> SoftShortWatch::rest_slope_V_per_day() const {
  if (rest_.empty()) return std::nullopt;
  const double whole_s = static_cast<double>(rest_.back().at_ns - rest_.front().at_ns) / watch_ns_per_s;
  if (whole_s < watched_rest_least_s) return std::nullopt;
  const std::int64_t half_ns = rest_.front().at_ns + (rest_.back().at_ns - rest_.front().at_ns) / 2;
  double n = 0, mean_days = 0, mean_V = 0;
  const auto days = [half_ns](const Point& p) {
    return static_cast<double>(p.at_ns - half_ns) / watch_ns_per_s / watch_s_per_day;
  };
  for (const Point& p : rest_) {
    if (p.at_ns < half_ns) continue;
    n += 1;
    mean_days += days(p);
    mean_V += p.voltage_V;
  }
  mean_days /= n;
  mean_V /= n;
  double spread = 0, together = 0;
  for (const Point& p : rest_) {
    if (p.at_ns < half_ns) continue;
    spread += (days(p) - mean_days) * (days(p) - mean_days);
    together += (days(p) - mean_days) * (p.voltage_V - mean_V);
  }
  return spread > 0 ? std::optional<double>{together / spread} : std::nullopt;
}

void SoftShortWatch::add_resistance(const StepResistance& resistance, std::optional<double> temperature_degC) {
  const auto known = std::find_if(pulses_.begin(), pulses_.end(),
                                  [&](const Pulse& p) { return p.step_id == step_.step_id && p.at_s == resistance.at_s; });
  if (known != pulses_.end()) {
    if (!known->now) known->now = Seen{resistance.ohm, temperature_degC};  // a later one of a loop has another state of charge
    return;
  }
  if (pulses_.size() < pulses_max)
    pulses_.push_back({step_.step_id, resistance.at_s, {}, Seen{resistance.ohm, temperature_degC}});
}

void SoftShortWatch::end_step(std::span<const Metric> figures, std::optional<double> temperature_degC) {
  if (!step_.in_cycle) return;
  signs_.charge_slope_least_V_per_s = lesser(signs_.charge_slope_least_V_per_s, slope_least_V_per_s_);
  signs_.rest_slope_V_per_day = lesser(signs_.rest_slope_V_per_day, rest_slope_V_per_day());
  if (const std::optional<StepResistance> r = early_resistance(figures)) add_resistance(*r, temperature_degC);
}

/// The least of this cycle's resistances over the median of those of the cycles before at about the same temperature.
std::optional<double> SoftShortWatch::end_resistances() {
  std::optional<double> least;
  for (Pulse& pulse : pulses_) {
    if (!pulse.now) continue;
    std::vector<double> like;
    for (const Seen& seen : pulse.before) {
      const bool is_told = seen.temperature_degC && pulse.now->temperature_degC;
      const bool is_none = !seen.temperature_degC && !pulse.now->temperature_degC;
      if (is_none || (is_told && std::abs(*seen.temperature_degC - *pulse.now->temperature_degC) <= like_pulse_K))
        like.push_back(seen.ohm);
    }
    if (like.size() >= cycles_before_min) {
      std::sort(like.begin(), like.end());
      const std::size_t middle = like.size() / 2;
      const double median = like.size() % 2 == 1 ? like[middle] : 0.5 * (like[middle - 1] + like[middle]);
      least = lesser(least, pulse.now->ohm / median);
    }
    pulse.before.push_back(*pulse.now);
    if (pulse.before.size() > cycles_before_max) pulse.before.erase(pulse.before.begin());
    pulse.now.reset();
  }
  return least;
}

CycleSigns SoftShortWatch::end_cycle(const CycleRow& cycle) {
  CycleSigns signs = cycle_ == cycle.cycle ? signs_ : CycleSigns{};
  const bool has_before = discharge_before_ && discharge_before_->first == cycle.cycle - 1;
  const double before_Ah = began_with_discharge_.value_or(false) ? cycle.discharge_Ah
                           : has_before                          ? discharge_before_->second
                                                                 : 0.0;
  if (cycle_ == cycle.cycle) {
    if (before_Ah > 0 && cycle.charge_Ah > 0) signs.charge_overrun = cycle.charge_Ah / before_Ah;
    signs.resistance_ratio_least = end_resistances();
  }
  discharge_before_ = {cycle.cycle, cycle.discharge_Ah};
  cycle_.reset();
  return signs;
}

}  // namespace cellrig::db
