#include "controller/engine/safety_supervisor.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace cellrig {
namespace {

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
    {Hazard::over_current_charge, Measurand::current, Bound::at_most, [](const SafetyLimits& l) { return l.charge_current_max.value(); }},
    {Hazard::over_current_discharge, Measurand::current, Bound::at_least, [](const SafetyLimits& l) { return -l.discharge_current_max.value(); }},
    {Hazard::over_temperature, Measurand::cell_temperature, Bound::at_most, [](const SafetyLimits& l) { return l.cell_temperature_max.value(); }},
    {Hazard::under_temperature, Measurand::cell_temperature, Bound::at_least, [](const SafetyLimits& l) { return l.cell_temperature_min.value(); }},
}};

struct HazardRow {
  Hazard hazard;
  std::string_view text;
  bool thermal;
  bool instrument;
};

constexpr std::array<HazardRow, 17> hazard_table{{
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
}};

const HazardRow& row_of(Hazard hazard) { return hazard_table[static_cast<std::size_t>(hazard)]; }

}  // namespace

std::string_view to_string(Hazard hazard) { return row_of(hazard).text; }
bool is_thermal(Hazard hazard) { return row_of(hazard).thermal; }
bool is_instrument_failure(Hazard hazard) { return row_of(hazard).instrument; }

std::string describe(const TripCause& cause) {
  const std::string_view text = to_string(cause.hazard);
  const std::string_view name = name_with_unit(cause.measurand);
  char buffer[200];
  switch (cause.hazard) {
    case Hazard::instrument_protection:
    case Hazard::instrument_lost_remote:
    case Hazard::outside_request: return std::string(text);
    case Hazard::stale_reading:
      std::snprintf(buffer, sizeof buffer, "%.*s: %.*s is %.1f s old, limit %.1f s", static_cast<int>(text.size()), text.data(),
                    static_cast<int>(name.size()), name.data(), cause.value, cause.limit);
      return buffer;
    case Hazard::bad_reading:
      std::snprintf(buffer, sizeof buffer, "%.*s: %.*s (open sensor, overload or NaN)", static_cast<int>(text.size()), text.data(),
                    static_cast<int>(name.size()), name.data());
      return buffer;
    default:
      std::snprintf(buffer, sizeof buffer, "%.*s: %.*s %.4g, limit %.4g", static_cast<int>(text.size()), text.data(),
                    static_cast<int>(name.size()), name.data(), cause.value, cause.limit);
      return buffer;
  }
}

SafetySupervisor::SafetySupervisor(const SafetyLimits& limits, const SupervisorOptions& options, TimePoint start)
    : limits_{limits}, options_{options}, start_{start} {}

const std::optional<TripCause>& SafetySupervisor::check(const Observation& observation, const Commanded& commanded, TimePoint now) {
  if (!trip_) judge(observation, commanded, now);
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
    if (!inside) latch(std::isfinite(reading.value) ? row.hazard : Hazard::bad_reading, row.measurand, reading.value, limit, reading.at);
  }
}

void SafetySupervisor::judge_freshness(const Observation& observation, TimePoint now) {
  const auto judge_age = [&](Measurand measurand, Duration limit) {
    const Reading& reading = observation[measurand];
    const TimePoint from = reading.quality == Quality::missing ? start_ : reading.at;
    if (!(now - from <= limit)) latch(Hazard::stale_reading, measurand, to_seconds(now - from), to_seconds(limit), now);
  };
  judge_age(Measurand::voltage, options_.age_limit);
  judge_age(Measurand::current, options_.age_limit);
  if (options_.cell_temperature_required) judge_age(Measurand::cell_temperature, options_.temperature_age_limit);
}

void SafetySupervisor::judge_command(const Observation& observation, const Commanded& commanded) {
  const Reading& current = observation[Measurand::current];
  const double noise = options_.current_noise.value();
  const Reading& cell = observation[Measurand::cell_temperature];
  const bool charging = current.usable() && current.value > noise;
  if (charging && cell.usable() && !(cell.value >= limits_.charge_temperature_min.value())) {
    latch(Hazard::cold_charging, Measurand::cell_temperature, cell.value, limits_.charge_temperature_min.value(), cell.at);
  }
  if (!current.usable() || current.at < commanded.since + options_.settling) return;
  if (!commanded.output_on && !(std::abs(current.value) <= noise)) {
    latch(Hazard::current_without_command, Measurand::current, current.value, noise, current.at);
  }
  if (commanded.output_on && commanded.direction != 0 && !(current.value * commanded.direction >= -noise)) {
    latch(Hazard::wrong_direction, Measurand::current, current.value, 0.0, current.at);
  }
}

void SafetySupervisor::judge_charge(const Observation& observation, const Commanded& commanded) {
  const Reading& voltage = observation[Measurand::voltage];
  const Reading& current = observation[Measurand::current];
  if (!voltage.usable() || !current.usable()) return;
  const ElectricalSample sample{voltage.at, Volts{voltage.value}, Amps{current.value}};
  if (last_ && sample.at > last_->at) {
    const Throughput moved = integrate(*last_, sample);
    net_Ah_ += moved.net().value();
    lowest_net_Ah_ = std::min(lowest_net_Ah_, net_Ah_);
    const double gained = net_Ah_ - lowest_net_Ah_;
    if (!(gained <= limits_.charge_capacity_max.value())) {
      latch(Hazard::overcharge, Measurand::current, gained, limits_.charge_capacity_max.value(), sample.at);
    }
    const bool unchanged = sample.voltage == last_->voltage && sample.current == last_->current;
    unchanged_Ah_ = unchanged && commanded.output_on ? unchanged_Ah_ + (moved.charge + moved.discharge).value() : 0.0;
    if (!(unchanged_Ah_ <= options_.frozen_charge_max.value())) {
      latch(Hazard::frozen_reading, Measurand::voltage, voltage.value, options_.frozen_charge_max.value(), sample.at);
    }
  }
  if (!last_ || sample.at > last_->at) last_ = sample;
}

void SafetySupervisor::judge_temperature_rate(const Reading& cell) {
  if (!cell.usable()) return;
  if (last_cell_temperature_ && cell.at > last_cell_temperature_->at) {
    const double rate = (cell.value - last_cell_temperature_->value) / to_seconds(cell.at - last_cell_temperature_->at);
    if (!(rate < options_.temperature_rate_max_K_per_s)) {
      if (!fast_since_) fast_since_ = last_cell_temperature_->at;
      if (cell.at - *fast_since_ >= options_.temperature_rate_hold) {
        latch(Hazard::temperature_rate, Measurand::cell_temperature, rate, options_.temperature_rate_max_K_per_s, cell.at);
      }
    } else {
      fast_since_.reset();
    }
  }
  if (!last_cell_temperature_ || cell.at > last_cell_temperature_->at) last_cell_temperature_ = cell;
}

}  // namespace cellrig
