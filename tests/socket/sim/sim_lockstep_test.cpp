// The controller's own lockstep time, streams and Modbus bus against the simulator: nobody waits for ever, nothing is believed that
// should not be, and it is fast enough.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <string>
#include <vector>

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

using TcpSocket = boost::asio::ip::tcp::socket;

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

  [[nodiscard]] TcpSocket bound_socket(std::uint16_t local_port) const {
    TcpSocket socket{time_->context(), boost::asio::ip::tcp::v4()};
    socket.set_option(TcpSocket::reuse_address{true});
    socket.bind({boost::asio::ip::address_v4::loopback(), local_port});
    return socket;
  }
  LinkKey connect(TcpSocket& socket, std::uint16_t port) {
    socket.connect({boost::asio::ip::address_v4::loopback(), port});
    const LinkKey key{.local_port = socket.local_endpoint().port(), .remote_port = port};
    time_->link_opened(key);
    return key;
  }
  Task<void> question_and_answer(TcpSocket& socket, LinkKey key, std::string question, TimePoint& answered_at) {
    const TimeSource::InFlight in_flight{*time_, key};
    boost::asio::write(socket, boost::asio::buffer(question));
    co_await socket.async_wait(TcpSocket::wait_read, boost::asio::use_awaitable);
    std::vector<char> answer(socket.available());
    boost::asio::read(socket, boost::asio::buffer(answer));
    answered_at = time_->now();
    ++pollers_done_;
  }

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

  /// Two sockets with one local port, one per instrument; the second instrument's answer is late.
  Task<void> one_local_port() {
    TcpSocket lines = bound_socket(0);
    TcpSocket frames = bound_socket(lines.local_endpoint().port());
    const LinkKey aps1 = connect(lines, server_.port_of("aps1", "scpi"));
    const LinkKey psb1 = connect(frames, server_.port_of("psb1", "modbus"));
    EXPECT_EQ(aps1.local_port, psb1.local_port);
    EXPECT_NE(aps1, psb1);
    const TimePoint start = time_->now();
    TimePoint line_at, frame_at;
    time_->spawn(question_and_answer(lines, aps1, "*IDN?\n", line_at));
    time_->spawn(question_and_answer(frames, psb1, std::string("\0\1\0\0\0\6\0\3\0\0\0\1", 12), frame_at));
    while (pollers_done_ < 2) co_await time_->sleep_for(1s);
    EXPECT_GT(line_at, start);
    EXPECT_LT(line_at, start + 180ms);
    EXPECT_EQ(frame_at, start + 183ms);
    co_await question_and_answer(lines, aps1, "*IDN?\n", line_at);  // counted on its own: this is its second request
    EXPECT_EQ(pollers_done_, 3);
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

// The system may give one local port to connections with different destinations.
TEST_F(Lockstep, connections_that_share_a_local_port_are_told_apart) {
  fault("extra_latency psb1 delay_ms=180");
  SetUp();
  run(&Lockstep::one_local_port);
}

TEST_F(Lockstep, two_channels_at_speed) { run(&Lockstep::two_pollers); }

}  // namespace
}  // namespace cellrig::sim
