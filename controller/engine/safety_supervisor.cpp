#include "controller/engine/safety_supervisor.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace cellrig {
namespace {

/// A discharging cell this far down its voltage window counts as empty for the overcharge guard.
constexpr double empty_share_of_window = 0.05;
constexpr double frozen_voltage_factor = 5.0;
constexpr double creep_per_charge = 0.001;   ///< a coulombic efficiency of 0.999
constexpr double creep_max_of_limit = 0.05;  ///< whatever happens, no more than this share of the limit
constexpr double early_empty_max_of_limit =
    0.2;  ///< a discharge at a higher rate or in the cold ends so much earlier, and still counts

enum class Bound : unsigned char { at_most, at_least };

/// One absolute limit. `applies` says when; written so that NaN trips.
struct LimitRow {
  Hazard hazard;
  Measurand measurand;
  Bound bound;
  double (*limit)(const SafetyLimits&);
};

constexpr std::array<LimitRow, 6> limit_table{{
    {Hazard::over_voltage, Measurand::voltage, Bound::at_most, [](const SafetyLimits& l) { return l.voltage_max.value(); }},
    {Hazard::under_voltage, Measurand::voltage, Bound::at_least, [](const SafetyLimits& l) { return l.voltage_min.value(); }},
    {Hazard::over_current_charge, Measurand::current, Bound::at_most,
     [](const SafetyLimits& l) { return l.charge_current_max.value(); }},
    {Hazard::over_current_discharge, Measurand::current, Bound::at_least,
     [](const SafetyLimits& l) { return -l.discharge_current_max.value(); }},
    {Hazard::over_temperature, Measurand::cell_temperature, Bound::at_most,
     [](const SafetyLimits& l) { return l.cell_temperature_max.value(); }},
    {Hazard::under_temperature, Measurand::cell_temperature, Bound::at_least,
     [](const SafetyLimits& l) { return l.cell_temperature_min.value(); }},
}};

struct HazardRow {
  Hazard hazard;
  std::string_view text;
  bool thermal;
  bool instrument;
};

constexpr std::array<HazardRow, 18> hazard_table{{
    {Hazard::over_voltage, "over-voltage", false, false},
    {Hazard::under_voltage, "under-voltage", false, false},
    {Hazard::over_current_charge, "charge current too high", false, false},
    {Hazard::over_current_discharge, "discharge current too high", false, false},
    {Hazard::over_temperature, "cell too hot", true, false},
    {Hazard::under_temperature, "cell too cold", false, false},
    {Hazard::cold_charging, "charging a cell that is too cold", false, false},
    {Hazard::temperature_rate, "cell heats too fast", true, false},
    {Hazard::overcharge, "more charge went in than the cell can hold", false, false},
    {Hazard::wrong_direction, "current flows against the command", false, false},
    {Hazard::current_without_command, "current flows while the output should be off", false, false},
    {Hazard::frozen_reading, "the readings stand still while charge flows", false, true},
    {Hazard::stale_reading, "no fresh reading", false, true},
    {Hazard::bad_reading, "the reading is not a number", false, true},
    {Hazard::instrument_protection, "the instrument's own protection turned the output off", false, false},
    {Hazard::instrument_lost_remote, "the instrument is no longer under our control", false, true},
    {Hazard::outside_request, "another channel or the bench asked for OFF", false, false},
    {Hazard::chamber_failure, "the chamber does not run at the temperature it was given", false, true},
}};

const HazardRow& row_of(Hazard hazard) { return hazard_table[static_cast<std::size_t>(hazard)]; }

}  // namespace

std::string_view to_string(Hazard hazard) { return row_of(hazard).text; }
bool is_thermal(Hazard hazard) { return row_of(hazard).thermal; }
bool is_instrument_failure(Hazard hazard) { return row_of(hazard).instrument; }

std::string describe(const TripCause& cause) {
  const std::string text{to_string(cause.hazard)};
  const std::string name{name_with_unit(cause.measurand)};
  const auto with = [&](const char* format) {
    char buffer[120];
    std::snprintf(buffer, sizeof buffer, format, cause.value, cause.limit);
    return text + ": " + buffer;
  };
  switch (cause.hazard) {
    case Hazard::instrument_protection:
    case Hazard::instrument_lost_remote:
    case Hazard::outside_request:
    case Hazard::chamber_failure: return text;
    case Hazard::stale_reading: return text + ": " + name + with(" is %.1f s old, limit %.1f s").substr(text.size() + 2);
    case Hazard::bad_reading: return text + ": " + name + " (open sensor, overload or NaN)";
    case Hazard::overcharge: return with("%.3f Ah net, limit %.3f Ah");
    case Hazard::temperature_rate: return with("%.2f K/s, limit %.2f K/s");
    case Hazard::frozen_reading: return with("%.4f V did not change while %.3f Ah flowed");
    case Hazard::over_voltage:
    case Hazard::under_voltage:
    case Hazard::over_current_charge:
    case Hazard::over_current_discharge:
    case Hazard::over_temperature:
    case Hazard::under_temperature:
    case Hazard::cold_charging:
    case Hazard::wrong_direction:
    case Hazard::current_without_command:
      return text + ": " + name +
             with(cause.value > cause.limit ? " %.4f above %.4f" : " %.4f below %.4f").substr(text.size() + 2);
  }
  return text;
}

SafetySupervisor::SafetySupervisor(const SafetyLimits& limits, const SupervisorOptions& options, TimePoint start)
    : limits_{limits}, options_{options}, start_{start} {}

const std::optional<TripCause>& SafetySupervisor::check(const Observation& observation, const Commanded& commanded,
                                                        TimePoint now) {
  if (!trip_) judge(observation, commanded, now);
  return trip_;
}

const std::optional<TripCause>& SafetySupervisor::check_before(int direction, const Observation& observation, TimePoint now) {
  judge_limits(observation);
  judge_freshness(observation, now);
  if (direction > 0) judge_cold(observation[Measurand::cell_temperature]);
  return trip_;
}

const TripCause& SafetySupervisor::trip(const TripCause& cause) {
  if (!trip_) trip_ = cause;
  return *trip_;
}

void SafetySupervisor::latch(Hazard hazard, Measurand measurand, double value, double limit, TimePoint at) {
  if (!trip_) trip_ = TripCause{hazard, measurand, value, limit, at};
}

void SafetySupervisor::judge(const Observation& observation, const Commanded& commanded, TimePoint now) {
  judge_limits(observation);  // first: a real over-limit must not be reported as something else
  judge_freshness(observation, now);
  if (trip_) return;
  judge_command(observation, commanded);
  judge_charge(observation, commanded);
  judge_temperature_rate(observation[Measurand::cell_temperature]);
}

void SafetySupervisor::judge_limits(const Observation& observation) {
  for (const LimitRow& row : limit_table) {
    const Reading& reading = observation[row.measurand];
    if (reading.quality == Quality::missing) continue;  // judged by age
    if (reading.quality == Quality::bad) {
      if (row.measurand != Measurand::cell_temperature || options_.cell_temperature_required) {
        latch(Hazard::bad_reading, row.measurand, reading.value, 0.0, reading.at);
      }
      continue;
    }
    const double limit = row.limit(limits_);
    const bool inside = row.bound == Bound::at_most ? reading.value <= limit : reading.value >= limit;
    if (!inside)
      latch(std::isfinite(reading.value) ? row.hazard : Hazard::bad_reading, row.measurand, reading.value, limit, reading.at);
  }
}

void SafetySupervisor::judge_freshness(const Observation& observation, TimePoint now) {
  const auto judge_age = [&](Measurand measurand, Duration limit) {
    const Reading& reading = observation[measurand];
    const TimePoint from = reading.quality == Quality::missing ? start_ : reading.at;
    if (!(now - from <= limit && from <= now))
      latch(Hazard::stale_reading, measurand, to_seconds(now - from), to_seconds(limit), now);
  };
  judge_age(Measurand::voltage, options_.age_limit);
  judge_age(Measurand::current, options_.age_limit);
  if (options_.cell_temperature_required) judge_age(Measurand::cell_temperature, options_.temperature_age_limit);
}

void SafetySupervisor::judge_command(const Observation& observation, const Commanded& commanded) {
  const Reading& current = observation[Measurand::current];
  const double noise = options_.current_noise.value();
  if (current.usable() && current.value > noise) judge_cold(observation[Measurand::cell_temperature]);
  if (!current.usable() || current.at < commanded.since + options_.settling) return;
  if (!commanded.output_on && !(std::abs(current.value) <= noise)) {
    latch(Hazard::current_without_command, Measurand::current, current.value, noise, current.at);
  }
  if (commanded.output_on && commanded.direction != 0 && !(current.value * commanded.direction >= -noise)) {
    latch(Hazard::wrong_direction, Measurand::current, current.value, 0.0, current.at);
  }
}

void SafetySupervisor::judge_cold(const Reading& cell) {
  const double limit = limits_.charge_temperature_min.value();
  if (cell.usable() && !(cell.value >= limit))
    latch(Hazard::cold_charging, Measurand::cell_temperature, cell.value, limit, cell.at);
}

void SafetySupervisor::judge_charge(const Observation& observation, const Commanded& commanded) {
  const Reading& voltage = observation[Measurand::voltage];
  const Reading& current = observation[Measurand::current];
  if (!voltage.usable() || !current.usable()) return;
  const ElectricalSample sample{voltage.at, Volts{voltage.value}, Amps{current.value}};
  if (last_ && sample.at > last_->at) {
    const Throughput moved = integrate(*last_, sample);
    judge_overcharge(sample, moved);
    judge_frozen(sample, moved, observation.regulation, commanded.output_on);
  }
  if (!last_ || sample.at > last_->at) last_ = sample;
}

/// Nothing moves at all; or, while the current is regulated, the voltage does not move for a much larger charge (the plateau of
/// an LFP cell passes several percent of its capacity within one digit of a coarse instrument).
void SafetySupervisor::judge_frozen(const ElectricalSample& sample, const Throughput& moved, Regulation regulation,
                                    bool output_on) {
  const double moved_Ah = (moved.charge + moved.discharge).value();
  const bool voltage_stands = output_on && sample.voltage == last_->voltage;
  const bool all_stands = voltage_stands && sample.current == last_->current;
  unchanged_Ah_ = all_stands ? unchanged_Ah_ + moved_Ah : 0.0;
  unchanged_voltage_Ah_ = voltage_stands && regulation == Regulation::constant_current ? unchanged_voltage_Ah_ + moved_Ah : 0.0;
  const double limit = options_.frozen_charge_max.value();
  if (!(unchanged_Ah_ <= limit && unchanged_voltage_Ah_ <= frozen_voltage_factor * limit)) {
    latch(Hazard::frozen_reading, Measurand::voltage, sample.voltage.value(), std::max(unchanged_Ah_, unchanged_voltage_Ah_),
          sample.at);
  }
}

/// The guard counts from the lowest point. A coulombic efficiency below 1 lets the count creep up over hundreds of healthy
/// cycles: it starts anew when a discharge has emptied the cell, and a small share of the charge is forgiven until then. A cell that
/// is very cold or loaded looks empty when it is not: then the count goes on.
void SafetySupervisor::judge_overcharge(const ElectricalSample& sample, const Throughput& moved) {
  net_Ah_ += moved.net().value();
  charged_Ah_ += moved.charge.value();
  const double empty_V =
      limits_.voltage_min.value() + empty_share_of_window * (limits_.voltage_max - limits_.voltage_min).value();
  const bool empty = sample.current.value() < 0 && sample.voltage.value() <= empty_V;
  const double limit = limits_.charge_capacity_max.value();
  const bool starts_anew = empty && net_Ah_ - lowest_net_Ah_ <= early_empty_max_of_limit * limit;
  if (starts_anew || net_Ah_ < lowest_net_Ah_) lowest_net_Ah_ = net_Ah_;
  if (starts_anew) charged_Ah_ = 0.0;
  const double forgiven = std::min(creep_per_charge * charged_Ah_, creep_max_of_limit * limit);
  const double gained = net_Ah_ - lowest_net_Ah_ - forgiven;
  if (!(gained <= limit)) latch(Hazard::overcharge, Measurand::current, gained, limit, sample.at);
}

void SafetySupervisor::judge_temperature_rate(const Reading& cell) {
  if (!cell.usable() || (last_cell_temperature_ && cell.at <= last_cell_temperature_->at)) return;
  last_cell_temperature_ = cell;
  if (bin_.count > 0 && cell.at - bin_.begin >= std::chrono::seconds{1}) {
    judge_mean_temperature(Reading{bin_.sum / bin_.count, bin_.begin + from_seconds(bin_.seconds / bin_.count), Quality::good});
    bin_ = Bin{};
  }
  if (bin_.count == 0) bin_.begin = cell.at;
  ++bin_.count;
  bin_.sum += cell.value;
  bin_.seconds += to_seconds(cell.at - bin_.begin);
}

void SafetySupervisor::judge_mean_temperature(const Reading& cell) {
  if (last_mean_) {
    const double rate = (cell.value - last_mean_->value) / to_seconds(cell.at - last_mean_->at);
    if (!(rate < options_.temperature_rate_max_K_per_s)) {
      if (!fast_since_) fast_since_ = last_mean_->at;
      if (cell.at - *fast_since_ >= options_.temperature_rate_hold) {
        latch(Hazard::temperature_rate, Measurand::cell_temperature, rate, options_.temperature_rate_max_K_per_s, cell.at);
      }
    } else {
      fast_since_.reset();
    }
  }
  last_mean_ = cell;
}

}  // namespace cellrig
