#include "drivers/models/model_parts.hpp"

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

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all{std::string(kind_ea_psb),    std::string(kind_keysight_n6900),
                                            std::string(kind_itech),     std::string(kind_watlow_f4t),
                                            std::string(kind_adam_6018), std::string(kind_keysight_daq)};
  return all;
}

/// What every model file begins with. Returns the model's name.
std::string read_head(ModelMap& file, std::string_view kind) {
  const std::string found = kinds()[file.word("kind", kinds())];
  if (found != kind)
    throw ConfigError{file.place_of("kind"), "this is a model of kind '" + found + "', not '" + std::string(kind) + "'"};
  file.prose("source");
  file.prose("quirks");
  file.prose("unverified");
  return file.text("model");
}

Accuracy read_accuracy(ModelMap map, const std::string& offset_key) {
  Accuracy accuracy;
  accuracy.gain_fraction = map.number("gain_percent") / 100.0;
  accuracy.offset = map.number(offset_key);
  if (accuracy.gain_fraction < 0.0 || accuracy.offset < 0.0) throw ConfigError{map.place(), "an accuracy cannot be negative"};
  [[maybe_unused]] const std::size_t status = map.word("status", {"stated", "unverified"});
  map.finish();
  return accuracy;
}

CyclerCapabilities read_cycler_capabilities(ModelMap& file, const std::string& model) {
  CyclerCapabilities capabilities;
  capabilities.model = model;
  read_limits(file.map("limits"), capabilities);
  ModelMap resolution = file.map("resolution");
  capabilities.voltage_resolution = Volts{resolution.positive_number("voltage_V")};
  capabilities.current_resolution = Amps{resolution.positive_number("current_A")};
  resolution.finish();
  ModelMap accuracy = file.map("accuracy");
  capabilities.voltage_accuracy = read_accuracy(accuracy.map("voltage"), "offset_V");
  capabilities.current_accuracy = read_accuracy(accuracy.map("current"), "offset_A");
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
  if (into.watchdog_min > into.watchdog_max) throw ConfigError{map.place_of("min_s"), "min_s is above max_s"};
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

}  // namespace cellrig
