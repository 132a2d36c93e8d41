#include "controller/cli/rehearsal/rehearsal_watch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "controller/cli/rehearsal/rehearsal_report.hpp"

namespace cellrig::cli {
namespace {

constexpr double bytes_per_row = 80.0;      // DESIGN: at most so much, the index included
constexpr double bytes_per_step = 400.0;    // a step and its end, with their texts
constexpr double real_period_s = 0.1;       // of a real bench with its output on
constexpr double real_rest_period_s = 1.0;  // and off
constexpr std::size_t warnings_max = 20, criteria_max = 100;

enum Watched : std::size_t {
  voltage_max,
  voltage_min,
  charge_current,
  discharge_current,
  temperature_max,
  temperature_min,
  charge_temperature,
  charge_capacity,
  temperature_rate,
};

}  // namespace

// ---- the curve ------------------------------------------------------------------------------------------------------

void Curve::add(double seconds, const Observation& observation) {
  if (pieces_.empty() || seconds >= pieces_.back().from_s + length_s_) {
    if (pieces_.size() >= curve_pieces_max) halve();
    const double from = std::floor(seconds / length_s_) * length_s_;
    if (pieces_.empty() || from > pieces_.back().from_s) pieces_.push_back(CurvePiece{from, seconds, {}, {}, {}});
  }
  CurvePiece& piece = pieces_.back();
  piece.to_s = seconds;
  const auto keep = [&observation](Measurand measurand, Span& span) {
    if (observation[measurand].usable()) span.include(observation[measurand].value);
  };
  keep(Measurand::voltage, piece.voltage_V);
  keep(Measurand::current, piece.current_A);
  keep(Measurand::cell_temperature, piece.cell_temperature_degC);
}

void Curve::halve() {
  length_s_ *= 2;
  std::vector<CurvePiece> fewer;
  for (const CurvePiece& piece : pieces_) {
    const double from = std::floor(piece.from_s / length_s_) * length_s_;
    if (fewer.empty() || from > fewer.back().from_s) {
      fewer.push_back(piece);
      fewer.back().from_s = from;
      continue;
    }
    CurvePiece& wide = fewer.back();
    wide.to_s = piece.to_s;
    wide.voltage_V.include(piece.voltage_V);
    wide.current_A.include(piece.current_A);
    wide.cell_temperature_degC.include(piece.cell_temperature_degC);
  }
  pieces_ = std::move(fewer);
}

// ---- warming --------------------------------------------------------------------------------------------------------

std::optional<double> WarmingWatch::add(const Reading& cell, Duration hold) {
  if ((has_before_ || count_ > 0) && cell.at <= last_) return std::nullopt;
  last_ = cell.at;
  sum_ += cell.value;
  ++count_;
  if (count_ == 1) mean_.at = cell.at;
  // As the supervisor: what was measured within a second is one value, at the time of its first reading.
  if (has_before_ && cell.at - before_.at < std::chrono::seconds{1}) return std::nullopt;
  const Reading now{sum_ / count_, mean_.at, Quality::good};
  sum_ = 0.0;
  count_ = 0;
  std::optional<double> held;
  if (has_before_ && now.at > before_.at) {
    slopes_.push_back({before_.at, now.at, (now.value - before_.value) / to_seconds(now.at - before_.at)});
    while (slopes_.size() > 1 && now.at - slopes_[1].from >= hold) slopes_.erase(slopes_.begin());
    if (now.at - slopes_.front().from >= hold) {
      held = slopes_.front().K_per_s;
      for (const Slope& slope : slopes_) held = std::min(*held, slope.K_per_s);
    }
  }
  before_ = now;
  has_before_ = true;
  return held;
}

// ---- limits ---------------------------------------------------------------------------------------------------------

RehearsalWatch::RehearsalWatch(const Program& program, const SafetyLimits& limits, RehearsalWatcher watcher,
                               std::function<void()> stop)
    : program_{program}, limits_{limits}, watcher_{std::move(watcher)}, stop_{std::move(stop)} {
  for (std::size_t i = 0; i < program.code.size(); ++i) {
    if (!std::holds_alternative<Step>(program.code[i])) continue;
    index_[static_cast<std::uint32_t>(i)] = result_.steps.size();
    result_.steps.push_back({.instruction = static_cast<std::uint32_t>(i)});
  }
  const double window_V = (limits.voltage_max - limits.voltage_min).value();
  const double window_K = limits.cell_temperature_max.value() - limits.cell_temperature_min.value();
  watch_limit("voltage_max_V", "V", limits.voltage_max.value(), window_V);
  watch_limit("voltage_min_V", "V", limits.voltage_min.value(), window_V);
  watch_limit("charge_current_max_A", "A", limits.charge_current_max.value(), limits.charge_current_max.value());
  watch_limit("discharge_current_max_A", "A", limits.discharge_current_max.value(), limits.discharge_current_max.value());
  watch_limit("cell_temperature_max_degC", "degC", limits.cell_temperature_max.value(), window_K);
  watch_limit("cell_temperature_min_degC", "degC", limits.cell_temperature_min.value(), window_K);
  watch_limit("charge_temperature_min_degC", "degC", limits.charge_temperature_min.value(), window_K);
  watch_limit("charge_capacity_max_Ah", "Ah", limits.charge_capacity_max.value(), limits.charge_capacity_max.value());
  const double rate = limits.temperature_rate_max_K_per_s.value_or(temperature_rate_most_K_per_s);
  watch_limit("temperature_rate_max_K_per_s", "K/s", rate, rate);
  for (const SensorLimitKey& key : sensor_limit_table()) {
    std::optional<double> bound = limits.sensors.*key.limit;
    for (const RehearsedStep& step : result_.steps) {
      const std::optional<SafetyLimits>& own = step_at(program, step.instruction).limits;
      if (!bound && own) bound = own->sensors.*key.limit;
    }
    if (!bound) continue;
    if (key.measurand == Measurand::logger_voltage) {
      difference_ = result_.approaches.size();
    } else {
      sensors_.emplace_back(&key, result_.approaches.size());
    }
    watch_limit(std::string(key.key), std::string(key.key.substr(key.key.rfind('_') + 1)), *bound, *bound);
  }
}

void RehearsalWatch::watch_limit(const std::string& key, const std::string& unit, double bound, double room) {
  result_.approaches.push_back({.limit = key, .unit = unit, .bound = bound, .room = room});
}

// A bound that moves with the temperature is shown as it stood at the nearest moment.
void RehearsalWatch::approach(std::size_t which, bool is_upper, double value, std::uint32_t instruction,
                              std::optional<double> moved) {
  Approach& a = result_.approaches[which];
  const double bound = moved.value_or(a.bound);
  const double margin = is_upper ? bound - value : value - bound;
  if (a.is_known && !(margin < a.margin)) return;
  a.bound = bound;
  a.margin = margin;
  a.nearest = value;
  a.test_time_ns = now_ns_;
  a.instruction = instruction;
  a.is_known = true;
}

void RehearsalWatch::judge_sensors(const Observation& observation, const SafetyLimits& limits, std::uint32_t instruction) {
  for (const auto& [key, which] : sensors_) {
    const Reading& reading = observation[key->measurand];
    const std::optional<double>& bound = limits.sensors.*key->limit;
    if (bound && reading.usable()) approach(which, key->is_upper, reading.value, instruction, bound);
  }
}

/// As the supervisor: two polls in a row, and none of them across a change of the current, where they differ by when they were read.
void RehearsalWatch::judge_voltmeters(const Observation& observation, const SafetyLimits& limits, std::uint32_t instruction) {
  constexpr double steady_share = 0.005;  // of the greatest charge current
  const Reading& cycler = observation[Measurand::voltage];
  const Reading& second = observation[Measurand::logger_voltage];
  const Reading& current = observation[Measurand::current];
  if (!difference_ || !current.usable()) return;
  const bool is_steady = current_before_.usable() &&
                         std::abs(current.value - current_before_.value) <= steady_share * limits.charge_current_max.value();
  if (!is_steady) current_changed_ = current.at;
  current_before_ = current;
  if (!cycler.usable() || !second.usable() || second.at <= last_compared_) return;
  if (cycler.at <= current_changed_ || second.at <= current_changed_) {
    difference_before_V_ = 0.0;
    return;
  }
  last_compared_ = second.at;
  const double apart_V = std::abs(cycler.value - second.value);
  approach(*difference_, true, std::min(apart_V, difference_before_V_), instruction, limits.sensors.voltage_difference_max_V);
  difference_before_V_ = apart_V;
}

void RehearsalWatch::judge_warming(const Reading& cell, const SafetyLimits& limits, std::uint32_t instruction) {
  const Duration hold = from_seconds(limits.temperature_rate_for_s.value_or(temperature_rate_longest_s));
  const std::optional<double> rate = warming_.add(cell, hold);
  if (rate)
    approach(temperature_rate, true, *rate, instruction,
             limits.temperature_rate_max_K_per_s.value_or(temperature_rate_most_K_per_s));
}

/// A step may have tighter ones, and each tells its own nearest moment.
SafetyLimits RehearsalWatch::limits_of(std::uint32_t instruction, Duration step_time) const {
  constexpr Duration settling = std::chrono::seconds{2};  // as the runner gives those on current and voltage
  const std::optional<SafetyLimits>& given = step_at(program_, instruction).limits;
  if (!given) return limits_;
  SafetyLimits limits = limits_;
  const SafetyLimits& own = *given;
  limits.sensors = tighter(limits.sensors, own.sensors);
  limits.cell_temperature_min = std::max(limits.cell_temperature_min, own.cell_temperature_min);
  limits.cell_temperature_max = std::min(limits.cell_temperature_max, own.cell_temperature_max);
  limits.charge_temperature_min = std::max(limits.charge_temperature_min, own.charge_temperature_min);
  if (step_time < settling) return limits;
  limits.charge_current_max = std::min(limits.charge_current_max, own.charge_current_max);
  limits.discharge_current_max = std::min(limits.discharge_current_max, own.discharge_current_max);
  limits.voltage_min = std::max(limits.voltage_min, own.voltage_min);
  limits.voltage_max = std::min(limits.voltage_max, own.voltage_max);
  limits.temperature_rate_max_K_per_s = own.temperature_rate_max_K_per_s;
  limits.temperature_rate_for_s = own.temperature_rate_for_s;
  return limits;
}

void RehearsalWatch::judge_approaches(const ChannelView& view, std::uint32_t instruction) {
  const Observation& observation = view.observation;
  const SafetyLimits limits = limits_of(instruction, view.step_time);
  judge_sensors(observation, limits, instruction);
  judge_voltmeters(observation, limits, instruction);
  const double of_step_Ah = is_open_ ? view.step_moved.net().value() : 0.0;
  const double net_Ah = result_.charge_Ah - result_.discharge_Ah + of_step_Ah;
  lowest_Ah_ = std::min(lowest_Ah_, net_Ah);
  approach(charge_capacity, true, net_Ah - lowest_Ah_, instruction);
  const Reading& voltage = observation[Measurand::voltage];
  const Reading& current = observation[Measurand::current];
  const Reading& cell = observation[Measurand::cell_temperature];
  if (voltage.usable()) {
    approach(voltage_max, true, voltage.value, instruction, limits.voltage_max.value());
    approach(voltage_min, false, voltage.value, instruction, limits.voltage_min.value());
  }
  const bool charges = current.usable() && current.value > 0, discharges = current.usable() && current.value < 0;
  const auto most = [&cell](Amps flat, const CurrentByTemperature& by) {
    return std::min(flat, cell.usable() ? by.at(Celsius{cell.value}) : by.least()).value();
  };
  if (charges)
    approach(charge_current, true, current.value, instruction,
             most(limits.charge_current_max, limits_.charge_current_by_temperature));
  if (discharges)
    approach(discharge_current, true, -current.value, instruction,
             most(limits.discharge_current_max, limits_.discharge_current_by_temperature));
  if (cell.usable()) {
    approach(temperature_max, true, cell.value, instruction, limits.cell_temperature_max.value());
    approach(temperature_min, false, cell.value, instruction, limits.cell_temperature_min.value());
    if (charges && observation.output_on)
      approach(charge_temperature, false, cell.value, instruction, limits.charge_temperature_min.value());
    judge_warming(cell, limits, instruction);
  }
}

/// The measurement that trips is shown to no listener: the record has it, its hazard in front.
void RehearsalWatch::keep_trip(const db::EventRow& trip) {
  static const std::array<std::pair<Hazard, Watched>, 9> known{{{Hazard::over_voltage, voltage_max},
                                                                {Hazard::under_voltage, voltage_min},
                                                                {Hazard::over_current_charge, charge_current},
                                                                {Hazard::over_current_discharge, discharge_current},
                                                                {Hazard::over_temperature, temperature_max},
                                                                {Hazard::under_temperature, temperature_min},
                                                                {Hazard::cold_charging, charge_temperature},
                                                                {Hazard::overcharge, charge_capacity},
                                                                {Hazard::temperature_rate, temperature_rate}}};
  for (const auto& [hazard, which] : known) {
    if (trip.message.find(std::string{to_string(hazard)} + ":") != 0) continue;
    Approach& a = result_.approaches[which];
    const double sign = which == discharge_current ? -1.0 : 1.0;  // the record has it as it was measured
    const bool is_upper = which == voltage_max || which == charge_current || which == discharge_current ||
                          which == temperature_max || which == charge_capacity || which == temperature_rate;
    a.bound = sign * *trip.limit;
    a.nearest = sign * *trip.value;
    a.margin = is_upper ? a.bound - a.nearest : a.nearest - a.bound;
    a.test_time_ns = trip.test_time_ns;
    a.instruction = running_;
    a.is_known = true;
  }
}

// ---- as a listener --------------------------------------------------------------------------------------------------

void RehearsalWatch::sample(const ChannelView& view) {
  now_ns_ = view.test_time.count();
  // The sample that ends a step belongs to it, although the next one has begun by now.
  const std::uint32_t of_sample = sampled_.value_or(running_);
  sampled_ = running_;
  ++result_.samples;
  RehearsedStep& step = step_of(of_sample);
  const Observation& observation = view.observation;
  if (observation[Measurand::voltage].usable()) step.voltage_V.include(observation[Measurand::voltage].value);
  if (observation[Measurand::current].usable()) step.current_A.include(observation[Measurand::current].value);
  if (observation[Measurand::cell_temperature].usable()) {
    step.cell_temperature_degC.include(observation[Measurand::cell_temperature].value);
    result_.cell_temperature_degC.include(observation[Measurand::cell_temperature].value);
  }
  curve_.add(to_seconds(view.test_time), observation);
  judge_approaches(view, of_sample);
  if (!is_stopped_ && watcher_ && !watcher_(view)) {
    is_stopped_ = true;
    stop_();
  }
}

void RehearsalWatch::message(std::string_view /*channel*/, db::Severity severity, std::string_view text) {
  if (severity == db::Severity::info || result_.warnings.size() >= warnings_max) return;
  result_.warnings.emplace_back(text);
}

// ---- as a record ----------------------------------------------------------------------------------------------------

RehearsedStep& RehearsalWatch::step_of(std::uint32_t instruction) {
  const auto found = index_.find(instruction);
  return result_.steps[found == index_.end() ? 0 : found->second];
}

void RehearsalWatch::begin_step(const db::StepRow& step) {
  running_ = static_cast<std::uint32_t>(step.step_id);
  step_began_ns_ = step.started_test_time_ns;
  is_open_ = true;
  ++step_of(running_).executions;
  result_.bytes += bytes_per_step;
  if (bands_are_too_many_) return;
  result_.bands.push_back({static_cast<double>(step_began_ns_) * 1e-9, running_});
  if (result_.bands.size() <= bands_max) return;
  bands_are_too_many_ = true;
  result_.bands.clear();
}

/// A real bench measures ten times a second, and once a second in rests: where a rehearsal looks more rarely than rows are wanted, more
/// of them would have been kept since the last one.
void RehearsalWatch::append(const db::SampleRow& sample) {
  const Step* const step = std::get_if<Step>(&program_.code[running_]);
  // While a channel waits it is looked at as rarely as in a rehearsal.
  const bool is_alone = (sample.flags & (db::sample_flag::first_of_step | db::sample_flag::waiting)) != 0;
  double rows = 1.0;
  if (step != nullptr && !is_alone) {
    const bool is_on = (sample.flags & db::sample_flag::output_on) != 0;
    const double apart_s = std::max(to_seconds(step->record_interval), is_on ? real_period_s : real_rest_period_s);
    rows = std::max(1.0, std::round(static_cast<double>(sample.test_time_ns - last_row_ns_) * 1e-9 / apart_s));
  }
  last_row_ns_ = sample.test_time_ns;
  rows_ += rows;
  result_.bytes += rows * bytes_per_row;
}

void RehearsalWatch::append(const db::AuxRow& /*sample*/) { result_.bytes += bytes_per_row / 2; }

void RehearsalWatch::append(const db::CycleRow& /*cycle*/) {
  ++result_.cycles;
  result_.bytes += bytes_per_step;
}

void RehearsalWatch::append(const db::EventRow& event) {
  if (event.severity == db::Severity::trip && event.value && event.limit) keep_trip(event);
  if (event.kind != "criterion met" && event.kind != "criterion not met") return;
  const std::string text = event.kind + ": " + event.message;
  if (!result_.criteria.empty() && result_.criteria.back().text == text) {
    ++result_.criteria.back().times;
  } else if (result_.criteria.size() < criteria_max) {
    result_.criteria.push_back({text, 1});
  }
}

void RehearsalWatch::end_step(const db::StepEndRow& end) {
  is_open_ = false;
  RehearsedStep& step = step_of(running_);
  step.seconds += static_cast<double>(end.ended_test_time_ns - step_began_ns_) * 1e-9;
  step.charge_Ah += end.charge_Ah;
  step.discharge_Ah += end.discharge_Ah;
  step.charge_Wh += end.charge_Wh;
  step.discharge_Wh += end.discharge_Wh;
  step.last_end = end.condition.empty() ? end.reason : end.condition;
  const Step* const compiled = std::get_if<Step>(&program_.code[running_]);
  step.was_refused = step.was_refused || end.reason == "refused";
  if (end.reason == "time bound" && compiled != nullptr && !compiled->time_max_is_normal) ++step.timed_out;
  result_.charge_Ah += end.charge_Ah;
  result_.discharge_Ah += end.discharge_Ah;
  result_.charge_Wh += end.charge_Wh;
  result_.discharge_Wh += end.discharge_Wh;
}

void RehearsalWatch::end_run(const db::RunEndRow& end) {
  result_.seconds = static_cast<double>(end.ended_test_time_ns) * 1e-9;
  result_.rows = static_cast<std::uint64_t>(std::llround(rows_));
  result_.curve = curve_.pieces();
}

}  // namespace cellrig::cli
