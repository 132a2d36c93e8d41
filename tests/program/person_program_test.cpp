// A step that waits for a person, in real time: who types, who does not, and who hangs up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds start_limit{20};
constexpr Seconds end_limit{20};

class PersonProgram : public testing::Test {
 protected:
  PersonProgram() {
    (void)file_with(
        "profile: Turn it\nformat: 1\nsteps:\n"
        "  - cc_discharge: {rate_C: 1, until: step_time_s >= 1, at_most_min: 1}\n"
        "  - wait_for_person: {message: turn the cell over, at_most_s: 8}\n"
        "  - cc_discharge: {name: second, rate_C: 1, until: step_time_s >= 1, at_most_min: 1}\n",
        "turn.yaml", bench.folder);
  }
  std::unique_ptr<Process> start(Errors errors) {
    return bench.start({.profile = "turn.yaml", .more = {"--cell", "lg-m50"}, .errors = errors});
  }
  static bool shows(Process& process, const std::string& text) {
    return eventually(start_limit, [&] { return process.err().find(text) != std::string::npos || process.has_ended(); });
  }
  [[nodiscard]] std::string events() {
    std::string text;
    const std::unique_ptr<db::Reader> reader = bench.record();
    const std::vector<db::EventRow> rows = reader->events(only_run(*reader, "ch1").run).value();
    for (const db::EventRow& row : rows) text += row.kind + ": " + row.message + "\n";
    return text;
  }

  LiveBench bench{"single"};
};

TEST_F(PersonProgram, goes_on_when_somebody_types_a_name) {
  const std::unique_ptr<Process> run = start(Errors::terminal);
  ASSERT_TRUE(shows(*run, "please: turn the cell over")) << run->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1")) << "somebody has hands on it";
  run->type("\n");
  run->type("A. Smith\n");
  EXPECT_EQ(run->wait(end_limit), 0) << run->err();
  EXPECT_THAT(run->err(), HasSubstr("confirmed by A. Smith"));
  EXPECT_THAT(events(), HasSubstr("confirmed: turn the cell over (by A. Smith)"));
}

TEST_F(PersonProgram, fails_at_its_bound_when_nobody_can_type) {
  const std::unique_ptr<Process> run = start(Errors::file);  // standard input is /dev/null
  EXPECT_EQ(run->wait(end_limit), 1) << run->err();
  EXPECT_THAT(run->err(), HasSubstr("nobody can confirm"));
  EXPECT_THAT(run->out(), HasSubstr("did not reach its end"));
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
}

TEST_F(PersonProgram, ctrl_c_while_it_waits_ends_with_130) {
  const std::unique_ptr<Process> run = start(Errors::terminal);
  ASSERT_TRUE(shows(*run, "please: turn the cell over")) << run->err();
  run->signal(SIGINT);
  EXPECT_EQ(run->wait(end_limit), 130) << run->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
}

}  // namespace
}  // namespace cellrig::test
