#include "drivers/models/model_file.hpp"

#include <initializer_list>

#include "drivers/models/model_map.hpp"
#include "drivers/models/model_parts.hpp"

namespace cellrig {
namespace {

struct RegisterKey {
  const char* key;
  std::uint16_t* into;
};

void read_registers(ModelMap& map, std::initializer_list<RegisterKey> keys) {
  for (const RegisterKey& entry : keys) *entry.into = static_cast<std::uint16_t>(map.integer(entry.key, 0, 65535));
}

void read_ea_registers(ModelMap map, EaPsbRegisters& r) {
  read_registers(map, {{"device_type", &r.device_type},
                       {"nominal_values", &r.nominal_values},
                       {"serial_number", &r.serial_number},
                       {"remote_coil", &r.remote_coil},
                       {"output_coil", &r.output_coil},
                       {"resistance_mode_coil", &r.resistance_mode_coil},
                       {"acknowledge_coil", &r.acknowledge_coil},
                       {"set_values", &r.set_values},
                       {"state", &r.state},
                       {"over_voltage", &r.over_voltage},
                       {"over_current", &r.over_current},
                       {"over_power", &r.over_power},
                       {"voltage_limits", &r.voltage_limits},
                       {"source_current_limits", &r.source_current_limits},
                       {"power_limits", &r.power_limits},
                       {"sink_current_limits", &r.sink_current_limits}});
  map.finish();
}

ConfigError wrong_role(ModelMap& file, const char* role) {
  return ConfigError{file.place_of("kind"), "this is no model of a " + std::string(role)};
}

}  // namespace

std::string load_model_kind(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  return kinds()[file.word("kind", kinds())];
}

std::vector<std::string> load_firmware_seen(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  return file.has("firmware_seen") ? file.texts("firmware_seen") : std::vector<std::string>{};
}

ModelRole role_of_kind(std::string_view kind) {
  if (kind == kind_register_chamber || kind == kind_espec) return ModelRole::chamber;
  if (kind == kind_adam_6018 || kind == kind_keysight_daq || kind == kind_register_sensor) return ModelRole::logger;
  if (kind == kind_coil_module) return ModelRole::coil_module;
  return ModelRole::cycler;
}

EaPsbModel load_ea_psb_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  EaPsbModel model;
  const std::string name = read_head(file, kind_ea_psb);
  model.capabilities = read_cycler_capabilities(file, name);
  ModelMap watchdog = file.map("watchdog");
  read_watchdog(watchdog, model.capabilities);
  model.modbus_feeds_watchdog = watchdog.word("fed_by", {"any_traffic", "scpi"}) == 0;
  watchdog.finish();
  ModelMap ratings = file.map("ratings");
  model.nominal_voltage = Volts{ratings.positive_number("voltage_V")};
  model.nominal_current = Amps{ratings.positive_number("current_A")};
  model.nominal_power = Watts{ratings.positive_number("power_W")};
  model.nominal_resistance = Ohms{ratings.positive_number("resistance_max_Ohm")};
  model.resistance_min = Ohms{ratings.positive_number("resistance_min_Ohm")};
  model.capabilities.resistance_min = model.resistance_min;
  model.capabilities.resistance_max = model.nominal_resistance;
  ratings.finish();
  model.device_type = file.text("device_type");
  model.unit = static_cast<std::uint8_t>(file.integer("unit", 0, 255));
  const Timing timing = read_timing(file.map("timing"));
  model.capabilities.reply_time_typical = timing.reply_typical;
  model.attempt_timeout = timing.attempt_timeout;
  model.request_gap = timing.request_gap;
  read_ea_registers(file.map("registers"), model.registers);
  file.finish();
  return model;
}

Adam6018Model load_adam_6018_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  Adam6018Model model;
  model.capabilities.model = read_head(file, kind_adam_6018);
  std::vector<std::string> types;
  std::vector<ModelMap> entries = file.maps("thermocouples");
  for (ModelMap& entry : entries) {
    ThermocoupleRange range;
    range.type = entry.text("type");
    range.code = static_cast<std::uint16_t>(entry.integer("code", 0, 65535));
    range.low = Celsius{entry.number("low_degC")};
    range.high = Celsius{entry.number("high_degC")};
    if (!(range.low < range.high)) throw ConfigError{entry.place_of("low_degC"), "low_degC is above high_degC"};
    entry.finish();
    types.push_back(range.type);
    model.ranges.push_back(range);
  }
  [[maybe_unused]] const bool is_known = select_thermocouple(model, types[file.word("thermocouple_type", types)]);
  ModelMap accuracy = file.map("accuracy");
  model.capabilities.temperature_accuracy = read_accuracy(accuracy.map("temperature"), "offset_K");
  accuracy.finish();
  model.capabilities.temperature_channels = file.integer("temperature_channels", 1, 8);
  add_temperature_inputs(model.capabilities);
  model.capabilities.relay_channels = file.integer("relay_channels", 0, 8);
  model.channels_checked = file.integer("channels_checked", 0, 8);
  model.unit = static_cast<std::uint8_t>(file.integer("unit", 0, 255));
  const Timing timing = read_timing(file.map("timing"));
  model.attempt_timeout = timing.attempt_timeout;
  model.request_gap = timing.request_gap;
  ModelMap registers = file.map("registers");
  read_registers(registers, {{"inputs", &model.registers.inputs},
                             {"type_codes", &model.registers.type_codes},
                             {"output_coil", &model.registers.output_coil}});
  registers.finish();
  file.finish();
  return model;
}

CyclerCapabilities load_cycler_capabilities(const std::string& path) {
  const std::string kind = load_model_kind(path);
  if (kind == kind_ea_psb) return load_ea_psb_model(path).capabilities;
  if (kind == kind_keysight_n6900) return load_keysight_n6900_model(path).capabilities;
  if (kind == kind_itech) return load_itech_model(path).capabilities;
  ModelMap file = ModelMap::load(path);
  throw wrong_role(file, "cycler");
}

ChamberCapabilities load_chamber_capabilities(const std::string& path) {
  const std::string kind = load_model_kind(path);
  if (kind == kind_register_chamber) return load_register_chamber_model(path).capabilities;
  if (kind == kind_espec) return load_espec_model(path).capabilities;
  ModelMap file = ModelMap::load(path);
  throw wrong_role(file, "chamber");
}

LoggerCapabilities load_logger_capabilities(const std::string& path) {
  const std::string kind = load_model_kind(path);
  if (kind == kind_adam_6018) return load_adam_6018_model(path).capabilities;
  if (kind == kind_keysight_daq) return load_keysight_daq_model(path).capabilities;
  if (kind == kind_register_sensor) return load_register_sensor_model(path).capabilities;
  ModelMap file = ModelMap::load(path);
  throw wrong_role(file, "logger");
}

}  // namespace cellrig
