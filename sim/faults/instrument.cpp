// Faults inside instruments: what they show, what they obey, what they do by themselves.
#include <algorithm>
#include <array>
#include <cmath>

#include "controller/base/config_error.hpp"
#include "sim/faults/kind.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr double reading_max = 1e6;
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr unsigned anything = 0U;
constexpr unsigned distorted = feels::electric | feels::temperature;
enum Quantity : std::size_t { all_quantities, voltage, current, temperature };
constexpr std::array<std::string_view, 4> quantity_names{"all", "voltage", "current", "temperature"};
constexpr std::array<std::string_view, 3> trip_names{"over_voltage", "over_current", "over_temperature"};

/// Channels know their cyclers; on a bench built by hand any instrument may be one.
bool is_cycler(SimulatedBench& bench, std::string_view name) {
  bool knows_cyclers = false;
  for (const SimulatedChannel& channel : bench.channels()) {
    if (channel.cycler_instrument == name) return true;
    knows_cyclers = knows_cyclers || channel.cycler_instrument;
  }
  return !knows_cyclers;
}

/// Why an instrument that feels none of these can't have the fault.
const char* without(unsigned needs) {
  switch (needs) {
    case feels::off: return "has nothing to switch off";
    case feels::readings: return "measures nothing";
    case feels::temperature: return "measures no temperature";
    case feels::local: return "has no panel that could take it back";
    case feels::watchdog: return "has no watchdog";
    case feels::identity: return "does not say who it is";
    default: return "measures nothing that this could distort";
  }
}

/// One that feels at least one of `needs`. An order that could change nothing is refused.
Instrument* instrument_of(const Context& c, unsigned needs, Error& error) {
  const std::string target = target_of(c);
  Instrument* const instrument = c.bench.instrument(target);
  if (instrument == nullptr) {
    error = unknown_target(c, "instrument", c.bench.instrument_names());
    return nullptr;
  }
  if (needs == feels::electric && !is_cycler(c.bench, target)) {
    error = refuse(c.order.kind + ": '" + target + "' is no cycler: it measures neither voltage nor current of a cell");
    return nullptr;
  }
  if (needs == anything || (instrument->felt_faults() & needs) != 0) return instrument;
  error = refuse(c.order.kind + ": '" + target + "' " + without(needs));
  return nullptr;
}

/// What a reading must be for keys in V and A, or else in K and degC; `otherwise` when there are neither.
unsigned needs_of(const Context& c, const char* in_volts, const char* in_amperes, const char* in_kelvin, unsigned otherwise) {
  if (c.fields.has(in_volts) || c.fields.has(in_amperes)) return feels::electric;
  return c.fields.has(in_kelvin) ? feels::temperature : otherwise;
}
unsigned needs_of(std::size_t quantity, unsigned all) {
  if (quantity == voltage || quantity == current) return feels::electric;
  return quantity == temperature ? feels::temperature : all;
}

// ---- behaviour

unsigned needs_of_flag(std::string_view kind) {
  if (kind == "ignore_off") return feels::off;
  if (kind == "nan") return feels::readings;
  if (kind == "local") return feels::local;
  return kind == "clear_watchdog" ? feels::watchdog : feels::electric;
}

void set_flag(InstrumentFaults& faults, std::string_view kind, bool on) {
  if (kind == "ignore_off") faults.ignore_off = on;
  if (kind == "nan") faults.nan_readings = on;
  if (kind == "local") faults.local_control = on;
  if (kind == "negate_current") faults.negate_current = on;
  if (kind == "clear_watchdog") faults.clear_watchdog = on;
}

Result<void> flag_fault(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, needs_of_flag(c.order.kind), error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  set_flag(instrument->faults(), c.order.kind, on);
  return Result<void>{};
}

Result<void> reboot(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, anything, error);
  if (instrument == nullptr) return error;
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  instrument->reboot(c.now);
  return Result<void>{};
}

Result<void> trip(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, feels::electric, error);
  if (instrument == nullptr) return error;
  const auto cause = static_cast<OwnTrip>(c.fields.choice("cause", 0, trip_names));
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  if (instrument->trip_itself(c.now, cause)) return Result<void>{};
  return refuse("trip: '" + target_of(c) + "' has no protection of its own");
}

Result<void> identity(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, feels::identity, error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const std::string* const text = c.fields.text("text");
  if (on && text == nullptr) c.fields.complain("identity: 'text' is missing");
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  instrument->faults().identity = on ? std::optional<std::string>{*text} : std::nullopt;
  return Result<void>{};
}

Result<void> extra_latency(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, anything, error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double delay_ms = c.fields.number("delay_ms", 0.0, 0.0, seconds_max);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  instrument->faults().extra_latency_s = on ? delay_ms / 1000.0 : 0.0;
  return Result<void>{};
}

Result<void> clock_fault(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, anything, error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double offset_s = c.fields.number("offset_s", 3600.0, -seconds_max, seconds_max);
  if (!instrument->has_clock()) c.fields.complain(c.order.kind + ": '" + target_of(c) + "' stamps nothing it says with a time");
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  ClockFault& clock = instrument->faults().clock;
  if (c.order.kind == "clock_jump") {
    clock.offset_s = on ? offset_s : 0.0;
  } else {
    clock.stopped_at_s = on ? std::optional{clock.shown_s(to_seconds(c.now.time_since_epoch()))} : std::nullopt;
  }
  return Result<void>{};
}

/// F35: the sensor or the wire of one input is broken.
Result<void> sensor_open(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, anything, error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const std::uint32_t input = c.fields.whole("input", 0);
  const unsigned count = instrument->sensor_count();
  if (input >= count) {
    c.fields.complain("sensor_open: '" + target_of(c) + "' has " +
                      (count == 0 ? "no sensor inputs" : "inputs 0 to " + std::to_string(count - 1) + " only"));
  }
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  std::uint32_t& open = instrument->faults().open_inputs;
  open = on ? open | 1U << input : open & ~(1U << input);
  return Result<void>{};
}

// ---- readings

Result<void> freeze(const Context& c) {
  const std::size_t quantity = c.fields.choice("quantity", all_quantities, quantity_names);
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, needs_of(quantity, feels::readings), error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  InstrumentFaults& faults = instrument->faults();
  if (quantity == all_quantities) faults.freeze_readings = on;
  if (quantity == voltage) faults.readings.is_voltage_stuck = on;
  if (quantity == current) faults.readings.is_current_stuck = on;
  if (quantity == temperature) faults.readings.is_temperature_stuck = on;
  return Result<void>{};
}

Result<void> voltage_offset(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, feels::electric, error);
  if (instrument == nullptr) return error;
  const bool is_both = c.order.kind == "miscalibrated";
  const bool on = c.fields.flag("on", true);
  const double offset_V = c.fields.number("offset_V", is_both ? 0.03 : 0.0, -1e3, 1e3);
  const double gain_pct = c.fields.number("current_gain_pct", 1.0, -1e3, 1e3);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  instrument->faults().voltage_offset_V = on ? offset_V : 0.0;
  if (is_both) instrument->faults().readings.current_gain = on ? 1.0 + gain_pct / 100.0 : 1.0;
  return Result<void>{};
}

Result<void> scale(const Context& c) {
  const std::size_t quantity = c.fields.choice("quantity", all_quantities, quantity_names);
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, needs_of(quantity, distorted | feels::other_sensor), error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double factor = c.fields.number("factor", 10.0, -1e6, 1e6);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  ReadingFaults& readings = instrument->faults().readings;
  if (quantity == all_quantities || quantity == voltage) readings.voltage_gain = on ? factor : 1.0;
  if (quantity == all_quantities || quantity == current) readings.current_gain = on ? factor : 1.0;
  if (quantity == all_quantities || quantity == temperature) readings.temperature_gain = on ? factor : 1.0;
  if (quantity == all_quantities) readings.sensor_gain = on ? factor : 1.0;
  return Result<void>{};
}

/// Three numbers, one for each quantity; at least one must be given unless there is a default.
struct ThreeNumbers {
  double of_voltage = 0.0, of_current = 0.0, of_temperature = 0.0;
};
ThreeNumbers three(const Context& c, const std::array<const char*, 3>& keys, const ThreeNumbers& otherwise, double least) {
  Fields& f = c.fields;
  if (!f.has(keys[0]) && !f.has(keys[1]) && !f.has(keys[2])) {
    if (otherwise.of_voltage == infinite && f.flag("on", true)) {
      f.complain(c.order.kind + ": one of '" + keys[0] + "', '" + keys[1] + "', '" + keys[2] + "' is missing");
    }
    return otherwise;
  }
  const double nothing = otherwise.of_voltage == infinite ? infinite : 0.0;
  return {f.number(keys[0], nothing, least, reading_max), f.number(keys[1], nothing, least, reading_max),
          f.number(keys[2], nothing, least, reading_max)};
}

Result<void> saturate(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, needs_of(c, "voltage_V", "current_A", "temperature_degC", distorted), error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const ThreeNumbers top = three(c, {"voltage_V", "current_A", "temperature_degC"}, {infinite, infinite, infinite}, -300.0);
  if (top.of_voltage < 0.0 || top.of_current < 0.0) c.fields.complain("saturate: a full scale is a magnitude, not below zero");
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  ReadingFaults& readings = instrument->faults().readings;
  readings.voltage_max_V = on ? top.of_voltage : infinite;
  readings.current_max_A = on ? top.of_current : infinite;
  readings.temperature_max_degC = on ? top.of_temperature : infinite;
  return Result<void>{};
}

Result<void> spike(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, needs_of(c, "offset_V", "offset_A", "offset_K", distorted), error);
  if (instrument == nullptr) return error;
  const ThreeNumbers by = three(c, {"offset_V", "offset_A", "offset_K"}, {10.0, 0.0, 10.0}, -reading_max);
  const std::uint32_t count = c.fields.whole("count", 1);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  ReadingFaults& readings = instrument->faults().readings;
  readings.spike_V = by.of_voltage;
  readings.spike_A = by.of_current;
  readings.spike_K = by.of_temperature;
  readings.spike_count = count;
  return Result<void>{};
}

Result<void> noise_burst(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, needs_of(c, "sigma_V", "sigma_A", "sigma_K", distorted), error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const ThreeNumbers sigma = three(c, {"sigma_V", "sigma_A", "sigma_K"}, {0.1, 0.1, 2.0}, 0.0);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  ReadingFaults& readings = instrument->faults().readings;
  readings.voltage_noise_V = on ? sigma.of_voltage : 0.0;
  readings.current_noise_A = on ? sigma.of_current : 0.0;
  readings.temperature_noise_K = on ? sigma.of_temperature : 0.0;
  return Result<void>{};
}

Result<void> temperature_offset(const Context& c) {
  Error error = refuse("");
  Instrument* const instrument = instrument_of(c, feels::temperature, error);
  if (instrument == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double offset_K = c.fields.number("offset_K", 5.0, -1e3, 1e3);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  instrument->faults().readings.temperature_offset_K = on ? offset_K : 0.0;
  return Result<void>{};
}

}  // namespace

void clear_instruments(SimulatedBench& bench) {
  for (const std::string& name : bench.instrument_names()) bench.instrument(name)->faults() = InstrumentFaults{};
}

const std::vector<Kind>& instrument_kinds() {
  using enum Aim;
  constexpr Family family = Family::instrument;
  static const std::vector<Kind> all{
      {"freeze", family, instrument, {"quantity"}, freeze},
      {"reboot", family, instrument, {}, reboot, false},
      {"ignore_off", family, instrument, {}, flag_fault},
      {"nan", family, instrument, {}, flag_fault},
      {"local", family, instrument, {}, flag_fault},
      {"negate_current", family, cycler, {}, flag_fault},
      {"clear_watchdog", family, instrument, {}, flag_fault},
      {"identity", family, instrument, {"text"}, identity, true, Drawn::always, {}, {{"text", {"ACME,MODEL-1,0,1.0"}}}},
      {"voltage_offset", family, cycler, {"offset_V"}, voltage_offset, true, Drawn::always, {{"offset_V", 0.001, 1.0}}},
      {"miscalibrated",
       family,
       cycler,
       {"offset_V", "current_gain_pct"},
       voltage_offset,
       true,
       Drawn::always,
       {{"offset_V", 0.001, 0.3}}},
      {"extra_latency", family, instrument, {"delay_ms"}, extra_latency, true, Drawn::always, {{"delay_ms", 1.0, 3000.0}}},
      {"scale", family, instrument, {"factor", "quantity"}, scale, true, Drawn::always, {{"factor", 0.1, 10.0}}},
      {"saturate",
       family,
       instrument,
       {"voltage_V", "current_A", "temperature_degC"},
       saturate,
       true,
       Drawn::always,
       {{"voltage_V", 2.5, 5.0}}},
      {"spike", family, instrument, {"offset_V", "offset_A", "offset_K", "count"}, spike, false},
      {"noise_burst", family, instrument, {"sigma_V", "sigma_A", "sigma_K"}, noise_burst},
      {"temperature_offset",
       family,
       instrument,
       {"offset_K"},
       temperature_offset,
       true,
       Drawn::always,
       {{"offset_K", 0.1, 50.0}}},
      {"sensor_open", family, instrument, {"input"}, sensor_open, true, Drawn::never},
      {"trip", family, cycler, {"cause"}, trip, false},
      {"clock_jump", family, clock, {"offset_s"}, clock_fault, true, Drawn::always, {{"offset_s", 0.1, 1e5}}},
      {"clock_stop", family, clock, {}, clock_fault},
  };
  return all;
}

}  // namespace cellrig::sim::faults
