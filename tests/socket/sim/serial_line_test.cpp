// SimServer on pseudo-terminals, and the drivers' lines on them: several units on one, hang-ups, faults of the wire, RTU inside TCP.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "controller/async/lockstep_time.hpp"
#include "controller/async/real_time.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/bench/links.hpp"
#include "controller/runtime/config.hpp"
#include "sim/bench.hpp"
#include "sim/faults.hpp"
#include "sim/net/server.hpp"
#include "tests/unit/drivers/run_task.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::run_task;

constexpr const char* bench_text = R"(bench: lines
instruments:
  psb1: {model: ea-psb-10060-60, modbus: {serial: /dev/ttyACM0}, unit: 0, scpi: "192.0.2.10:5025"}
  f4t: {model: watlow-f4t, modbus: {serial: /dev/ttyUSB0, baud: 38400}, unit: 1}
  adam: {model: adam-6018, modbus: {serial: /dev/ttyUSB0, baud: 38400}, unit: 2}
  far: {model: adam-6018, modbus: {rtu_over_tcp: "192.0.2.20:10001"}}
chambers:
  oven: {instrument: f4t}
channels:
  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, ambient_temperature: {logger: far, input: 0}, chamber: oven}
simulation:
  cells:
    ch1: {file: lg-m50, soc_pct: 50}
)";

constexpr ModbusAddress f4t_value{.unit = 1, .address = 2820}, adam_types{.unit = 2, .address = 200},
    far_types{.unit = 1, .address = 200};

enum class Kind : unsigned char { real, lockstep };

class SerialLines : public ::testing::TestWithParam<Kind> {
 protected:
  SerialLines() {
    const std::string file = std::filesystem::temp_directory_path() / ("cellrig-lines-" + std::to_string(::getpid()) + ".yaml");
    std::ofstream{file} << bench_text;
    config_ = load_bench(file);
    bench_ = sim::SimulatedBench::load(file, sim::BenchOptions{{cell_directory()}, 1});
    std::filesystem::remove(file);
    server_ = std::make_unique<sim::SimServer>(*bench_, sim::ServerOptions{});
    for (auto& [name, instrument] : config_.instruments) {
      for (auto& [port, address] : instrument.addresses) move_to(address, server_->address_of(name, port), instrument.place);
    }
    // Orders that are given before it serves need no back door.
    server_order_ = [this](const std::string& order) {
      const Result<void> done = sim::apply_fault(*bench_, bench_->now(), order);
      EXPECT_TRUE(done) << done.error().what;
    };
  }
  ~SerialLines() override {
    buses_.clear();
    links_.reset();
    time_.reset();
    server_->stop();
  }
  void start() {
    server_->start();
    if (GetParam() == Kind::lockstep) {
      time_ = std::make_unique<LockstepTime>(server_->host(), server_->back_door_port());
    } else {
      time_ = std::make_unique<RealTime>();
    }
    links_ = cli::socket_links(*time_, GetParam() == Kind::lockstep);
  }
  ModbusBus& bus(const std::string& name) {
    std::unique_ptr<ModbusBus>& made = buses_[name];
    if (!made) made = links_->modbus(config_.instruments.at(name), Duration{});
    return *made;
  }
  Result<std::uint16_t> read(const std::string& name, ModbusAddress from, Duration patience = 2s) {
    Result<std::uint16_t> result = fail(Fault::interrupted, "never ended");
    run_task(*time_, read_task(bus(name), from, Deadline{time_->now() + patience}, result));
    return result;
  }
  static Task<void> read_task(ModbusBus& bus, ModbusAddress from, Deadline deadline, Result<std::uint16_t>& result) {
    std::array<std::uint16_t, 2> values{};
    const Result<void> done = co_await bus.read_holding(from, values, deadline);
    if (done) {
      result = values[1];
    } else {
      result = done.error();
    }
  }

  BenchConfig config_;
  std::unique_ptr<sim::SimulatedBench> bench_;
  std::unique_ptr<sim::SimServer> server_;
  std::function<void(const std::string&)> server_order_;
  std::unique_ptr<TimeSource> time_;
  std::unique_ptr<cli::LinkMaker> links_;
  std::map<std::string, std::unique_ptr<ModbusBus>> buses_;
};

TEST_P(SerialLines, one_pseudo_terminal_for_all_that_are_on_one_line) {
  EXPECT_EQ(server_->address_of("f4t", "modbus"), server_->address_of("adam", "modbus"));
  EXPECT_NE(server_->address_of("f4t", "modbus"), server_->address_of("psb1", "modbus"));
  EXPECT_TRUE(server_->address_of("f4t", "modbus").starts_with("serial:/"));
  EXPECT_TRUE(server_->address_of("far", "modbus").starts_with("rtu_over_tcp:127.0.0.1:"));
  EXPECT_TRUE(server_->address_of("psb1", "scpi").starts_with("127.0.0.1:"));
}

TEST_P(SerialLines, every_unit_answers_for_itself) {
  start();
  for (int i = 0; i < 5; ++i) {
    const Result<std::uint16_t> chamber = read("f4t", f4t_value), logger = read("adam", adam_types), far = read("far", far_types);
    ASSERT_TRUE(chamber) << chamber.error().what;
    EXPECT_EQ(*chamber & 0xFF00, 0x4100);  // the upper half of a float near 25
    ASSERT_TRUE(logger) << logger.error().what;
    EXPECT_EQ(*logger, 1088);
    ASSERT_TRUE(far) << far.error().what;
    EXPECT_EQ(*far, 1088);
  }
}

TEST_P(SerialLines, a_unit_that_is_not_there_is_a_time_out_and_the_other_goes_on) {
  server_order_("refuse adam for_s=1000");
  start();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(read("adam", adam_types, 400ms).error().fault, Fault::timeout);
    const Result<std::uint16_t> chamber = read("f4t", f4t_value);
    EXPECT_TRUE(chamber) << chamber.error().what;
  }
}

// Every fault of the wire is noticed, and the next exchange but one is good again.
TEST_P(SerialLines, faults_of_the_wire_are_noticed) {
  for (const char* const fault :
       {"drop f4t", "truncate f4t bytes=4", "duplicate f4t", "garble f4t bytes=3", "close f4t", "delay f4t delay_ms=1200"}) {
    server_order_(fault);
  }
  start();
  int good = 0;
  for (int i = 0; i < 40 && good < 3; ++i) {
    const Result<std::uint16_t> chamber = read("f4t", f4t_value, 1s);
    good = chamber ? good + 1 : 0;
    if (!chamber) continue;
    EXPECT_EQ(*chamber & 0xFF00, 0x4100);
  }
  EXPECT_EQ(good, 3);
}

// Somebody pulls the plug of the converter, and puts it in again.
TEST_P(SerialLines, a_line_that_hangs_up_is_lost_and_found_again_under_its_name) {
  server_order_("close psb1.modbus skip=1");
  start();
  const ModbusAddress state{.unit = 0, .address = 505};
  ASSERT_TRUE(read("psb1", state));
  EXPECT_EQ(read("psb1", state).error().fault, Fault::link_lost);
  Result<std::uint16_t> again = read("psb1", state);
  EXPECT_TRUE(again) << again.error().what;
}

INSTANTIATE_TEST_SUITE_P(Time, SerialLines, ::testing::Values(Kind::real, Kind::lockstep),
                         [](const ::testing::TestParamInfo<Kind>& kind) {
                           return kind.param == Kind::real ? "real" : "lockstep";
                         });

/// In real time nobody counts requests.
class SerialLinesInLockstep : public SerialLines {};

// A loose plug: the system gives the numbers of its devices again, and a line is not taken for the one that had its number before.
TEST_P(SerialLinesInLockstep, a_line_may_hang_up_more_often_than_there_are_numbers_for_it) {
  constexpr int hang_ups_asked = 140, numbers_kept = 64;
  server_order_("close psb1.modbus count=" + std::to_string(hang_ups_asked));
  start();
  const ModbusAddress state{.unit = 0, .address = 505};
  int lost = 0;
  Result<std::uint16_t> value = read("psb1", state);
  for (; !value && lost <= hang_ups_asked; ++lost) {
    ASSERT_EQ(value.error().fault, Fault::link_lost) << value.error().what;
    run_task(*time_, time_->sleep_for(11s));  // a reply that has not come by then never comes
    value = read("psb1", state);
  }
  EXPECT_TRUE(value) << value.error().what;
  EXPECT_GT(lost, numbers_kept);
}

INSTANTIATE_TEST_SUITE_P(Time, SerialLinesInLockstep, ::testing::Values(Kind::lockstep),
                         [](const ::testing::TestParamInfo<Kind>&) { return "lockstep"; });

}  // namespace
}  // namespace cellrig
