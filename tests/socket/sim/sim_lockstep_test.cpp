// The controller's own lockstep time, streams and Modbus bus against the simulator: nobody waits for ever, nothing is believed that
// should not be, and it is fast enough.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "controller/async/lockstep_time.hpp"
#include "drivers/modbus/libmodbus_bus.hpp"
#include "drivers/scpi/session.hpp"
#include "drivers/transport/tcp_stream.hpp"
#include "sim/faults.hpp"
#include "sim/net/server.hpp"
#include "sim/net/socket.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

const std::string root = CELLRIG_SOURCE_DIR;

class Lockstep : public ::testing::Test {
 public:
  void SetUp() override {
    for (const char* const order : orders_) {
      const Result<void> done = apply_fault(*bench_, TimePoint{}, order);
      ASSERT_TRUE(done) << done.error().what;
    }
  }
  /// Starts the simulator and runs one task to its end.
  void run(Task<void> (Lockstep::*body)()) {
    server_.start();
    time_ = std::make_unique<LockstepTime>("127.0.0.1", server_.back_door_port());
    LibmodbusBusOptions options;
    options.host = "127.0.0.1";
    options.port = server_.port_of("psb1", "modbus");
    options.response_timeout = 1h;
    bus_ = std::make_unique<LibmodbusBus>(*time_, options);
    stream_ = std::make_unique<TcpStream>(*time_, "127.0.0.1", server_.port_of("aps1", "scpi"));
    session_ = std::make_unique<ScpiSession>(*time_, *stream_);
    time_->spawn(with_end(body));
    time_->run();
  }
  Task<void> with_end(Task<void> (Lockstep::*body)()) {
    co_await (this->*body)();
    time_->stop();
  }
  void fault(const char* order) { orders_.push_back(order); }
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time_->now() + duration}; }

  Task<void> one_of_each() {
    const TimePoint start = time_->now();
    const ModbusAddress device_class{.unit = 0, .address = 0};
    EXPECT_TRUE(co_await bus_->read_holding(device_class, values_, in(1s)));
    EXPECT_EQ(time_->now(), start + 3ms);
    const Result<std::string> identity = co_await session_->query("*IDN?", in(1s));
    EXPECT_TRUE(identity);
    EXPECT_THAT(identity ? *identity : "", ::testing::HasSubstr("N6974A"));
  }
  /// Faults on both links from their second reply on: every call ends by its deadline, and in the end both work again.
  Task<void> through_faults() {
    for (int i = 0; i < 300; ++i) {
      const TimePoint before = time_->now();
      const ModbusAddress device_class{.unit = 0, .address = 0};
      static_cast<void>(co_await bus_->read_holding(device_class, values_, in(200ms)));
      EXPECT_LE(time_->now() - before, 200ms);
      const TimePoint between = time_->now();
      const Result<std::string> voltage = co_await session_->query("VOLT?", in(200ms));
      EXPECT_LE(time_->now() - between, 200ms);
      failures_ += voltage ? 0 : 1;
      co_await time_->sleep_for(1s);
    }
  }
  Task<void> poll_modbus(int count) {
    const ModbusAddress device_class{.unit = 0, .address = 0};
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(co_await bus_->read_holding(device_class, values_, in(1s)));
      co_await time_->sleep_for(97ms);
    }
    ++pollers_done_;
  }
  Task<void> poll_scpi(int count) {
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(co_await session_->query("VOLT?", in(1s)));
      co_await time_->sleep_for(97ms);
    }
    ++pollers_done_;
  }
  Task<void> two_pollers() {
    constexpr int count = 2000;
    const std::int64_t before = monotonic_ns();
    time_->spawn(poll_modbus(count));
    time_->spawn(poll_scpi(count));
    while (pollers_done_ < 2) co_await time_->sleep_for(1s);
    const double seconds = static_cast<double>(monotonic_ns() - before) * 1e-9;
    std::printf("lockstep, controller and simulator: %.0f samples/s on two channels\n", 2 * count / seconds);
  }

  std::vector<const char*> orders_;
  std::unique_ptr<SimulatedBench> bench_ =
      SimulatedBench::load(root + "/sim/benches/demo.yaml", {.cell_directories = {root + "/profiles/cells"}, .seed = 1});
  SimServer server_{*bench_, ServerOptions{}};
  std::unique_ptr<LockstepTime> time_;
  std::unique_ptr<LibmodbusBus> bus_;
  std::unique_ptr<TcpStream> stream_;
  std::unique_ptr<ScpiSession> session_;
  std::array<std::uint16_t, 1> values_{};
  int failures_ = 0;
  int pollers_done_ = 0;
};

TEST_F(Lockstep, an_exchange_takes_exactly_the_modelled_latency) { run(&Lockstep::one_of_each); }

class LockstepFaults : public Lockstep, public ::testing::WithParamInterface<const char*> {
 public:
  LockstepFaults() { fault(GetParam()); }
};

TEST_P(LockstepFaults, every_call_ends_by_its_deadline) {
  run(&Lockstep::through_faults);
  EXPECT_LT(failures_, 300);
}

INSTANTIATE_TEST_SUITE_P(Orders, LockstepFaults,
                         ::testing::Values("random seed=1 rate=0.5", "random seed=2 rate=0.5", "random seed=3 rate=0.5",
                                           "refuse aps1 at_s=40 for_s=20", "close aps1 rate=0.3", "reboot aps1 at_s=20",
                                           "accept_only psb1 at_s=10 for_s=30", "extra_latency psb1 delay_ms=180"));

TEST_F(Lockstep, two_channels_at_speed) { run(&Lockstep::two_pollers); }

}  // namespace
}  // namespace cellrig::sim
