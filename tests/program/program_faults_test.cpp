// What goes wrong on a bench, as the person at the command line sees it: the exit code, a message, an output that is off, and a record
// that opens. In lockstep with a cellrig-sim process, so that the minutes of a watchdog cost nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/reader.hpp"
#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

const std::string profile =
    "profile: Charge\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 120, at_most_h: 1}\n";
const std::string soak =
    "profile: Soak\nformat: 1\nsteps:\n"
    "  - soak: {temperature_degC: 40, until: cell_temperature_degC >= 39, at_most_min: 20}\n";

struct ProgramFault {
  std::string name;
  std::vector<std::string> orders;
  int exit_code = 4;
  std::string message;
  std::string text = profile;
};
void PrintTo(const ProgramFault& fault, std::ostream* out) { *out << fault.name; }

class ProgramFaults : public testing::TestWithParam<ProgramFault> {};

TEST_P(ProgramFaults, ends_with_its_exit_code_a_message_the_output_off_and_a_record_that_opens) {
  const ProgramFault& fault = GetParam();
  Simulator simulator("demo");
  for (const std::string& order : fault.orders) simulator.fault(order);
  const std::string folder = temporary_folder();
  (void)file_with(fault.text, "p.yaml", folder);
  const Finished done =
      cellrig({"run", "p.yaml", "--bench", "demo", "--simulator", simulator.ready_file(), "--time", "lockstep", "--quiet"},
              {.folder = folder});
  EXPECT_EQ(done.exit_code, fault.exit_code) << done.out << done.err;
  EXPECT_THAT(done.out + done.err, HasSubstr(fault.message));
  EXPECT_TRUE(simulator.is_off("ch1")) << simulator.ask("truth");
  const Result<std::unique_ptr<db::Reader>> record = db::Reader::open(folder + "/cellrig.db");
  if (fault.name.ends_with("from_the_start")) return;  // no run began
  ASSERT_TRUE(record) << record.error().what;
  const std::vector<db::RunInfo> runs = (*record)->runs().value();
  ASSERT_EQ(runs.size(), 1u);
  ASSERT_TRUE(runs.front().end.has_value());
  EXPECT_THAT(runs.front().end->reason, HasSubstr(fault.message));
}

INSTANTIATE_TEST_SUITE_P(
    Lockstep, ProgramFaults,
    testing::Values(
        ProgramFault{"port_closed_from_the_start", {"refuse psb1 for_s=100000"}, 4, "ch1"},
        ProgramFault{"another_instrument_from_the_start", {"identity psb1 text=OTHER"}, 4, "calls itself 'OTHER'"},
        ProgramFault{"reversed_cell_from_the_start", {"reversed_cell ch1"}, 4, "reversed polarity"},
        ProgramFault{"thermocouple_open_from_the_start", {"thermocouple_open ch1"}, 4, "thermocouple"},
        ProgramFault{"port_closes", {"refuse psb1 for_s=100000 at_s=30", "close psb1 at_s=30"}, 4, "no fresh reading: voltage_V"},
        ProgramFault{"reply_never_comes", {"drop psb1.modbus count=for_ever at_s=30"}, 4, "no fresh reading: voltage_V"},
        ProgramFault{
            "reply_comes_late", {"delay psb1.modbus delay_ms=20000 count=for_ever at_s=30"}, 4, "no fresh reading: voltage_V"},
        ProgramFault{"reply_is_garbage", {"garble psb1.modbus bytes=8 count=for_ever at_s=30"}, 4, ""},
        ProgramFault{"reading_is_no_number", {"nan psb1 at_s=30"}, 4, "not a number"},
        ProgramFault{"thermocouple_opens", {"thermocouple_open ch1 at_s=30"}, 4, "cell_temperature_degC"},
        ProgramFault{"voltage_too_high", {"voltage_offset psb1 offset_V=1 at_s=30"}, 3, "over-voltage"},
        ProgramFault{"current_flows_the_wrong_way", {"negate_current psb1 at_s=30"}, 3, "current flows against the command"},
        ProgramFault{"cell_is_turned_round", {"reversed_cell ch1 at_s=30"}, 3, "under-voltage"},
        ProgramFault{"output_ignores_off", {"ignore_off psb1 at_s=30"}, 4, ""},
        ProgramFault{
            "chamber_never_arrives", {"chamber_stuck oven temperature_degC=38 at_s=10"}, 4, "did not reach its end", soak}),
    [](const testing::TestParamInfo<ProgramFault>& p) { return p.param.name; });

}  // namespace
}  // namespace cellrig::test
