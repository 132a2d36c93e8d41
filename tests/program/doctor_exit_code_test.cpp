// The exit code of `cellrig doctor` says what is to be done: 4 sends a person to the bench, 5 to the disk. Where both are so, an output that
// may be on comes first, and a check that failed beside a record that cannot be kept does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "db/reader.hpp"
#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int done = 0, instrument_failed = 4, record_failed = 5;

class DoctorExitCode : public testing::Test {
 protected:
  enum class Record { kept, cannot_be_opened };

  /// In simulated time: what waits for an answer has waited at once.
  Finished doctor(Record record) {
    const std::string file = record == Record::kept ? database : simulator.process().folder() + "/no/such/folder/a.db";
    const std::vector<std::string> words{"doctor",
                                         "--bench",
                                         simulator.bench_file(),
                                         "--simulator",
                                         simulator.ready_file(),
                                         "--time",
                                         "lockstep",
                                         "--acknowledge",
                                         "--operator",
                                         "jane",
                                         "--db",
                                         file,
                                         "--json"};
    Finished ended = cellrig(words, with_leases({}));
    document = boost::json::parse(ended.out).as_object();
    EXPECT_EQ(document.at("exit_code").to_number<int>(), ended.exit_code) << "the document says what the process does";
    return ended;
  }
  /// "good", "FAILED" and so on of every check of this name.
  [[nodiscard]] std::vector<std::string> verdicts(const std::string& what) const {
    std::vector<std::string> found;
    for (const boost::json::value& check : document.at("checks").as_array()) {
      if (check.at("what").as_string() == what) found.emplace_back(check.at("verdict").as_string());
    }
    return found;
  }
  [[nodiscard]] std::vector<std::string> actions() const {
    std::vector<std::string> all;
    for (const db::AuditRow& row : db::Reader::open(database).value()->audit().value()) all.push_back(row.action);
    return all;
  }
  void let_output_stay_on() {
    simulator.fault("output_on ch1 current_A=1 voltage_V=4");
    simulator.fault("ignore_off psb1");
  }
  void let_look_be_unanswered() { simulator.fault("drop psb1.modbus count=1"); }
  void let_sensor_be_silent() {
    simulator.fault("refuse adam for_s=1000000");
    simulator.fault("close adam");
  }
  void expect_no_fault_waits() { EXPECT_THAT(simulator.ask("faults"), Not(HasSubstr("in force"))); }

  Simulator simulator{"single"};
  std::string database = simulator.process().folder() + "/doctor.db";
  boost::json::object document;
};

TEST_F(DoctorExitCode, is_0_where_nothing_failed_and_5_where_only_the_record_did) {
  EXPECT_EQ(doctor(Record::kept).exit_code, done);
  const Finished unkept = doctor(Record::cannot_be_opened);
  EXPECT_EQ(unkept.exit_code, record_failed) << unkept.out << unkept.err;
  EXPECT_THAT(verdicts("database"), testing::ElementsAre("FAILED"));
  EXPECT_THAT(verdicts("OFF"), testing::ElementsAre("good")) << "it came before the record";
  EXPECT_TRUE(simulator.is_off("ch1"));
}

TEST_F(DoctorExitCode, is_4_where_an_output_is_not_known_to_be_off_also_without_a_record) {
  let_output_stay_on();
  for (const Record record : {Record::kept, Record::cannot_be_opened}) {
    const Finished found = doctor(record);
    EXPECT_EQ(found.exit_code, instrument_failed) << found.out << found.err;
    EXPECT_THAT(verdicts("OFF"), testing::ElementsAre("FAILED"));
    EXPECT_TRUE(verdicts("identity").empty()) << "it is all there is to say";
    EXPECT_EQ(found.err.find("/no/such/folder") != std::string::npos, record == Record::cannot_be_opened) << found.err;
  }
  EXPECT_TRUE(simulator.truth("ch1").output_on) << "this test needs an output that does not go off";
}

TEST_F(DoctorExitCode, is_4_where_an_instrument_fails_its_check_and_what_was_done_is_kept) {
  let_sensor_be_silent();
  const Finished found = doctor(Record::kept);
  EXPECT_EQ(found.exit_code, instrument_failed) << found.out << found.err;
  EXPECT_THAT(verdicts("OFF"), testing::ElementsAre("good"));
  EXPECT_THAT(verdicts("identity"), testing::UnorderedElementsAre("good", "FAILED")) << found.out;
  EXPECT_THAT(actions(), testing::ElementsAre("trip acknowledged at the instrument")) << "4 does not mean that nothing was kept";
}

// The checks were not made: what they would have found nobody knows, and the disk is what to mend.
TEST_F(DoctorExitCode, is_5_where_the_record_cannot_be_opened_although_an_instrument_would_fail_its_check) {
  let_sensor_be_silent();
  const Finished found = doctor(Record::cannot_be_opened);
  EXPECT_EQ(found.exit_code, record_failed) << found.out << found.err;
  EXPECT_THAT(verdicts("OFF"), testing::ElementsAre("good"));
  EXPECT_TRUE(verdicts("identity").empty()) << found.out;
}

// OFF does not wait for the look. That nobody knows how the output was is no failure of what is checked.
TEST_F(DoctorExitCode, is_what_it_would_be_where_the_look_before_off_was_not_answered) {
  let_look_be_unanswered();
  const Finished found = doctor(Record::kept);
  EXPECT_EQ(found.exit_code, done) << found.out << found.err;
  EXPECT_THAT(verdicts("OFF"), testing::ElementsAre("good"));
  expect_no_fault_waits();
  let_look_be_unanswered();
  const Finished unkept = doctor(Record::cannot_be_opened);
  EXPECT_EQ(unkept.exit_code, record_failed) << unkept.out << unkept.err;
  EXPECT_THAT(verdicts("OFF"), testing::ElementsAre("good"));
  expect_no_fault_waits();
}

// A look without an answer, and no answer to OFF either: that is an output that may be on.
TEST_F(DoctorExitCode, is_4_where_nothing_of_an_output_is_answered_whatever_the_record_does) {
  simulator.fault("refuse psb1 for_s=1000000");
  for (const Record record : {Record::kept, Record::cannot_be_opened}) {
    const Finished found = doctor(record);
    EXPECT_EQ(found.exit_code, instrument_failed) << found.out << found.err;
    EXPECT_THAT(verdicts("OFF"), testing::ElementsAre("FAILED")) << found.out;
  }
}

}  // namespace
}  // namespace cellrig::test
