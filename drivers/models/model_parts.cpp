#include "drivers/models/model_parts.hpp"

#include <algorithm>
#include <chrono>

namespace cellrig {
namespace {

void read_limits(ModelMap map, CyclerCapabilities& into) {
  into.voltage_min = Volts{map.number("voltage_min_V")};
  into.voltage_max = Volts{map.positive_number("voltage_max_V")};
  into.charge_current_max = Amps{map.positive_number("charge_current_max_A")};
  into.discharge_current_max = Amps{map.positive_number("discharge_current_max_A")};
  into.current_limit_min = Amps{map.number("current_limit_min_A")};
  into.power_max = Watts{map.positive_number("power_max_W")};
  into.over_voltage_protection_max = Volts{map.positive_number("over_voltage_protection_max_V")};
  if (!(into.voltage_min < into.voltage_max))
    throw ConfigError{map.place_of("voltage_min_V"), "voltage_min_V is above voltage_max_V"};
  map.finish();
}

Accuracy read_bound(ModelMap& map, const std::string& offset_key) {
  Accuracy accuracy;
  accuracy.gain_fraction = map.number("gain_percent") / 100.0;
  accuracy.offset = map.number(offset_key);
  if (accuracy.gain_fraction < 0.0 || accuracy.offset < 0.0) throw ConfigError{map.place(), "an accuracy cannot be negative"};
  accuracy.is_unverified = map.word("status", {"stated", "unverified"}) == 1;
  return accuracy;
}

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all{
      std::string(kind_ea_psb),           std::string(kind_keysight_n6900),  std::string(kind_itech),
      std::string(kind_register_chamber), std::string(kind_espec),           std::string(kind_adam_6018),
      std::string(kind_keysight_daq),     std::string(kind_register_sensor), std::string(kind_coil_module)};
  return all;
}

/// What every model file begins with. Returns the model's name.
std::string read_head(ModelMap& file, std::string_view kind) {
  const std::string found = kinds()[file.word("kind", kinds())];
  if (found != kind)
    throw ConfigError{file.place_of("kind"), "this is a model of kind '" + found + "', not '" + std::string(kind) + "'"};
  file.prose("source");
  file.prose("quirks");
  file.prose("own_protections");
  file.prose("unverified");
  if (file.has("serial")) [[maybe_unused]]
    const SerialModel serial = read_serial(file.map("serial"));  // load_line_model()
  return file.text("model");
}

Accuracy read_accuracy(ModelMap map, const std::string& offset_key) {
  const Accuracy accuracy = read_bound(map, offset_key);
  map.finish();
  return accuracy;
}

Accuracy read_ranged_accuracy(ModelMap map, const std::string& unit, double most) {
  const std::string up_to_key = "up_to_" + unit;
  Accuracy accuracy = read_bound(map, "offset_" + unit);
  const double up_to = map.positive_number(up_to_key);
  if (!(up_to >= most)) throw ConfigError{map.place_of(up_to_key), "'" + up_to_key + "' does not reach the limits of the model"};
  accuracy.up_to = up_to;
  if (map.has("finer_ranges")) {
    if (map.has("range_choice"))
      accuracy.choice = map.word("range_choice", {"automatic", "by_hand"}) == 0 ? RangeChoice::automatic : RangeChoice::by_hand;
    for (ModelMap& finer : map.maps("finer_ranges")) {
      if (accuracy.finer_count == Accuracy::finer_max) throw ConfigError{finer.place(), "too many finer ranges"};
      const double end = finer.positive_number(up_to_key);
      const double least = accuracy.finer_count == 0 ? 0.0 : accuracy.finer[accuracy.finer_count - 1].up_to;
      if (!(end > least && end < up_to)) throw ConfigError{finer.place_of(up_to_key), "the ends of ranges must rise"};
      const Accuracy bound = read_bound(finer, "offset_" + unit);
      finer.finish();
      accuracy.finer[accuracy.finer_count++] = {.up_to = end, .gain_fraction = bound.gain_fraction, .offset = bound.offset};
    }
  }
  map.finish();
  return accuracy;
}

CyclerCapabilities read_cycler_capabilities(ModelMap& file, const std::string& model) {
  CyclerCapabilities capabilities;
  capabilities.model = model;
  if (file.has("firmware_seen")) (void)file.texts("firmware_seen");  // load_firmware_seen() reads it
  read_limits(file.map("limits"), capabilities);
  ModelMap resolution = file.map("resolution");
  capabilities.voltage_resolution = Volts{resolution.positive_number("voltage_V")};
  capabilities.current_resolution = Amps{resolution.positive_number("current_A")};
  resolution.finish();
  ModelMap accuracy = file.map("accuracy");
  const double current_max = std::max(capabilities.charge_current_max, capabilities.discharge_current_max).value();
  capabilities.voltage_accuracy = read_ranged_accuracy(accuracy.map("voltage"), "V", capabilities.voltage_max.value());
  capabilities.current_accuracy = read_ranged_accuracy(accuracy.map("current"), "A", current_max);
  accuracy.finish();
  ModelMap modes = file.map("modes");
  capabilities.has_constant_power = modes.boolean("constant_power");
  capabilities.has_constant_resistance = modes.boolean("constant_resistance");
  modes.finish();
  return capabilities;
}

void read_watchdog(ModelMap& map, CyclerCapabilities& into) {
  into.has_watchdog = true;
  into.watchdog_min = map.seconds("min_s");
  into.watchdog_max = map.seconds("max_s");
  into.watchdog_effect =
      map.word("effect", {"trips", "leaves_remote"}) == 0 ? WatchdogEffect::trips : WatchdogEffect::leaves_remote;
  if (into.watchdog_min > into.watchdog_max) throw ConfigError{map.place_of("min_s"), "min_s is above max_s"};
}

void add_temperature_inputs(LoggerCapabilities& capabilities) {
  capabilities.inputs.insert(capabilities.inputs.end(), static_cast<std::size_t>(capabilities.temperature_channels),
                             LoggerInput{InputQuantity::temperature, capabilities.temperature_min.value(),
                                         capabilities.temperature_max.value(), capabilities.temperature_accuracy});
}

Timing read_timing(ModelMap map) {
  Timing timing;
  timing.reply_typical = map.milliseconds("reply_typical_ms");
  timing.attempt_timeout = map.milliseconds("attempt_timeout_ms");
  timing.request_gap = map.milliseconds("request_gap_ms");
  if (timing.attempt_timeout <= Duration::zero()) throw ConfigError{map.place_of("attempt_timeout_ms"), "a try needs some time"};
  map.finish();
  return timing;
}

SerialModel read_serial(ModelMap map) {
  SerialModel serial;
  SerialSettings settings;
  settings.baud = map.integer("baud", serial_bauds.front(), serial_bauds.back());
  if (std::find(serial_bauds.begin(), serial_bauds.end(), settings.baud) == serial_bauds.end()) {
    throw ConfigError{map.place_of("baud"), "baud " + std::to_string(settings.baud) + " is no usual speed of a line"};
  }
  settings.parity = static_cast<Parity>(map.word("parity", {parity_words.begin(), parity_words.end()}));
  settings.stop_bits = map.integer("stop_bits", 1, 2);
  serial.settings = settings;
  serial.request_gap = map.milliseconds("request_gap_ms");
  map.finish();
  return serial;
}

LineModel load_line_model(const std::string& path) {
  constexpr std::chrono::milliseconds usual_reply_timeout{1000};
  ModelMap file = ModelMap::load(path);
  LineModel line;
  line.reply_timeout = usual_reply_timeout;
  if (file.has("serial")) line.serial = read_serial(file.map("serial"));
  if (file.has("unit")) line.unit = file.integer("unit", 0, 255);
  if (file.has("timing")) {
    ModelMap timing = file.map("timing");
    if (timing.has("attempt_timeout_ms")) line.reply_timeout = timing.milliseconds("attempt_timeout_ms");
    if (!line.serial.settings && timing.has("request_gap_ms")) line.serial.request_gap = timing.milliseconds("request_gap_ms");
  }
  return line;
}

}  // namespace cellrig
