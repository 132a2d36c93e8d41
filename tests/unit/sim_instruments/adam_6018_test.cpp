#include "sim/instruments/adam_6018.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

struct Adam6018Test : testing::Test {
  explicit Adam6018Test(Adam6018Config config = {})
      : adam{std::move(config),
             {[this] { return temperature; }, [] { return std::optional<double>{-30.0}; }},
             [this](TimePoint at, int channel, bool closed) { switched.emplace_back(at, channel, closed); },
             [this](TimePoint to) { world = to; }} {}

  std::optional<double> temperature = 25.0;
  std::vector<std::tuple<TimePoint, int, bool>> switched;
  TimePoint world{};
  Adam6018 adam;
  ModbusClient client{adam};
};

TEST_F(Adam6018Test, scales_inputs_over_the_range_of_type_t) {
  EXPECT_EQ(client.read_one(at_s(0), 0), 16384);  // (25 + 100) / 500
  EXPECT_EQ(client.read_one(at_s(0), 1), 9175);
  temperature = -100.0;
  EXPECT_EQ(client.read_one(at_s(0), 0), 0);
  temperature = -200.0;
  EXPECT_EQ(client.read_one(at_s(0), 0), 0) << "clipped";
  temperature = 400.0;
  EXPECT_EQ(client.read_one(at_s(0), 0), 65535);
}

TEST_F(Adam6018Test, an_open_sensor_reads_full_scale) {
  temperature.reset();
  EXPECT_EQ(client.read_one(at_s(0), 0), 65535);
  EXPECT_EQ(client.read_one(at_s(0), 7), 65535) << "nothing connected";
  temperature = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(client.read_one(at_s(0), 0), 65535);
}

TEST_F(Adam6018Test, reads_with_both_functions_and_tells_its_type_codes) {
  EXPECT_EQ(client.read(at_s(0), 0, 2, 3), hex("03 04 4000 23D7"));
  EXPECT_EQ(client.read(at_s(0), 0, 2, 4), hex("04 04 4000 23D7"));
  EXPECT_EQ(client.read(at_s(0), 200, 8), hex("03 10 0440 0440 0440 0440 0440 0440 0440 0440"));
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0000 0002", 0).size(), 6U) << "unit 0, too";
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0000 0002", 2), "");
}

TEST_F(Adam6018Test, everything_else_is_an_exception) {
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0007 0002"), hex("83 02"));
  EXPECT_EQ(client.ask_hex(at_s(0), "03 00D3 0002"), hex("83 02")) << "211: no name to be read";
  EXPECT_EQ(client.ask_hex(at_s(0), "06 00C8 0420"), hex("86 01"));
  EXPECT_EQ(client.ask_hex(at_s(0), "01 000F 0002"), hex("81 02"));
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0010 0009"), hex("81 02"));
}

TEST_F(Adam6018Test, outputs_are_coils_from_16_on) {
  EXPECT_EQ(client.coil(at_s(1), 16, true), 0);
  EXPECT_EQ(client.ask_hex(at_s(2), "0F 0016 0002 01 03"), hex("0F 0016 0002"));
  EXPECT_EQ(client.ask_hex(at_s(3), "01 0010 0008"), hex("01 01 C1"));
  EXPECT_EQ(client.coil(at_s(4), 16, true), 0) << "no change";
  const std::vector<std::tuple<TimePoint, int, bool>> expected{{at_s(1), 0, true}, {at_s(2), 6, true}, {at_s(2), 7, true}};
  EXPECT_EQ(switched, expected);
}

struct Adam6018WithHostIdle : Adam6018Test {
  Adam6018WithHostIdle() : Adam6018Test{Adam6018Config{.host_idle_timeout = 5s, .safe_outputs = {false, true}}} {}
};

TEST_F(Adam6018WithHostIdle, falls_back_to_its_safe_outputs_when_nobody_speaks) {
  client.coil(at_s(1), 16, true);
  EXPECT_EQ(adam.next_event(), at_s(6));
  client.read_one(at_s(3), 0);
  ASSERT_EQ(adam.next_event(), at_s(8));
  switched.clear();
  adam.advance(at_s(20));
  const std::vector<std::tuple<TimePoint, int, bool>> expected{{at_s(8), 0, false}, {at_s(8), 1, true}};
  EXPECT_EQ(switched, expected);
  EXPECT_EQ(adam.next_event(), std::nullopt);
  client.read_one(at_s(30), 0);
  EXPECT_EQ(adam.next_event(), at_s(35)) << "counts again";
}

TEST_F(Adam6018WithHostIdle, its_watchdog_can_be_broken) {
  client.coil(at_s(1), 16, true);
  adam.faults().clear_watchdog = true;
  adam.advance(at_s(100));
  EXPECT_EQ(switched.size(), 1U);
}

TEST_F(Adam6018Test, honours_its_faults) {
  client.coil(at_s(0), 16, true);
  adam.faults().ignore_off = true;
  EXPECT_EQ(client.coil(at_s(1), 16, false), 0);
  EXPECT_EQ(client.ask_hex(at_s(2), "01 0010 0001"), hex("01 01 01"));
  adam.faults() = {.freeze_readings = true};
  client.read_one(at_s(3), 0);
  temperature = 90.0;
  EXPECT_EQ(client.read_one(at_s(4), 0), 16384);
  adam.faults() = {.nan_readings = true};
  EXPECT_EQ(client.read_one(at_s(5), 0), 65535);
  adam.faults() = {.extra_latency_s = 0.2, .identity = "1024"};
  EXPECT_EQ(client.read_one(at_s(6), 200), 1024);
  EXPECT_EQ(client.last().due, at_s(6) + 203ms);
}

TEST_F(Adam6018Test, a_power_cycle_opens_the_outputs) {
  client.coil(at_s(0), 17, true);
  adam.reboot(at_s(1));
  EXPECT_EQ(switched.back(), std::make_tuple(at_s(1), 1, false));
}

}  // namespace
}  // namespace cellrig::sim
