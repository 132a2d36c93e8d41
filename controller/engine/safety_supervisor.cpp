#include "controller/engine/safety_supervisor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace cellrig {
namespace {

/// A discharging cell this far down its voltage window counts as empty for the overcharge guard.
constexpr double empty_share_of_window = 0.05;
constexpr Duration temperature_bin = std::chrono::seconds{1};
constexpr Duration means_apart_min = temperature_bin / 2;  ///< the noise of two that are nearer would be a rate
constexpr double frozen_voltage_factor = 5.0;
constexpr double creep_per_charge = 0.001;   ///< a coulombic efficiency of 0.999
constexpr double creep_max_of_limit = 0.05;  ///< whatever happens, no more than this share of the limit
constexpr double early_empty_max_of_limit =
    0.2;  ///< a discharge at a higher rate or in the cold ends so much earlier, and still counts

/// The lesser of two; no number when either is none.
Amps lesser(Amps a, Amps b) {
  if (a <= b) return a;
  return b < a ? b : Amps{std::numeric_limits<double>::quiet_NaN()};
}

HeatBalanceOptions heat_options(const SafetyLimits& limits, HeatBalanceOptions options) {
  options.heat_capacity_J_per_K = limits.heat_capacity_J_per_K;
  options.voltage_min = limits.voltage_min;
  options.voltage_max = limits.voltage_max;
  return options;
}

constexpr int disagreements_max = 2;  ///< polls of the second voltmeter in a row: one may fall on an edge

std::optional<ElectricalSample> sample_of(const Observation& observation) {
  const Reading& voltage = observation[Measurand::voltage];
  const Reading& current = observation[Measurand::current];
  if (!voltage.usable() || !current.usable()) return std::nullopt;
  return ElectricalSample{voltage.at, Volts{voltage.value}, Amps{current.value}};
}

}  // namespace

SafetySupervisor::SafetySupervisor(const SafetyLimits& limits, const SupervisorOptions& options, TimePoint start,
                                   const ChargeGuard& guard)
    : limits_{limits},
      run_limits_{limits},
      options_{options},
      start_{start},
      circuit_{options.circuit, options.current_noise, options.settling},
      leak_{options.leak, options.current_noise, options.settling},
      self_heating_{options.self_heating},
      heat_{heat_options(limits, options.heat)},
      energy_{options.energy},
      voltage_moves_{options.stillness},
      temperature_moves_{options.stillness},
      guard_{guard} {
  find_bounds();
}

const std::optional<TripCause>& SafetySupervisor::check(const Observation& observation, const Commanded& commanded,
                                                        TimePoint now) {
  if (!trip_) judge(observation, commanded, now);
  return trip_;
}

const std::optional<TripCause>& SafetySupervisor::check_before(int direction, const CurrentBounds& bounds,
                                                               const Observation& observation, TimePoint now, bool is_under_way) {
  const Reading& cell = observation[Measurand::cell_temperature];
  judge_limits(observation, now, is_under_way ? Held::as_given : Held::not_waited_for);
  judge_interlock(observation[Measurand::interlock], now);
  judge_freshness(observation, now);
  if (direction > 0 || (direction == 0 && bounds.charge > Amps{})) judge_cold(cell);
  judge_bounds(bounds, cell, now);
  return trip_;
}

void SafetySupervisor::set_limits(const SafetyLimits& limits) {
  limits_ = limits;
  find_bounds();
}

/// Whether there is a bound is a matter of the limits alone, at whatever temperature; and what it is, but for that of a current.
void SafetySupervisor::find_bounds() {
  has_sensor_limits_ = false;
  for (std::size_t i = 0; i < limit_count; ++i) {
    const LimitRow& row = limit_table()[i];
    bounds_[i] = row.limit(limits_, {});
    has_sensor_limits_ = has_sensor_limits_ || (bounds_[i] && row.is_of_sensor);
  }
}

const TripCause& SafetySupervisor::trip(const TripCause& cause) {
  if (!trip_) trip_ = cause;
  return *trip_;
}

void SafetySupervisor::latch_if(const std::optional<TripCause>& cause) {
  if (cause && !trip_) trip_ = cause;
}

void SafetySupervisor::latch(Hazard hazard, Measurand measurand, double value, double limit, TimePoint at) {
  if (!trip_) trip_ = TripCause{hazard, measurand, value, limit, at};
}

void SafetySupervisor::judge(const Observation& observation, const Commanded& commanded, TimePoint now) {
  judge_limits(observation, now, Held::as_given);  // first: a real over-limit must not be reported as something else
  judge_interlock(observation[Measurand::interlock], now);
  judge_freshness(observation, now);
  if (trip_) return;
  judge_voltages(observation, commanded);
  judge_command(observation, commanded);
  judge_circuit(observation, commanded);
  judge_regulated_current(observation, commanded);
  judge_stillness(observation, commanded);
  judge_charge(observation, commanded);
  judge_leak(observation, commanded);
  judge_heat(observation, commanded);
  judge_temperature_rate(observation[Measurand::cell_temperature]);
}

void SafetySupervisor::judge_limits(const Observation& observation, TimePoint now, Held held) {
  CurrentBounds currents = current_limits(observation[Measurand::cell_temperature], now);
  // At a temperature where no current is allowed at all, the instrument's zero is not one.
  currents.charge = at_least_noise(currents.charge, limits_.charge_current_max);
  currents.discharge = at_least_noise(currents.discharge, limits_.discharge_current_max);
  const std::array<LimitRow, limit_count>& table = limit_table();
  for (std::size_t i = 0; i < limit_count; ++i) {
    if (!bounds_[i]) {
      beyond_since_[i].reset();  // a limit of a step alone: it begins anew when it holds again
      continue;
    }
    const LimitRow& row = table[i];
    const Reading& reading = observation[row.measurand];
    if (reading.quality == Quality::missing) continue;  // judged by age
    const std::optional<double> limit = row.measurand == Measurand::current ? row.limit(limits_, currents) : bounds_[i];
    const bool is_number = std::isfinite(reading.value);
    if (reading.quality == Quality::bad || (row.is_of_sensor && !is_number)) {
      if (row.measurand != Measurand::cell_temperature || options_.cell_temperature_required)
        latch(Hazard::bad_reading, row.measurand, reading.value, 0.0, reading.at);
      continue;
    }
    const bool inside = row.bound == Bound::at_most ? reading.value <= *limit : reading.value >= *limit;
    if (inside) {
      beyond_since_[i].reset();
      continue;
    }
    if (!beyond_since_[i]) beyond_since_[i] = reading.at;
    if (is_number && held == Held::as_given && reading.at - *beyond_since_[i] < row.hold(limits_)) continue;
    // A current that only the cold forbids is told as what it is.
    if (row.hazard == Hazard::over_current_charge && reading.value <= limits_.charge_current_max.value())
      judge_cold(observation[Measurand::cell_temperature]);
    latch(is_number ? row.hazard : Hazard::bad_reading, row.measurand, reading.value, *limit, reading.at);
  }
}

/// What the cell takes at its temperature. One that was never measured, is old or no number counts as the worst. Where a temperature is
/// required, an old or bad one trips in the same look, and is told as that.
CurrentBounds SafetySupervisor::current_limits(const Reading& cell, TimePoint now) const {
  const bool known = cell.usable() && now - cell.at <= options_.temperature_age_limit && cell.at <= now;
  const bool trips_by_itself = !known && options_.cell_temperature_required && cell.quality != Quality::missing;
  const auto at_present = [&](const CurrentByTemperature& table, Amps most) {
    if (trips_by_itself) return most;
    return lesser(most, known ? table.at(Celsius{cell.value}) : table.least());
  };
  return {at_present(limits_.charge_current_by_temperature, limits_.charge_current_max),
          at_present(limits_.discharge_current_by_temperature, limits_.discharge_current_max)};
}

Amps SafetySupervisor::at_least_noise(Amps limit, Amps most) const {
  const Amps floor = lesser(options_.current_noise, most);
  return limit < floor ? floor : limit;
}

void SafetySupervisor::judge_bounds(const CurrentBounds& bounds, const Reading& cell, TimePoint now) {
  const CurrentBounds limit = current_limits(cell, now);
  if (!(bounds.charge <= limit.charge))
    latch(Hazard::over_current_charge, Measurand::current, bounds.charge.value(), limit.charge.value(), now);
  if (!(bounds.discharge <= limit.discharge))
    latch(Hazard::over_current_discharge, Measurand::current, -bounds.discharge.value(), -limit.discharge.value(), now);
}

/// An input whose absence is unsafe: what is not known to be closed is open.
void SafetySupervisor::judge_interlock(const Reading& interlock, TimePoint now) {
  if (!options_.interlock_required) return;
  constexpr double closed = 1.0;
  const TimePoint from = interlock.quality == Quality::missing ? start_ : interlock.at;
  const bool is_fresh = now - from <= options_.interlock_age_limit && from <= now;
  if (!is_fresh || interlock.quality == Quality::bad || (interlock.quality == Quality::good && !std::isfinite(interlock.value))) {
    latch(Hazard::interlock_open, Measurand::interlock, std::numeric_limits<double>::quiet_NaN(), closed, now);
  } else if (interlock.quality == Quality::good && !(interlock.value >= closed)) {
    latch(Hazard::interlock_open, Measurand::interlock, interlock.value, closed, interlock.at);
  }
}

/// Two voltmeters on one cell (a broken sense lead shows here and nowhere else). Only readings of the same set-point compare.
void SafetySupervisor::judge_voltages(const Observation& observation, const Commanded& commanded) {
  const std::optional<double>& limit = limits_.sensors.voltage_difference_max_V;
  const Reading& cycler = observation[Measurand::voltage];
  const Reading& second = observation[Measurand::logger_voltage];
  if (!limit || cycler.quality == Quality::missing || second.quality == Quality::missing) return;  // judged by age
  if (second.quality == Quality::bad) return latch(Hazard::bad_reading, Measurand::logger_voltage, second.value, 0.0, second.at);
  const TimePoint settled = std::max(commanded.since, commanded.changed);
  if (second.at <= last_compared_ || cycler.at < settled || second.at < settled) return;
  last_compared_ = second.at;
  const double difference = std::abs(cycler.value - second.value);
  disagreements_ = difference <= *limit ? 0 : disagreements_ + 1;
  if (disagreements_ >= disagreements_max)
    latch(Hazard::voltage_disagreement, Measurand::logger_voltage, difference, *limit, second.at);
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
  if (has_sensor_limits_) {
    for (std::size_t i = 0; i < limit_count; ++i) {
      const LimitRow& row = limit_table()[i];
      if (bounds_[i] && row.is_of_sensor) judge_age(row.measurand, options_.sensor_age_limit);
    }
  }
  if (limits_.sensors.voltage_difference_max_V) judge_age(Measurand::logger_voltage, options_.sensor_age_limit);
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

void SafetySupervisor::judge_circuit(const Observation& observation, const Commanded& commanded) {
  const std::optional<ElectricalSample> sample = sample_of(observation);
  if (!sample) return;
  const CircuitWatch::Command command{commanded.output_on && observation.output_on, commanded.since, commanded.changed,
                                      observation.regulation == Regulation::constant_current};
  const std::optional<CircuitWatch::Finding> found = circuit_.look(*sample, command, options_.age_limit);
  if (found) latch(Hazard::open_circuit, Measurand::current, found->current.value(), found->bound.value(), sample->at);
}

void SafetySupervisor::judge_leak(const Observation& observation, const Commanded& commanded) {
  const std::optional<ElectricalSample> sample = sample_of(observation);
  if (!sample) return;
  LeakWatch::State state{.output_on = commanded.output_on,
                         .direction = commanded.direction,
                         .since = std::max(commanded.since, commanded.changed),
                         .regulation = observation.regulation,
                         .temperature_degC = {}};
  for (const Measurand m : {Measurand::cell_temperature, Measurand::ambient_temperature, Measurand::chamber_temperature}) {
    if (!state.temperature_degC && observation[m].usable()) state.temperature_degC = observation[m].value;
  }
  const std::optional<TripCause> cause = leak_.look(*sample, state, options_.age_limit);
  // A voltage that a second voltmeter does not see falls in a lead, and those two are compared elsewhere.
  const Reading& second = observation[Measurand::logger_voltage];
  const std::optional<double>& apart = limits_.sensors.voltage_difference_max_V;
  const bool is_denied = apart && second.usable() && !(std::abs(second.value - sample->voltage.value()) <= *apart);
  if (cause && cause->hazard == Hazard::voltage_step && is_denied) return;
  latch_if(cause);
}

void SafetySupervisor::judge_heat(const Observation& observation, const Commanded& commanded) {
  const Reading& cell = observation[Measurand::cell_temperature];
  std::optional<double> around_degC;
  for (const Measurand m : {Measurand::ambient_temperature, Measurand::chamber_temperature}) {
    if (observation[m].usable()) around_degC = std::max(around_degC.value_or(observation[m].value), observation[m].value);
  }
  if (!commanded.output_on) latch_if(self_heating_.look({commanded.since, cell, around_degC}));
  const std::optional<ElectricalSample> sample = sample_of(observation);
  if (sample) latch_if(heat_.look(*sample, {cell, around_degC}));
}

/// Commanded against measured: where the cycler regulates the current it is the one that it was given. One that reads less may be clipped at the
/// end of a range, and more flows than anybody counts.
void SafetySupervisor::judge_regulated_current(const Observation& observation, const Commanded& commanded) {
  const Reading& current = observation[Measurand::current];
  const TimePoint settled = std::max(commanded.since, commanded.changed) + options_.settling;
  const bool is_regulated = commanded.output_on && commanded.direction != 0 && current.usable() && current.at >= settled &&
                            observation.output_on && observation.regulation == Regulation::constant_current;
  const double wanted_A = commanded.direction > 0 ? commanded.bounds.charge.value() : -commanded.bounds.discharge.value();
  if (!is_regulated || wanted_A == 0.0) {
    off_command_ = 0;
    return;
  }
  if (current.at <= last_regulated_) return;
  last_regulated_ = current.at;
  const double tolerance_A = std::max(4 * options_.current_noise.value(), options_.off_command_share * std::abs(wanted_A));
  // A voltage that the cell has already is held by no current at all: its other limit.
  const bool is_closed = commanded.may_stand_closed && std::abs(current.value) <= tolerance_A;
  off_command_ = is_closed || std::abs(current.value - wanted_A) <= tolerance_A ? 0 : off_command_ + 1;
  if (off_command_ >= options_.off_command_polls)
    latch(Hazard::off_command, Measurand::current, current.value, wanted_A, current.at);
}

/// A reading that has died shows here in seconds, where its digits used to move; judge_frozen() needs no such past. A regulator that holds the
/// voltage may hold its reading still, too: each way of regulating is learned apart. Only while a current flows: what stood still in a rest
/// proves nothing.
void SafetySupervisor::judge_stillness(const Observation& observation, const Commanded& commanded) {
  const Reading& voltage = observation[Measurand::voltage];
  const Reading& current = observation[Measurand::current];
  const Reading& cell = observation[Measurand::cell_temperature];
  const bool flows = commanded.output_on && observation.output_on && current.usable() &&
                     std::abs(current.value) > options_.current_noise.value();
  const TimePoint since = flows ? std::max(commanded.since, commanded.changed) + options_.settling : TimePoint::max();
  if (observation.regulation != regulation_) voltage_moves_.forget();
  regulation_ = observation.regulation;
  voltage_moves_.look(voltage, since);
  // The noise of a thermometer does not follow the set-points of a course.
  temperature_moves_.look(cell, flows ? commanded.since + options_.settling : TimePoint::max());
  if (!flows) return;
  const double one_C_A = options_.leak.capacity.value();
  const Duration voltage_stands =
      from_seconds(to_seconds(options_.voltage_stands) * std::max(1.0, one_C_A / std::abs(current.value)));
  if (const auto found = voltage_moves_.stands_still_for(voltage_stands))
    latch(Hazard::still_reading, Measurand::voltage, found->stands_s, found->expected_s, voltage.at);
  if (const auto found = temperature_moves_.stands_still_for(options_.temperature_stands))
    latch(Hazard::still_reading, Measurand::cell_temperature, found->stands_s, found->expected_s, cell.at);
}

void SafetySupervisor::judge_charge(const Observation& observation, const Commanded& commanded) {
  const std::optional<ElectricalSample> sample = sample_of(observation);
  if (!sample) return;
  if (last_ && sample->at > last_->at) {
    const Throughput moved = integrate(*last_, *sample);
    // What an instrument shows of a current while its output is off, within its own error, would be a charge after some days.
    const bool is_none = !commanded.output_on && abs(sample->current) <= options_.current_noise;
    // On a cycler that is large for the cell its own error would be a charge: there everything counts.
    constexpr double idle_rate_max_C = 0.02;
    const double idle_max_A = std::min(options_.current_noise.value(), idle_rate_max_C * options_.leak.capacity.value());
    const auto is_idle = [idle_max_A](const ElectricalSample& s) { return abs(s.current).value() <= idle_max_A; };
    // Both ends: where a current has just ended, half of what flowed between them is charge.
    if (commanded.output_on || !is_idle(*sample) || !is_idle(*last_)) judge_overcharge(*sample, moved);
    if (!is_none) latch_if(energy_.look(*sample, moved));
    judge_frozen(*sample, moved, observation.regulation, commanded.output_on);
  }
  if (!last_ || sample->at > last_->at) last_ = sample;
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
  guard_.net_Ah += moved.net().value();
  guard_.charged_Ah += moved.charge.value();
  const double empty_V =
      run_limits_.voltage_min.value() + empty_share_of_window * (run_limits_.voltage_max - run_limits_.voltage_min).value();
  const bool empty = sample.current.value() < 0 && sample.voltage.value() <= empty_V;
  const double limit = run_limits_.charge_capacity_max.value();
  const bool starts_anew = empty && guard_.net_Ah - guard_.lowest_net_Ah <= early_empty_max_of_limit * limit;
  if (starts_anew || guard_.net_Ah < guard_.lowest_net_Ah) guard_.lowest_net_Ah = guard_.net_Ah;
  if (starts_anew) guard_.charged_Ah = 0.0;
  const double forgiven = std::min(creep_per_charge * guard_.charged_Ah, creep_max_of_limit * limit);
  const double gained = guard_.net_Ah - guard_.lowest_net_Ah - forgiven;
  if (!(gained <= limit)) latch(Hazard::overcharge, Measurand::current, gained, limit, sample.at);
}

void SafetySupervisor::judge_temperature_rate(const Reading& cell) {
  if (!cell.usable() || (last_cell_temperature_ && cell.at <= last_cell_temperature_->at)) return;
  const bool is_alone = last_cell_temperature_ && cell.at - last_cell_temperature_->at >= temperature_bin;
  last_cell_temperature_ = cell;
  if (bin_.count > 0 && cell.at - bin_.begin >= temperature_bin) {
    judge_mean_temperature(Reading{bin_.sum / bin_.count, bin_.begin + from_seconds(bin_.seconds / bin_.count), Quality::good});
    bin_ = Bin{};
  }
  // A sensor that is asked so seldom need not answer again before it counts.
  if (is_alone) return judge_mean_temperature(cell);
  if (bin_.count == 0) bin_.begin = cell.at;
  ++bin_.count;
  bin_.sum += cell.value;
  bin_.seconds += to_seconds(cell.at - bin_.begin);
}

void SafetySupervisor::judge_mean_temperature(const Reading& cell) {
  if (last_mean_ && cell.at - last_mean_->at < means_apart_min) return;
  if (last_mean_) {
    const double rate = (cell.value - last_mean_->value) / to_seconds(cell.at - last_mean_->at);
    const double rate_max = std::min(options_.temperature_rate_max_K_per_s,
                                     limits_.temperature_rate_max_K_per_s.value_or(options_.temperature_rate_max_K_per_s));
    if (!(rate < rate_max)) {
      // Two values with nothing between them are one finding, as of a sensor that came back on another cell: not for how long it goes on.
      const bool is_gap = cell.at - last_mean_->at > options_.temperature_rate_hold;
      if (!fast_since_) fast_since_ = is_gap ? cell.at : last_mean_->at;
      const std::optional<double>& for_s = limits_.temperature_rate_for_s;
      const Duration hold =
          for_s ? std::min(options_.temperature_rate_hold, from_seconds(*for_s)) : options_.temperature_rate_hold;
      if (cell.at - *fast_since_ >= hold) latch(Hazard::temperature_rate, Measurand::cell_temperature, rate, rate_max, cell.at);
    } else {
      fast_since_.reset();
    }
  }
  last_mean_ = cell;
}

}  // namespace cellrig
