// What every test of the cyclers' contract begins with: one channel, one cell at half charge, one driver.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "controller/base/setpoint.hpp"
#include "drivers/instruments/cycler.hpp"
#include "tests/contract/contract_rig.hpp"

namespace cellrig::test {

enum class Make : unsigned char { ea_psb, keysight_n6900, itech, ea_psb_rtu, itech_serial, ea_psb_scpi, itech_6000c };

/// How a make stands on the bench of these tests.
struct MakeOnBench {
  const char* name;  ///< in the names of tests
  const char* channel;
  const char* instrument;
  const char* main_port;  ///< the port that carries everything cyclic
  const char* entry;      ///< in the bench file
};
inline const MakeOnBench& on_bench(Make make) {
  static constexpr std::array<MakeOnBench, 7> all{
      {{"EaPsb", "ea", "psb1", "psb1.modbus", "{model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}"},
       {"KeysightN6900", "keysight", "aps1", "aps1.scpi", "{model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}"},
       {"Itech", "itech", "itech1", "itech1.scpi", "{model: itech-it-m3432, scpi: \"192.0.2.14:30000\"}"},
       {"EaPsbRtu", "ea", "psb1", "psb1.modbus",
        "{model: ea-psb-10060-60, modbus: {serial: /dev/ttyACM0}, unit: 0, scpi: \"192.0.2.10:5025\"}"},
       {"ItechSerial", "itech", "itech1", "itech1.scpi", "{model: itech-it-m3432, scpi: {serial: /dev/ttyUSB0, baud: 115200}}"},
       {"EaPsbScpi", "eascpi", "psb2", "psb2.scpi", "{model: ea-psb-10060-60, scpi: \"192.0.2.16:5025\"}"},
       {"Itech6000c", "itech", "itech1", "itech1.scpi", "{model: itech-it6054c-800-225, scpi: \"192.0.2.14:30000\"}"}}};
  return all.at(static_cast<std::size_t>(make));
}

struct CyclerCase {
  Make make = Make::ea_psb;
  LinkKind link = LinkKind::memory;
};
inline std::string name_of(const CyclerCase& which) {
  return std::string(on_bench(which.make).name) + "_over_" + to_string(which.link);
}
inline void PrintTo(const CyclerCase& which, std::ostream* out) { *out << name_of(which); }

inline const auto every_cycler =
    ::testing::Values(CyclerCase{Make::ea_psb, LinkKind::memory}, CyclerCase{Make::ea_psb, LinkKind::lockstep},
                      CyclerCase{Make::keysight_n6900, LinkKind::memory}, CyclerCase{Make::keysight_n6900, LinkKind::lockstep},
                      CyclerCase{Make::itech, LinkKind::memory}, CyclerCase{Make::itech, LinkKind::lockstep},
                      CyclerCase{Make::ea_psb_rtu, LinkKind::memory}, CyclerCase{Make::ea_psb_rtu, LinkKind::lockstep},
                      CyclerCase{Make::itech_serial, LinkKind::memory}, CyclerCase{Make::itech_serial, LinkKind::lockstep},
                      CyclerCase{Make::ea_psb_scpi, LinkKind::memory}, CyclerCase{Make::ea_psb_scpi, LinkKind::lockstep},
                      CyclerCase{Make::itech_6000c, LinkKind::memory}, CyclerCase{Make::itech_6000c, LinkKind::lockstep});
inline const auto case_name = [](const ::testing::TestParamInfo<CyclerCase>& info) { return name_of(info.param); };

inline constexpr Volts cell_low = 2.6_V;
inline constexpr Volts cell_high = 4.2_V;

class CyclerContract : public ::testing::TestWithParam<CyclerCase> {
 protected:
  static constexpr Duration watchdog_delay = std::chrono::seconds{5};
  /// More than any call of a driver takes on an instrument that answers.
  const Duration plenty = is_paced() ? std::chrono::seconds{5} : std::chrono::seconds{2};
  static constexpr int exchange_count_max = 60;

  void SetUp() override { make_world(); }
  void TearDown() override { leave_world(); }

  /// A fresh world. The other make's channel carries a cell that is nearly full, or nearly empty.
  void make_world(double other_soc_pct = 95.0) {
    leave_world();
    rig_ = std::make_unique<ContractRig>(GetParam().link, bench_text(other_soc_pct));
    make_driver();
  }
  /// Another process: a new driver on new links.
  void make_driver() {
    instruments_ = BenchInstruments{};
    instruments_ = rig_->make_instruments(channel());
  }
  /// The process is gone: nobody talks to the instrument any more.
  void remove_driver() { instruments_ = BenchInstruments{}; }
  void leave_world() {
    remove_driver();
    rig_.reset();
  }

  [[nodiscard]] bool is_ea() const { return GetParam().make == Make::ea_psb || GetParam().make == Make::ea_psb_rtu; }
  [[nodiscard]] static bool is_on_a_line() {
    return GetParam().make == Make::ea_psb_rtu || GetParam().make == Make::itech_serial;
  }
  /// On a serial line it wants 50 ms after every reply.
  [[nodiscard]] static bool is_paced() { return GetParam().make == Make::ea_psb_rtu; }
  [[nodiscard]] std::string channel() const { return on_bench(GetParam().make).channel; }
  /// Carries the cell that is swapped in.
  [[nodiscard]] std::string other_channel() const { return on_bench(other_make()).channel; }
  [[nodiscard]] std::string instrument() const { return on_bench(GetParam().make).instrument; }
  [[nodiscard]] std::string main_port() const { return on_bench(GetParam().make).main_port; }

  [[nodiscard]] ContractRig& rig() { return *rig_; }
  [[nodiscard]] Cycler& cycler() { return *instruments_.cyclers.at(instrument()); }
  [[nodiscard]] ChannelTruth truth() { return rig_->truth(channel()); }
  [[nodiscard]] Deadline in(Duration duration) { return rig_->in(duration); }

  [[nodiscard]] static Protections protections() {
    return Protections{.over_voltage = 4.25_V,
                       .under_voltage = 2.5_V,
                       .charge_current_max = 5.0_A,
                       .discharge_current_max = 5.0_A,
                       .watchdog_delay = watchdog_delay};
  }
  [[nodiscard]] static Setpoint charge(Amps current = 2.0_A) {
    return ConstantCurrent{.current = current, .voltage_min = cell_low, .voltage_max = cell_high};
  }
  [[nodiscard]] static Setpoint discharge(Amps current = 2.0_A) {
    return ConstantCurrent{.current = -current, .voltage_min = cell_low, .voltage_max = cell_high};
  }
  /// What may flow the wrong way, or beyond the set-point: the least limit of the idle direction, and the set-point's rounding.
  [[nodiscard]] double idle_A() {
    const CyclerCapabilities& can = cycler().capabilities();
    return can.current_limit_min.value() + can.current_resolution.value();
  }

  // ---- calls

  Result<void> arm(Protections limits) { return rig_->call(cycler().arm(limits, in(plenty))); }
  Result<void> apply(const Setpoint& setpoint) { return rig_->call(cycler().apply(setpoint, in(plenty))); }
  Result<CyclerReadings> measure(Duration within) { return rig_->call(cycler().measure(in(within))); }
  Result<CyclerReadings> measure() { return measure(plenty); }
  Result<void> output_off(Duration within = std::chrono::seconds{1}) { return rig_->call(cycler().output_off(in(within))); }

  void arm_or_fail() {
    const Result<void> armed = arm(protections());
    ASSERT_TRUE(armed) << armed.error().what;
  }
  void apply_or_fail(const Setpoint& setpoint) {
    const Result<void> applied = apply(setpoint);
    ASSERT_TRUE(applied) << applied.error().what;
  }
  /// Armed, and the set-point in force.
  void energise(const Setpoint& setpoint = charge()) {
    ASSERT_NO_FATAL_FAILURE(arm_or_fail());
    ASSERT_NO_FATAL_FAILURE(apply_or_fail(setpoint));
    ASSERT_TRUE(truth().output_on);
  }
  void expect_off() {
    const ChannelTruth now = truth();
    EXPECT_FALSE(now.output_on);
    EXPECT_EQ(now.current_A, 0.0);
  }

 private:
  [[nodiscard]] Make other_make() const { return is_ea() ? Make::keysight_n6900 : Make::ea_psb; }
  /// Two makes are enough: the one under test and the other.
  [[nodiscard]] std::string bench_text(double other_soc_pct) const {
    std::string instruments, channels, cells;
    for (const Make make : {GetParam().make, other_make()}) {
      const MakeOnBench& on = on_bench(make);
      const std::string soc_pct = make == GetParam().make ? "50" : std::to_string(other_soc_pct);
      instruments += std::string("  ") + on.instrument + ": " + on.entry + "\n";
      channels += std::string("  ") + on.channel + ": {cycler: " + on.instrument + "}\n";
      cells += std::string("    ") + on.channel + ": {file: lg-m50, soc_pct: " + soc_pct + "}\n";
    }
    return "bench: contract\ninstruments:\n" + instruments + "channels:\n" + channels + "simulation:\n  cells:\n" + cells +
           "  room_temperature_degC: 25\n  latency: modelled\n";
  }

  std::unique_ptr<ContractRig> rig_;
  BenchInstruments instruments_;
};

/// What only two-ported cyclers can show.
class EaPsbContract : public CyclerContract {};
/// Few and short: the machine's own time passes.
class CyclerInRealTime : public CyclerContract {};

}  // namespace cellrig::test
