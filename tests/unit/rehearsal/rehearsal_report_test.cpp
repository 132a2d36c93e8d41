// A rehearsal in words and as a page.
#include "controller/cli/rehearsal/rehearsal_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cellrig::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Program two_steps() {
  Program program;
  program.name = "Rate <test> & more";
  Step charge{.name = "charge", .kind = StepKind::cc, .time_max = std::chrono::hours{2}};
  charge.source.line = 7;
  Step never{.name = "never"};
  never.source.line = 9;
  program.code.emplace_back(charge);
  program.code.emplace_back(never);
  program.limits.voltage_max = Volts{4.25};
  return program;
}

Rehearsal one_charge() {
  Rehearsal r;
  r.outcome = Outcome::completed;
  r.steps = {{.instruction = 0, .executions = 2, .timed_out = 1, .seconds = 7200.0, .last_end = "voltage_V >= 4.2"},
             {.instruction = 1}};
  r.approaches = {{.limit = "voltage_max_V", .unit = "V", .bound = 4.25, .nearest = 4.2, .margin = 0.05, .is_known = true},
                  {.limit = "cell_temperature_max_degC", .unit = "degC", .bound = 60.0}};
  for (int i = 0; i < 100; ++i) {
    CurvePiece piece{static_cast<double>(i), i + 1.0, {}, {}, {}};
    piece.voltage_V.include(3.0 + 0.01 * i);
    piece.current_A.include(5.0);
    r.curve.push_back(piece);
  }
  r.bands = {{0.0, 0}};
  r.seconds = 100.0;
  return r;
}

TEST(RehearsalReport, says_what_was_never_reached_and_what_ended_by_its_bound) {
  const std::vector<std::string> list = remarks(two_steps(), one_charge());
  EXPECT_THAT(list, testing::ElementsAre("line 7, 'charge': ended by its bound of 2 h, which is a failure",
                                         "line 9, 'never': never reached"));
}

TEST(RehearsalReport, shows_a_limit_only_where_something_was_measured) {
  const std::string text = rehearsal_text(two_steps(), one_charge());
  EXPECT_THAT(text, HasSubstr("voltage_max_V"));
  EXPECT_THAT(text, Not(HasSubstr("cell_temperature_max_degC")));
  const boost::json::object json = rehearsal_json(two_steps(), one_charge());
  EXPECT_EQ(json.at("limits").as_array().size(), 1U);
  EXPECT_EQ(json.at("remarks").as_array().size(), 2U);
}

TEST(RehearsalReport, durations_and_sizes_read_as_a_person_would_say_them) {
  EXPECT_EQ(duration_text(0.5), "0.5 s");
  EXPECT_EQ(duration_text(90), "1 min 30 s");
  EXPECT_EQ(duration_text(600), "10 min");
  EXPECT_EQ(duration_text(7260), "2 h 1 min");
  EXPECT_EQ(duration_text(86'400.0 * 226 + 8 * 3600), "226 d 8 h");
  EXPECT_EQ(bytes_text(1), "1 kB");
  EXPECT_EQ(bytes_text(49.8e6), "49.8 MB");
  EXPECT_EQ(bytes_text(2.34e9), "2.3 GB");
}

// It is opened from a disk, perhaps mailed: nothing is fetched, nothing runs, and a profile's words cannot become markup.
TEST(RehearsalPage, is_one_document_without_scripts_and_with_its_texts_escaped) {
  const std::string page = rehearsal_page(two_steps(), one_charge());
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("Rate &lt;test&gt; &amp; more"));
  for (const char* const forbidden : {"<test>", "<script", "http:", "https:", "nan", "inf,"})
    EXPECT_THAT(page, Not(HasSubstr(forbidden)));
  EXPECT_THAT(page, HasSubstr("not measured on this bench")) << "the temperature";
}

TEST(RehearsalPage, a_start_that_was_refused_has_a_page_too) {
  Rehearsal r;
  r.outcome = Outcome::instrument_failure;
  r.reason = "the voltage is off";
  const std::string page = rehearsal_page(two_steps(), r);
  EXPECT_THAT(page, HasSubstr("the voltage is off"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace cellrig::cli
