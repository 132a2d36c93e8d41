#include "controller/cli/bench/bench_context.hpp"

#include <algorithm>

#include "controller/base/resources.hpp"
#include "drivers/models/model_file.hpp"

namespace cellrig::cli {
namespace {

std::string model_file_of(const InstrumentConfig& instrument) {
  try {
    return find_model(instrument.model);
  } catch (const ConfigError& error) {
    throw ConfigError{instrument.place, error.message()};
  }
}

void check_contacts(const BenchConfig& bench, const ChannelConfig& channel) {
  for (const InputRef& contact : channel.interlocks) {
    const std::string file = model_file_of(bench.instruments.at(contact.instrument));
    const int count = load_model_kind(file) == kind_coil_module ? load_coil_module_model(file).capabilities.contact_inputs : 0;
    if (contact.index < count) continue;
    throw ConfigError{contact.place,
                      "'" + contact.instrument + "' has " + (count == 0 ? "no" : std::to_string(count)) + " contacts"};
  }
}

/// By the model files alone: `check` makes no instrument.
void check_output(const BenchConfig& bench, const InputRef& output, const std::string& user) {
  const std::string file = model_file_of(bench.instruments.at(output.instrument));
  const std::string kind = load_model_kind(file);
  const int count = kind == kind_coil_module ? load_coil_module_model(file).capabilities.relay_channels
                    : kind == kind_adam_6018 ? load_adam_6018_model(file).capabilities.relay_channels
                                             : 0;
  if (count == 0) throw ConfigError{output.place, user + ": '" + output.instrument + "' is no relay module"};
  if (output.index < count) return;
  throw ConfigError{output.place, user + ": '" + output.instrument + "' has outputs 0 to " + std::to_string(count - 1) + " only"};
}

std::string relay_without_watchdog(const BenchConfig& bench, const ChannelConfig& channel) {
  if (!channel.contactor) return {};
  const std::string file = model_file_of(bench.instruments.at(channel.contactor->instrument));
  if (load_model_kind(file) != kind_coil_module) return {};
  const CoilModuleCapabilities relays = load_coil_module_model(file).capabilities;
  return relays.has_watchdog ? std::string{} : relays.model;
}

}  // namespace

void require_quantity(const LoggerCapabilities& logger, const InputRef& input, InputQuantity quantity) {
  const int count = static_cast<int>(logger.inputs.size());
  if (input.index >= count)
    throw ConfigError{input.place, "'" + input.instrument + "' has inputs 0 to " + std::to_string(count - 1) + " only"};
  const InputQuantity found = logger.inputs[static_cast<std::size_t>(input.index)].quantity;
  if (found == quantity) return;
  throw ConfigError{input.place, "input " + std::to_string(input.index) + " of '" + input.instrument + "' measures a " +
                                     std::string{to_string(found)} + ", not a " + std::string{to_string(quantity)}};
}

CheckContext check_context(const BenchConfig& bench, const ChannelConfig& channel, const std::string& profile_file) {
  CheckContext context{.file = profile_file};
  context.cycler = load_cycler_capabilities(model_file_of(bench.instruments.at(channel.cycler)));
  if (const ChamberConfig* const chamber = bench.chamber(channel.chamber)) {
    ChamberCapabilities can = load_chamber_capabilities(model_file_of(bench.instruments.at(chamber->instrument)));
    can.temperature_min = std::max(can.temperature_min, chamber->setpoint_min);
    can.temperature_max = std::min(can.temperature_max, chamber->setpoint_max);
    context.chamber = can;
  }
  if (channel.cell_temperature) {
    context.logger = load_logger_capabilities(model_file_of(bench.instruments.at(channel.cell_temperature->instrument)));
  }
  const auto sensor = [&](const std::optional<InputRef>& input, Measurand measurand, InputQuantity quantity) {
    if (!input) return;
    const InstrumentConfig& instrument = bench.instruments.at(input->instrument);
    const LoggerCapabilities logger = load_logger_capabilities(model_file_of(instrument));
    require_quantity(logger, *input, quantity);
    context.sensors[static_cast<std::size_t>(measurand)] = logger.inputs[static_cast<std::size_t>(input->index)];
  };
  sensor(channel.cell_temperature, Measurand::cell_temperature, InputQuantity::temperature);
  sensor(channel.ambient_temperature, Measurand::ambient_temperature, InputQuantity::temperature);
  sensor(channel.voltage, Measurand::logger_voltage, InputQuantity::voltage);
  sensor(channel.stack_force, Measurand::stack_force, InputQuantity::force);
  sensor(channel.gas, Measurand::gas, InputQuantity::gas);
  context.stack_area_cm2 = channel.stack_area_cm2;
  context.bench_limits = channel.limits;
  context.bench_limit_places = channel.limit_places;
  check_contacts(bench, channel);
  if (channel.contactor) check_output(bench, *channel.contactor, "channel '" + channel.name + "'");
  for (const AlarmWire& alarm : alarm_wires_of(bench, {channel.name})) check_output(bench, alarm.wire, alarm.name());
  context.relay_without_watchdog = relay_without_watchdog(bench, channel);
  return context;
}

}  // namespace cellrig::cli
