// Fault orders are understood exactly or refused with a hint, and the same seed gives the same faults.
#include "sim/faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sim_net/fake_instrument.hpp"
#include "sim/bench_file.hpp"
#include "sim/fault_order.hpp"
#include "sim/net/back_door.hpp"
#include "sim/net/framing.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string refusal(SimulatedBench& bench, std::string_view order) {
  const Result<void> done = apply_fault(bench, bench.now(), order);
  return done ? "done" : done.error().what;
}

/// The replies to `count` questions on one connection, as "<due ms>:<bytes>" words.
std::string transcript(SimulatedBench& bench, int count) {
  struct Nobody final : WireClient {
    void wire_dropped(ConnectionId) noexcept override {}
  } nobody;
  Wire& wire = *bench.wire("fake", "scpi");
  const ConnectionId id = wire.open(bench.now(), nobody);
  std::string text;
  for (int i = 0; i < count; ++i) {
    std::vector<Delivery> deliveries;
    bench.receive(wire, bench.now() + 1s, id, "0123456789?\n", deliveries);
    for (const Delivery& d : deliveries) text += std::to_string(to_ns(d.due)) + (d.closes ? "!" : ":") + d.bytes + ' ';
    text += '|';
  }
  wire.close(id);
  return text;
}

TEST(FaultOrder, both_forms_mean_the_same) {
  const Result<FaultOrder> words = parse_fault_order("accept-only psb1.modbus count=3  rate=0.5");
  const Result<FaultOrder> json =
      parse_fault_order(R"( {"target" : "psb1.modbus", "kind":"accept_only","count":3, "rate" :0.5 } )");
  ASSERT_TRUE(words && json);
  EXPECT_EQ(words->kind, json->kind);
  EXPECT_THAT(words->fields, UnorderedElementsAre(Pair("target", "psb1.modbus"), Pair("count", "3"), Pair("rate", "0.5")));
  EXPECT_EQ(words->fields, json->fields);
}

TEST(FaultOrder, what_is_neither_form_is_refused) {
  for (const char* const text : {"", "   ", "{", "{}", R"({"kind":})", R"({"kind":"drop" "x":1})", R"({"kind":"drop"} x)",
                                 R"({"kind":"drop)", R"({"target":"a"})", R"({"kind":"drop","a":{"b":1}})",
                                 R"({"kind":"drop","a":[1]})", "drop a b", "drop a=1 a=2", R"({"kind":"a\u0041"})"}) {
    EXPECT_FALSE(parse_fault_order(text)) << text;
  }
}

TEST(Faults, unknown_names_are_refused_with_the_nearest) {
  FakeBench world;
  EXPECT_THAT(refusal(world.bench, "dorp fake"), HasSubstr("did you mean 'drop'?"));
  EXPECT_THAT(refusal(world.bench, "drop fakee"), HasSubstr("did you mean 'fake'?"));
  EXPECT_THAT(refusal(world.bench, "drop fake.modbs"), HasSubstr("did you mean 'fake.modbus'?"));
  EXPECT_THAT(refusal(world.bench, "drop fake cuont=2"), HasSubstr("did you mean 'count'?"));
  EXPECT_THAT(refusal(world.bench, "drop"), HasSubstr("which instrument"));
  EXPECT_THAT(refusal(world.bench, "drop fake rate=2"), HasSubstr("'rate' must be a number in its range"));
  EXPECT_THAT(refusal(world.bench, "drop fake count=x"), HasSubstr("'count'"));
  EXPECT_THAT(refusal(world.bench, "delay fake"), HasSubstr("'delay_ms' is missing"));
  EXPECT_THAT(refusal(world.bench, "freeze fake on=maybe"), HasSubstr("true or false"));
  EXPECT_THAT(refusal(world.bench, "identity fake"), HasSubstr("'text' is missing"));
  EXPECT_THAT(refusal(world.bench, "reversed_cell ch9"), HasSubstr("unknown channel 'ch9'"));
  EXPECT_THAT(refusal(world.bench, "drop fake rate=nan"), HasSubstr("'rate'"));
}

TEST(Faults, a_scheduled_order_is_checked_when_it_is_given) {
  FakeBench world;
  EXPECT_THAT(refusal(world.bench, "drop nobody at_s=5"), HasSubstr("unknown instrument"));
  EXPECT_FALSE(world.bench.next_event());
  EXPECT_EQ(refusal(world.bench, "freeze fake at_s=5"), "done");
  EXPECT_FALSE(world.fake->faults().freeze_readings);
  EXPECT_EQ(world.bench.next_event(), TimePoint{} + 5s);
  world.bench.advance(TimePoint{} + 5s);
  EXPECT_TRUE(world.fake->faults().freeze_readings);
}

TEST(Faults, instrument_faults_are_set_and_cleared_by_name) {
  FakeBench world;
  for (const char* const order : {"freeze fake", "ignore_off fake", "nan fake", "local fake", "negate-current fake",
                                  "clear_watchdog fake", R"({"kind":"identity","instrument":"fake","text":"ACME, Anvil"})",
                                  "voltage_offset fake offset_V=0.03", "extra_latency fake delay_ms=250", "reboot fake"}) {
    EXPECT_EQ(refusal(world.bench, order), "done") << order;
  }
  const InstrumentFaults& faults = world.fake->faults();
  EXPECT_TRUE(faults.freeze_readings && faults.ignore_off && faults.nan_readings && faults.local_control);
  EXPECT_TRUE(faults.negate_current && faults.clear_watchdog);
  EXPECT_EQ(faults.identity, "ACME, Anvil");
  EXPECT_EQ(faults.voltage_offset_V, 0.03);
  EXPECT_EQ(faults.extra_latency_s, 0.25);
  EXPECT_EQ(world.fake->reboot_count, 1);
  EXPECT_EQ(refusal(world.bench, "freeze fake on=false"), "done");
  EXPECT_FALSE(faults.freeze_readings);
  EXPECT_TRUE(faults.nan_readings);
  clear_faults(world.bench, world.bench.now());
  EXPECT_FALSE(faults.nan_readings || faults.identity);
}

TEST(Faults, contacts_and_sensors_open_one_by_one_and_close_again) {
  FakeBench world;
  std::uint32_t& open = world.fake->faults().open_inputs;
  for (unsigned input = 0; input < 3; ++input) {
    world.bench.add_interlock({"fake." + std::to_string(input), [&open, bit = 1U << input](TimePoint, bool is_open) {
                                 open = is_open ? open | bit : open & ~bit;
                               }});
  }
  EXPECT_EQ(refusal(world.bench, "interlock_open fake input=2"), "done");
  EXPECT_EQ(refusal(world.bench, "sensor_open fake"), "done");
  EXPECT_EQ(open, 0b101U);
  EXPECT_EQ(refusal(world.bench, "interlock-open fake.2 on=false"), "done");
  EXPECT_EQ(open, 0b001U);
  EXPECT_THAT(refusal(world.bench, "interlock_open fake input=3"), HasSubstr("did you mean 'fake."));
  EXPECT_THAT(refusal(world.bench, "interlock_open fake inptu=1"), HasSubstr("did you mean 'input'?"));
  EXPECT_THAT(refusal(world.bench, "sensor_open fake input=4"), HasSubstr("inputs 0 to 3 only"));
  EXPECT_EQ(open, 0b001U);
  clear_faults(world.bench, world.bench.now());
  EXPECT_EQ(open, 0U);
}

TEST(Faults, skip_and_count_hit_exactly_the_replies_meant) {
  FakeBench world;
  ASSERT_EQ(refusal(world.bench, "drop fake.scpi skip=2 count=3"), "done");
  const std::string text = transcript(world.bench, 7);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_THAT(text, HasSubstr("\n ||||"));  // replies one and two, three silences
}

TEST(Faults, the_same_seed_gives_the_same_faults_and_another_seed_others) {
  const auto run = [](const char* order) {
    FakeBench world;
    EXPECT_EQ(refusal(world.bench, order), "done");
    return transcript(world.bench, 500);
  };
  const std::string once = run("random seed=5 rate=0.5");
  EXPECT_EQ(once, run("random seed=5 rate=0.5"));
  EXPECT_NE(once, run("random seed=6 rate=0.5"));
  FakeBench healthy;
  EXPECT_NE(once, transcript(healthy.bench, 500));
}

TEST(Faults, garbling_changes_every_hit_reply) {
  FakeBench world;
  ASSERT_EQ(refusal(world.bench, "garble fake.scpi count=for_ever"), "done");
  EXPECT_THAT(transcript(world.bench, 50), ::testing::Not(HasSubstr("0123456789\n")));
}

TEST(Framing, modbus_requests_are_counted_in_any_split) {
  const std::string frame{"\0\1\0\0\0\6\1\3\0\0\0\1", 12};
  const std::string stream = frame + frame + frame;
  for (std::size_t size = 1; size < stream.size(); ++size) {
    MessageCounter counter{Framing::modbus_tcp};
    for (std::size_t at = 0; at < stream.size(); at += size) counter.feed(std::string_view{stream}.substr(at, size));
    EXPECT_EQ(counter.count(), 3U) << size;
  }
  MessageCounter counter{Framing::modbus_tcp};
  counter.feed("\xFF\xFF\xFF\xFF\xFF\xFFgarbage");
  EXPECT_EQ(counter.count(), 1U);
  counter.feed(frame);
  EXPECT_EQ(counter.count(), 2U);
}

TEST(BackDoor, commands_are_understood_or_refused) {
  const auto advance = back_door::parse("advance 9223372036854775807 40001-15001:3 40001-15002:1");
  ASSERT_TRUE(advance);
  const auto& request = std::get<back_door::Advance>(*advance);
  EXPECT_EQ(request.to, TimePoint::max());
  ASSERT_EQ(request.in_flight.size(), 2U);
  EXPECT_EQ(request.in_flight[1].link, (back_door::LinkName{.client_port = 40001, .server_port = 15002}));
  EXPECT_EQ(request.in_flight[0].request_count, 3U);
  EXPECT_FALSE(request.from);
  const auto later = back_door::parse("advance 7 from 5 1-2:3");
  ASSERT_TRUE(later);
  EXPECT_EQ(std::get<back_door::Advance>(*later).from, TimePoint{5ns});
  EXPECT_EQ(std::get<back_door::Advance>(*later).in_flight.size(), 1U);
  const auto follow = back_door::parse("follow 5");
  ASSERT_TRUE(follow);
  EXPECT_EQ(std::get<back_door::Follow>(*follow).to, TimePoint{5ns});
  for (const char* const words :
       {"", " x", " 1 2", " 1 2:1", " 1 2-3", " 1 70000-3:1", " 1 2-70000:1", " 1 2-3:-1", " 1 -3:1", " 1 from", " 1 from x"}) {
    EXPECT_FALSE(back_door::parse(std::string("advance") + words)) << words;
  }
  for (const char* const line :
       {"follow", "follow x", "follow 1 2", "core", "core x", "core 1 2", "hello", "hello world", "truth now"}) {
    EXPECT_FALSE(back_door::parse(line)) << line;
  }
  const auto unknown = back_door::parse("trooth");
  EXPECT_THAT(unknown.error().what, HasSubstr("did you mean 'truth'?"));
}

std::string bench_text(const std::string& simulation) {
  return "instruments:\n  psb1: {model: ea-psb-10060-60}\nchannels:\n  ch1: {cycler: psb1}\nsimulation:\n" + simulation;
}

std::string config_error(const std::string& text) {
  try {
    static_cast<void>(parse_bench_file(text, "b.yaml"));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(BenchFile, simulation_is_read_strictly_and_says_where) {
  EXPECT_EQ(config_error(bench_text("  cells:\n    ch1: {file: lg-m50}\n")), "none");
  EXPECT_THAT(config_error(bench_text("  cells:\n    ch1: {file: lg-m50, soc_pc: 5}\n")),
              HasSubstr("b.yaml:7:25: simulation.cells.ch1: unknown key 'soc_pc', did you mean 'soc_pct'?"));
  EXPECT_THAT(config_error(bench_text("  cell:\n    ch1: {file: lg-m50}\n")), HasSubstr("b.yaml:6:3"));
  EXPECT_THAT(config_error(bench_text("  cells:\n    ch2: {file: lg-m50}\n")),
              HasSubstr("unknown channel 'ch2', did you mean 'ch1'?"));
  EXPECT_THAT(config_error(bench_text("  cells: {}\n")), HasSubstr("channel 'ch1' has no cell"));
  EXPECT_THAT(config_error(bench_text("  cells:\n    ch1: {file: lg-m50, soc_pct: .nan}\n")),
              HasSubstr("soc_pct must be a number"));
  EXPECT_THAT(config_error(bench_text("  latency: slow\n  cells:\n    ch1: {file: lg-m50}\n")),
              HasSubstr("unknown latency 'slow'"));
  EXPECT_THAT(config_error("instruments: [\n"), HasSubstr("b.yaml:"));
}

}  // namespace
}  // namespace cellrig::sim
