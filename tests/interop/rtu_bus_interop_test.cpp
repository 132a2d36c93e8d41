// The drivers' RTU line against pymodbus as the instruments: inside a TCP connection, and on a serial line that is joined to one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>

#include "controller/async/real_time.hpp"
#include "drivers/modbus/rtu_line.hpp"
#include "drivers/transport/serial_stream.hpp"
#include "drivers/transport/tcp_stream.hpp"
#include "tests/interop/pymodbus_server.hpp"
#include "tests/socket/pseudo_terminal.hpp"
#include "tests/unit/drivers/run_task.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::PseudoTerminal;
using testing::PymodbusServer;
using testing::run_task;
using testing::SerialServer;

enum class Way : unsigned char { inside_tcp, serial };

class RtuBus : public ::testing::TestWithParam<Way> {
 protected:
  RtuBus() {
    std::unique_ptr<ByteStream> stream;
    if (GetParam() == Way::inside_tcp) {
      stream = std::make_unique<TcpStream>(time_, "127.0.0.1", server_.port());
    } else {
      far_end_ = std::make_unique<PseudoTerminal>();
      stream = std::make_unique<SerialStream>(time_, far_end_->path(), SerialSettings{});
      keep_open_ =
          ::open(far_end_->path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // or its master would see the end of the line
      joined_ = std::make_unique<SerialServer>(far_end_->master(), server_.port());
    }
    line_ = std::make_shared<RtuLine>(time_, std::move(stream), RtuLineOptions{});
    bus_ = RtuLine::make_unit(line_, RtuUnitOptions{.reply_timeout = 5s});
    other_ = RtuLine::make_unit(line_, RtuUnitOptions{.reply_timeout = 5s});
  }
  ~RtuBus() override {
    joined_.reset();
    if (keep_open_ >= 0) ::close(keep_open_);
  }
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time_.now() + duration}; }

  Result<void> read(ModbusBus& bus, ModbusAddress from, std::span<std::uint16_t> into, Duration patience = 10s) {
    Result<void> result = fail(Fault::interrupted, "never ended");
    run_task(time_, read_task(bus, from, into, in(patience), result));
    return result;
  }
  Result<void> write(ModbusAddress to, std::span<const std::uint16_t> values) {
    Result<void> result = fail(Fault::interrupted, "never ended");
    run_task(time_, write_task(*bus_, to, values, in(10s), result));
    return result;
  }
  static Task<void> read_task(ModbusBus& bus, ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline,
                              Result<void>& result) {
    result = co_await bus.read_holding(from, into, deadline);
  }
  static Task<void> write_task(ModbusBus& bus, ModbusAddress to, std::span<const std::uint16_t> values, Deadline deadline,
                               Result<void>& result) {
    if (values.size() == 1) {
      result = co_await bus.write_register(to, values[0], deadline);
    } else {
      result = co_await bus.write_registers(to, values, deadline);
    }
  }
  static Task<void> coil_task(ModbusBus& bus, Deadline deadline, Result<void>& result, std::array<bool, 10>& coils) {
    const ModbusAddress third{.unit = 1, .address = 3}, first{.unit = 1, .address = 0};
    result = co_await bus.write_coil(third, true, deadline);
    if (result) result = co_await bus.read_coils(first, coils, deadline);
  }

  PymodbusServer server_{{"pymodbus_rtu_server.py"}};
  std::unique_ptr<PseudoTerminal> far_end_;
  int keep_open_ = -1;
  std::unique_ptr<SerialServer> joined_;
  RealTime time_;
  std::shared_ptr<RtuLine> line_;
  std::unique_ptr<ModbusBus> bus_, other_;
};

TEST_P(RtuBus, reads_and_writes_what_pymodbus_keeps) {
  std::array<std::uint16_t, 2> value{};
  Result<void> done = read(*bus_, {.unit = 1, .address = 2820}, value);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(value, (std::array<std::uint16_t, 2>{0x0000, 0x41C8}));
  const std::array<std::uint16_t, 2> both{0x0000, 0x41F4};
  done = write({.unit = 1, .address = 2782}, both);
  ASSERT_TRUE(done) << done.error().what;
  const std::array<std::uint16_t, 1> one{62};
  done = write({.unit = 1, .address = 2730}, one);
  ASSERT_TRUE(done) << done.error().what;
  ASSERT_TRUE(read(*bus_, {.unit = 1, .address = 2782}, value));
  EXPECT_EQ(value, both);
  std::array<std::uint16_t, 125> many{};
  ASSERT_TRUE(read(*bus_, {.unit = 1, .address = 2700}, many));
  EXPECT_EQ(many[30], 62);
}

TEST_P(RtuBus, writes_and_reads_coils) {
  std::array<bool, 10> coils{};
  Result<void> done = fail(Fault::interrupted, "never ended");
  run_task(time_, coil_task(*bus_, in(10s), done, coils));
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(coils, (std::array<bool, 10>{false, false, false, true}));
}

TEST_P(RtuBus, is_refused_a_hole_and_goes_on) {
  std::array<std::uint16_t, 2> value{};
  EXPECT_EQ(read(*bus_, {.unit = 1, .address = 9}, value).error().fault, Fault::refused);
  EXPECT_TRUE(read(*bus_, {.unit = 1, .address = 2820}, value));
}

TEST_P(RtuBus, a_unit_that_is_not_there_is_a_time_out_and_the_others_go_on) {
  std::array<std::uint16_t, 1> value{};
  EXPECT_EQ(read(*other_, {.unit = 7, .address = 0}, value, 200ms).error().fault, Fault::timeout);
  const Result<void> done = read(*bus_, {.unit = 2, .address = 0}, value);
  EXPECT_TRUE(done) << done.error().what;
}

INSTANTIATE_TEST_SUITE_P(Pymodbus, RtuBus, ::testing::Values(Way::inside_tcp, Way::serial),
                         [](const ::testing::TestParamInfo<Way>& way) {
                           return way.param == Way::serial ? "on_a_serial_line" : "inside_tcp";
                         });

}  // namespace
}  // namespace cellrig
