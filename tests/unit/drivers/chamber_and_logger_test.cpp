#include <gtest/gtest.h>

#include <cmath>

#include "controller/async/virtual_time.hpp"
#include "drivers/instruments/adam_6018.hpp"
#include "drivers/instruments/register_chamber.hpp"
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

const ChamberLimits limits{.setpoint_min = Celsius{-20}, .setpoint_max = Celsius{60}};

struct FakeF4t {
  VirtualTime time;
  ScriptedBus* bus = nullptr;
  std::unique_ptr<RegisterChamber> chamber;
  bool mode_sticks = false;

  FakeF4t() {
    auto owned = std::make_unique<ScriptedBus>(time);
    bus = owned.get();
    for (std::uint16_t a = 0; a < 40; ++a) bus->registers[a] = 0;
    bus->registers[16] = 'F';
    bus->registers[17] = '4';
    bus->registers[18] = 'T';
    const std::map<std::uint16_t, std::uint16_t> words{{90, 138},  {6730, 15}, {2730, 62},   {2814, 62},  {1330, 62}, {1332, 53},
                                                       {1342, 60}, {1356, 61}, {16568, 148}, {16594, 62}, {16566, 0}};
    for (const auto& [address, value] : words) bus->registers[address] = value;
    put(2774, -73.0F);
    put(2776, 190.0F);
    put(2782, 100.0F);
    put(2820, 25.0F);
    put(1334, 0.0F);
    put(1336, 0.0F);
    bus->after_write = [this] {
      if (!mode_sticks) bus->registers[2814] = bus->registers[2730];
    };
    chamber = std::make_unique<RegisterChamber>(time, std::move(owned), load_register_chamber_model(model_path("watlow-f4t")));
  }
  void put(std::uint16_t address, float value) {
    const modbus::Words words = modbus::pack_f32(value, WordOrder::cdab);
    bus->registers[address] = words[0];
    bus->registers[static_cast<std::uint16_t>(address + 1)] = words[1];
  }
  [[nodiscard]] float get(std::uint16_t address) const {
    const modbus::Words words{bus->registers.at(address), bus->registers.at(static_cast<std::uint16_t>(address + 1))};
    return modbus::unpack_f32(words, WordOrder::cdab);
  }
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time.now() + duration}; }
};

Task<void> f4t_arm(FakeF4t& rig, Result<void>& result) { result = co_await rig.chamber->arm(limits, rig.in(5s)); }
Task<void> f4t_run(FakeF4t& rig, Celsius setpoint, Result<void>& result) {
  result = co_await rig.chamber->run(setpoint, rig.in(2s));
}
Task<void> f4t_stop(FakeF4t& rig, Result<void>& result) { result = co_await rig.chamber->stop(rig.in(2s)); }
Task<void> f4t_measure(FakeF4t& rig, Result<ChamberReadings>& result) { result = co_await rig.chamber->measure(rig.in(1s)); }
Task<void> f4t_identify(FakeF4t& rig, Result<InstrumentIdentity>& result) { result = co_await rig.chamber->identify(rig.in(1s)); }

TEST(WatlowF4t, arms_runs_measures_and_stops) {
  FakeF4t rig;
  Result<void> result;
  run_task(rig.time, f4t_run(rig, Celsius{25}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);  // before arm()
  run_task(rig.time, f4t_arm(rig, result));
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(rig.get(2774), -20.0F);
  EXPECT_EQ(rig.get(2776), 60.0F);
  EXPECT_EQ(rig.get(1334), 65.0F);
  EXPECT_EQ(rig.get(1336), -25.0F);
  EXPECT_EQ(rig.bus->registers[1330], 76);
  EXPECT_EQ(rig.bus->registers[16594], 62);  // nothing runs yet
  run_task(rig.time, f4t_run(rig, Celsius{-10}, result));
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(rig.get(2782), -10.0F);
  EXPECT_EQ(rig.bus->registers[2730], 10);
  EXPECT_EQ(rig.bus->registers[16594], 63);
  Result<ChamberReadings> readings;
  run_task(rig.time, f4t_measure(rig, readings));
  EXPECT_TRUE(readings->running);
  EXPECT_FALSE(readings->alarm);
  EXPECT_EQ(readings->temperature.value, 25.0);
  EXPECT_EQ(readings->setpoint, Celsius{-10});
  run_task(rig.time, f4t_stop(rig, result));
  EXPECT_TRUE(result);
  EXPECT_EQ(rig.bus->registers[16594], 62);
  EXPECT_EQ(rig.bus->registers[2730], 62);
}

TEST(WatlowF4t, writes_its_memory_only_where_it_differs) {
  FakeF4t rig;
  Result<void> result;
  run_task(rig.time, f4t_arm(rig, result));
  rig.bus->writes.clear();
  run_task(rig.time, f4t_arm(rig, result));
  EXPECT_TRUE(result);
  EXPECT_TRUE(rig.bus->writes.empty());
}

TEST(WatlowF4t, refuses_a_setpoint_outside_its_limits_and_beside_a_profile) {
  FakeF4t rig;
  Result<void> result;
  run_task(rig.time, f4t_arm(rig, result));
  for (const double value : {61.0, -21.0, std::nan("")}) {
    run_task(rig.time, f4t_run(rig, Celsius{value}, result));
    EXPECT_EQ(result.error().fault, Fault::refused) << value;
  }
  rig.bus->registers[16568] = 149;
  run_task(rig.time, f4t_run(rig, Celsius{25}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
  run_task(rig.time, f4t_stop(rig, result));
  EXPECT_EQ(rig.bus->registers[16566], 148);  // stop ends the profile
}

// F16, F35: nonsense is no temperature.
TEST(WatlowF4t, nonsense_is_no_temperature) {
  FakeF4t rig;
  Result<InstrumentIdentity> identity;
  run_task(rig.time, f4t_identify(rig, identity));
  ASSERT_TRUE(identity) << identity.error().what;
  std::swap(rig.bus->registers[2820], rig.bus->registers[2821]);
  run_task(rig.time, f4t_identify(rig, identity));
  EXPECT_EQ(identity.error().fault, Fault::refused);  // 25.0 with its words swapped is next to zero
  rig.put(2820, 25.3F);
  std::swap(rig.bus->registers[2820], rig.bus->registers[2821]);
  run_task(rig.time, f4t_identify(rig, identity));
  EXPECT_EQ(identity.error().fault, Fault::refused);
  Result<ChamberReadings> readings;
  rig.put(2820, std::nanf(""));
  run_task(rig.time, f4t_measure(rig, readings));
  EXPECT_EQ(readings->temperature.quality, Quality::bad);
  rig.put(2820, 3000.0F);
  run_task(rig.time, f4t_measure(rig, readings));
  EXPECT_EQ(readings->temperature.quality, Quality::bad);
  rig.bus->registers[6730] = 30;
  rig.put(2820, 77.0F);
  run_task(rig.time, f4t_identify(rig, identity));
  EXPECT_EQ(identity.error().fault, Fault::refused);  // degrees Fahrenheit
}

TEST(WatlowF4t, stop_is_confirmed_or_fails_by_its_deadline) {
  FakeF4t rig;
  rig.mode_sticks = true;
  rig.bus->registers[2814] = 10;
  Result<void> result;
  const TimePoint start = rig.time.now();
  run_task(rig.time, f4t_stop(rig, result));
  EXPECT_FALSE(result);
  EXPECT_LE(rig.time.now() - start, 2s);
}

struct FakeAdam {
  VirtualTime time;
  ScriptedBus* bus = nullptr;
  std::unique_ptr<Adam6018> adam;

  FakeAdam() {
    auto owned = std::make_unique<ScriptedBus>(time);
    bus = owned.get();
    for (std::uint16_t i = 0; i < 8; ++i) {
      bus->registers[i] = 16384;
      bus->registers[static_cast<std::uint16_t>(200 + i)] = 1088;  // T
    }
    adam = std::make_unique<Adam6018>(time, std::move(owned), load_adam_6018_model(model_path("adam-6018")));
  }
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time.now() + duration}; }
};

Task<void> adam_identify(FakeAdam& rig, Result<InstrumentIdentity>& result) { result = co_await rig.adam->identify(rig.in(1s)); }
Task<void> adam_measure(FakeAdam& rig, std::span<Reading> into, Result<void>& result) {
  result = co_await rig.adam->measure(into, rig.in(1s));
}
Task<void> adam_set(FakeAdam& rig, int channel, bool energised, Result<void>& result) {
  result = co_await rig.adam->set(channel, energised, rig.in(1s));
}

TEST(Adam6018, measures_after_its_types_were_verified) {
  FakeAdam rig;
  std::array<Reading, 3> readings{};
  Result<void> result;
  run_task(rig.time, adam_measure(rig, readings, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
  Result<InstrumentIdentity> identity;
  run_task(rig.time, adam_identify(rig, identity));
  ASSERT_TRUE(identity) << identity.error().what;
  rig.bus->registers[1] = 65535;
  rig.bus->registers[2] = 0;
  run_task(rig.time, adam_measure(rig, readings, result));
  ASSERT_TRUE(result);
  EXPECT_NEAR(readings[0].value, 25.0, 0.01);  // -100 + 500 / 4
  EXPECT_EQ(readings[1].quality, Quality::bad);
  EXPECT_EQ(readings[2].quality, Quality::bad);
}

TEST(Adam6018, refuses_another_thermocouple_type) {
  FakeAdam rig;
  rig.bus->registers[203] = 1056;
  Result<InstrumentIdentity> identity;
  run_task(rig.time, adam_identify(rig, identity));
  EXPECT_EQ(identity.error().fault, Fault::refused);
}

TEST(Adam6018, sets_a_relay_and_reads_it_back) {
  FakeAdam rig;
  Result<void> result;
  run_task(rig.time, adam_set(rig, 3, true, result));
  EXPECT_TRUE(result);
  EXPECT_TRUE(rig.bus->coils[19]);
  rig.bus->after_write = [&rig] { rig.bus->coils[19] = true; };  // welded
  run_task(rig.time, adam_set(rig, 3, false, result));
  EXPECT_EQ(result.error().fault, Fault::device_fault);
  run_task(rig.time, adam_set(rig, 8, false, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
}

// The second path to OFF never waits for a measurement, and survives a reply that is lost.
TEST(Adam6018, opening_a_relay_cuts_a_measurement_and_tries_again) {
  FakeAdam rig;
  Result<InstrumentIdentity> identity;
  run_task(rig.time, adam_identify(rig, identity));
  Result<void> measured, opened;
  std::array<Reading, 8> readings{};
  rig.bus->coils[19] = true;
  rig.bus->is_silent = true;
  rig.time.spawn(adam_measure(rig, readings, measured));
  struct Local {
    static Task<void> open(FakeAdam& adam, Result<void>& result) {
      co_await adam.time.sleep_for(10ms);
      adam.bus->is_silent = false;
      const int next = adam.bus->exchange_count;
      adam.bus->fails = [next](int number) -> std::optional<Error> {
        if (number == next) return fail(Fault::timeout, "lost");
        return std::nullopt;
      };
      result = co_await adam.adam->set(3, false, adam.in(1s));
    }
  };
  run_task(rig.time, Local::open(rig, opened));
  EXPECT_TRUE(opened);
  EXPECT_FALSE(rig.bus->coils[19]);
  EXPECT_EQ(measured.error().fault, Fault::interrupted);
  EXPECT_LT(rig.time.now(), TimePoint{200ms});
}

}  // namespace
}  // namespace cellrig
