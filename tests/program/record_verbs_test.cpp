// The record as evidence, from the command line: verify, anchor, audit, and the person who acknowledges a trip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>

#include "db/recorder.hpp"
#include "db/sqlite.hpp"
#include "db/verify.hpp"
#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

const std::string short_profile =
    "profile: Short\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 2, at_most_h: 1}\n";

boost::json::object document(const Finished& done) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(done.out, error);
  EXPECT_FALSE(error) << "standard output is not one JSON document: " << done.out << done.err;
  return error || !parsed.is_object() ? boost::json::object{} : parsed.as_object();
}

class RecordVerbs : public testing::Test {
 protected:
  void SetUp() override { (void)file_with(short_profile, "short.yaml", folder); }
  Finished in_folder(const std::vector<std::string>& words) { return cellrig(words, {.folder = folder}); }
  void run_simulated() {
    const Finished done = in_folder({"run", "short.yaml", "--simulated", "--quiet", "--operator", "Ada"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("sealed: block "));
  }
  void alter(const std::string& sql) {
    Result<db::Connection> connection = db::Connection::open(folder + "/cellrig.db", db::OpenMode::write);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute(sql, "test"));
  }
  /// What a real bench leaves behind when a limit was passed.
  void leave_a_trip() {
    auto recorder = std::move(db::Recorder::open({.path = folder + "/cellrig.db"}).value());
    db::RunRow row;
    row.channel = "ch1";
    row.cell_name = "LG M50";
    row.operator_name = "Ada";
    row.time_source = "real";
    const db::RunKey run = recorder->begin_run(row);
    recorder->append(db::EventRow{.run = run, .severity = db::Severity::trip, .kind = "trip", .message = "4.26 V above 4.25 V"});
    recorder->end_run({.run = run, .status = "tripped", .reason = "4.26 V above 4.25 V"});
    ASSERT_TRUE(recorder->close());
  }

  std::string folder = temporary_folder();
};

TEST_F(RecordVerbs, verify_says_intact_and_then_names_what_was_altered) {
  run_simulated();
  const Finished anchored = in_folder({"db", "anchor", "-o", "anchor.json"});
  ASSERT_EQ(anchored.exit_code, 0) << anchored.err;
  EXPECT_EQ(in_folder({"db", "anchor", "-o", "anchor.json"}).exit_code, 2) << "a file that exists is not replaced";
  const Finished intact = in_folder({"db", "verify", "--anchor", "anchor.json", "--json"});
  EXPECT_EQ(intact.exit_code, 0) << intact.err;
  EXPECT_TRUE(document(intact).at("intact").as_bool());
  EXPECT_THAT(in_folder({"db", "verify"}).out, HasSubstr("without an anchor"));
  alter("UPDATE sample SET current_A = 4.9 WHERE rowid = 2");
  const Finished altered = in_folder({"db", "verify"});
  EXPECT_EQ(altered.exit_code, 1);
  EXPECT_THAT(altered.out, HasSubstr("ALTERED"));
  EXPECT_THAT(altered.out, HasSubstr("sample rows 1 to "));
  EXPECT_THAT(altered.out, HasSubstr("(run 1, test time 0:00:0"));
  const boost::json::object found = document(in_folder({"db", "verify", "--json"}));
  EXPECT_EQ(found.at("findings").at(0).at("table").as_string(), "sample");
  EXPECT_EQ(found.at("findings").at(0).at("run").to_number<int>(), 1);
}

// Only the anchor knows that there was more.
TEST_F(RecordVerbs, verify_finds_a_record_that_was_written_anew) {
  run_simulated();
  ASSERT_EQ(in_folder({"db", "anchor", "-o", "anchor.json"}).exit_code, 0);
  const db::Anchor head = db::chain_head(folder + "/cellrig.db").value();
  const std::string printed = std::to_string(head.block) + ":" + head.sha256;
  EXPECT_EQ(in_folder({"db", "verify", "--anchor", printed}).exit_code, 0);
  std::filesystem::remove(folder + "/cellrig.db");
  (void)in_folder({"run", "short.yaml", "--simulated", "--quiet", "--operator", "Eve"});
  EXPECT_EQ(in_folder({"db", "verify"}).exit_code, 0);
  const Finished done = in_folder({"db", "verify", "--anchor", "anchor.json"});
  const Finished typed = in_folder({"db", "verify", "--anchor", printed});
  EXPECT_EQ(typed.exit_code, done.exit_code) << typed.out << typed.err;
  EXPECT_EQ(in_folder({"db", "verify", "--anchor", printed.substr(0, printed.size() - 1)}).exit_code, 2) << "a digit is missing";
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.out, HasSubstr("anchor"));
}

TEST_F(RecordVerbs, bad_input_ends_with_2_and_says_what_was_expected) {
  run_simulated();
  const auto refused = [this](const std::vector<std::string>& words, const std::string& because) {
    const Finished done = in_folder(words);
    EXPECT_EQ(done.exit_code, 2) << done.out;
    EXPECT_THAT(done.err, HasSubstr(because));
  };
  (void)file_with("{\"kind\":\"shopping list\"}", "list.json", folder);
  (void)file_with("{\"kind\":\"cellrig anchor\",\"block\":1,\"sha256\":\"abc\"}", "short.json", folder);
  refused({"db", "verify", "--anchor", "short.yaml"}, "short.yaml: this is not the JSON of an anchor");
  refused({"db", "verify", "--anchor", "list.json"}, "list.json: \"kind\" is not \"cellrig anchor\"");
  refused({"db", "verify", "--anchor", "short.json"}, "\"sha256\" is not 64 hexadecimal digits");
  refused({"db", "verify", "--db", "short.yaml"}, "not an SQLite database");
  refused({"db", "verify", "--db", "none.db"}, "there is no such database");
  refused({"db", "verfy"}, "unknown verb 'verfy', did you mean 'verify'?");
  refused({"db", "verify", "--ancor", "x"}, "unknown option '--ancor', did you mean '--anchor'?");
  refused({"db", "acknowledge", "--run", "1", "--operator", "Ada", "--reason", "x"}, "run 1 did not end in a safety trip");
  refused({"db", "acknowledge", "--run", "7", "--operator", "Ada", "--reason", "x"}, "there is no run 7");
  refused({"db", "acknowledge", "--run", "1", "--operator", " ", "--reason", "x"}, "--operator needs a name");
  refused({"db", "acknowledge", "--run", "1", "--operator", "Ada", "--reason", ""}, "--reason needs words");
}

// I2: after a trip nothing energises until a named person has looked.
TEST_F(RecordVerbs, a_tripped_channel_starts_again_only_after_its_trip_was_acknowledged) {
  leave_a_trip();
  Simulator simulator("single");
  const auto run = [&] {
    return in_folder({"run", "short.yaml", "--bench", "single", "--cell", "lg-m50", "--simulator", simulator.ready_file(),
                      "--time", "lockstep", "--quiet"});
  };
  const Finished refused = run();
  EXPECT_EQ(refused.exit_code, 2) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("cellrig db acknowledge --db cellrig.db --run 1 --operator NAME --reason TEXT"));
  EXPECT_EQ(simulator.truth("ch1").current_max_A, 0.0) << "nothing was energised";
  EXPECT_TRUE(simulator.is_off("ch1"));
  const Finished simulated = in_folder({"run", "short.yaml", "--simulated", "--quiet"});
  EXPECT_EQ(simulated.exit_code, 0) << "the cell of a simulated bench is a new one: " << simulated.err;

  const Finished acknowledged = in_folder(
      {"db", "acknowledge", "--run", "1", "--operator", "Grace", "--reason", "sense lead was loose, cell at 3.6 V", "--json"});
  EXPECT_EQ(acknowledged.exit_code, 0) << acknowledged.err;
  EXPECT_EQ(document(acknowledged).at("operator").as_string(), "Grace");
  EXPECT_THAT(in_folder({"db", "acknowledge", "--run", "1", "--operator", "Eve", "--reason", "me too"}).err,
              HasSubstr("run 1 was acknowledged by Grace"));
  const Finished again = run();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(in_folder({"show", "1"}).out, HasSubstr("the trip was acknowledged by Grace"));
  const Finished audit = in_folder({"db", "audit"});
  for (const char* const word : {"run begun", "trip", "run ended", "trip acknowledged", "run requested"}) {
    EXPECT_THAT(audit.out, HasSubstr(word));
  }
  EXPECT_EQ(in_folder({"db", "verify"}).exit_code, 0);
}

// As `serve` leaves it behind: a cell that was hot on a channel without a run.
TEST_F(RecordVerbs, a_channel_on_which_a_cell_was_hot_without_a_run_starts_only_after_somebody_has_looked) {
  run_simulated();
  {
    const auto recorder = db::Recorder::open({.path = folder + "/cellrig.db"}).value();
    recorder->audit({.verb = "serve", .action = db::heat_without_run_action("ch1"), .reason = "cell_temperature_degC 71.2"});
    ASSERT_TRUE(recorder->close());
  }
  Simulator simulator("single");
  const auto run = [&] {
    return in_folder({"run", "short.yaml", "--bench", "single", "--cell", "lg-m50", "--simulator", simulator.ready_file(),
                      "--time", "lockstep", "--quiet"});
  };
  const Finished refused = run();
  EXPECT_EQ(refused.exit_code, 2) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("cell_temperature_degC 71.2, while no run was there"));
  EXPECT_THAT(refused.err, HasSubstr("cellrig db acknowledge --db cellrig.db --channel ch1 --operator NAME --reason TEXT"));
  EXPECT_EQ(simulator.truth("ch1").current_max_A, 0.0) << "nothing was energised";

  const auto acknowledge = [&](std::vector<std::string> of) {
    of.insert(of.begin(), {"db", "acknowledge", "--operator", "Grace", "--reason", "cold again, 3.6 V"});
    return in_folder(of);
  };
  EXPECT_THAT(acknowledge({}).err, HasSubstr("either --run"));
  EXPECT_THAT(acknowledge({"--run", "1", "--channel", "ch1"}).err, HasSubstr("either --run"));
  EXPECT_THAT(acknowledge({"--channel", "ch2"}).err, HasSubstr("channel ch2: no heat was found on it"));
  const Finished seen = acknowledge({"--channel", "ch1"});
  EXPECT_EQ(seen.exit_code, 0) << seen.err;
  EXPECT_THAT(seen.out, HasSubstr("the heat on channel ch1 is acknowledged by Grace"));
  EXPECT_EQ(acknowledge({"--channel", "ch1"}).exit_code, 2);
  const Finished again = run();
  EXPECT_EQ(again.exit_code, 0) << again.err;
}

TEST_F(RecordVerbs, off_leaves_a_row_in_the_audit_trail_when_it_is_given_a_database) {
  Simulator simulator("demo");
  const std::vector<std::string> off{"off",  "--bench",    "demo",       "--simulator", simulator.ready_file(),
                                     "--db", "cellrig.db", "--operator", "Grace"};
  EXPECT_EQ(in_folder(off).exit_code, 0);
  const boost::json::object audit = document(in_folder({"db", "audit", "--json"}));
  ASSERT_EQ(audit.at("audit").as_array().size(), 1u);
  EXPECT_EQ(audit.at("audit").at(0).at("action").as_string(), "outputs off");
  EXPECT_EQ(audit.at("audit").at(0).at("operator").as_string(), "Grace");
  // OFF waits for no database, and its exit code is about OFF.
  std::vector<std::string> elsewhere = off;
  elsewhere[6] = "no/such/folder/x.db";
  const Finished done = in_folder(elsewhere);
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(done.err, HasSubstr("not in the audit trail of no/such/folder/x.db"));
}

}  // namespace
}  // namespace cellrig::test
