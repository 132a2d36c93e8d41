// What was to be done, for readers who do not know our profiles: by the rules of their format, and with nothing left out silently.
#include "profiles/exchange/protocol_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "db/record.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/db/battinfo_check.hpp"

namespace cellrig {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::filesystem::path root{CELLRIG_SOURCE_DIR};

Cell m50() { return read_cell_file(root / "profiles/cells/lg-m50.yaml"); }

boost::json::object record_of(const std::string& steps, const std::string& more = "") {
  const std::string text = "profile: p\nformat: 1\n" + more + "steps:\n" + steps;
  return protocol_record(compile(read_profile(text, "p.yaml"), m50()));
}

std::string text_of(const boost::json::value& value) { return boost::json::serialize(value); }

/// As the exporter completes it.
boost::json::object whole(boost::json::object steps) {
  steps["schema_version"] = "1.0.0";
  steps["test_spec"] = {{"id", "p"}, {"name", "p"}, {"kind", "cycling"}};
  steps["provenance"] = {{"source_type", "simulation"}, {"retrieved_at", 0}};
  return steps;
}

void expect_by_the_rules(const boost::json::object& record) {
  EXPECT_THAT(db::test::BattinfoRules::broken_in_protocol(whole(record), {}), IsEmpty());
}

TEST(ProtocolRecord, of_every_profile_of_the_library_keeps_the_rules) {
  int profiles = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{root / "profiles/library"}) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path());
    const Program program = compile(read_profile_file(entry.path()), m50());
    const boost::json::object record = protocol_record(program);
    expect_by_the_rules(record);
    EXPECT_FALSE(record.at("method").as_array().empty());
    ++profiles;
  }
  EXPECT_GE(profiles, 30);
}

TEST(ProtocolRecord, says_the_steps_of_a_cycle_with_its_numbers) {
  const boost::json::object record = protocol_record(
      compile(read_profile_file(root / "profiles/library/characterisation/cccv-cycle.yaml"), m50(), {{"cycles", "7"}}));
  expect_by_the_rules(record);
  const boost::json::array& method = record.at("method").as_array();
  const auto group =
      std::find_if(method.begin(), method.end(), [](const auto& s) { return s.at("mode").as_string() == "group"; });
  ASSERT_NE(group, method.end()) << text_of(record);
  EXPECT_EQ(group->at("count").to_number<int>(), 7);
  EXPECT_EQ(text_of(group->at("tags")), R"(["cycle"])");
  const boost::json::array& cycle = group->at("steps").as_array();
  ASSERT_EQ(cycle.size(), 4U) << text_of(*group);
  EXPECT_EQ(cycle[0].at("mode").as_string(), "cccv");
  EXPECT_EQ(cycle[0].at("direction").as_string(), "charge");
  EXPECT_NEAR(cycle[0].at("setpoints").at("current").at("value").to_number<double>(), 5.0 / 3, 1e-9);
  EXPECT_NEAR(cycle[0].at("setpoints").at("voltage").at("value").to_number<double>(), 4.2, 1e-9);
  EXPECT_EQ(text_of(cycle[0].at("termination")), R"([{"quantity":"current","value":2.5E-1,"unit":"A","direction":"below"}])");
  EXPECT_THAT(std::string(cycle[0].at("description").as_string()), HasSubstr("the run fails when it lasts 8.5 h"));
  EXPECT_EQ(cycle[1].at("mode").as_string(), "rest");
  EXPECT_EQ(cycle[1].at("duration").at("value").to_number<double>(), 3600);
  EXPECT_EQ(cycle[2].at("mode").as_string(), "cc");
  EXPECT_EQ(cycle[2].at("direction").as_string(), "discharge");
  EXPECT_GT(cycle[2].at("setpoints").at("current").at("value").to_number<double>(), 0)
      << "a magnitude: the direction says the rest";
  EXPECT_EQ(cycle[2].at("termination").at(0).at("direction").as_string(), "below");
  EXPECT_EQ(record.at("safety").at("max_voltage_V").to_number<double>(), 4.25);
  EXPECT_LT(record.at("safety").at("min_current_mA").to_number<double>(), 0);
  EXPECT_EQ(record.at("record").at("time_s").to_number<double>(), 10);
}

// A reader must know what he does not see.
TEST(ProtocolRecord, tells_in_words_what_the_format_has_no_word_for) {
  const boost::json::object record = record_of(R"(
  - cc_charge: {name: warm, current_A: 1, until: [voltage_V >= 4.1, cell_temperature_degC >= 40], at_most_h: 8}
  - cc_discharge: {name: both, current_A: 1, until: {all: [voltage_V <= 3.5, step_time_min >= 10]}, at_most_h: 8}
  - cc_discharge: {name: energy, current_A: 1, until: [energy_Wh >= 2, voltage_V <= 3], at_most_h: 8}
  - require: cycle_count >= 0
)");
  expect_by_the_rules(record);
  const boost::json::array& method = record.at("method").as_array();
  ASSERT_EQ(method.size(), 3U) << text_of(record);
  EXPECT_EQ(method[0].at("termination").as_array().size(), 1U);
  EXPECT_THAT(text_of(method[0].at("description")), HasSubstr("ends when cell_temperature_degC >= 40"));
  EXPECT_FALSE(method[1].as_object().contains("termination")) << "half of a condition would end it too early";
  EXPECT_THAT(text_of(method[1].at("description")), HasSubstr("voltage_V <= 3.5"));
  EXPECT_EQ(method[2].at("termination").as_array().size(), 1U);
  EXPECT_THAT(text_of(method[2].at("description")), HasSubstr("energy_Wh >= 2"));
  EXPECT_THAT(text_of(record.at("notes")), HasSubstr("criterion: cycle_count >= 0"));
}

TEST(ProtocolRecord, says_pulses_as_steps_and_nests_loops) {
  const boost::json::object record = record_of(R"(
  - repeat:
      times: 3
      steps:
        - cycles: {times: 2, reference: true, steps: [{rest: {for_s: 5}}]}
        - pulse_train: {name: pulses, pulses: [{discharge_current_A: 2, for_s: 10}, {for_s: 40}, {charge_current_A: 1.5, for_s: 10}], times: 4}
)");
  expect_by_the_rules(record);
  const boost::json::value& outer = record.at("method").at(0);
  EXPECT_EQ(outer.at("count").to_number<int>(), 3);
  EXPECT_EQ(text_of(outer.at("steps").at(0).at("tags")), R"(["cycle","reference"])");
  const boost::json::value& train = outer.at("steps").at(1);
  EXPECT_EQ(train.at("count").to_number<int>(), 4) << text_of(train);
  const boost::json::array& parts = train.at("steps").as_array();
  ASSERT_EQ(parts.size(), 3U) << text_of(train);
  EXPECT_EQ(parts[0].at("direction").as_string(), "discharge");
  EXPECT_EQ(parts[0].at("setpoints").at("current").at("value").to_number<double>(), 2);
  EXPECT_EQ(parts[1].at("mode").as_string(), "rest");
  EXPECT_EQ(parts[1].at("duration").at("value").to_number<double>(), 40);
  EXPECT_EQ(parts[2].at("direction").as_string(), "charge");
}

db::RunRow recorded(const std::string& profile) {
  db::RunRow run;
  run.time_source = "virtual";
  run.profile_text = profile;
  run.profile_name = "p";
  run.cell_text = read_text_file(root / "profiles/cells/lg-m50.yaml");
  run.cell_name = "lg-m50";
  try {
    run.program_hash = compile(read_profile(profile, "p"), m50()).hash;
  } catch (const ConfigError&) {
    run.program_hash = "none";
  }
  return run;
}

boost::json::object record_of_run(const db::RunRow& run) { return protocol_record(recorded_protocol(run)); }

// Another program than the one that ran is worse than none.
TEST(ProtocolRecord, of_a_run_is_that_of_the_program_that_ran_or_none) {
  const db::RunRow good = recorded("profile: p\nformat: 1\nsteps:\n  - rest: {for_h: 1}\n");
  EXPECT_EQ(record_of_run(good).at("method").as_array().size(), 1U);
  const auto expect_none = [](const db::RunRow& run, const char* why) {
    const boost::json::object record = record_of_run(run);
    EXPECT_FALSE(record.contains("method"));
    EXPECT_FALSE(record.contains("safety"));
    EXPECT_THAT(text_of(record.at("notes")), HasSubstr(why));
    expect_by_the_rules(record);
  };
  db::RunRow other = good;
  other.program_hash = std::string(64, 'a');
  expect_none(other, "another program");
  other = good;
  other.time_source = "imported";
  expect_none(other, "not made by a profile");
  expect_none(recorded("profile: p\nformat: 1\nsteps:\n  - nonsense: {for_h: 1}\n"), "does not compile");
}

}  // namespace
}  // namespace cellrig
