// Readings out of registers: the sample frames of the load cell's documentation, and what must not become a number.
#include <gtest/gtest.h>

#include <memory>

#include "controller/async/virtual_time.hpp"
#include "drivers/instruments/register_sensor.hpp"
#include "drivers/models/model_file.hpp"
#include "tests/unit/drivers/scripted_bus.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedBus;

std::string model_path(const std::string& name) { return std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml"; }

struct Rig {
  explicit Rig(const std::string& model) {
    auto made = std::make_unique<ScriptedBus>(time);
    bus = made.get();
    sensor = std::make_unique<RegisterSensor>(time, std::move(made), load_register_sensor_model(model_path(model)));
  }
  template <class T>
  T finish(Task<T> task) {
    std::optional<T> result;
    const auto keep = [](VirtualTime* clock, Task<T> inner, std::optional<T>* into) -> Task<void> {
      into->emplace(co_await std::move(inner));
      clock->stop();
    };
    time.spawn(keep(&time, std::move(task), &result));
    time.run();
    return *result;
  }
  Result<InstrumentIdentity> identify() { return finish(sensor->identify(Deadline{time.now() + 1s})); }
  Result<void> measure(std::span<Reading> into) { return finish(sensor->measure(into, Deadline{time.now() + 1s})); }

  VirtualTime time;
  ScriptedBus* bus = nullptr;
  std::unique_ptr<RegisterSensor> sensor;
};

/// Net, weight, status and the protocol register of a load cell.
struct LoadCell : Rig {
  LoadCell() : Rig("loadcell-aje") {
    set(82, 0);
    set(80, 0);
    bus->registers[8] = 0;
    bus->registers[3] = 1;
  }
  void set(std::uint16_t address, std::int32_t value) {
    bus->registers[address] = static_cast<std::uint16_t>(static_cast<std::uint32_t>(value) >> 16U);
    bus->registers[static_cast<std::uint16_t>(address + 1)] =
        static_cast<std::uint16_t>(static_cast<std::uint32_t>(value) & 0xFFFFU);
  }
};

// 01 03 04 00 00 00 84 and 01 03 04 FF FF C1 EF, and a status of two decimals: the documentation's own replies.
TEST(RegisterSensor, decodes_the_sample_replies_of_the_load_cell) {
  LoadCell cell;
  cell.bus->registers[80] = 0x0000;
  cell.bus->registers[81] = 0x0084;
  cell.bus->registers[82] = 0xFFFF;
  cell.bus->registers[83] = 0xC1EF;
  ASSERT_TRUE(cell.identify());
  std::array<Reading, 2> into;
  ASSERT_TRUE(cell.measure(into));
  EXPECT_EQ(into[0].value, -15889.0) << "net";
  EXPECT_EQ(into[1].value, 132.0) << "weight";
  cell.bus->registers[8] = 0x0802;  // peak flag, two decimals
  ASSERT_TRUE(cell.measure(into));
  EXPECT_DOUBLE_EQ(into[0].value, -158.89);
  EXPECT_DOUBLE_EQ(into[1].value, 1.32);
  EXPECT_EQ(into[0].quality, Quality::good);
}

TEST(RegisterSensor, overflow_and_overload_are_no_numbers_and_unstable_is_one) {
  struct Case {
    std::uint16_t status;
    Quality quality;
  };
  for (const Case c : {Case{0, Quality::good}, Case{1U << 5U, Quality::good}, Case{1U << 3U, Quality::good},
                       Case{1U << 6U, Quality::bad}, Case{1U << 9U, Quality::bad}, Case{(1U << 9U) | 2U, Quality::bad}}) {
    LoadCell cell;
    cell.set(82, 1000);
    ASSERT_TRUE(cell.identify());
    cell.bus->registers[8] = c.status;
    std::array<Reading, 1> into;
    ASSERT_TRUE(cell.measure(into));
    EXPECT_EQ(into[0].quality, c.quality) << c.status;
    EXPECT_EQ(into[0].usable(), c.quality == Quality::good);
  }
}

// An overload that comes between two exchanges must not be missed.
TEST(RegisterSensor, asks_for_the_status_after_the_values) {
  LoadCell cell;
  ASSERT_TRUE(cell.identify());
  cell.bus->reads.clear();
  std::array<Reading, 2> into;
  ASSERT_TRUE(cell.measure(into));
  EXPECT_EQ(cell.bus->reads, (std::vector<std::uint16_t>{82, 80, 8}));
}

TEST(RegisterSensor, writes_nothing_whatever_it_is_asked) {
  LoadCell cell;
  ASSERT_TRUE(cell.identify());
  std::array<Reading, 2> into;
  ASSERT_TRUE(cell.measure(into));
  EXPECT_TRUE(cell.bus->writes.empty());
}

TEST(RegisterSensor, one_that_is_set_up_differently_is_refused_and_measures_nothing) {
  LoadCell cell;
  cell.bus->registers[3] = 2;  // ASCII
  const Result<InstrumentIdentity> identity = cell.identify();
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().fault, Fault::refused);
  EXPECT_NE(identity.error().what.find("not set to Modbus RTU"), std::string::npos) << identity.error().what;
  std::array<Reading, 1> into;
  EXPECT_FALSE(cell.measure(into));
}

TEST(RegisterSensor, fills_nothing_when_any_of_its_exchanges_fails) {
  for (int n = 0; n < 3; ++n) {
    LoadCell cell;
    ASSERT_TRUE(cell.identify());
    const int first = cell.bus->exchange_count;
    cell.bus->fails = [n, first](int number) {
      return number == first + n ? std::optional{fail(Fault::malformed, "garbled")} : std::nullopt;
    };
    std::array<Reading, 2> into;
    EXPECT_FALSE(cell.measure(into)) << n;
    EXPECT_EQ(into[0].quality, Quality::missing);
    EXPECT_EQ(into[1].quality, Quality::missing);
  }
}

// One lost answer on a serial line is no reason to trip a cell.
TEST(RegisterSensor, a_lost_answer_is_asked_for_once_more) {
  LoadCell cell;
  cell.set(82, 500);
  ASSERT_TRUE(cell.identify());
  const int first = cell.bus->exchange_count;
  cell.bus->fails = [first](int number) {
    return number == first ? std::optional{fail(Fault::timeout, "no answer in time")} : std::nullopt;
  };
  std::array<Reading, 1> into;
  const TimePoint begun = cell.time.now();
  ASSERT_TRUE(cell.measure(into));
  EXPECT_EQ(into[0].value, 500.0);
  EXPECT_EQ(into[0].at, midpoint(begun + 1ms, cell.time.now())) << "of the exchange that brought it";
}

TEST(RegisterSensor, inputs_that_it_does_not_have_are_refused) {
  LoadCell cell;
  ASSERT_TRUE(cell.identify());
  std::array<Reading, 3> too_many;
  EXPECT_EQ(cell.measure(too_many).error().fault, Fault::refused);
  for (const int input : {-1, 2}) {
    const std::array<int, 1> inputs{input};
    std::array<Reading, 1> into;
    EXPECT_EQ(cell.finish(cell.sensor->measure_inputs(inputs, into, Deadline{cell.time.now() + 1s})).error().fault,
              Fault::refused);
  }
}

// 0x00BD = 18.9 ppm: the sample of the notes.
TEST(RegisterSensor, decodes_the_sample_of_the_gas_sensor) {
  Rig gas("gas-jxbs-3001-co");
  gas.bus->registers[6] = 0x00BD;
  ASSERT_TRUE(gas.identify());
  std::array<Reading, 1> into;
  ASSERT_TRUE(gas.measure(into));
  EXPECT_NEAR(into[0].value, 18.9, 1e-9);
  gas.bus->registers[6] = 65535;
  ASSERT_TRUE(gas.measure(into));
  EXPECT_EQ(into[0].quality, Quality::bad) << "beyond its range";
}

TEST(RegisterSensor, decodes_every_type_in_both_orders) {
  struct Case {
    RegisterType type;
    modbus::WordOrder order;
    std::array<std::uint16_t, 2> words;
    double value;
  };
  const LoggerInput input{InputQuantity::force, -1e12, 1e12, {}};
  for (const Case& c : {Case{RegisterType::u16, modbus::WordOrder::abcd, {0xFFFE, 0}, 65534.0},
                        Case{RegisterType::s16, modbus::WordOrder::abcd, {0xFFFE, 0}, -2.0},
                        Case{RegisterType::u32, modbus::WordOrder::abcd, {0xFFFF, 0xFFFE}, 4294967294.0},
                        Case{RegisterType::s32, modbus::WordOrder::abcd, {0xFFFF, 0xFFFE}, -2.0},
                        Case{RegisterType::s32, modbus::WordOrder::cdab, {0xFFFE, 0xFFFF}, -2.0},
                        Case{RegisterType::f32, modbus::WordOrder::abcd, {0x40B0, 0x0000}, 5.5},
                        Case{RegisterType::f32, modbus::WordOrder::cdab, {0x0000, 0x40B0}, 5.5}}) {
    const SensorRegister from{.type = c.type, .order = c.order};
    const Reading reading = register_sensor::decode(from, input, c.words, std::nullopt, 0, TimePoint{});
    EXPECT_EQ(reading.value, c.value);
    EXPECT_EQ(reading.quality, Quality::good);
  }
  const SensorRegister from{.type = RegisterType::f32};
  for (const std::array<std::uint16_t, 2>& words : {std::array<std::uint16_t, 2>{0x7FC0, 0}, {0x7F80, 0}, {0xFF80, 0}}) {
    EXPECT_EQ(register_sensor::decode(from, input, words, std::nullopt, 0, TimePoint{}).quality, Quality::bad) << "NaN, infinity";
  }
}

}  // namespace
}  // namespace cellrig
