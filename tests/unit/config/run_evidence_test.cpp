// Which runs of a record are evidence of a claim: nothing that was simulated, and no other run than the claim's.
#include "controller/cli/verify/run_evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/resources.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

using testing::HasSubstr;

db::RunInfo real_run() {
  db::RunInfo info;
  info.run = 7;
  info.row.time_source = "real";
  info.row.instruments = {{"cycler", "psb", "ea-psb-10060-60", "EA", "2841350009", "1.0", "10.0.0.5:5025"}};
  return info;
}
std::vector<db::AuditRow> requested(const std::string& detail) {
  return {{.action = "run requested", .detail = detail}, {.run = 7, .action = "run begun", .detail = "{}"}};
}

// Whoever requested the run must have said that it was real; a service says it as well.
TEST(RunEvidence, only_what_says_so_everywhere_is_real) {
  const std::vector<db::AuditRow> real = requested(R"({"channel":"ch1","simulated":false})");
  EXPECT_FALSE(was_simulated(real_run(), real));
  EXPECT_TRUE(was_simulated(real_run(), requested(R"({"channel":"ch1"})")));
  EXPECT_TRUE(was_simulated(real_run(), requested(R"({"simulated":true})")));
  EXPECT_TRUE(was_simulated(real_run(), requested(R"({"cell":"\"simulated\":false"})")));
  EXPECT_TRUE(was_simulated(real_run(), {}));
  for (const char* const address : {"127.0.0.1:5025", "localhost:502", "rtu over tcp 127.0.0.1:502", "/dev/pts/3"}) {
    db::RunInfo info = real_run();
    info.row.instruments.front().address = address;
    EXPECT_TRUE(was_simulated(info, real)) << address;
  }
  db::RunInfo by_serial = real_run(), by_time = real_run(), by_nothing = real_run();
  by_serial.row.instruments.front().serial = "1234560001";
  by_time.row.time_source = "virtual";
  by_nothing.row.instruments.clear();
  for (const db::RunInfo* const info : {&by_serial, &by_time, &by_nothing}) EXPECT_TRUE(was_simulated(*info, real));
}

TEST(RunEvidence, another_run_than_the_claims_is_named_by_what_differs) {
  ClaimRun claimed;
  claimed.profile = "fast-charge-window";
  claimed.settings = {{"charge_rate_C", "4"}};
  claimed.short_settings = {{"reference_cycles", "1"}};
  const auto recorded = [](const std::string& profile, const Settings& settings) {
    const std::string cell = find_cell("fest-77");
    const Program program = compile_program(find_profile(profile), cell, settings);
    db::RunRow row;
    row.cell_text = read_text_file(cell);
    row.profile_name = program.name;
    row.profile_text = program.source_text;
    row.parameters_text = program.parameters_text;
    row.program_hash = program.hash;
    return row;
  };
  const RunMatch same = match_run(claimed, recorded("fast-charge-window", {{"charge_rate_C", "4"}}));
  EXPECT_EQ(same.difference, "");
  EXPECT_FALSE(same.is_shortened);
  EXPECT_TRUE(
      match_run(claimed, recorded("fast-charge-window", {{"charge_rate_C", "4"}, {"reference_cycles", "1"}})).is_shortened);
  EXPECT_THAT(match_run(claimed, recorded("fast-charge-window", {{"charge_rate_C", "3"}})).difference,
              HasSubstr("charge_rate_C is 3, the claim's is 4"));
  EXPECT_THAT(match_run(claimed, recorded("claim-life", {})).difference, HasSubstr("the claim's is 'Fast charge through"));
}

}  // namespace
}  // namespace cellrig::cli
