// What passes as a measurement: only what the record calls one in all places, in the list of runs as in a run.
#include "db/run_origin.hpp"

#include <gtest/gtest.h>

#include "db/import/bdf_import.hpp"
#include "db/run_list.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::must;
using test::TempDir;

RunRow real_row() {
  RunRow row = test::a_run("ch1");
  row.time_source = "real";
  row.instruments = {{"cycler", "psb", "ea-psb-10060-60", "EA", "2841350009", "1.0", "10.0.0.5:5025"}};
  return row;
}

RunOrigin with(const std::vector<std::string>& requests, const RunRow& row = real_row()) { return origin_of(row, requests); }

const std::vector<std::string> asked_as_real{R"({"channel":"ch1","simulated":false})"};

// Whoever requested the run must have said that it was real; a service says it as well.
TEST(RunOrigin, is_measured_only_where_everything_says_so) {
  EXPECT_EQ(with(asked_as_real), RunOrigin::measured);
  EXPECT_EQ(with({R"({"channel":"ch1"})"}), RunOrigin::simulated);
  EXPECT_EQ(with({R"({"simulated":true})"}), RunOrigin::simulated);
  EXPECT_EQ(with({R"({"cell":"\"simulated\":false"})"}), RunOrigin::simulated);
  EXPECT_EQ(with({"no JSON"}), RunOrigin::simulated);
  EXPECT_EQ(with({}), RunOrigin::simulated);
  EXPECT_EQ(with({R"({"simulated":false})", R"({"simulated":true})"}), RunOrigin::simulated) << "it went on at a simulator";
  for (const char* const address : {"127.0.0.1:5025", "localhost:502", "rtu over tcp 127.0.0.1:502", "/dev/pts/3"}) {
    RunRow row = real_row();
    row.instruments.front().address = address;
    EXPECT_EQ(with(asked_as_real, row), RunOrigin::simulated) << address;
  }
  RunRow by_serial = real_row(), by_time = real_row(), by_nothing = real_row();
  by_serial.instruments.front().serial = "1234560001";
  by_time.time_source = "virtual";
  by_nothing.instruments.clear();
  for (const RunRow& row : {by_serial, by_time, by_nothing}) EXPECT_EQ(with(asked_as_real, row), RunOrigin::simulated);
  RunRow from_file = real_row();
  from_file.time_source = imported_time_source;
  EXPECT_EQ(with(asked_as_real, from_file), RunOrigin::imported);
}

struct OriginRig {
  const TempDir dir;
  std::unique_ptr<Recorder> recorder = must(Recorder::open(test::simulated(dir.file("a.db"))));

  void request(RunKey run, const std::string& action, bool is_simulated) {
    recorder->audit(AuditRow{.run = run,
                             .verb = "run",
                             .action = action,
                             .detail = is_simulated ? R"({"simulated":true})" : R"({"simulated":false})"});
  }
  void expect(const std::vector<RunOrigin>& wanted) {
    must(recorder->flush());
    const std::vector<RunInfo> runs = must(must(Reader::open(dir.file("a.db")))->runs());
    std::vector<RunSummary> listed = must(list_runs(dir.file("a.db"), {}));
    ASSERT_EQ(runs.size(), wanted.size());
    ASSERT_EQ(listed.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(word_of(runs[i].origin), word_of(wanted[i])) << "run " << i + 1;
      EXPECT_EQ(word_of(listed[wanted.size() - 1 - i].origin), word_of(wanted[i])) << "run " << i + 1 << " in the list";
    }
  }
};

// `cellrig run` writes its request before the runs that it begins.
TEST(RunOrigin, is_that_of_the_request_before_the_run) {
  OriginRig rig;
  (void)rig.recorder->begin_run(real_row());  // nobody asked for it
  rig.request(0, "run requested", false);
  (void)rig.recorder->begin_run(real_row());
  (void)rig.recorder->begin_run(real_row());
  rig.request(0, "run requested", true);
  (void)rig.recorder->begin_run(real_row());
  rig.expect({RunOrigin::simulated, RunOrigin::measured, RunOrigin::measured, RunOrigin::simulated});
}

// A service writes it after the run has begun, with its number: the request of another run before it says nothing of this one.
TEST(RunOrigin, of_a_service_is_that_of_its_own_request) {
  OriginRig rig;
  rig.request(0, "run requested", false);
  const RunKey simulated = rig.recorder->begin_run(real_row());
  rig.request(simulated, "run requested", true);
  rig.request(0, "run requested", true);
  const RunKey measured = rig.recorder->begin_run(real_row());
  rig.request(measured, "run requested", false);
  const RunKey mixed = rig.recorder->begin_run(real_row());
  rig.request(mixed, "run requested", false);
  rig.request(mixed, "run goes on", true);
  rig.expect({RunOrigin::simulated, RunOrigin::measured, RunOrigin::simulated});
}

}  // namespace
}  // namespace cellrig::db
