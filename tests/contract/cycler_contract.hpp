// What every test of the cyclers' contract begins with: one channel, one cell at half charge, one driver.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "controller/base/setpoint.hpp"
#include "drivers/instruments/cycler.hpp"
#include "tests/contract/contract_rig.hpp"

namespace cellrig::test {

enum class Make : unsigned char { ea_psb, keysight_n6900 };

struct CyclerCase {
  Make make = Make::ea_psb;
  LinkKind link = LinkKind::memory;
};
inline std::string name_of(const CyclerCase& which) {
  return (which.make == Make::ea_psb ? "EaPsb_over_" : "KeysightN6900_over_") + to_string(which.link);
}
inline void PrintTo(const CyclerCase& which, std::ostream* out) { *out << name_of(which); }

inline const auto every_cycler =
    ::testing::Values(CyclerCase{Make::ea_psb, LinkKind::memory}, CyclerCase{Make::ea_psb, LinkKind::lockstep},
                      CyclerCase{Make::keysight_n6900, LinkKind::memory}, CyclerCase{Make::keysight_n6900, LinkKind::lockstep});
inline const auto case_name = [](const ::testing::TestParamInfo<CyclerCase>& info) { return name_of(info.param); };

inline constexpr Volts cell_low = 2.6_V;
inline constexpr Volts cell_high = 4.2_V;

class CyclerContract : public ::testing::TestWithParam<CyclerCase> {
 protected:
  static constexpr Duration watchdog_delay = std::chrono::seconds{5};
  /// More than any call of a driver takes on an instrument that answers.
  static constexpr Duration plenty = std::chrono::seconds{2};
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

  [[nodiscard]] bool is_ea() const { return GetParam().make == Make::ea_psb; }
  [[nodiscard]] std::string channel() const { return is_ea() ? "ea" : "keysight"; }
  [[nodiscard]] std::string other_channel() const { return is_ea() ? "keysight" : "ea"; }
  [[nodiscard]] std::string instrument() const { return is_ea() ? "psb1" : "aps1"; }
  /// The port that carries everything cyclic.
  [[nodiscard]] std::string main_port() const { return is_ea() ? "psb1.modbus" : "aps1.scpi"; }

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
  Result<CyclerReadings> measure(Duration within = plenty) { return rig_->call(cycler().measure(in(within))); }
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
  static std::string bench_text(double other_soc_pct, bool ea_is_tested) {
    const std::string other = std::to_string(other_soc_pct);
    return "bench: contract\n"
           "instruments:\n"
           "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
           "  aps1: {model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}\n"
           "channels:\n"
           "  ea: {cycler: psb1}\n"
           "  keysight: {cycler: aps1}\n"
           "simulation:\n"
           "  cells:\n"
           "    ea: {file: lg-m50, soc_pct: " +
           (ea_is_tested ? "50" : other) + "}\n" + "    keysight: {file: lg-m50, soc_pct: " + (ea_is_tested ? other : "50") +
           "}\n" +
           "  room_temperature_degC: 25\n"
           "  latency: modelled\n";
  }
  [[nodiscard]] std::string bench_text(double other_soc_pct) const { return bench_text(other_soc_pct, is_ea()); }

  std::unique_ptr<ContractRig> rig_;
  BenchInstruments instruments_;
};

/// What only two-ported cyclers can show.
class EaPsbContract : public CyclerContract {};
/// Few and short: the machine's own time passes.
class CyclerInRealTime : public CyclerContract {};

}  // namespace cellrig::test
