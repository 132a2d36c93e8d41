// Which runs of a record are evidence of a claim: no other than those that it names.
#include "controller/cli/verify/run_evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/resources.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

using testing::HasSubstr;

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
