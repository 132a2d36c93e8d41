// The in-process links keep the contracts of ModbusBus and ByteStream, with and without faults on the wire.
#include "sim/net/in_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "controller/async/virtual_time.hpp"
#include "drivers/link/unread_probe.hpp"
#include "tests/unit/sim_net/fake_instrument.hpp"
#include "sim/faults.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class InProcess : public ::testing::Test {
 protected:
  using Body = std::function<Task<void>()>;
  void run(const Body& body) {
    time.spawn(with_end(body));
    time.run();
  }
  Task<void> with_end(Body body) {
    co_await body();
    time.stop();
  }
  Deadline in(Duration duration) { return Deadline{time.now() + duration}; }
  void fault(const std::string& order) {
    const Result<void> done = apply_fault(world.bench, time.now(), order);
    ASSERT_TRUE(done) << done.error().what;
  }
  static std::optional<Fault> fault_in(const Result<void>& result) {
    return result ? std::nullopt : std::optional<Fault>{result.error().fault};
  }
  Task<Fault> fault_of_read(Duration patience = 100ms) {
    std::array<std::uint16_t, 2> values{};
    const Result<void> result = co_await bus->read_holding(at_zero, values, in(patience));
    EXPECT_FALSE(result);
    co_return result ? Fault::busy : result.error().fault;
  }
  Task<std::string> ask(std::string line, Duration patience = 100ms) {
    line += '\n';
    if (!stream->is_open()) {
      const Result<void> opened = co_await stream->open(in(patience));
      if (!opened) co_return std::string(to_string(opened.error().fault));
    }
    const Result<void> written = co_await stream->write(line, in(patience));
    if (!written) co_return std::string(to_string(written.error().fault));
    std::array<char, 64> buffer{};
    const Result<std::size_t> n = co_await stream->read_some(buffer, in(patience));
    if (!n) co_return std::string(to_string(n.error().fault));
    co_return std::string(buffer.data(), *n);
  }

  VirtualTime time;
  FakeBench world;
  std::unique_ptr<ModbusBus> bus = make_modbus_link(time, world.bench, "fake");
  std::unique_ptr<ByteStream> stream = make_stream_link(time, world.bench, "fake");
  ModbusAddress at_zero{.unit = 1, .address = 0};
};

TEST_F(InProcess, reads_and_writes_take_the_modelled_latency) {
  run([this]() -> Task<void> {
    const std::array<std::uint16_t, 3> values{7, 8, 9};
    EXPECT_TRUE(co_await bus->write_registers(at_zero, values, in(100ms)));
    EXPECT_EQ(time.now(), TimePoint{} + 3ms);
    const ModbusAddress at_one{.unit = 1, .address = 1};
    EXPECT_TRUE(co_await bus->write_register(at_one, 0xABCD, in(100ms)));
    std::array<std::uint16_t, 3> back{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, back, in(100ms)));
    EXPECT_THAT(back, ElementsAre(7, 0xABCD, 9));
    EXPECT_EQ(time.now(), TimePoint{} + 9ms);
  });
}

TEST_F(InProcess, coils_are_written_and_read) {
  run([this]() -> Task<void> {
    const ModbusAddress third{.unit = 1, .address = 2};
    EXPECT_TRUE(co_await bus->write_coil(third, true, in(100ms)));
    std::array<bool, 4> coils{};
    EXPECT_TRUE(co_await bus->read_coils(at_zero, coils, in(100ms)));
    EXPECT_THAT(coils, ElementsAre(false, false, true, false));
  });
}

TEST_F(InProcess, a_modbus_exception_is_refused_or_busy_and_keeps_the_connection) {
  run([this]() -> Task<void> {
    std::array<std::uint16_t, 2> values{};
    const ModbusAddress beyond{.unit = 1, .address = 500};
    const Result<void> refused = co_await bus->read_holding(beyond, values, in(100ms));
    EXPECT_EQ(fault_in(refused), Fault::refused);
    const ModbusAddress busy_one{.unit = 1, .address = 99};
    const Result<void> busy = co_await bus->read_holding(busy_one, values, in(100ms));
    EXPECT_EQ(fault_in(busy), Fault::busy);
    EXPECT_EQ(world.bench.wire("fake", "modbus")->connection_count(), 1U);
  });
}

TEST_F(InProcess, an_absent_unit_times_out) {
  run([this]() -> Task<void> {
    at_zero.unit = 9;
    EXPECT_EQ(co_await fault_of_read(), Fault::timeout);
    EXPECT_EQ(time.now(), TimePoint{} + 100ms);
  });
}

TEST_F(InProcess, a_dropped_reply_times_out_at_the_deadline_and_the_next_call_connects_anew) {
  run([this]() -> Task<void> {
    fault("drop fake.modbus count=1");
    EXPECT_EQ(co_await fault_of_read(), Fault::timeout);
    EXPECT_EQ(time.now(), TimePoint{} + 100ms);
    EXPECT_EQ(world.bench.wire("fake", "modbus")->connection_count(), 0U);
    std::array<std::uint16_t, 2> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
    EXPECT_EQ(world.fake->asked_at.size(), 2U);  // the instrument acted on the request whose reply was lost
  });
}

TEST_F(InProcess, a_reply_exactly_at_the_deadline_is_in_time) {
  run([this]() -> Task<void> {
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(3ms)));
  });
}

TEST_F(InProcess, a_late_reply_is_never_taken_for_the_answer_to_a_later_request) {
  run([this]() -> Task<void> {
    fault("delay fake.modbus delay_ms=150");
    EXPECT_EQ(co_await fault_of_read(), Fault::timeout);
    world.fake->registers[0] = 42;
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
    EXPECT_EQ(values[0], 42);
    co_await time.sleep_for(1s);
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
  });
}

TEST_F(InProcess, a_duplicated_reply_makes_the_next_exchange_malformed_and_the_one_after_it_good) {
  run([this]() -> Task<void> {
    fault("duplicate fake.modbus");
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
    EXPECT_EQ(co_await fault_of_read(), Fault::malformed);
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
  });
}

TEST_F(InProcess, a_truncated_reply_times_out) {
  run([this]() -> Task<void> {
    fault("truncate fake.modbus bytes=5 count=for_ever");
    EXPECT_EQ(co_await fault_of_read(), Fault::timeout);
    EXPECT_EQ(co_await fault_of_read(), Fault::timeout);
  });
}

TEST_F(InProcess, a_garbled_reply_never_passes_for_another_size_unit_or_function) {
  run([this]() -> Task<void> {
    fault("garble fake.modbus bytes=20 count=for_ever");
    for (int i = 0; i < 200; ++i) {
      const Fault found = co_await fault_of_read();
      EXPECT_TRUE(found == Fault::malformed || found == Fault::timeout || found == Fault::refused || found == Fault::busy);
    }
  });
}

TEST_F(InProcess, a_connection_closed_instead_of_an_answer_is_lost) {
  run([this]() -> Task<void> {
    fault("close fake.modbus");
    EXPECT_EQ(co_await fault_of_read(), Fault::link_lost);
    EXPECT_EQ(time.now(), TimePoint{} + 3ms);
  });
}

TEST_F(InProcess, a_refused_connection_is_lost_at_once_until_it_is_allowed_again) {
  run([this]() -> Task<void> {
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
    fault("refuse fake.modbus for_s=1");
    const TimePoint before = time.now();
    EXPECT_EQ(co_await fault_of_read(), Fault::link_lost);
    EXPECT_EQ(co_await fault_of_read(), Fault::link_lost);
    EXPECT_EQ(time.now(), before);
    co_await time.sleep_for(1s);
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
  });
}

TEST_F(InProcess, a_port_that_only_accepts_lets_nothing_through) {
  run([this]() -> Task<void> {
    fault("accept_only fake.modbus");
    EXPECT_EQ(co_await fault_of_read(), Fault::timeout);
    EXPECT_TRUE(world.fake->asked_at.empty());
  });
}

TEST_F(InProcess, cut_ends_the_exchange_in_flight_and_those_that_wait_at_once) {
  run([this]() -> Task<void> {
    fault("drop fake.modbus count=for_ever");
    int ended = 0;
    const auto read = [this, &ended]() -> Task<void> {
      EXPECT_EQ(co_await fault_of_read(10s), Fault::interrupted);
      ++ended;
    };
    time.spawn(read());
    time.spawn(read());
    co_await time.sleep_for(50ms);
    bus->cut();
    co_await time.sleep_for(0ms);
    co_await time.sleep_for(0ms);
    EXPECT_EQ(ended, 2);
    EXPECT_EQ(time.now(), TimePoint{} + 50ms);
    clear_faults(world.bench, time.now());
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
  });
}

TEST_F(InProcess, a_request_right_behind_a_cut_is_served) {
  run([this]() -> Task<void> {
    fault("drop fake.modbus");
    const auto read = [this]() -> Task<void> { EXPECT_EQ(co_await fault_of_read(10s), Fault::interrupted); };
    time.spawn(read());
    co_await time.sleep_for(50ms);
    bus->cut();
    EXPECT_TRUE(co_await bus->write_register(at_zero, 1, in(100ms)));
    EXPECT_EQ(time.now(), TimePoint{} + 53ms);
  });
}

TEST_F(InProcess, a_second_caller_waits_its_turn_and_its_own_deadline) {
  run([this]() -> Task<void> {
    fault("drop fake.modbus");
    std::vector<std::string> order;
    const auto read = [this, &order](std::string name, Duration patience) -> Task<void> {
      co_await fault_of_read(patience);
      order.push_back(name);
    };
    time.spawn(read("patient", 100ms));
    time.spawn(read("impatient", 40ms));
    co_await time.sleep_for(50ms);
    EXPECT_THAT(order, ElementsAre("impatient"));
    co_await time.sleep_for(100ms);
    EXPECT_THAT(order, ElementsAre("impatient", "patient"));
  });
}

TEST_F(InProcess, events_of_the_instrument_happen_before_a_later_request) {
  run([this]() -> Task<void> {
    world.fake->event = TimePoint{} + 500ms;
    world.bench.refresh_events();
    co_await time.sleep_for(1s);
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
    EXPECT_THAT(world.fake->happened, ElementsAre(TimePoint{} + 500ms));
  });
}

TEST_F(InProcess, a_scheduled_fault_strikes_at_its_instant) {
  run([this]() -> Task<void> {
    fault("drop fake.modbus at_s=10");
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await bus->read_holding(at_zero, values, in(100ms)));
    co_await time.sleep_for(10s);
    EXPECT_EQ(co_await fault_of_read(), Fault::timeout);
  });
}

TEST_F(InProcess, without_modelled_latency_replies_come_at_once) {
  FakeBench fast{SimulatedBench::WireLimits{.latency_is_modelled = false}};
  const std::unique_ptr<ModbusBus> link = make_modbus_link(time, fast.bench, "fake");
  run([&]() -> Task<void> {
    std::array<std::uint16_t, 1> values{};
    EXPECT_TRUE(co_await link->read_holding(at_zero, values, in(100ms)));
    EXPECT_EQ(time.now(), TimePoint{});
  });
}

TEST_F(InProcess, a_stream_answers_after_the_latency) {
  run([this]() -> Task<void> {
    EXPECT_EQ(co_await ask("hello?"), "hello\n");
    EXPECT_EQ(time.now(), TimePoint{} + 3ms);
    EXPECT_EQ(co_await ask("again?"), "again\n");
  });
}

TEST_F(InProcess, a_stream_times_out_closed) {
  run([this]() -> Task<void> {
    fault("drop fake.scpi");
    EXPECT_EQ(co_await ask("hello?"), "timeout");
    EXPECT_FALSE(stream->is_open());
    EXPECT_EQ(co_await ask("again?"), "again\n");
  });
}

TEST_F(InProcess, a_late_line_that_may_be_overtaken_stays_visible_to_the_probe) {
  run([this]() -> Task<void> {
    fault("delay fake.scpi delay_ms=50 overtaken=true");
    const std::string two = "first?\nsecond?\n";
    EXPECT_TRUE(co_await stream->open(in(100ms)));
    EXPECT_TRUE(co_await stream->write(two, in(100ms)));
    std::array<char, 64> buffer{};
    const Result<std::size_t> n = co_await stream->read_some(buffer, in(100ms));
    EXPECT_EQ(std::string_view(buffer.data(), *n), "second\n");
    const auto* const probe = dynamic_cast<const UnreadProbe*>(stream.get());
    EXPECT_FALSE(probe->has_unread());
    co_await time.sleep_for(60ms);
    EXPECT_TRUE(probe->has_unread());
  });
}

TEST_F(InProcess, without_overtaking_later_lines_queue_behind_a_late_one) {
  run([this]() -> Task<void> {
    fault("delay fake.scpi delay_ms=50");
    const std::string two = "first?\nsecond?\n";
    EXPECT_TRUE(co_await stream->open(in(100ms)));
    EXPECT_TRUE(co_await stream->write(two, in(100ms)));
    std::array<char, 64> buffer{};
    const Result<std::size_t> n = co_await stream->read_some(buffer, in(100ms));
    EXPECT_EQ(std::string_view(buffer.data(), *n), "first\nsecond\n");
    EXPECT_EQ(time.now(), TimePoint{} + 53ms);
  });
}

TEST_F(InProcess, closing_a_stream_interrupts_its_reader) {
  run([this]() -> Task<void> {
    fault("drop fake.scpi");
    std::string got;
    const auto reader = [this, &got]() -> Task<void> { got = co_await ask("hello?", 10s); };
    time.spawn(reader());
    co_await time.sleep_for(20ms);
    stream->close();
    co_await time.sleep_for(0ms);
    EXPECT_EQ(got, "interrupted");
    EXPECT_EQ(world.fake->line_port.connection_count(), 0U);
  });
}

TEST_F(InProcess, a_stream_whose_peer_closes_is_lost_and_can_be_opened_again) {
  run([this]() -> Task<void> {
    fault("close fake.scpi");
    EXPECT_EQ(co_await ask("hello?"), "link lost");
    EXPECT_FALSE(stream->is_open());
    fault("refuse fake.scpi");
    EXPECT_EQ(co_await ask("hello?"), "link lost");
    clear_faults(world.bench, time.now());
    EXPECT_EQ(co_await ask("hello?"), "hello\n");
  });
}

TEST_F(InProcess, more_connections_than_the_instrument_takes_are_refused) {
  FakeBench small{SimulatedBench::WireLimits{.connection_count_max = 1}};
  const std::unique_ptr<ByteStream> first = make_stream_link(time, small.bench, "fake");
  const std::unique_ptr<ByteStream> second = make_stream_link(time, small.bench, "fake");
  run([&]() -> Task<void> {
    EXPECT_TRUE(co_await first->open(in(1s)));
    EXPECT_FALSE(co_await second->open(in(1s)));
    first->close();
    EXPECT_TRUE(co_await second->open(in(1s)));
  });
}

TEST_F(InProcess, an_unknown_port_is_a_mistake_of_the_program) {
  EXPECT_THROW(static_cast<void>(make_modbus_link(time, world.bench, "nobody")), std::invalid_argument);
}

}  // namespace
}  // namespace cellrig::sim
