// LibmodbusBus against a hand-written server on real loopback sockets.
#include "drivers/modbus/libmodbus_bus.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <iostream>

#include "controller/async/real_time.hpp"
#include "tests/socket/tiny_modbus_server.hpp"
#include "tests/unit/drivers/run_task.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::Bytes;
using testing::reply_to;
using testing::run_task;
using testing::TinyModbusServer;

struct Rig {
  explicit Rig(TinyModbusServer::Handler handler) : server{std::move(handler)} {}
  RealTime time;
  TinyModbusServer server;
  LibmodbusBus bus{time, LibmodbusBusOptions{.host = "127.0.0.1", .port = server.port()}};
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time.now() + duration}; }
};

constexpr ModbusAddress pv{.unit = 1, .address = 2820};

struct ReadOutcome {
  Result<void> result;
  std::array<std::uint16_t, 2> values{};
};

Task<void> read_pv(Rig& rig, ReadOutcome& outcome, Duration patience = 2s) {
  outcome.result = co_await rig.bus.read_holding(pv, outcome.values, rig.in(patience));
}

ReadOutcome read_once(Rig& rig, Duration patience = 2s) {
  ReadOutcome outcome;
  run_task(rig.time, read_pv(rig, outcome, patience));
  return outcome;
}

void answer_25_degrees(const Bytes& request, const TinyModbusServer::Send& send) { send(reply_to(request, {0x0000, 0x41C8})); }

TEST(LibmodbusBus, reads_registers) {
  Rig rig{answer_25_degrees};
  const ReadOutcome outcome = read_once(rig);
  ASSERT_TRUE(outcome.result) << outcome.result.error().what;
  EXPECT_TRUE(rig.bus.was_open());
  EXPECT_EQ(outcome.values[0], 0x0000);
  EXPECT_EQ(outcome.values[1], 0x41C8);
  const Bytes request = rig.server.requests().front();
  const Bytes expected{0x01, 0x03, 0x0B, 0x04, 0x00, 0x02};
  EXPECT_EQ(Bytes(request.begin() + 6, request.end()), expected);
}

Task<void> all_kinds(Rig& rig, std::vector<Result<void>>& results, std::array<bool, 10>& coils) {
  const ModbusAddress to{.unit = 1, .address = 500};
  const std::array<std::uint16_t, 2> words{1, 2};
  results.push_back(co_await rig.bus.write_register(to, 3670, rig.in(2s)));
  results.push_back(co_await rig.bus.write_registers(to, words, rig.in(2s)));
  results.push_back(co_await rig.bus.write_coil(to, true, rig.in(2s)));
  results.push_back(co_await rig.bus.read_coils(to, coils, rig.in(2s)));
}

TEST(LibmodbusBus, writes_and_reads_coils) {
  Rig rig{[](const Bytes& request, const TinyModbusServer::Send& send) {
    if (request[7] != 1) return send(reply_to(request));
    Bytes reply(request.begin(), request.begin() + 8);
    const std::array<std::uint8_t, 3> body{2, 0b0000'0101, 0b0000'0010};
    for (const std::uint8_t byte : body) reply.push_back(byte);
    reply[5] = 5;
    send(reply);
  }};
  std::vector<Result<void>> results;
  std::array<bool, 10> coils{};
  run_task(rig.time, all_kinds(rig, results, coils));
  for (const auto& result : results) EXPECT_TRUE(result) << result.error().what;
  const std::array<bool, 10> expected{true, false, true, false, false, false, false, false, false, true};
  EXPECT_EQ(coils, expected);
  EXPECT_EQ(rig.server.connection_count(), 1);
}

// The instrument said no and lives: the connection stays.
TEST(LibmodbusBus, an_exception_is_refused_or_busy_and_keeps_the_connection) {
  int n = 0;
  Rig rig{[&n](const Bytes& request, const TinyModbusServer::Send& send) {
    Bytes reply(request.begin(), request.begin() + 8);
    reply[7] |= 0x80;
    reply.push_back(n++ == 0 ? 2 : 6);
    reply[5] = 3;
    send(reply);
  }};
  EXPECT_EQ(read_once(rig).result.error().fault, Fault::refused);
  EXPECT_EQ(read_once(rig).result.error().fault, Fault::busy);
  EXPECT_EQ(rig.server.connection_count(), 1);
}

// A reply from another unit must not be believed, although libmodbus would.
TEST(LibmodbusBus, another_unit_is_malformed_and_closes) {
  int n = 0;
  Rig rig{[&n](const Bytes& request, const TinyModbusServer::Send& send) {
    Bytes reply = reply_to(request, {0x0000, 0x41C8});
    if (n++ == 0) reply[6] = 7;
    send(reply);
  }};
  EXPECT_EQ(read_once(rig).result.error().fault, Fault::malformed);
  EXPECT_TRUE(read_once(rig).result);
  EXPECT_EQ(rig.server.connection_count(), 2);
}

TEST(LibmodbusBus, another_transaction_is_malformed_and_closes) {
  int n = 0;
  Rig rig{[&n](const Bytes& request, const TinyModbusServer::Send& send) {
    Bytes reply = reply_to(request, {0x0000, 0x41C8});
    if (n++ == 0) reply[1] = static_cast<std::uint8_t>(reply[1] - 1);
    send(reply);
  }};
  EXPECT_EQ(read_once(rig).result.error().fault, Fault::malformed);
  EXPECT_TRUE(read_once(rig).result);
}

TEST(LibmodbusBus, a_wrong_function_or_count_is_malformed) {
  int n = 0;
  Rig rig{[&n](const Bytes& request, const TinyModbusServer::Send& send) {
    ++n;
    if (n == 1) return send(reply_to(request, {1}));
    if (n == 2) return send(reply_to(request, {1, 2, 3}));
    Bytes reply = reply_to(request, {1, 2});
    reply[7] = 4;
    send(reply);
  }};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read_once(rig, 300ms).result.error().fault, Fault::malformed) << i;
}

// F05: a reply sent twice must not answer the next question.
TEST(LibmodbusBus, a_repeated_reply_is_noticed_before_the_next_request) {
  std::atomic<std::uint16_t> n{0};
  Rig rig{[&n](const Bytes& request, const TinyModbusServer::Send& send) { send(reply_to(request, {++n, 0})); }};
  EXPECT_EQ(read_once(rig).values[0], 1);
  rig.server.send_unasked(reply_to(rig.server.requests().front(), {1, 0}));
  EXPECT_EQ(read_once(rig).values[0], 2);
  EXPECT_EQ(rig.bus.stale_reply_count(), 1U);
  EXPECT_EQ(rig.server.connection_count(), 2);
}

// F04: the answer to question 1 arrives after question 2 was sent.
TEST(LibmodbusBus, a_late_reply_is_never_the_answer_to_the_next_request) {
  std::atomic<int> n{0};
  Bytes held;
  Rig rig{[&](const Bytes& request, const TinyModbusServer::Send& send) {
    if (n++ == 0) {
      held = reply_to(request, {111, 0});
    } else {
      send(held);
      send(reply_to(request, {222, 0}));
    }
  }};
  EXPECT_EQ(read_once(rig, 50ms).result.error().fault, Fault::timeout);
  const ReadOutcome second = read_once(rig);  // on a new connection; the held reply carries the old transaction
  EXPECT_FALSE(second.result && second.values[0] == 111);
}

// F07, F14: an absolute deadline for the whole exchange, not one per byte.
TEST(LibmodbusBus, a_truncated_reply_ends_at_the_deadline) {
  Rig rig{[](const Bytes& request, const TinyModbusServer::Send& send) {
    Bytes reply = reply_to(request, {1, 2});
    reply.resize(9);
    send(reply);
  }};
  const TimePoint start = rig.time.now();
  EXPECT_EQ(read_once(rig, 60ms).result.error().fault, Fault::timeout);
  EXPECT_LT(rig.time.now() - start, 1s);
}

TEST(LibmodbusBus, a_closed_port_is_link_lost_at_once) {
  std::uint16_t closed_port = 0;
  {
    TinyModbusServer server{answer_25_degrees};
    closed_port = server.port();
  }
  RealTime time;
  LibmodbusBus bus{time, LibmodbusBusOptions{.host = "127.0.0.1", .port = closed_port}};
  struct Local {
    static Task<void> read(LibmodbusBus& bus, Result<void>& result, Deadline deadline) {
      std::array<std::uint16_t, 2> values{};
      result = co_await bus.read_holding(pv, values, deadline);
    }
  };
  Result<void> result;
  const TimePoint start = time.now();
  run_task(time, Local::read(bus, result, Deadline{start + 2s}));
  EXPECT_EQ(result.error().fault, Fault::link_lost);
  EXPECT_LT(time.now() - start, 1s);
  EXPECT_FALSE(bus.was_open()) << "nobody heard anything";
}

Task<void> cut_soon(Rig& rig, TimePoint& cut_at) {
  co_await rig.time.sleep_for(20ms);
  cut_at = rig.time.now();
  rig.bus.cut();
  const ModbusAddress output{.unit = 1, .address = 405};
  const Result<void> off = co_await rig.bus.write_coil(output, false, rig.in(2s));
  EXPECT_TRUE(off) << off.error().what;
  std::cout << "[ MEASURED ] cut of a hanging read, reconnect, OFF acknowledged: "
            << std::chrono::duration_cast<std::chrono::microseconds>(rig.time.now() - cut_at).count() << " us\n";
}

// OFF never waits: a read that hangs is cut, and the OFF goes out on a new connection.
TEST(LibmodbusBus, cut_frees_a_hanging_read_and_the_next_write_goes_out) {
  Rig rig{[](const Bytes& request, const TinyModbusServer::Send& send) {
    if (request[7] == 5) send(reply_to(request));
  }};
  TimePoint cut_at{};
  ReadOutcome hanging;
  rig.time.spawn(read_pv(rig, hanging, 10s));
  run_task(rig.time, cut_soon(rig, cut_at));
  EXPECT_EQ(hanging.result.error().fault, Fault::interrupted);
  EXPECT_LT(rig.time.now() - cut_at, 500ms);
}

Task<void> submit_and_cut(Rig& rig, Result<void>& result) {
  const ModbusAddress to{.unit = 1, .address = 500};
  result = co_await rig.bus.write_register(to, 1, rig.in(2s));
}

// A stale write is worse than none: what was cut before it went out is never sent later.
TEST(LibmodbusBus, a_request_that_was_cut_before_it_was_sent_is_never_sent) {
  Rig rig{answer_25_degrees};
  for (int i = 0; i < 50; ++i) {
    rig.bus.cut();  // the link is down: the first of them is still connecting when it is cut
    const std::size_t before = rig.server.requests().size();
    std::array<Result<void>, 3> results;
    for (auto& result : results) rig.time.spawn(submit_and_cut(rig, result));
    rig.time.context().restart();
    for (int step = 0; step < 3; ++step) rig.time.context().poll_one();  // all three have entered; none is answered
    rig.bus.cut();
    EXPECT_TRUE(read_once(rig).result);
    int writes = 0;
    const std::vector<Bytes> requests = rig.server.requests();
    for (std::size_t k = before; k < requests.size(); ++k) writes += requests[k][7] == 6 ? 1 : 0;
    EXPECT_EQ(writes, 0);
    for (const auto& result : results) EXPECT_EQ(result.error().fault, Fault::interrupted);
  }
}

TEST(LibmodbusBus, a_second_caller_waits_its_turn) {
  Rig rig{answer_25_degrees};
  ReadOutcome first, second;
  rig.time.spawn(read_pv(rig, first));
  run_task(rig.time, read_pv(rig, second));
  EXPECT_TRUE(first.result);
  EXPECT_TRUE(second.result);
  EXPECT_EQ(rig.server.connection_count(), 1);
}

// On the way out after a failure tasks vanish while they wait; nothing may still point to them.
TEST(LibmodbusBus, tasks_that_are_dropped_leave_nothing_behind) {
  Rig rig{[](const Bytes&, const TinyModbusServer::Send&) {}};
  ReadOutcome first, second;
  rig.time.spawn(read_pv(rig, first, 10s));
  rig.time.spawn(read_pv(rig, second, 10s));
  EXPECT_EQ(rig.server.requests().size(), 0U);
  run_task(rig.time, rig.time.sleep_for(20ms));
  rig.time.drop_tasks();
  rig.bus.cut();
  EXPECT_EQ(read_once(rig, 20ms).result.error().fault, Fault::timeout);
}

// The end of the program must not wait for a peer that hangs.
TEST(LibmodbusBus, is_destroyed_quickly_while_a_read_hangs) {
  auto rig = std::make_unique<Rig>([](const Bytes&, const TinyModbusServer::Send&) {});
  EXPECT_EQ(read_once(*rig, 30ms).result.error().fault, Fault::timeout);
  const auto start = std::chrono::steady_clock::now();
  rig.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

}  // namespace
}  // namespace cellrig
