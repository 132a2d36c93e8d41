#include "controller/cli/bench_context.hpp"

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

}  // namespace

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
  return context;
}

}  // namespace cellrig::cli
