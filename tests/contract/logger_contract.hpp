// What the tests of the loggers' and relays' contracts begin with: a cell in a chamber, two sensors, a contactor.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <ostream>
#include <span>
#include <string>

#include "drivers/instruments/logger.hpp"
#include "tests/contract/contract_rig.hpp"

namespace cellrig::test {

enum class LoggerMake : unsigned char { adam_6018, keysight_daq, keysight_34970a };

/// How a make stands on the bench of these tests.
struct LoggerOnBench {
  const char* name;  ///< in the names of tests
  const char* instrument;
  const char* port;
  const char* other_identity;  ///< what makes it another instrument: a type code, or *IDN?
};
inline const LoggerOnBench& on_bench(LoggerMake make) {
  static constexpr std::array<LoggerOnBench, 3> all{{{"Adam6018", "adam", "adam.modbus", "1056"},
                                                     {"KeysightDaq", "daq", "daq.scpi", "Acme,Logger-2000,1,1.0"},
                                                     {"Keysight34970a", "daq", "daq.scpi", "HEWLETT-PACKARD,3497A,0,13-2-2"}}};
  return all.at(static_cast<std::size_t>(make));
}

/// Which module holds the contactor: the ADAM-6018 itself, an ADAM-6060, a Waveshare board.
enum class RelayMake : unsigned char { adam_6018, adam_6060, waveshare };
inline const char* relays_name(RelayMake make) {
  static constexpr std::array<const char*, 3> all{"adam", "doors", "board"};
  return all.at(static_cast<std::size_t>(make));
}

struct LoggerCase {
  LoggerMake make = LoggerMake::adam_6018;
  LinkKind link = LinkKind::memory;
  RelayMake relays = RelayMake::adam_6018;
};
inline std::string name_of(const LoggerCase& which) {
  static constexpr std::array<const char*, 3> relays{"", "_Adam6060", "_Waveshare"};
  return std::string(on_bench(which.make).name) + relays.at(static_cast<std::size_t>(which.relays)) + "_over_" +
         to_string(which.link);
}
inline void PrintTo(const LoggerCase& which, std::ostream* out) { *out << name_of(which); }
inline const auto logger_case_name = [](const ::testing::TestParamInfo<LoggerCase>& info) { return name_of(info.param); };

class LoggerContract : public ::testing::TestWithParam<LoggerCase> {
 protected:
  static constexpr Duration plenty = std::chrono::seconds{2};
  static constexpr int contactor = 0;
  using Inputs = std::array<Reading, 2>;

  void SetUp() override {
    rig_ = std::make_unique<ContractRig>(GetParam().link, bench_text());
    instruments_ = rig_->make_instruments("ch1");
  }
  void TearDown() override {
    instruments_ = BenchInstruments{};
    rig_.reset();
  }

  [[nodiscard]] std::string instrument() const { return on_bench(GetParam().make).instrument; }
  [[nodiscard]] std::string port() const { return on_bench(GetParam().make).port; }
  [[nodiscard]] ContractRig& rig() { return *rig_; }
  [[nodiscard]] Logger& logger() { return *instruments_.loggers.at(instrument()); }
  [[nodiscard]] std::string module() const { return relays_name(GetParam().relays); }
  [[nodiscard]] Relays& relays() { return *instruments_.relays.at(module()); }
  [[nodiscard]] Contacts& contacts() { return *instruments_.contacts.at("doors"); }
  [[nodiscard]] Chamber& chamber() { return *instruments_.chambers.at("f4t"); }
  [[nodiscard]] ChannelTruth truth() { return rig_->truth("ch1"); }
  [[nodiscard]] Deadline in(Duration duration) { return rig_->in(duration); }

  Result<InstrumentIdentity> identify() { return rig().call(logger().identify(in(plenty))); }
  Result<void> measure(std::span<Reading> into, Duration within = plenty) {
    return rig().call(logger().measure(into, in(within)));
  }
  Result<void> set(bool energised, Duration within = plenty) {
    return rig().call(relays().set(contactor, energised, in(within)));
  }

  void expect_true(const Reading& reading, double truth_degC) {
    ASSERT_EQ(reading.quality, Quality::good);
    const LoggerCapabilities& can = logger().capabilities();
    EXPECT_NEAR(reading.value, truth_degC, can.temperature_accuracy.bound_at(reading.value));
  }
  /// Brings cell and air to another temperature, and lets them rest there.
  void change_temperature(double temperature_degC) {
    const ChamberLimits limits{.setpoint_min = Celsius{-40.0}, .setpoint_max = Celsius{85.0}};
    ASSERT_TRUE(rig().call(chamber().arm(limits, in(plenty))));
    ASSERT_TRUE(rig().call(chamber().run(Celsius{temperature_degC}, in(plenty))));
    rig().pass(std::chrono::hours{6});
  }

  [[nodiscard]] virtual std::string bench_text() const {
    const std::string logger = instrument();
    const std::string daq = GetParam().make == LoggerMake::keysight_34970a
                                ? "  daq: {model: keysight-34970a, scpi: {serial: /dev/ttyUSB1}}\n"
                                : "  daq: {model: keysight-daq970a, scpi: \"192.0.2.15:5025\"}\n";
    const std::string doors = "  doors: {model: adam-6060, modbus: \"192.0.2.18:502\"}\n";
    const std::string board = "  board: {model: waveshare-relay-8, modbus: {serial: /dev/ttyUSB0}}\n";
    return "bench: contract\n"
           "instruments:\n"
           "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
           "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
           "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n" +
           (GetParam().make == LoggerMake::adam_6018 ? std::string() : daq) +
           (GetParam().relays == RelayMake::adam_6060 ? doors : std::string()) +
           (GetParam().relays == RelayMake::waveshare ? board : std::string()) +
           "chambers:\n"
           "  oven: {instrument: f4t}\n"
           "channels:\n"
           "  ch1:\n"
           "    cycler: psb1\n"
           "    cell_temperature: {logger: " +
           logger +
           ", input: 0}\n"
           "    ambient_temperature: {logger: " +
           logger +
           ", input: 1}\n"
           "    contactor: {relays: " +
           module() +
           ", output: 0}\n"
           "    chamber: oven\n"
           "simulation:\n"
           "  cells:\n"
           "    ch1: {file: lg-m50, soc_pct: 50}\n"
           "  room_temperature_degC: 25\n"
           "  latency: modelled\n";
  }

 private:
  std::unique_ptr<ContractRig> rig_;
  BenchInstruments instruments_;
};

}  // namespace cellrig::test
