// Model files of what is only registers or coils: sensors, relays, contacts.
#include "drivers/models/model_parts.hpp"

namespace cellrig {
namespace {

constexpr int register_max = 65535;
constexpr int decimals_bits_max = 3;
constexpr int contacts_max = 16;

std::uint16_t read_register(ModelMap& map, const std::string& key) {
  return static_cast<std::uint16_t>(map.integer(key, 0, register_max));
}

void read_input(ModelMap map, RegisterSensorModel& into) {
  static const std::vector<std::string> quantities{"temperature", "voltage", "force", "gas"};
  static const std::vector<std::string> types{"u16", "s16", "u32", "s32", "f32"};
  LoggerInput input;
  input.quantity = static_cast<InputQuantity>(map.word("quantity", quantities));
  SensorRegister from;
  from.address = read_register(map, "register");
  from.type = static_cast<RegisterType>(map.word("type", types));
  from.order = map.word("order", {"abcd", "cdab"}) == 0 ? modbus::WordOrder::abcd : modbus::WordOrder::cdab;
  from.scale = map.positive_number("scale");
  from.has_decimals = map.boolean("decimals");
  input.min = map.number("min");
  input.max = map.number("max");
  if (!(input.min < input.max)) throw ConfigError{map.place_of("min"), "min is above max"};
  if (from.address + register_count(from.type) > register_max + 1)
    throw ConfigError{map.place_of("register"), "the last register is 65535"};
  input.accuracy = read_accuracy(map.map("accuracy"), "offset");
  map.finish();
  into.registers.push_back(from);
  into.capabilities.inputs.push_back(input);
}

SensorStatus read_status(ModelMap map) {
  SensorStatus status;
  status.address = read_register(map, "register");
  status.decimals_mask = static_cast<std::uint16_t>((1 << map.integer("decimals_bits", 0, decimals_bits_max)) - 1);
  const std::vector<int> bits = map.integers("bad_bits", 0, 15);
  for (const int bit : bits) status.bad_mask = static_cast<std::uint16_t>(status.bad_mask | (1U << static_cast<unsigned>(bit)));
  if ((status.bad_mask & status.decimals_mask) != 0)
    throw ConfigError{map.place_of("bad_bits"), "a bit of the decimals cannot mean a bad reading"};
  map.finish();
  return status;
}

int temperature_inputs(const LoggerCapabilities& capabilities) {
  int count = 0;
  for (const LoggerInput& input : capabilities.inputs) count += input.quantity == InputQuantity::temperature ? 1 : 0;
  return count;
}

}  // namespace

RegisterSensorModel load_register_sensor_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  RegisterSensorModel model;
  model.capabilities.model = read_head(file, kind_register_sensor);
  model.maker = file.text("maker");
  model.unit = static_cast<std::uint8_t>(file.integer("unit", 0, 255));
  std::vector<ModelMap> inputs = file.maps("inputs");
  if (inputs.empty()) throw ConfigError{file.place_of("inputs"), "a sensor has at least one input"};
  for (ModelMap& input : inputs) read_input(input, model);
  if (file.has("status")) model.status = read_status(file.map("status"));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (model.registers[i].has_decimals && !model.status)
      throw ConfigError{inputs[i].place_of("decimals"), "the decimals are in a status, and there is none"};
  }
  if (file.has("checks")) {
    std::vector<ModelMap> checks = file.maps("checks");
    for (ModelMap& check : checks) {
      model.checks.push_back({read_register(check, "register"), read_register(check, "value"), check.text("what")});
      check.finish();
    }
  }
  model.capabilities.temperature_channels = temperature_inputs(model.capabilities);
  const Timing timing = read_timing(file.map("timing"));
  model.attempt_timeout = timing.attempt_timeout;
  model.request_gap = timing.request_gap;
  file.finish();
  return model;
}

CoilModuleModel load_coil_module_model(const std::string& path) {
  ModelMap file = ModelMap::load(path);
  CoilModuleModel model;
  model.capabilities.model = read_head(file, kind_coil_module);
  model.unit = static_cast<std::uint8_t>(file.integer("unit", 0, 255));
  ModelMap relays = file.map("relays");
  model.capabilities.relay_channels = relays.integer("count", 0, 64);
  model.relay_coil = read_register(relays, "first_coil");
  relays.finish();
  if (file.has("contacts")) {
    ModelMap contacts = file.map("contacts");
    model.capabilities.contact_inputs = contacts.integer("count", 1, contacts_max);
    model.contact_coil = read_register(contacts, "first_coil");
    model.closed_contact_reads_one = contacts.integer("closed_reads", 0, 1) == 1;
    contacts.finish();
  }
  model.capabilities.has_watchdog = file.word("watchdog", {"none", "by_utility"}) == 1;
  const Timing timing = read_timing(file.map("timing"));
  model.attempt_timeout = timing.attempt_timeout;
  model.request_gap = timing.request_gap;
  file.finish();
  return model;
}

}  // namespace cellrig
