#include "drivers/instruments/register_chamber.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <utility>

#include "controller/async/virtual_time.hpp"
#include "drivers/models/model_file.hpp"
#include "drivers/modbus/register_map.hpp"
#include "tests/unit/drivers/run_task.hpp"
#include "tests/unit/drivers/scripted_bus.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using modbus::WordOrder;
using testing::run_task;
using testing::ScriptedBus;

std::string model_path(const std::string& name) { return std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml"; }

ChamberRegister register_of(RegisterType type, double scale = 1.0) {
  return ChamberRegister{.name = "x", .addresses = {7}, .type = type, .scale = scale};
}

TEST(RegisterChamberMap, a_value_goes_into_words_and_comes_back) {
  struct Row {
    RegisterType type;
    double scale, value;
  };
  const std::vector<Row> rows{{RegisterType::u16, 1, 65535},          {RegisterType::s16, 0.1, -40.0},
                              {RegisterType::s16, 0.01, 27.35},       {RegisterType::u32, 1, 4e9},
                              {RegisterType::s32, 1, -2'000'000'000}, {RegisterType::f32, 1, -10.5},
                              {RegisterType::u16, 1, 0x0800}};
  for (const Row& row : rows) {
    for (const WordOrder order : {WordOrder::abcd, WordOrder::cdab}) {
      const ChamberRegister where = register_of(row.type, row.scale);
      const auto words = register_chamber::encode(where, row.value, order);
      ASSERT_TRUE(words) << row.value;
      EXPECT_EQ(words->size(), where.size());
      EXPECT_NEAR(register_chamber::decode(where, *words, order).value_or(NAN), row.value, 1e-9);
    }
  }
  const std::vector<std::uint16_t> binder_25{0x0000, 0x41C8};
  EXPECT_EQ(register_chamber::decode(register_of(RegisterType::f32), binder_25, WordOrder::cdab), 25.0);
  EXPECT_NEAR(*register_chamber::decode(register_of(RegisterType::s16, 0.1), std::vector<std::uint16_t>{0xFE70}, WordOrder::abcd),
              -40.0, 1e-9);
}

TEST(RegisterChamberMap, what_a_register_cannot_hold_is_not_written) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const RegisterType type :
       {RegisterType::u16, RegisterType::s16, RegisterType::u32, RegisterType::s32, RegisterType::f32}) {
    EXPECT_FALSE(register_chamber::encode(register_of(type), nan, WordOrder::abcd));
    EXPECT_FALSE(register_chamber::encode(register_of(type), 1e300, WordOrder::abcd));
  }
  EXPECT_FALSE(register_chamber::encode(register_of(RegisterType::u16), -1, WordOrder::abcd));
  EXPECT_FALSE(register_chamber::encode(register_of(RegisterType::s16, 0.01), 400.0, WordOrder::abcd));
  EXPECT_FALSE(register_chamber::encode(register_of(RegisterType::text), 1, WordOrder::abcd));
  EXPECT_FALSE(register_chamber::decode(register_of(RegisterType::f32), std::vector<std::uint16_t>{1}, WordOrder::abcd));
}

/// A Binder whose registers are the test's.
struct FakeBinder {
  VirtualTime time;
  ScriptedBus* bus = nullptr;
  std::unique_ptr<RegisterChamber> chamber;

  explicit FakeBinder(RegisterChamberModel model = load_register_chamber_model(model_path("binder-mb1"))) {
    auto owned = std::make_unique<ScriptedBus>(time);
    bus = owned.get();
    for (const std::uint16_t word : {0x1A22, 0x10BD, 0x123D}) bus->registers[word] = 0;
    for (const std::uint16_t address : {0x1077, 0x1581, 0x156F}) put(address, 23.0F);
    put(0x11A9, 25.0F);
    bus->after_write = [this] {
      bus->registers[0x1077] = bus->registers[0x1581];
      bus->registers[0x1078] = bus->registers[0x1582];
    };
    chamber = std::make_unique<RegisterChamber>(time, std::move(owned), std::move(model));
  }
  void put(std::uint16_t address, float value) const {
    const modbus::Words words = modbus::pack_f32(value, WordOrder::cdab);
    bus->registers[address] = words[0];
    bus->registers[static_cast<std::uint16_t>(address + 1)] = words[1];
  }
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time.now() + duration}; }
};

Task<void> do_identify(FakeBinder& rig, Result<InstrumentIdentity>& result) {
  result = co_await rig.chamber->identify(rig.in(1s));
}
Task<void> do_arm(FakeBinder& rig, ChamberLimits limits, Result<void>& result) {
  result = co_await rig.chamber->arm(limits, rig.in(1s));
}
Task<void> do_run(FakeBinder& rig, Celsius setpoint, Result<void>& result) {
  result = co_await rig.chamber->run(setpoint, rig.in(1s));
}
Task<void> do_stop(FakeBinder& rig, Result<void>& result) { result = co_await rig.chamber->stop(rig.in(1s)); }
Task<void> do_measure(FakeBinder& rig, Result<ChamberReadings>& result) { result = co_await rig.chamber->measure(rig.in(1s)); }

const ChamberLimits limits{.setpoint_min = Celsius{-20}, .setpoint_max = Celsius{60}};

TEST(BinderMb1, writes_both_set_points_before_the_mode_and_stops_with_idle) {
  FakeBinder rig;
  Result<void> result;
  run_task(rig.time, do_arm(rig, limits, result));
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_TRUE(rig.bus->writes.empty()) << "it has no limits to write";
  run_task(rig.time, do_run(rig, Celsius{25}, result));
  ASSERT_TRUE(result) << result.error().what;
  std::vector<std::uint16_t> addresses;
  for (const ScriptedBus::Write& write : rig.bus->writes) addresses.push_back(write.address);
  EXPECT_EQ(addresses, (std::vector<std::uint16_t>{0x156F, 0x1570, 0x1581, 0x1582, 0x1A22}));
  EXPECT_EQ(rig.bus->registers[0x1A22], 0x0800);
  run_task(rig.time, do_stop(rig, result));
  EXPECT_TRUE(result);
  EXPECT_EQ(rig.bus->registers[0x1A22], 0);
}

// Nobody but the driver keeps the limits: it keeps them in run() and in measure().
TEST(BinderMb1, a_temperature_outside_armed_limits_is_an_alarm) {
  FakeBinder rig;
  EXPECT_FALSE(rig.chamber->capabilities().has_own_limits);
  Result<void> result;
  run_task(rig.time, do_arm(rig, limits, result));
  for (const double value : {60.1, -20.1, std::nan("")}) {
    run_task(rig.time, do_run(rig, Celsius{value}, result));
    EXPECT_EQ(result.error().fault, Fault::refused) << value;
  }
  Result<ChamberReadings> readings;
  for (const auto& [degC, is_alarm] : {std::pair{64.9F, false}, {65.1F, true}, {-24.9F, false}, {-25.1F, true}, {25.0F, false}}) {
    rig.put(0x11A9, degC);
    run_task(rig.time, do_measure(rig, readings));
    ASSERT_TRUE(readings);
    EXPECT_EQ(readings->alarm, is_alarm) << degC;
  }
  for (const std::uint16_t address : {0x123D, 0x10BD}) {
    rig.bus->registers[address] = 1;
    run_task(rig.time, do_measure(rig, readings));
    EXPECT_TRUE(readings->alarm);
    rig.bus->registers[address] = 0;
  }
}

TEST(BinderMb1, arms_nothing_without_a_temperature) {
  FakeBinder rig;
  rig.put(0x11A9, std::nanf(""));
  Result<void> result;
  run_task(rig.time, do_arm(rig, limits, result));
  EXPECT_EQ(result.error().fault, Fault::device_fault);
  run_task(rig.time, do_run(rig, Celsius{25}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
}

TEST(BinderMb1, a_program_of_its_own_is_left_alone_and_a_strange_mode_is_another_controller) {
  FakeBinder rig;
  Result<void> result;
  run_task(rig.time, do_arm(rig, limits, result));
  rig.bus->registers[0x1A22] = 0x0400;
  run_task(rig.time, do_run(rig, Celsius{25}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
  Result<InstrumentIdentity> identity;
  run_task(rig.time, do_identify(rig, identity));
  EXPECT_TRUE(identity);
  rig.bus->registers[0x1A22] = 7;
  run_task(rig.time, do_identify(rig, identity));
  EXPECT_EQ(identity.error().fault, Fault::refused);
  rig.bus->registers[0x1A22] = 0;
  rig.bus->registers[0x123D] = 1;
  run_task(rig.time, do_identify(rig, identity));
  EXPECT_EQ(identity.error().fault, Fault::device_fault) << "an alarm is pending";
}

// Exception 5 is "busy" on the bus; here it means that somebody has the panel, and asking again would be no use.
TEST(BinderMb1, a_denied_write_is_a_refusal) {
  FakeBinder rig;
  Result<void> result;
  run_task(rig.time, do_arm(rig, limits, result));
  const int before = rig.bus->exchange_count;
  rig.bus->fails = [before](int number) -> std::optional<Error> {
    if (number == before + 2) return fail(Fault::busy, "Modbus exception 5");  // mode, basic set-point, then its write
    return std::nullopt;
  };
  run_task(rig.time, do_run(rig, Celsius{40}, result));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::refused);
  EXPECT_NE(result.error().what.find("denies write access to basic_setpoint"), std::string::npos) << result.error().what;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

/// A controller of tenths of degrees in 16 bits: another model file, and no code.
RegisterChamberModel tenths() {
  std::string text = text_of(model_path("binder-mb1"));
  for (const std::string name : {"temperature", "setpoint_in_force", "manual_setpoint", "basic_setpoint"}) {
    const std::size_t at = text.find("type: f32", text.find("  " + name + ": {at:"));
    text.replace(at, 9, "type: s16, scale: 0.1");
  }
  const std::string path = ::testing::TempDir() + "cellrig-tenths-" + std::to_string(::getpid()) + ".yaml";
  std::ofstream{path} << text;
  RegisterChamberModel model = load_register_chamber_model(path);
  std::remove(path.c_str());
  return model;
}

TEST(RegisterChamber, speaks_tenths_of_degrees_in_16_bits_where_the_model_file_says_so) {
  FakeBinder rig{tenths()};
  for (const std::uint16_t address : {0x11A9, 0x1077, 0x1581, 0x156F}) rig.bus->registers[address] = 250;
  Result<void> result;
  run_task(rig.time, do_arm(rig, limits, result));
  ASSERT_TRUE(result) << result.error().what;
  run_task(rig.time, do_run(rig, Celsius{-10.54}, result));
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(static_cast<std::int16_t>(rig.bus->registers[0x1581]), -105);
  EXPECT_EQ(static_cast<std::int16_t>(rig.bus->registers[0x156F]), -105);
  Result<ChamberReadings> readings;
  run_task(rig.time, do_measure(rig, readings));
  ASSERT_TRUE(readings);
  EXPECT_NEAR(readings->temperature.value, 25.0, 1e-9);
  EXPECT_NEAR(readings->setpoint.value(), -10.5, 1e-9);
}

/// One register chamber with a list of two to stop it.
RegisterChamberModel two_ways_to_stop() {
  RegisterChamberModel model;
  model.capabilities.model = "Two ways";
  model.capabilities.temperature_min = Celsius{-40};
  model.capabilities.temperature_max = Celsius{100};
  model.attempt_timeout = 1s;
  const ChamberRegister valve{.name = "valve", .addresses = {1}};
  const ChamberRegister heater{.name = "heater", .addresses = {2}};
  model.stop = {RegisterWrite{.where = valve}, RegisterWrite{.where = heater}};
  model.stopped = {RegisterTest{.where = heater, .values = {0}}};
  return model;
}

Task<void> stop_chamber(RegisterChamber& chamber, Deadline deadline, Result<void>& result) {
  result = co_await chamber.stop(deadline);
}

// A write that is refused is no reason to leave the heater on.
TEST(RegisterChamber, stop_tries_every_write_of_its_list) {
  VirtualTime time;
  auto owned = std::make_unique<ScriptedBus>(time);
  ScriptedBus& bus = *owned;
  bus.registers[1] = bus.registers[2] = 1;
  bus.fails = [](int number) -> std::optional<Error> {
    if (number == 0) return fail(Fault::refused, "Modbus exception 4");
    return std::nullopt;
  };
  RegisterChamber chamber{time, std::move(owned), two_ways_to_stop()};
  Result<void> result;
  run_task(time, stop_chamber(chamber, Deadline{time.now() + 2s}, result));
  EXPECT_TRUE(result) << result.error().what;
  EXPECT_EQ(bus.registers[2], 0);
}

TEST(RegisterChamber, the_event_of_the_bench_file_chooses_among_the_addresses) {
  RegisterChamberModel model = load_register_chamber_model(model_path("watlow-f4t"));
  EXPECT_EQ(model.event_count, 8);
  EXPECT_EQ(model.event, 1);
  EXPECT_EQ(model.stop.front().where.address(1), 16594);
  EXPECT_EQ(model.stop.front().where.address(5), 16822);
  EXPECT_EQ(load_register_chamber_model(model_path("binder-mb1")).event_count, 0);
}

TEST(RegisterChamber, on_a_serial_line_the_f4t_has_other_units_and_a_pause) {
  const RegisterChamberModel tcp = load_register_chamber_model(model_path("watlow-f4t"));
  const RegisterChamberModel rtu = load_register_chamber_model(model_path("watlow-f4t-rtu"));
  EXPECT_EQ(tcp.checks.at(1).where.address(1), 6730);
  EXPECT_EQ(rtu.checks.at(1).where.address(1), 14080);
  EXPECT_GE(rtu.request_gap, 30ms);
}

}  // namespace
}  // namespace cellrig
