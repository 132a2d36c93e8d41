#include "controller/cli/bench/links.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "controller/base/resources.hpp"
#include "drivers/modbus/libmodbus_bus.hpp"
#include "drivers/modbus/rtu.hpp"
#include "drivers/models/model_file.hpp"
#include "drivers/transport/serial_stream.hpp"
#include "drivers/transport/tcp_stream.hpp"
#include "sim/net/in_process.hpp"

namespace cellrig::cli {
namespace {

constexpr std::chrono::hours lockstep_response_timeout{1};
constexpr int rtu_unit_max = 247;  // MODBUS over Serial Line V1.02, 2.2

LineModel line_model_of(const InstrumentConfig& instrument) {
  try {
    return load_line_model(find_model(instrument.model));
  } catch (const ConfigError& error) {
    throw error.place().file.empty() ? ConfigError{instrument.place, error.message()} : error;
  }
}

const PortAddress& address_of(const InstrumentConfig& instrument, const std::string& port) {
  const auto found = instrument.addresses.find(port);
  if (found == instrument.addresses.end())
    throw ConfigError{instrument.place, "instrument '" + instrument.name + "' needs its " + port + ": address"};
  return found->second;
}

/// Empty: its Modbus has a connection of its own, or it has none.
const PortAddress* rtu_address_of(const InstrumentConfig& instrument) {
  const auto found = instrument.addresses.find("modbus");
  const bool is_rtu = found != instrument.addresses.end() && found->second.kind != PortAddress::Kind::tcp;
  return is_rtu ? &found->second : nullptr;
}

/// What instruments on one line must have in common, or must not.
struct LineUse {
  const InstrumentConfig* instrument = nullptr;
  std::optional<SerialSettings> settings;  ///< empty: behind a TCP port
  long unit = 0;
};

LineUse line_use_of(const InstrumentConfig& instrument, const PortAddress& address) {
  LineUse use{.instrument = &instrument};
  if (address.kind == PortAddress::Kind::serial) use.settings = serial_settings_of(instrument, address);
  const auto chosen = instrument.options.find("unit");
  use.unit = chosen != instrument.options.end() ? chosen->second : line_model_of(instrument).unit.value_or(1);
  if (use.unit < 0 || use.unit > rtu_unit_max)
    throw ConfigError{address.place, "unit " + std::to_string(use.unit) + " cannot be on a line: units are 0 to 247"};
  return use;
}

class SocketLinks final : public LinkMaker {
 public:
  SocketLinks(TimeSource& time, bool lockstep) : LinkMaker{time}, lockstep_{lockstep} {}

 private:
  std::unique_ptr<ModbusBus> modbus_tcp(const InstrumentConfig&, const PortAddress& address, Duration request_gap) override {
    LibmodbusBusOptions options{.host = address.tcp.host, .port = address.tcp.port};
    if (lockstep_) options.response_timeout = lockstep_response_timeout;
    options.request_gap = request_gap;
    options.prefer_thread = !lockstep_;
    return std::make_unique<LibmodbusBus>(time_, options);
  }
  std::unique_ptr<ByteStream> stream(const InstrumentConfig& instrument, const std::string& /*port*/,
                                     const PortAddress& address) override {
    if (address.kind != PortAddress::Kind::serial) return std::make_unique<TcpStream>(time_, address.tcp.host, address.tcp.port);
    return std::make_unique<SerialStream>(time_, address.device, serial_settings_of(instrument, address));
  }

  bool lockstep_;
};

class InProcessLinks final : public LinkMaker {
 public:
  InProcessLinks(TimeSource& time, sim::SimulatedBench& bench) : LinkMaker{time}, bench_{bench} {}

 private:
  std::unique_ptr<ModbusBus> modbus_tcp(const InstrumentConfig& instrument, const PortAddress&, Duration /*gap*/) override {
    return sim::make_modbus_link(time_, bench_, instrument.name);
  }
  std::unique_ptr<ByteStream> stream(const InstrumentConfig& instrument, const std::string& port, const PortAddress&) override {
    return sim::make_stream_link(time_, bench_, instrument.name, port);
  }

  sim::SimulatedBench& bench_;
};

}  // namespace

SerialSettings serial_settings_of(const InstrumentConfig& instrument, const PortAddress& address) {
  const std::optional<SerialSettings> usual = line_model_of(instrument).serial.settings;
  if (!usual && !address.baud)
    throw ConfigError{address.place, "the serial line of '" + instrument.name + "' needs its baud: the model file has none"};
  SerialSettings settings = usual.value_or(SerialSettings{});
  settings.baud = address.baud.value_or(settings.baud);
  settings.parity = address.parity.value_or(settings.parity);
  settings.stop_bits = address.stop_bits.value_or(settings.stop_bits);
  return settings;
}

void refuse_line_conflicts(const BenchConfig& bench) {
  std::map<std::string, std::vector<LineUse>> lines;
  for (const auto& [name, instrument] : bench.instruments) {
    const PortAddress* const address = rtu_address_of(instrument);
    if (address == nullptr) continue;
    const std::string wire = wire_of(*address);
    const LineUse use = line_use_of(instrument, *address);
    for (const LineUse& other : lines[wire]) {
      const std::string both = "instruments '" + other.instrument->name + "' and '" + name + "' on " + wire;
      if (use.settings.has_value() != other.settings.has_value())
        throw ConfigError{address->place, both + ": one is behind a TCP port, the other is not"};
      if (use.settings && !(*use.settings == *other.settings)) {
        throw ConfigError{address->place,
                          both + " have different settings: " + to_string(*other.settings) + " and " + to_string(*use.settings)};
      }
      if (use.unit == other.unit) throw ConfigError{address->place, both + " are both unit " + std::to_string(use.unit)};
    }
    lines[wire].push_back(use);
  }
}

std::unique_ptr<ModbusBus> LinkMaker::modbus(const InstrumentConfig& instrument, Duration request_gap) {
  const PortAddress& address = address_of(instrument, "modbus");
  if (address.kind == PortAddress::Kind::tcp) return modbus_tcp(instrument, address, request_gap);
  return rtu_unit(instrument, address);
}

std::unique_ptr<ByteStream> LinkMaker::text(const InstrumentConfig& instrument, const std::string& port) {
  return stream(instrument, port, address_of(instrument, port));
}

std::unique_ptr<ModbusBus> LinkMaker::rtu_unit(const InstrumentConfig& instrument, const PortAddress& address) {
  const LineModel model = line_model_of(instrument);
  std::weak_ptr<RtuLine>& known = lines_[wire_of(address)];
  std::shared_ptr<RtuLine> line = known.lock();
  if (line == nullptr) {
    RtuLineOptions options;
    if (address.kind == PortAddress::Kind::serial) {
      const SerialSettings settings = serial_settings_of(instrument, address);
      const int bits = settings.bits_per_character();
      options.frame_gap = modbus::rtu_frame_gap(settings.baud, bits);
      options.byte_time = std::chrono::nanoseconds{std::int64_t{1'000'000'000} * bits / settings.baud};
    }
    line = std::make_shared<RtuLine>(time_, stream(instrument, "modbus", address), options);
    known = line;
  }
  const RtuUnitOptions options{.request_gap = model.serial.request_gap, .reply_timeout = model.reply_timeout};
  return RtuLine::make_unit(line, options);
}

std::unique_ptr<LinkMaker> socket_links(TimeSource& time, bool lockstep) { return std::make_unique<SocketLinks>(time, lockstep); }

std::unique_ptr<LinkMaker> in_process_links(TimeSource& time, sim::SimulatedBench& bench) {
  return std::make_unique<InProcessLinks>(time, bench);
}

}  // namespace cellrig::cli
