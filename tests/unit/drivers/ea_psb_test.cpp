#include "drivers/instruments/ea_psb.hpp"

#include <gtest/gtest.h>

#include "tests/unit/drivers/cycler_calls.hpp"
#include "tests/unit/drivers/fake_ea.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TEST(EaPsb, identifies_itself) {
  FakeEa ea;
  const auto identity = identify(ea);
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->firmware, "KE 3.10");
}

TEST(EaPsb, refuses_another_box) {
  FakeEa other_type;
  other_type.put_text(1, "PSB 10200-25");
  EXPECT_EQ(identify(other_type).error().fault, Fault::refused);
  FakeEa other_scale;  // F16: words swapped, or another rating
  other_scale.bus->registers[121] = 0;
  other_scale.bus->registers[122] = 0x4270;
  EXPECT_EQ(identify(other_scale).error().fault, Fault::refused);
  FakeEa two_boxes;
  two_boxes.identity = "EA ELEKTRO-AUTOMATIK,PSB 10060-60 2U,2810370002,KE 3.10,";
  EXPECT_EQ(identify(two_boxes).error().fault, Fault::refused);
}

TEST(EaPsb, arms_every_protection_never_beyond_its_bound) {
  FakeEa ea;
  const auto armed = arm(ea);
  ASSERT_TRUE(armed) << armed.error().what;
  EXPECT_EQ(ea.bus->registers[550], 3757);  // 4.3 V = 3757.34 counts
  EXPECT_EQ(ea.bus->registers[553], 5242);  // 6 A = 5242.8
  EXPECT_EQ(ea.bus->registers[9000], 3757);
  EXPECT_EQ(ea.bus->registers[9001], 2098);  // 2.4 V = 2097.12
  EXPECT_EQ(ea.bus->registers[9002], 5242);
  EXPECT_EQ(ea.bus->registers[9008], 8738);
  EXPECT_EQ(ea.settings["SYST:CONF:UVD"], "2.400");
  EXPECT_EQ(ea.settings["SYST:CONF:UVD:ACT"], "ALARM");
  EXPECT_EQ(ea.settings["POW:STAG:AFT:REM"], "OFF");
  EXPECT_EQ(ea.settings["SYST:COMM:MON:TIME"], "5");
  EXPECT_EQ(ea.settings["SYST:COMM:MON:ACT"], "ON");
  EXPECT_FALSE(ea.bus->coils[405]);
}

// Limits wear the instrument's memory.
TEST(EaPsb, arming_again_writes_no_limit) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ea.bus->writes.clear();
  ASSERT_TRUE(arm(ea));
  for (const auto& write : ea.bus->writes) EXPECT_LT(write.address, 550) << write.address;
}

TEST(EaPsb, a_setting_that_is_ignored_is_refused) {
  for (const char* header : {"SYST:CONF:UVD", "SINK:CURR:PROT", "SYST:CONF:UVD:ACT", "POW:STAG:AFT:REM", "SYST:COMM:MON:ACT"}) {
    FakeEa ea;
    ea.ignored_setting = header;
    EXPECT_EQ(arm(ea).error().fault, Fault::refused) << header;
    EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::refused);
  }
}

TEST(EaPsb, arms_only_with_the_output_off_and_without_an_alarm) {
  FakeEa ea;
  ea.bus->coils[405] = true;
  ea.react();
  EXPECT_EQ(arm(ea).error().fault, Fault::refused);
  FakeEa tripped;
  tripped.alarm_bits = 1U << 15 | 1U << 16;
  tripped.react();
  EXPECT_EQ(arm(tripped).error().fault, Fault::protection_tripped);
}

TEST(EaPsb, refuses_a_setpoint_before_protections_are_armed) {
  FakeEa ea;
  EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::refused);
  EXPECT_TRUE(ea.bus->writes.empty());
}

TEST(EaPsb, applies_a_charge_and_a_discharge) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  auto applied = apply(ea, charge_5A);
  ASSERT_TRUE(applied) << applied.error().what;
  EXPECT_EQ(ea.bus->registers[500], 3670);
  EXPECT_EQ(ea.bus->registers[501], 4369);
  EXPECT_EQ(ea.bus->registers[499], 0);
  EXPECT_TRUE(ea.bus->coils[405]);
  EXPECT_NEAR(measure(ea)->current.value, 5.0, 0.001);
  applied = apply(ea, discharge_8A);  // with the output on
  ASSERT_TRUE(applied) << applied.error().what;
  EXPECT_EQ(ea.bus->registers[500], 2185);  // 2.5 V
  EXPECT_EQ(ea.bus->registers[501], 0);
  EXPECT_EQ(ea.bus->registers[499], 6990);
  const auto readings = measure(ea);
  EXPECT_NEAR(readings->current.value, -8.0, 0.001);  // the sign is state bit 12
  EXPECT_EQ(readings->regulation, Regulation::constant_current);
}

TEST(EaPsb, applies_power_and_resistance_and_returns_from_them) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ASSERT_TRUE(apply(ea, ConstantPower{.power = Watts{-20}, .voltage_min = 2.5_V, .voltage_max = 4.2_V, .current_limit = 8_A}));
  EXPECT_EQ(ea.bus->registers[498], 699);
  EXPECT_EQ(ea.bus->registers[502], 52428);
  ASSERT_TRUE(
      apply(ea, ConstantResistance{.resistance = Ohms{1.0}, .voltage_min = 2.5_V, .voltage_max = 4.2_V, .current_limit = 8_A}));
  EXPECT_TRUE(ea.bus->coils[409]);
  EXPECT_EQ(ea.bus->registers[504], 1092);
  EXPECT_EQ(ea.bus->registers[498], 52428);
  ASSERT_TRUE(apply(ea, charge_5A));
  EXPECT_FALSE(ea.bus->coils[409]);
}

TEST(EaPsb, refuses_what_no_instrument_may_be_told) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ea.bus->writes.clear();
  const double nan = std::nan("");
  const std::vector<Setpoint> nonsense{ConstantCurrent{0_A, 2.5_V, 4.2_V},
                                       ConstantCurrent{Amps{nan}, 2.5_V, 4.2_V},
                                       ConstantCurrent{5_A, 4.2_V, 2.5_V},
                                       ConstantCurrent{5_A, 2.5_V, Volts{nan}},
                                       ConstantCurrent{5_A, 2.5_V, 4.4_V},
                                       ConstantCurrent{-8_A, 2.3_V, 4.2_V},
                                       ConstantCurrent{7_A, 2.5_V, 4.2_V},
                                       ConstantCurrent{-11_A, 2.5_V, 4.2_V},
                                       ConstantCurrent{Amps{0.0001}, 2.5_V, 4.2_V},
                                       ConstantVoltage{4.2_V, 1_A, 5_A},
                                       ConstantVoltage{4.2_V, 0_A, 0_A},
                                       ConstantVoltage{4.2_V, 0_A, Amps{nan}},
                                       ConstantPower{Watts{0}, 2.5_V, 4.2_V, 5_A},
                                       ConstantPower{Watts{9}, 2.5_V, 4.2_V, Amps{nan}},
                                       ConstantResistance{Ohms{0}, 2.5_V, 4.2_V, 5_A}};
  for (const Setpoint& setpoint : nonsense) EXPECT_EQ(apply(ea, setpoint).error().fault, Fault::refused) << setpoint.index();
  EXPECT_TRUE(ea.bus->writes.empty());
}

// What is written so far must be safe wherever it stops: no current in either direction before everything that bounds it.
void expect_safe(const std::vector<ScriptedBus::Write>& writes, std::map<std::uint16_t, std::uint16_t> registers,
                 const std::map<std::uint16_t, std::uint16_t>& wanted) {
  bool zeroed_sink = false;
  bool zeroed_source = false;
  for (const auto& write : writes) {
    if (write.is_coil) {
      if (write.address == 405 && write.value != 0) {
        for (const auto& [address, value] : wanted) EXPECT_EQ(registers[address], value) << "on before " << address;
      }
      continue;
    }
    registers[write.address] = write.value;
    zeroed_sink = zeroed_sink || (write.address == 499 && write.value == 0);
    zeroed_source = zeroed_source || (write.address == 501 && write.value == 0);
    if (write.address == 500) {
      EXPECT_TRUE(zeroed_sink && zeroed_source) << "voltage moved under current";
    }
    if ((write.address == 499 || write.address == 501) && write.value != 0) {
      EXPECT_EQ(registers[500], wanted.at(500));
      EXPECT_EQ(registers[498], wanted.at(498));
      EXPECT_EQ(registers[502], wanted.at(502));
    }
  }
}

TEST(EaPsb, stopping_after_any_exchange_of_apply_is_safe) {
  for (const bool was_on : {false, true}) {
    bool finished = false;
    for (int n = 0; n < 100 && !finished; ++n) {
      FakeEa ea;
      ASSERT_TRUE(arm(ea));
      ASSERT_TRUE(!was_on || apply(ea, discharge_8A));
      const auto before = ea.bus->registers;
      ea.bus->writes.clear();
      const int last = ea.bus->exchange_count + n;
      ea.bus->fails = [last](int number) -> std::optional<Error> {
        if (number < last) return std::nullopt;
        return fail(Fault::timeout, "stopped here");
      };
      const Result<void> applied = apply(ea, charge_5A);
      finished = static_cast<bool>(applied);
      expect_safe(ea.bus->writes, before, {{498, 52428}, {499, 0}, {500, 3670}, {501, 4369}, {502, 52428}});
    }
    EXPECT_TRUE(finished);
  }
}

// A single lost write anywhere is found by reading back: success means the instrument holds it.
TEST(EaPsb, success_means_it_was_read_back) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ea.bus->after_write = [&ea] {
    ea.bus->registers[501] = 0;  // the instrument ignores the current
    ea.react();
  };
  EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::refused);
  EXPECT_FALSE(ea.bus->coils[405]);
}

// F19, F20: after lost remote nothing resumes.
TEST(EaPsb, lost_remote_disarms) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ASSERT_TRUE(apply(ea, charge_5A));
  ea.bus->coils[402] = false;
  ea.react();
  EXPECT_FALSE(measure(ea)->remote);
  ea.bus->coils[402] = true;
  ea.react();
  EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::refused);
  EXPECT_TRUE(ea.bus->coils[402]);
}

TEST(EaPsb, after_a_lost_link_protections_are_read_back_before_the_next_setpoint) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  const int now = ea.bus->exchange_count;
  ea.bus->fails = [now](int number) -> std::optional<Error> {
    if (number == now) return fail(Fault::link_lost, "lost");
    return std::nullopt;
  };
  EXPECT_TRUE(measure(ea));  // asked once more
  EXPECT_TRUE(apply(ea, charge_5A));
  ea.bus->fails = [](int) -> std::optional<Error> { return fail(Fault::timeout, "silent"); };
  EXPECT_EQ(measure(ea).error().fault, Fault::timeout);
  ea.bus->fails = nullptr;
  ea.settings["SYST:COMM:MON:ACT"] = "OFF";
  ea.bus->writes.clear();
  EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::refused);
  EXPECT_TRUE(ea.bus->writes.empty());
  ea.settings["SYST:COMM:MON:ACT"] = "ON";
  EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::refused);  // until it is armed again
}

TEST(EaPsb, an_alarm_is_a_trip_and_no_setpoint_is_taken) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ASSERT_TRUE(apply(ea, charge_5A));
  ea.alarm_bits = 1U << 15 | 1U << 17;
  ea.react();
  const auto readings = measure(ea);
  EXPECT_TRUE(readings->tripped);
  EXPECT_FALSE(readings->output_on);
  EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::protection_tripped);
}

// F25: the end of the range is no measurement.
TEST(EaPsb, saturation_is_bad_quality) {
  FakeEa ea;
  ea.bus->registers[507] = 65535;
  const auto readings = measure(ea);
  EXPECT_EQ(readings->voltage.quality, Quality::bad);
  EXPECT_EQ(readings->current.quality, Quality::good);
}

TEST(EaPsb, a_measurement_is_one_exchange_stamped_in_its_middle) {
  FakeEa ea;
  const TimePoint start = ea.time.now();
  const auto readings = measure(ea);
  EXPECT_EQ(ea.bus->exchange_count, 1);
  EXPECT_EQ(readings->voltage.at - start, 500us);
}

Task<void> off_later(FakeEa& ea, Result<void>& result, Duration delay) {
  co_await ea.time.sleep_for(delay);
  result = co_await ea.cycler->output_off(in(ea, 1s));
}

TEST(EaPsb, off_interrupts_a_measurement_that_hangs) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ASSERT_TRUE(apply(ea, charge_5A));
  ea.bus->is_silent = true;
  Result<CyclerReadings> readings;
  Result<void> result = fail(Fault::timeout, "not over");
  ea.time.spawn(keep(ea.cycler->measure(in(ea, 1s)), readings));
  const TimePoint start = ea.time.now();
  ea.time.spawn(off_later(ea, result, 10ms));
  struct Local {
    static Task<void> heal(FakeEa& ea) {
      co_await ea.time.sleep_for(5ms);
      ea.bus->is_silent = false;  // for new exchanges; the one in flight hangs on
      co_await ea.time.sleep_for(50ms);
    }
  };
  run_task(ea.time, Local::heal(ea));
  EXPECT_EQ(readings.error().fault, Fault::interrupted);
  EXPECT_TRUE(result) << result.error().what;
  EXPECT_FALSE(ea.bus->coils[405]);
  EXPECT_LT(ea.time.now() - start, 100ms);
}

// The classic: an apply() that goes on and switches on after the OFF.
TEST(EaPsb, off_during_apply_leaves_the_output_off_wherever_it_strikes) {
  for (int ms = 0; ms < 25; ++ms) {
    FakeEa ea;
    ASSERT_TRUE(arm(ea));
    Result<void> applied, stopped;
    ea.time.spawn(keep(ea.cycler->apply(charge_5A, in(ea, 1s)), applied));
    struct Local {
      static Task<void> off_and_wait(FakeEa& ea, Result<void>& stopped, int ms) {
        co_await ea.time.sleep_for(ms * 1ms);
        stopped = co_await ea.cycler->output_off(in(ea, 1s));
        co_await ea.time.sleep_for(500ms);
      }
    };
    run_task(ea.time, Local::off_and_wait(ea, stopped, ms));
    EXPECT_TRUE(stopped) << ms;
    EXPECT_FALSE(ea.bus->coils[405]) << ms;
    EXPECT_TRUE(applied || applied.error().fault == Fault::interrupted) << ms;
  }
}

TEST(EaPsb, off_goes_over_scpi_when_modbus_is_silent) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ASSERT_TRUE(apply(ea, charge_5A));
  ea.bus->is_silent = true;
  const TimePoint start = ea.time.now();
  EXPECT_TRUE(off(ea));
  EXPECT_FALSE(ea.bus->coils[405]);
  EXPECT_LE(ea.time.now() - start, 310ms);
}

TEST(EaPsb, off_with_everything_dead_ends_at_its_deadline) {
  FakeEa ea;
  ea.bus->is_silent = true;
  ea.scpi->refuses_connection = true;
  const TimePoint start = ea.time.now();
  EXPECT_FALSE(off(ea));
  EXPECT_LE(ea.time.now() - start, 1s);
  FakeEa refusing;
  refusing.bus->fails = [](int) -> std::optional<Error> { return fail(Fault::link_lost, "refused"); };
  refusing.scpi->refuses_connection = true;
  EXPECT_EQ(off(refusing).error().fault, Fault::link_lost);
}

// F27: an output that does not go off is never reported as off.
TEST(EaPsb, off_is_confirmed_by_the_instrument_or_fails) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  ASSERT_TRUE(apply(ea, charge_5A));
  ea.output_sticks = true;
  EXPECT_EQ(off(ea).error().fault, Fault::device_fault);
}

TEST(EaPsb, off_without_remote_succeeds_when_the_output_is_off) {
  FakeEa ea;
  ea.bus->fails = [](int number) -> std::optional<Error> {
    if (number % 2 == 0) return fail(Fault::refused, "not in remote");
    return std::nullopt;
  };
  EXPECT_TRUE(off(ea));
}

TEST(EaPsb, is_released_with_watchdog_and_remote_given_back) {
  FakeEa ea;
  ASSERT_TRUE(arm(ea));
  EXPECT_TRUE(release(ea));
  EXPECT_EQ(ea.settings["SYST:COMM:MON:ACT"], "OFF");
  EXPECT_FALSE(ea.bus->coils[402]);
  EXPECT_EQ(apply(ea, charge_5A).error().fault, Fault::refused);
}

}  // namespace
}  // namespace cellrig
