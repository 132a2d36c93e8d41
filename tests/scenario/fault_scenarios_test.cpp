// One fault at a time, in charge, in discharge and in rest: the output is off in time (the world says so), the run ends once, and
// the record names the cause. H1, H2, ... are the rows of the hazard table; reaction times at a control period of 100 ms.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration fault_instant = 30'037ms;  // between two control cycles

// Deadlines from the fault to less than 1 % of the current.
constexpr Duration two_polls = 250ms;              // H1, H3, H8: two control periods and the exchange
constexpr Duration one_age_limit = 1500ms;         // H4, H12: the age limit of 1 s, a period, and OFF
constexpr Duration age_limit_and_second_way = 2s;  // OFF has to find the link that still works
constexpr Duration dead_man = 6s;  // no way to the instrument: its own watchdog of 5 s, counted from the last exchange
constexpr Duration one_percent_of_capacity = 40s;  // H2: 1 % of the capacity at 1C, and the exchange
constexpr Duration no_current = Duration::max();   // in a rest there is none to wait for

struct FaultCase {
  std::string name;
  std::string order;
  During during = During::charge;
  Outcome outcome = Outcome::instrument_failure;
  std::string cause;
  Duration off_within = no_current;
  std::string channel = "ch1";  ///< of the bench "demo" when it is ch2: another make, behind a contactor
};

void PrintTo(const FaultCase& fault, std::ostream* out) { *out << fault.order; }

/// The row of the hazard table that says how soon.
std::string hazard_of(const FaultCase& fault) {
  const auto is = [&fault](const char* word) { return fault.order.find(word) != std::string::npos; };
  if (is("voltage_offset")) return "H1";
  if (is("nan") || is("freeze")) return "H2";
  if (is("negate_current") || is("miscalibrated") || is("saturate")) return "H3";
  if (is("thermocouple") || is("adam")) return "H4";
  return is("reversed_cell") ? "H9" : "H12";
}

class FaultScenario : public testing::TestWithParam<FaultCase> {};

TEST_P(FaultScenario, turns_the_output_off_in_time_and_records_the_cause) {
  const FaultCase& fault = GetParam();
  const std::string& channel = fault.channel;
  BenchHarness bench({.bench = channel == "ch1" ? "single" : "demo",
                      .profiles = {{channel, profile_of(fault.during)}},
                      .control_period = control_period});
  for (std::size_t at = 0; at != std::string::npos;) {  // several orders, one after the other
    const std::size_t end = fault.order.find(';', at);
    bench.fault_at(fault_instant, fault.order.substr(at, end == std::string::npos ? end : end - at));
    at = end == std::string::npos ? end : end + 1;
  }
  CurrentWatch watch(bench, channel, fault_instant);
  bench.run();
  expect_ended(bench, channel, fault.outcome, fault.cause);
  EXPECT_FALSE(watch.came_back());
  ASSERT_TRUE(watch.flowed_for().has_value()) << "current flowed until the run ended";
  if (fault.off_within != no_current) expect_reaction(hazard_of(fault), fault.name, watch.flowed_for(), fault.off_within);
}

std::string name_of(const testing::TestParamInfo<FaultCase>& info) { return info.param.name; }

constexpr Outcome failed = Outcome::instrument_failure;
constexpr Outcome tripped = Outcome::tripped;
const std::string stale_voltage = "no fresh reading: voltage_V";
const std::string stale_temperature = "no fresh reading: cell_temperature_degC";

INSTANTIATE_TEST_SUITE_P(
    Link, FaultScenario,
    testing::Values(
        FaultCase{"replies_never_come_in_charge", "drop psb1 count=for_ever", During::charge, failed, stale_voltage, dead_man},
        FaultCase{"replies_never_come_in_discharge", "drop psb1 count=for_ever", During::discharge, failed, stale_voltage,
                  dead_man},
        FaultCase{"replies_never_come_in_rest", "drop psb1 count=for_ever", During::rest, failed, stale_voltage},
        FaultCase{"one_link_of_two_dies_in_charge", "drop psb1.modbus count=for_ever", During::charge, failed, stale_voltage,
                  age_limit_and_second_way},
        FaultCase{"one_link_of_two_dies_in_discharge", "drop psb1.modbus count=for_ever", During::discharge, failed,
                  stale_voltage, age_limit_and_second_way},
        FaultCase{"replies_come_too_late_in_charge", "delay psb1.modbus delay_ms=3000 count=for_ever", During::charge, failed,
                  stale_voltage, age_limit_and_second_way},
        FaultCase{"replies_come_too_late_in_discharge", "delay psb1.modbus delay_ms=3000 count=for_ever", During::discharge,
                  failed, stale_voltage, age_limit_and_second_way},
        FaultCase{"replies_come_too_late_in_rest", "delay psb1 delay_ms=3000 count=for_ever", During::rest, failed,
                  stale_voltage},
        FaultCase{"replies_are_garbage_in_charge", "garble psb1.modbus bytes=8 count=for_ever", During::charge, failed, "",
                  age_limit_and_second_way},
        FaultCase{"replies_are_garbage_in_discharge", "garble psb1.modbus bytes=8 count=for_ever", During::discharge, failed, "",
                  age_limit_and_second_way},
        FaultCase{"replies_are_garbage_in_rest", "garble psb1 bytes=8 count=for_ever", During::rest, failed, ""},
        FaultCase{"replies_are_cut_short_in_charge", "truncate psb1.modbus bytes=3 count=for_ever", During::charge, failed,
                  stale_voltage, age_limit_and_second_way},
        FaultCase{"the_port_closes_in_charge", "refuse psb1 for_s=1000;close psb1", During::charge, failed, stale_voltage,
                  dead_man},
        FaultCase{"the_port_closes_in_discharge", "refuse psb1 for_s=1000;close psb1", During::discharge, failed, stale_voltage,
                  dead_man},
        FaultCase{"the_port_closes_in_rest", "refuse psb1 for_s=1000;close psb1", During::rest, failed, stale_voltage},
        FaultCase{"the_port_accepts_and_is_silent_in_charge", "accept_only psb1 for_s=1000;close psb1", During::charge, failed,
                  stale_voltage, dead_man},
        FaultCase{"the_logger_dies_in_charge", "drop adam count=for_ever", During::charge, failed, stale_temperature,
                  one_age_limit},
        FaultCase{"the_logger_dies_in_discharge", "drop adam count=for_ever", During::discharge, failed, stale_temperature,
                  one_age_limit},
        FaultCase{"the_logger_dies_in_rest", "drop adam count=for_ever", During::rest, failed, stale_temperature},
        FaultCase{"the_loggers_port_closes_in_charge", "refuse adam for_s=1000;close adam", During::charge, failed,
                  stale_temperature, one_age_limit}),
    name_of);

const std::string bad_voltage = "not a number: voltage_V";
const std::string bad_temperature = "not a number: cell_temperature_degC";

INSTANTIATE_TEST_SUITE_P(
    Reading, FaultScenario,
    testing::Values(
        FaultCase{"voltage_is_no_number_in_charge", "nan psb1", During::charge, failed, bad_voltage, two_polls},
        FaultCase{"voltage_is_no_number_in_discharge", "nan psb1", During::discharge, failed, bad_voltage, two_polls},
        FaultCase{"voltage_is_no_number_in_rest", "nan psb1", During::rest, failed, bad_voltage},
        FaultCase{"readings_freeze_in_charge", "freeze psb1", During::charge, failed, "stand still", one_percent_of_capacity},
        FaultCase{"readings_freeze_in_discharge", "freeze psb1", During::discharge, failed, "stand still",
                  one_percent_of_capacity},
        FaultCase{"current_has_the_wrong_sign_in_charge", "negate_current psb1", During::charge, tripped, "against the command",
                  two_polls},
        FaultCase{"current_has_the_wrong_sign_in_discharge", "negate_current psb1", During::discharge, tripped,
                  "against the command", two_polls},
        FaultCase{"current_is_clipped_in_charge", "saturate psb1 voltage_V=60 current_A=1", During::charge, failed,
                  "the current is not the commanded one", two_polls},
        FaultCase{"current_is_clipped_in_discharge", "saturate psb1 voltage_V=60 current_A=1", During::discharge, failed,
                  "the current is not the commanded one", two_polls},
        FaultCase{"current_reads_too_high_in_charge", "miscalibrated psb1 offset_V=0 current_gain_pct=150", During::charge,
                  tripped, "charge current too high", two_polls},
        FaultCase{"current_reads_too_high_in_discharge", "miscalibrated psb1 offset_V=0 current_gain_pct=250", During::discharge,
                  tripped, "discharge current too high", two_polls},
        FaultCase{"voltage_reads_too_high_in_charge", "voltage_offset psb1 offset_V=1", During::charge, tripped, "over-voltage",
                  two_polls},
        FaultCase{"voltage_reads_too_high_in_rest", "voltage_offset psb1 offset_V=1", During::rest, tripped, "over-voltage"},
        FaultCase{"voltage_reads_too_low_in_discharge", "voltage_offset psb1 offset_V=-2", During::discharge, tripped,
                  "under-voltage", two_polls},
        FaultCase{"thermocouple_opens_in_charge", "thermocouple_open ch1", During::charge, failed, bad_temperature,
                  one_age_limit},
        FaultCase{"thermocouple_opens_in_discharge", "thermocouple_open ch1", During::discharge, failed, bad_temperature,
                  one_age_limit},
        FaultCase{"thermocouple_opens_in_rest", "thermocouple_open ch1", During::rest, failed, bad_temperature}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Instrument, FaultScenario,
    testing::Values(FaultCase{"somebody_presses_local_in_charge", "local psb1", During::charge, failed, "under our control",
                              one_age_limit},
                    FaultCase{"somebody_presses_local_in_discharge", "local psb1", During::discharge, failed, "under our control",
                              one_age_limit},
                    FaultCase{"instrument_reboots_in_charge", "reboot psb1", During::charge, failed, "", two_polls},
                    FaultCase{"instrument_reboots_in_discharge", "reboot psb1", During::discharge, failed, "", two_polls},
                    FaultCase{"cell_is_reversed_in_charge", "reversed_cell ch1", During::charge, tripped, "", two_polls},
                    FaultCase{"cell_is_reversed_in_discharge", "reversed_cell ch1", During::discharge, tripped, "", two_polls},
                    FaultCase{"cell_is_reversed_in_rest", "reversed_cell ch1", During::rest, tripped, "under-voltage"}),
    name_of);

constexpr Duration contactor = 2600ms;  // the age limit, 1 s for the instrument's own OFF, 0.5 s for the contactor

INSTANTIATE_TEST_SUITE_P(
    OtherMake, FaultScenario,
    testing::Values(
        FaultCase{"replies_never_come_in_charge", "drop aps1 count=for_ever", During::charge, failed, stale_voltage,
                  one_age_limit, "ch2"},
        FaultCase{"replies_never_come_in_discharge", "drop aps1 count=for_ever", During::discharge, failed, stale_voltage,
                  one_age_limit, "ch2"},
        FaultCase{"replies_come_too_late_in_charge", "delay aps1 delay_ms=3000 count=for_ever", During::charge, failed,
                  stale_voltage, contactor, "ch2"},
        FaultCase{"replies_are_garbage_in_discharge", "garble aps1 bytes=4 count=for_ever", During::discharge, failed, "",
                  contactor, "ch2"},
        FaultCase{"the_port_closes_in_charge", "refuse aps1 for_s=1000;close aps1", During::charge, failed, stale_voltage,
                  contactor, "ch2"},
        FaultCase{"the_port_closes_in_discharge", "refuse aps1 for_s=1000;close aps1", During::discharge, failed, stale_voltage,
                  contactor, "ch2"},
        FaultCase{"the_port_closes_in_rest", "refuse aps1 for_s=1000;close aps1", During::rest, failed, stale_voltage, no_current,
                  "ch2"},
        FaultCase{"voltage_is_no_number_in_charge", "nan aps1", During::charge, failed, "not a number", two_polls, "ch2"},
        FaultCase{"voltage_is_no_number_in_rest", "nan aps1", During::rest, failed, "not a number", no_current, "ch2"},
        FaultCase{"current_has_the_wrong_sign_in_charge", "negate_current aps1", During::charge, tripped, "against the command",
                  two_polls, "ch2"},
        FaultCase{"readings_freeze_in_discharge", "freeze aps1", During::discharge, failed, "stand still",
                  one_percent_of_capacity, "ch2"},
        FaultCase{"instrument_reboots_in_charge", "reboot aps1", During::charge, tripped, "turned the output off", two_polls,
                  "ch2"},
        FaultCase{"cell_is_reversed_in_charge", "reversed_cell ch2", During::charge, tripped, "", two_polls, "ch2"},
        FaultCase{"the_relays_die_in_charge", "refuse adam for_s=1000;close adam", During::charge, failed, stale_temperature,
                  one_age_limit, "ch2"},
        FaultCase{"the_relays_reboot_in_charge", "reboot adam", During::charge, tripped, "", two_polls, "ch2"}),
    name_of);

// ---- H7, F48: an open circuit carries no current by itself. What counts is how long the output goes on driving it.

/// How long after `from` the world's output was last seen on; a day: it was never off.
Duration driven_for(BenchHarness& bench, const std::string& channel, Duration from) {
  constexpr Duration look_every = 10ms;
  Duration last_on{}, looked{};
  for (Duration after{}; after < 20s; after += look_every) {
    bench.at(from + after, [&, after] {
      if (bench.output_is_on(channel)) last_on = after;
      looked = after;
    });
  }
  bench.run();
  expect_ended(bench, channel, tripped, "the circuit of the cell is open: current_A 0.0");
  return last_on == looked ? Duration{24h} : last_on;
}

std::string ends_of_steps(BenchHarness& bench, const std::string& channel) {
  std::string all;
  for (const db::StepInfo& step : bench.record().steps(run_of(bench, channel).run).value()) all += step.end->reason + ";";
  return all;
}

TEST(OpenCircuitScenario, the_output_is_off_within_two_polls_and_the_voltage_it_ran_to_ends_no_step) {
  for (const std::string channel : {"ch1", "ch2"}) {
    for (const During during : {During::charge, During::discharge}) {
      SCOPED_TRACE(channel + (during == During::charge ? " in charge" : " in discharge"));
      BenchHarness bench({.bench = channel == "ch1" ? "single" : "demo",
                          .profiles = {{channel, profile_of(during)}},
                          .control_period = control_period});
      bench.fault_at(fault_instant, "open_circuit " + channel);
      expect_reaction("H7", "circuit opens, output of " + channel, driven_for(bench, channel, fault_instant), two_polls);
      EXPECT_EQ(ends_of_steps(bench, channel), "tripped;");
    }
  }
}

// The voltage stands where it is regulated, and a current of nothing looks like the end of the taper.
TEST(OpenCircuitScenario, a_circuit_that_opens_in_a_constant_voltage_phase_is_no_end_of_the_taper) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cccv_charge: {rate_C: 0.5, voltage_V: 4.0, until: current_A <= 0.25, at_most_h: 4}\n  - rest: {for_min: 1}\n";
  BenchHarness bench({.profiles = {{"ch1", profile}}, .control_period = control_period});
  constexpr Duration in_cv = 45min + 37ms;
  double current_A = 0.0;
  bench.at(in_cv - 1s, [&] { current_A = bench.truth("ch1").current_A; });
  bench.fault_at(in_cv, "open_circuit ch1");
  expect_reaction("H7", "circuit opens in a taper", driven_for(bench, "ch1", in_cv), two_polls);
  EXPECT_GT(current_A, 0.3);
  EXPECT_LT(current_A, 2.4) << "in the CV phase";
  EXPECT_EQ(ends_of_steps(bench, "ch1"), "tripped;");
}

}  // namespace
}  // namespace cellrig::test
