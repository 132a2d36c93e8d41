// The controller as a process that dies, is stopped, or loses its bench, with charge current flowing. The simulated world is
// another process: it says what is true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "db/reader.hpp"
#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds start_limit{20};
constexpr Seconds end_limit{20};
constexpr Seconds watchdog_limit{6};  // the bench file's default of 5 s, and one second
constexpr Seconds orderly_limit{5};
constexpr std::uint64_t small_disk_bytes = 600'000;
constexpr double soc_charged = 0.5003;  // about a second of charge: set-point acknowledged, samples recorded

const std::string long_charge =
    "profile: Long charge\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n";

/// A bench, a simulator, and a controller that charges.
class Crash : public testing::Test {
 protected:
  void start(const std::string& bench, const std::vector<std::string>& more = {}, const ProcessOptions& options = {}) {
    simulator = std::make_unique<Simulator>(bench);
    folder = temporary_folder();
    (void)file_with(long_charge, "charge.yaml", folder);
    controller = run_another("first.db", more, options);
    const auto charging = [this] { return simulator->truth("ch1").soc > soc_charged || controller->has_ended(); };
    ASSERT_TRUE(eventually(start_limit, charging)) << controller->err();
    ASSERT_FALSE(controller->has_ended()) << controller->err();
  }

  std::unique_ptr<Process> run_another(const std::string& database, const std::vector<std::string>& more = {},
                                       ProcessOptions options = {}) {
    std::vector<std::string> words{
        "run",  "charge.yaml", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file(), "--time", "real",
        "--db", database,      "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    options.folder = folder;
    return std::make_unique<Process>(cellrig_command(words), with_leases(std::move(options)));
  }

  [[nodiscard]] bool goes_off(Seconds limit, const std::string& channel = "ch1") {
    return eventually(limit, [this, channel] { return simulator->is_off(channel); });
  }

  void expect_exit(int code) {
    const std::optional<int> ended = controller->wait(end_limit);
    ASSERT_TRUE(ended.has_value()) << "it does not end:\n" << controller->err();
    EXPECT_EQ(*ended, code) << controller->out() << controller->err();
  }

  /// The only run of the record.
  [[nodiscard]] db::RunInfo recorded(const std::string& database = "first.db") {
    reader = std::move(db::Reader::open(folder + "/" + database).value());
    const std::vector<db::RunInfo> runs = reader->runs().value();
    EXPECT_EQ(runs.size(), 1u);
    return runs.empty() ? db::RunInfo{} : runs.front();
  }
  [[nodiscard]] std::uint64_t recorded_samples() {
    const auto every = [](const db::SampleView&) { return true; };
    return reader->for_each_sample(1, every).value();
  }

  std::string folder;
  std::unique_ptr<Simulator> simulator;
  std::unique_ptr<Process> controller;
  std::unique_ptr<db::Reader> reader;
};

// F37, H13: nobody is left to send OFF; the instrument's own watchdog does it.
TEST_F(Crash, kill_9_with_charge_current_flowing_is_ended_by_the_watchdog_and_the_record_opens) {
  start("single");
  const auto a_second_is_safe = [this] {
    const Result<std::unique_ptr<db::Reader>> open = db::Reader::open(folder + "/first.db");
    if (!open) return false;
    reader = std::move(const_cast<Result<std::unique_ptr<db::Reader>>&>(open).value());
    return recorded_samples() > 10;
  };
  ASSERT_TRUE(eventually(start_limit, a_second_is_safe));
  const std::uint64_t safe = recorded_samples();
  controller->signal(SIGKILL);
  expect_exit(128 + SIGKILL);
  EXPECT_TRUE(goes_off(watchdog_limit)) << simulator->ask("truth");
  EXPECT_EQ(recorded().status, "interrupted") << "nobody wrote an end";
  EXPECT_GE(recorded_samples(), safe) << "a row that was committed is there";
  // Whoever starts next begins with OFF, gets the lease of the dead, and can use the same database.
  controller = run_another("first.db");
  const auto charging = [this] { return simulator->truth("ch1").current_A > 4.9 || controller->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, charging));
  controller->signal(SIGTERM);
  expect_exit(143);
  EXPECT_TRUE(simulator->is_off("ch1"));
}

TEST_F(Crash, off_after_a_kill_9_does_not_wait_for_the_watchdog) {
  start("demo");
  controller->signal(SIGKILL);
  expect_exit(128 + SIGKILL);
  EXPECT_FALSE(simulator->is_off("ch1")) << "this test has to be quicker than the watchdog";
  const Finished off = cellrig({"off", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file()});
  EXPECT_EQ(off.exit_code, 0) << off.err;
  EXPECT_TRUE(simulator->is_off("ch1"));
}

TEST_F(Crash, sigterm_ends_with_143_and_the_output_off) {
  start("demo");
  controller->signal(SIGTERM);
  expect_exit(143);
  EXPECT_TRUE(simulator->is_off("ch1"));
  const db::RunInfo run = recorded();
  EXPECT_EQ(run.status, "stopped");
  ASSERT_TRUE(run.end.has_value());
  EXPECT_THAT(run.end->reason, HasSubstr("SIGTERM"));
}

// The terminal was closed, the connection to the machine was lost: that must not leave the cell to the watchdog.
TEST_F(Crash, a_closed_terminal_ends_like_a_sigterm) {
  start("single");
  controller->signal(SIGHUP);
  expect_exit(143);
  EXPECT_TRUE(simulator->is_off("ch1"));
  EXPECT_EQ(recorded().status, "stopped");
}

TEST_F(Crash, ctrl_c_ends_with_130_and_the_output_off) {
  start("single");
  controller->signal(SIGINT);
  expect_exit(130);
  EXPECT_TRUE(simulator->is_off("ch1"));
  EXPECT_EQ(recorded().status, "stopped");
  EXPECT_THAT(controller->err(), HasSubstr("switched off and verified"));
}

// The second Ctrl-C cuts every wait but that for OFF.
TEST_F(Crash, a_second_ctrl_c_while_the_instrument_hangs_still_opens_the_contactor) {
  start("demo");
  simulator->fault("accept_only psb1 for_s=1000");
  simulator->fault("drop psb1 count=for_ever");
  simulator->fault("close psb1");
  controller->signal(SIGINT);
  const auto is_stopping = [this] { return controller->err().find("stopping") != std::string::npos || controller->has_ended(); };
  EXPECT_TRUE(eventually(orderly_limit, is_stopping));
  controller->signal(SIGINT);
  EXPECT_TRUE(goes_off(orderly_limit)) << simulator->ask("truth");
  EXPECT_FALSE(simulator->truth("ch1").contactor_closed);
  const std::optional<int> ended = controller->wait(orderly_limit);
  ASSERT_TRUE(ended.has_value()) << "a second Ctrl-C must end it soon:\n" << controller->err();
  EXPECT_TRUE(*ended == 130 || *ended == 4) << *ended << controller->err();
  EXPECT_THAT(controller->err() + controller->out(), HasSubstr("contactor was opened"));
}

TEST_F(Crash, a_second_ctrl_c_while_the_output_ignores_off_still_opens_the_contactor) {
  start("demo");
  simulator->fault("ignore_off psb1");
  controller->signal(SIGINT);
  const auto is_stopping = [this] { return controller->err().find("stopping") != std::string::npos || controller->has_ended(); };
  EXPECT_TRUE(eventually(orderly_limit, is_stopping));
  controller->signal(SIGINT);
  EXPECT_TRUE(goes_off(orderly_limit)) << simulator->ask("truth");
  const std::optional<int> ended = controller->wait(orderly_limit);
  ASSERT_TRUE(ended.has_value()) << controller->err();
  EXPECT_TRUE(*ended == 130 || *ended == 4) << *ended << controller->err();
}

// F43: two controllers of one output is how a cell gets overcharged.
TEST_F(Crash, a_second_controller_is_refused_before_its_first_write_and_the_first_goes_on) {
  start("single");
  const std::unique_ptr<Process> second = run_another("second.db");
  const std::optional<int> ended = second->wait(end_limit);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(*ended, 4) << second->err();
  EXPECT_THAT(second->err(), HasSubstr("already controlled by process " + std::to_string(controller->pid())));
  EXPECT_FALSE(std::filesystem::exists(folder + "/second.db"));
  EXPECT_GT(simulator->truth("ch1").current_A, 4.9) << "the first was disturbed";
  EXPECT_FALSE(controller->has_ended());
  const Finished off = cellrig({"off", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file()});
  EXPECT_EQ(off.exit_code, 4) << "OFF in passing would look like a failure to the first; --force says that it is meant";
  EXPECT_GT(simulator->truth("ch1").current_A, 4.9);
  const Finished forced = cellrig({"off", "--force", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file()});
  EXPECT_EQ(forced.exit_code, 0) << forced.err;
  EXPECT_TRUE(simulator->is_off("ch1"));
  const std::optional<int> first = controller->wait(end_limit);
  ASSERT_TRUE(first.has_value()) << "the first must notice";
  EXPECT_TRUE(*first == 3 || *first == 4) << *first << controller->err();
}

TEST_F(Crash, a_second_writer_of_one_database_is_refused_with_5) {
  start("single");
  Simulator other("single");
  const Finished second = cellrig(
      {"run", "charge.yaml", "--bench", other.bench_file(), "--simulator", other.ready_file(), "--db", "first.db", "--quiet"},
      {.folder = folder});
  EXPECT_EQ(second.exit_code, 5) << second.err;
  EXPECT_THAT(second.err, HasSubstr("first.db"));
  EXPECT_EQ(other.truth("ch1").current_max_A, 0.0);
  EXPECT_FALSE(controller->has_ended());
}

// F39: the limit on the size of a file is what a full disk is to a process.
TEST_F(Crash, a_full_disk_ends_with_5_and_the_output_off) {
  start("single", {"--control-period-s", "0.02"}, {.file_bytes_max = small_disk_bytes});
  expect_exit(5);
  EXPECT_TRUE(simulator->is_off("ch1"));
  EXPECT_THAT(controller->err(), HasSubstr("first.db"));
  EXPECT_EQ(recorded().row.profile_name, "Long charge");
  EXPECT_GT(recorded_samples(), 100u);
}

TEST_F(Crash, a_port_that_closes_ends_with_4_and_the_contactor_open) {
  start("demo");
  simulator->fault("refuse psb1 for_s=1000");
  simulator->fault("close psb1");
  EXPECT_TRUE(goes_off(Seconds{3})) << "1 s until the voltage is stale, 1 s for OFF, then the contactor";
  expect_exit(4);
  EXPECT_EQ(recorded().status, "instrument failure");
  EXPECT_THAT(controller->err(), HasSubstr("no fresh reading"));
}

TEST_F(Crash, a_bench_that_vanishes_ends_with_4_and_a_word_to_go_and_look) {
  start("single");
  simulator->process().signal(SIGKILL);
  expect_exit(4);
  EXPECT_THAT(controller->err(), HasSubstr("Go and look"));
  const db::RunInfo run = recorded();
  EXPECT_EQ(run.status, "instrument failure");
  EXPECT_GT(recorded_samples(), 0u);
}

const std::string short_profile =
    "profile: Short\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 2, at_most_h: 1}\n";

// `cellrig run ... 2>&1 | tee log`: whoever reads along may die or stand still; the run does not notice.
TEST_F(Crash, a_reader_of_the_progress_that_dies_or_stands_still_does_not_disturb_the_run) {
  for (const Errors errors : {Errors::nobody_reads, Errors::stuck}) {
    simulator = std::make_unique<Simulator>("single");
    folder = temporary_folder();
    (void)file_with(short_profile, "charge.yaml", folder);
    Process run(cellrig_command({"run", "charge.yaml", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file(),
                                 "--db", "first.db"}),
                with_leases({.folder = folder, .errors = errors}));
    const std::optional<int> ended = run.wait(end_limit);
    ASSERT_TRUE(ended.has_value()) << "it hangs with its output";
    EXPECT_EQ(*ended, 0);
    EXPECT_TRUE(simulator->is_off("ch1"));
    EXPECT_EQ(recorded().status, "completed");
    EXPECT_GT(recorded_samples(), 15u);
  }
}

// F42: a process that was stopped and goes on must not catch up: it is late, so it switches off.
TEST_F(Crash, a_controller_that_was_suspended_finds_the_output_off_and_says_so) {
  start("single");
  controller->signal(SIGSTOP);
  EXPECT_TRUE(goes_off(watchdog_limit)) << "the watchdog does not care why nobody speaks";
  controller->signal(SIGCONT);
  const std::optional<int> ended = controller->wait(end_limit);
  ASSERT_TRUE(ended.has_value());
  EXPECT_TRUE(*ended == 3 || *ended == 4) << *ended << controller->err();
  EXPECT_TRUE(simulator->is_off("ch1"));
}

}  // namespace
}  // namespace cellrig::test
