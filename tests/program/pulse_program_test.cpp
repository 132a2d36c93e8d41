// A controller that dies or is stopped while a cell is asked by a pulse, before its first step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "profiles/yaml_reader.hpp"
#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

constexpr Seconds start_limit{20};
constexpr Seconds end_limit{20};
constexpr Seconds watchdog_limit{8};  ///< 5 s, and what a busy machine adds

class PulseProgram : public testing::Test {
 protected:
  PulseProgram() {
    const std::string cell = read_text_file(std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml") +
                             "\npulse_resistance: {min_mohm: 20, max_mohm: 60, for_s: 10}\n";
    cell_file = file_with(cell, "cell.yaml", bench.folder);
    controller = bench.start({.more = {"--cell", cell_file}});
    const auto is_in_pulse = [this] { return bench.simulator.truth("ch1").current_A < -2.0 || controller->has_ended(); };
    EXPECT_TRUE(eventually(start_limit, is_in_pulse));
    EXPECT_FALSE(controller->has_ended()) << controller->err();
  }

  LiveBench bench{"single"};
  std::string cell_file;
  std::unique_ptr<Process> controller;
};

TEST_F(PulseProgram, kill_9_in_it_is_ended_by_the_watchdog) {
  controller->signal(SIGKILL);
  EXPECT_EQ(controller->wait(end_limit), 128 + SIGKILL);
  EXPECT_TRUE(bench.goes_off("ch1", watchdog_limit)) << bench.simulator.ask("truth");
  EXPECT_TRUE(samples_of(*bench.record(), only_run(*bench.record(), "ch1").run).empty());
}

TEST_F(PulseProgram, ctrl_c_in_it_ends_with_130_and_the_output_off) {
  controller->signal(SIGINT);
  EXPECT_EQ(controller->wait(end_limit), 130) << controller->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  EXPECT_LT(bench.simulator.truth("ch1").current_A, 0.05);
}

}  // namespace
}  // namespace cellrig::test
