// A chamber that fails, is stopped, or cannot be stopped: what becomes of the channels in it, of those too that asked for nothing.
#include "sim/faults.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration fault_instant = 40s + 37ms;
const std::string failure = "the chamber does not run at the temperature it was given";
const std::string not_stopped = "chamber 'oven' did not confirm that it stopped";

// Deadlines from the fault to less than 1 % of the current.
constexpr Duration seen_at_once = 500ms;  // a sensor period, the reading, OFF
constexpr Duration seen_by_silence = 5s;  // 3 s without a good reading, 1 s for the one that never comes, OFF

std::string charge_for(int seconds, const std::string& more = "") {
  return "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= " +
         std::to_string(seconds) + ", at_most_h: 1" + more + "}\n";
}
const std::string at_30_degC = ", temperature_degC: 30";

HarnessOptions demo(const std::map<std::string, std::string>& profiles) {
  return {.bench = "demo", .profiles = profiles, .control_period = control_period};
}

bool oven_runs(BenchHarness& bench) {
  bench.bench().advance(bench.time().now());
  return bench.bench().world().chamber(0).is_running();
}

struct ChamberFault {
  std::string name, order, message;  ///< a part of what a listener is told
  Duration off_within = seen_at_once;
};
void PrintTo(const ChamberFault& fault, std::ostream* out) { *out << fault.order; }

const std::vector<ChamberFault> faults{
    {"its_replies_never_come", "drop f4t count=for_ever", "measurement failed", seen_by_silence},
    {"its_port_closes", "refuse f4t for_s=100000", "measurement failed", seen_by_silence},
    {"it_accepts_and_is_silent", "accept_only f4t for_s=100000", "measurement failed", seen_by_silence},
    {"its_sensor_breaks_and_it_alarms", "nan f4t", "its own alarm is active", seen_at_once},
    {"somebody_switches_it_off_and_on_again", "reboot f4t", "it no longer runs", seen_at_once},
};

class ChamberFailure : public testing::TestWithParam<ChamberFault> {};

TEST_P(ChamberFailure, ends_the_channel_in_it_with_the_output_off) {
  const ChamberFault& fault = GetParam();
  BenchHarness bench(demo({{"ch1", charge_for(600, at_30_degC)}}));
  bool was_charging = false;
  bench.at(fault_instant - 1s, [&] { was_charging = bench.truth("ch1").current_A > 4.9 && oven_runs(bench); });
  bench.fault_at(fault_instant, fault.order);
  CurrentWatch watch(bench, "ch1", fault_instant);
  bench.run();
  EXPECT_TRUE(was_charging);
  expect_ended(bench, "ch1", Outcome::instrument_failure, failure);
  EXPECT_FALSE(watch.came_back());
  expect_reaction("H11", "chamber: " + fault.name, watch.flowed_for(), fault.off_within);
  EXPECT_TRUE(bench.said(fault.message)) << "a person wants to know what the chamber did";
  EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::instrument);
}

// The neighbour asked for no temperature, but its cell stands in the same air.
TEST_P(ChamberFailure, ends_the_neighbour_that_asked_for_no_temperature_too) {
  const ChamberFault& fault = GetParam();
  BenchHarness bench(demo({{"ch1", charge_for(600, at_30_degC)}, {"ch2", charge_for(600)}}));
  bool both_charging = false;
  bench.at(fault_instant - 1s, [&] { both_charging = bench.truth("ch1").current_A > 4.9 && bench.truth("ch2").current_A > 4.9; });
  bench.fault_at(fault_instant, fault.order);
  CurrentWatch first(bench, "ch1", fault_instant);
  CurrentWatch second(bench, "ch2", fault_instant);
  bench.run();
  EXPECT_TRUE(both_charging);
  for (const std::string channel : {"ch1", "ch2"}) expect_ended(bench, channel, Outcome::instrument_failure, failure);
  EXPECT_LE(first.flowed_for().value_or(1h), fault.off_within);
  EXPECT_LE(second.flowed_for().value_or(1h), fault.off_within);
  EXPECT_FALSE(first.came_back() || second.came_back());
}

INSTANTIATE_TEST_SUITE_P(Chamber, ChamberFailure, testing::ValuesIn(faults),
                         [](const testing::TestParamInfo<ChamberFault>& p) { return p.param.name; });

// One lost reply, or two seconds of silence, is what happens on every network now and then.
TEST(ChamberScenario, a_short_silence_of_the_chamber_ends_no_run) {
  for (const std::string order :
       {"drop f4t count=1", "close f4t count=1", "refuse f4t for_s=2", "delay f4t delay_ms=400 count=1"}) {
    BenchHarness bench(demo({{"ch1", charge_for(60, at_30_degC)}}));
    bench.fault_at(30s, order);
    bench.run();
    SCOPED_TRACE(order);
    expect_ended(bench, "ch1", Outcome::completed, "");
  }
}

/// Somebody at the panel of the F4T lowers its alarm.
void set_alarm_to_32_degC(BenchHarness& bench) {
  const std::string write{"\x00\x01\x00\x00\x00\x0b\x01\x10\x05\x36\x00\x02\x04\x00\x00\x42\x00",
                          17};  // register 1334, low word first
  ASSERT_EQ(ask_instrument(bench, "f4t", "modbus", write).size(), 12u);
}

// The plant itself runs away: the controller's own alarm is heard in time, here before the air has left its band for long.
TEST(ChamberScenario, a_chamber_that_heats_past_its_own_alarm_ends_the_run_before_the_cell_is_too_hot) {
  const std::string bench_text =
      "bench: b\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
      "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
      "chambers:\n  oven: {instrument: f4t, setpoint_min_degC: 0, setpoint_max_degC: 40}\n"
      "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, chamber: oven}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 20, temperature_degC: 25}\n  room_temperature_degC: 25\n";
  BenchHarness bench(
      {.bench = bench_text, .profiles = {{"ch1", charge_for(3000, at_30_degC)}}, .control_period = control_period});
  bench.fault_at(fault_instant, "chamber_stuck oven temperature_degC=120");
  bench.at(fault_instant, [&bench] { set_alarm_to_32_degC(bench); });
  constexpr double alarm_degC = 32.0;  // written: 5 K outside the limits, the model file
  std::optional<Duration> alarmed;
  for (Duration instant = fault_instant; instant < 1h; instant += 100ms) {
    bench.at(instant, [&, instant] {
      (void)bench.truth("ch1");
      if (!alarmed && bench.bench().world().chamber(0).air_temperature_degC() > alarm_degC) alarmed = instant;
    });
  }
  CurrentWatch watch(bench, "ch1", fault_instant);
  bench.run();
  ASSERT_TRUE(alarmed.has_value());
  EXPECT_LE(watch.flowed_for().value_or(2h), *alarmed - fault_instant + seen_at_once);
  expect_ended(bench, "ch1", Outcome::instrument_failure, failure);
  EXPECT_TRUE(bench.said("its own alarm is active"));
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 50.0) << "the cell's own limit is 60 degC";
}

// H11, F31: 3 K above the set-point for 3 minutes, and never coming back. The heater goes off with the outputs, and the neighbour's cell stands in the same air.
TEST(ChamberScenario, a_chamber_that_runs_away_is_stopped_with_every_channel_in_it) {
  for (const std::string order : {"chamber_stuck oven temperature_degC=120", "chamber_stuck oven temperature_degC=-30"}) {
    SCOPED_TRACE(order);
    BenchHarness bench(demo({{"ch1", charge_for(3000, at_30_degC)}, {"ch2", charge_for(3000)}}));
    const bool is_hot = order.ends_with("120");
    bench.fault_at(fault_instant, order);
    std::optional<Duration> left;
    bool was_charging = false;
    for (Duration instant = fault_instant; instant < 10min; instant += 100ms) {
      bench.at(instant, [&, instant] {
        was_charging = was_charging || bench.truth("ch1").current_A > 4.9;
        const double air_degC = bench.bench().world().chamber(0).air_temperature_degC();
        if (!left && (is_hot ? air_degC > 33.0 : air_degC < 22.0)) left = instant;
      });
    }
    CurrentWatch first(bench, "ch1", fault_instant);
    CurrentWatch second(bench, "ch2", fault_instant);
    bench.run();
    EXPECT_TRUE(was_charging);
    ASSERT_TRUE(left.has_value());
    // On the side where it started nothing is judged for five minutes: its probe may have shown the room.
    const Duration judged_from = is_hot ? *left : std::max<Duration>(*left, 6min + 30s);
    const Duration allowed = judged_from - fault_instant + 3min + 2s;  // the hold, and two readings of the chamber
    for (const std::string channel : {"ch1", "ch2"}) expect_ended(bench, channel, Outcome::tripped, "the chamber runs away");
    EXPECT_LE(first.flowed_for().value_or(2h), allowed);
    EXPECT_LE(second.flowed_for().value_or(2h), allowed);
    sim::clear_faults(bench.bench(), bench.time().now());  // the plant does again what its controller says
    EXPECT_FALSE(oven_runs(bench)) << "heater off";
    EXPECT_TRUE(bench.said("and does not come back")) << "people are told before the runs end";
    EXPECT_TRUE(bench.said("runs away"));
    EXPECT_LT(bench.truth("ch2").surface_temperature_max_degC, 45.0);
  }
}

// Far outside the limits of the bench there is nothing to wait for. Here the controller's own alarm is silent: it was raised.
TEST(ChamberScenario, a_chamber_beyond_the_limits_of_the_bench_ends_the_run_within_a_second) {
  BenchHarness bench(demo({{"ch1", charge_for(3000, at_30_degC)}}));
  bench.at(fault_instant - 1s, [&bench] {
    const std::string write{"\x00\x01\x00\x00\x00\x0b\x01\x10\x05\x36\x00\x02\x04\x00\x00\x43\x48", 17};  // 200 degC
    ASSERT_EQ(ask_instrument(bench, "f4t", "modbus", write).size(), 12u);
  });
  bench.fault_at(fault_instant, "temperature_offset f4t offset_K=70");
  CurrentWatch watch(bench, "ch1", fault_instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the chamber runs away");
  expect_reaction("H11", "beyond the limits of the bench", watch.flowed_for(), 1500ms);  // its period, the reading, OFF
  EXPECT_FALSE(oven_runs(bench));
}

// The air stands where it was and the charge goes on at the wrong temperature: no soak bounds it.
TEST(ChamberScenario, a_chamber_that_does_not_follow_ends_the_run_as_an_instrument_that_failed) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 1}\nsteps:\n"
      "  - cc_charge: {rate_C: 0.2, until: voltage_V >= 4.2, at_most_h: 5, temperature_degC: 45}\n";
  BenchHarness bench(demo({{"ch1", profile}}));
  bench.fault_at(fault_instant, "chamber_stuck oven");
  CurrentWatch watch(bench, "ch1", fault_instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "the chamber does not get to the temperature it was given");
  expect_reaction("H11", "its temperature stands still on the way", watch.flowed_for(), 12min);
}

// Heat in the cell that asked for nothing is heat in the chamber.
TEST(ChamberScenario, a_neighbour_without_a_temperature_that_gets_too_hot_stops_the_chamber_and_the_channel_that_uses_it) {
  BenchHarness bench(demo({{"ch1", charge_for(600, at_30_degC)}, {"ch2", charge_for(600)}}));
  bool was_running = false;
  bench.at(fault_instant, [&] {
    was_running = oven_runs(bench);
    shift_thermocouple(bench, "ch2", 50.0);
  });
  CurrentWatch first(bench, "ch1", fault_instant);
  bench.run();
  EXPECT_TRUE(was_running);
  expect_ended(bench, "ch2", Outcome::tripped, "cell too hot");
  expect_ended(bench, "ch1", Outcome::tripped, "another channel");
  EXPECT_LE(first.flowed_for().value_or(1h), 1s);
  EXPECT_FALSE(oven_runs(bench));
}

// The channel that asked is done: its neighbour goes on undisturbed, and the last one out stops the chamber.
TEST(ChamberScenario, the_chamber_runs_until_the_last_channel_in_it_has_ended) {
  BenchHarness bench(demo({{"ch1", charge_for(20, at_30_degC)}, {"ch2", charge_for(60)}}));
  bool first_is_done = false, still_running = false;
  bench.at(50s, [&] {
    first_is_done = !bench.output_is_on("ch1");
    still_running = oven_runs(bench);
  });
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  expect_ended(bench, "ch2", Outcome::completed, "");
  EXPECT_TRUE(first_is_done);
  EXPECT_TRUE(still_running);
  EXPECT_FALSE(oven_runs(bench));
  EXPECT_GT(bench.truth("ch2").soc, 0.4 + 0.015) << "a minute at 1C, whole";
}

// Nobody asked anything of it: what it does is nobody's business, and nobody touches it.
TEST(ChamberScenario, a_chamber_that_fails_while_nobody_asked_for_a_temperature_ends_no_run) {
  BenchHarness bench(demo({{"ch1", charge_for(60)}, {"ch2", charge_for(60)}}));
  bench.fault_at(10s, "drop f4t count=for_ever");
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  expect_ended(bench, "ch2", Outcome::completed, "");
  EXPECT_EQ(temperature_register(bench, setpoint_high_register), 180.0) << "as it was";
}

// ---- a chamber that cannot be stopped

/// The result, a listener, the record and the world agree on it.
void expect_left_running(BenchHarness& bench) {
  expect_ended(bench, "ch1", Outcome::instrument_failure, not_stopped);
  EXPECT_TRUE(bench.said("did not confirm that it stopped"));
  EXPECT_TRUE(oven_runs(bench));
  const std::vector<db::EventRow> events = events_of(bench, "ch1");
  const auto is_it = [](const db::EventRow& e) { return e.message == not_stopped && e.severity == db::Severity::alarm; };
  EXPECT_EQ(std::count_if(events.begin(), events.end(), is_it), 1);
  EXPECT_FALSE(samples_of(bench, "ch1").empty());
}

TEST(ChamberScenario, a_chamber_that_does_not_answer_the_stop_at_the_end_is_an_instrument_failure_and_is_recorded) {
  for (const std::string order : {"refuse f4t for_s=100000", "accept_only f4t for_s=100000"}) {
    BenchHarness bench(demo({{"ch1", charge_for(60, at_30_degC)}}));
    bench.fault_at(60s, order);  // a second or two before the end: too short a silence to end the run
    bench.run();
    SCOPED_TRACE(order);
    expect_left_running(bench);
    EXPECT_GT(bench.truth("ch1").soc, 0.5 + 0.016) << "the charge was whole: only the chamber is the failure";
  }
}

TEST(ChamberScenario, a_chamber_that_confirms_the_stop_and_runs_on_is_found_out) {
  BenchHarness bench(demo({{"ch1", charge_for(60, at_30_degC)}}));
  bench.fault_at(30s, "ignore_off f4t");
  bench.run();
  expect_left_running(bench);
}

// A safety trip outweighs it, and is told with it.
TEST(ChamberScenario, a_chamber_that_cannot_be_stopped_after_a_trip_leaves_the_trip_the_outcome) {
  BenchHarness bench(demo({{"ch1", charge_for(600, at_30_degC)}}));
  bench.fault_at(30s, "ignore_off f4t");
  bench.fault_at(fault_instant, "voltage_offset psb1 offset_V=1");
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "over-voltage");
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr(not_stopped));
  EXPECT_THAT(run_of(bench, "ch1").end->reason, testing::HasSubstr(not_stopped));
  EXPECT_TRUE(oven_runs(bench));
}

// The warning about the first reading that failed keeps the alarm from ever being said.
TEST(ChamberScenario, a_chamber_that_no_longer_answers_is_announced_as_an_alarm) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", charge_for(600, at_30_degC)}}, .control_period = control_period});
  bench.fault_at(40s, "refuse f4t for_s=100000");
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "the chamber does not run");
  EXPECT_TRUE(bench.said("no longer answers"));
}

// What the chamber did reaches a listener only: who reads the record next week learns "chamber failure".
TEST(ChamberScenario, what_a_chamber_did_when_it_failed_is_in_the_record) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", charge_for(600, at_30_degC)}}, .control_period = control_period});
  bench.fault_at(40s, "reboot f4t");
  bench.run();
  std::string all;
  for (const db::EventRow& event : events_of(bench, "ch1")) all += event.message + "\n";
  for (const db::EventRow& event : bench.record().events(0).value()) all += event.message + "\n";
  EXPECT_THAT(all, testing::HasSubstr("it no longer runs"));
}

}  // namespace
}  // namespace cellrig::test
