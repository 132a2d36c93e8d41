// Model files of the makes that speak SCPI alone.
#include <algorithm>

#include "drivers/models/model_parts.hpp"

namespace cellrig {
namespace {

ScpiSessionOptions read_connecting(ModelMap map) {
  ScpiSessionOptions session;
  session.connect_timeout = map.milliseconds("timeout_ms");
  session.connect_pause = map.milliseconds("pause_ms");
  session.connect_attempt_count_max = map.integer("attempts", 1, 10);
  map.finish();
  return session;
}

/// What every ScpiCycler has.
void read_scpi_cycler(ModelMap& file, std::string_view kind, ScpiCyclerModel& into) {
  const std::string name = read_head(file, kind);
  into.capabilities = read_cycler_capabilities(file, name);
  ModelMap watchdog = file.map("watchdog");
  read_watchdog(watchdog, into.capabilities);
  watchdog.finish();
  into.idn_model = file.text("idn_model");
  const std::vector<int> trip_bits = file.integers("trip_bits", 0, 15);
  for (const int bit : trip_bits) into.trip_mask |= 1U << static_cast<unsigned>(bit);
  if (trip_bits.empty()) throw ConfigError{file.place_of("trip_bits"), "without trip bits no trip would be seen"};
  const Timing timing = read_timing(file.map("timing"));
  into.capabilities.reply_time_typical = timing.reply_typical;
  into.attempt_timeout = timing.attempt_timeout;
  into.command_pause = timing.request_gap;
  into.session = read_connecting(file.map("connecting"));
}

}  // namespace

KeysightN6900Model load_keysight_n6900_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  KeysightN6900Model model;
  read_scpi_cycler(file, kind_keysight_n6900, model);
  model.over_current_trips_in_limit = file.boolean("over_current_protection");
  file.finish();
  return model;
}

ItechModel load_itech_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  ItechModel model;
  read_scpi_cycler(file, kind_itech, model);
  ModelMap protections = file.map("protections");
  model.over_current_protection_max = Amps{protections.positive_number("over_current_max_A")};
  model.over_voltage_delay = protections.milliseconds("over_voltage_delay_ms");
  model.over_current_delay = protections.milliseconds("over_current_delay_ms");
  model.under_voltage_delay = protections.milliseconds("under_voltage_delay_ms");
  protections.finish();
  model.power_limit_min = Watts{file.positive_number("power_limit_min_W")};
  if (model.capabilities.has_constant_resistance) {
    throw ConfigError{file.place_of("modes"), "this driver has no constant resistance"};
  }
  file.finish();
  return model;
}

KeysightDaqModel load_keysight_daq_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  KeysightDaqModel model;
  model.capabilities.model = read_head(file, kind_keysight_daq);
  model.idn_models = file.texts("idn_models");
  const std::vector<std::string> slots{"100", "200", "300"};
  model.slot = 100 * (1 + static_cast<int>(file.word("slot", slots)));
  model.card = file.text("card");
  const std::vector<std::string> types{"B", "E", "J", "K", "N", "R", "S", "T"};
  model.thermocouple_type = types[file.word("thermocouple_type", types)];
  ModelMap range = file.map("range");
  model.capabilities.temperature_min = Celsius{range.number("temperature_min_degC")};
  model.capabilities.temperature_max = Celsius{range.number("temperature_max_degC")};
  if (!(model.capabilities.temperature_min < model.capabilities.temperature_max)) {
    throw ConfigError{range.place_of("temperature_min_degC"), "temperature_min_degC is above temperature_max_degC"};
  }
  const double voltage_max_V = range.positive_number("voltage_max_V");
  range.finish();
  ModelMap accuracy = file.map("accuracy");
  model.capabilities.temperature_accuracy = read_accuracy(accuracy.map("temperature"), "offset_K");
  const Accuracy voltage_accuracy = read_ranged_accuracy(accuracy.map("voltage"), "V", voltage_max_V);
  accuracy.finish();
  const int card_channels = file.integer("card_channels", 1, 99);
  model.capabilities.temperature_channels = file.integer("temperature_channels", 1, card_channels);
  model.voltage_channels = file.integer("voltage_channels", 0, card_channels - model.capabilities.temperature_channels);
  add_temperature_inputs(model.capabilities);
  model.capabilities.inputs.insert(model.capabilities.inputs.end(), static_cast<std::size_t>(model.voltage_channels),
                                   LoggerInput{InputQuantity::voltage, -voltage_max_V, voltage_max_V, voltage_accuracy});
  model.power_line_cycles = file.positive_number("power_line_cycles");
  const Timing timing = read_timing(file.map("timing"));
  model.attempt_timeout = timing.attempt_timeout;
  model.command_pause = timing.request_gap;
  model.session = read_connecting(file.map("connecting"));
  file.finish();
  return model;
}

}  // namespace cellrig
