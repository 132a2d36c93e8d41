// `cellrig serve` as a process: what a service manager hears of it, what is left when it dies, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/program/live_bench.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr Seconds open_limit{30};
constexpr Seconds off_limit{8};
constexpr Seconds end_limit{30};

/// What systemd is to a service: a socket that hears datagrams.
class Manager {
 public:
  explicit Manager(const std::string& folder) : path_{folder + "/notify"} {
    descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("no notify socket");
  }
  ~Manager() { ::close(descriptor_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// All that came since the last call.
  [[nodiscard]] std::vector<std::string> heard() {
    std::vector<std::string> all;
    char text[4096];
    for (ssize_t n = ::recv(descriptor_, text, sizeof text, 0); n >= 0; n = ::recv(descriptor_, text, sizeof text, 0))
      all.emplace_back(text, static_cast<std::size_t>(n));
    return all;
  }
  [[nodiscard]] bool hears(const std::string& part, Seconds limit) {
    return eventually(limit, [&] {
      const std::vector<std::string> now = heard();
      return std::any_of(now.begin(), now.end(), [&](const std::string& text) { return text.find(part) != std::string::npos; });
    });
  }

 private:
  std::string path_;
  int descriptor_ = -1;
};

TEST(Serve, tells_its_service_manager_that_it_is_ready_alive_and_ending) {
  const std::string folder = temporary_folder();
  Manager manager(folder);
  Process serve(cellrig_command({"serve", "--simulated", "--idle", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"}),
                with_leases({.folder = folder, .environment = {{"NOTIFY_SOCKET", manager.path()}, {"WATCHDOG_USEC", "600000"}}}));
  ASSERT_TRUE(manager.hears("READY=1", open_limit)) << serve.err();
  EXPECT_TRUE(eventually(open_limit, [&] { return std::filesystem::exists(folder + "/ready.json"); }));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(manager.hears("WATCHDOG=1", Seconds{5}));
  serve.signal(SIGSTOP);
  (void)manager.heard();
  EXPECT_FALSE(manager.hears("WATCHDOG=1", Seconds{1})) << "a control thread that stands still says nothing";
  serve.signal(SIGCONT);
  EXPECT_TRUE(manager.hears("WATCHDOG=1", Seconds{5}));
  serve.signal(SIGTERM);
  EXPECT_TRUE(manager.hears("STOPPING=1", Seconds{5}));
  EXPECT_EQ(serve.wait(end_limit), 143) << serve.err();
}

// It runs in real time, its request follows the beginning of its run, and a run before it in the same record was asked for otherwise.
TEST(Serve, on_a_simulated_bench_leaves_no_run_that_passes_as_a_measurement) {
  const std::string folder = temporary_folder();
  Process serve(
      cellrig_command({"serve", "--simulated", "--db", "s.db", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"}),
      with_leases({.folder = folder}));
  const auto runs = [&folder] {
    if (!std::filesystem::exists(folder + "/s.db")) return std::vector<db::RunInfo>{};
    const auto reader = db::Reader::open(folder + "/s.db");
    if (!reader) return std::vector<db::RunInfo>{};
    const auto found = (*reader)->runs();
    return found ? *found : std::vector<db::RunInfo>{};
  };
  ASSERT_TRUE(eventually(open_limit, [&] { return !runs().empty(); })) << serve.err();
  serve.signal(SIGTERM);
  EXPECT_EQ(serve.wait(end_limit), 143) << serve.err();
  for (const db::RunInfo& run : runs()) {
    EXPECT_EQ(run.row.time_source, "real");
    EXPECT_EQ(run.origin, db::RunOrigin::simulated);
  }
  const auto in_folder = [&folder](const std::vector<std::string>& words) { return cellrig(words, {.folder = folder}); };
  const auto content = [&folder](const std::string& name) {
    std::ifstream file(folder + "/" + name);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  EXPECT_THAT(in_folder({"runs", "--db", "s.db"}).out, HasSubstr("SIMULATED"));
  ASSERT_EQ(in_folder({"report", "1", "--db", "s.db", "-o", "r.html"}).exit_code, 0);
  EXPECT_THAT(content("r.html"), HasSubstr("SIMULATED"));
  ASSERT_EQ(in_folder({"export", "1", "--db", "s.db", "--format", "bdf", "-o", "r.bdf.csv"}).exit_code, 0);
  EXPECT_THAT(content("r.bdf.metadata.json"), HasSubstr("\"source_type\":\"simulation\""));
}

class ServeLive : public testing::Test {
 protected:
  std::unique_ptr<Process> serve(const std::vector<std::string>& more = {}, ProcessOptions options = {},
                                 const std::string& program = {}) {
    std::vector<std::string> words{"serve",
                                   "--bench",
                                   bench.simulator.bench_file(),
                                   "--simulator",
                                   bench.simulator.ready_file(),
                                   "--db",
                                   "first.db",
                                   "--listen",
                                   "127.0.0.1:0",
                                   "--profiles",
                                   bench.folder};
    words.insert(words.end(), more.begin(), more.end());
    options.folder = bench.folder;
    std::vector<std::string> command = cellrig_command(words);
    if (!program.empty()) command.front() = program;
    return std::make_unique<Process>(command, with_leases(std::move(options)));
  }
  void write_long_charge() {
    (void)file_with(
        "profile: Long\nformat: 1\non_interruption: resume\nrecord: {every_s: 0}\nsteps:\n"
        "  - cc_charge: {rate_C: 1, until: step_time_s >= 3600, at_most_h: 2}\n",
        "long.yaml", bench.folder);
  }
  LiveBench bench{"demo"};
};

TEST_F(ServeLive, dies_and_its_successor_goes_on_with_the_run) {
  write_long_charge();
  {
    const std::unique_ptr<Process> first = serve({"--start", "ch1=long"});
    ASSERT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << first->err();
    ASSERT_TRUE(eventually(open_limit, [&] { return !bench.record()->runs().value().empty(); }));
    first->signal(SIGKILL);
    ASSERT_EQ(first->wait(end_limit), 128 + SIGKILL);
  }
  EXPECT_TRUE(bench.goes_off("ch1", off_limit)) << "the cycler's watchdog is all that is left";
  const std::unique_ptr<Process> second = serve();
  ASSERT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << second->err();
  // Two controllers of one bench are none.
  const std::unique_ptr<Process> third = serve();
  EXPECT_EQ(third->wait(end_limit), 4);
  EXPECT_THAT(third->err(), HasSubstr("is already controlled by process"));
  EXPECT_TRUE(bench.charges("ch1"));
  second->signal(SIGTERM);
  EXPECT_EQ(second->wait(end_limit), 143) << second->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  const std::unique_ptr<db::Reader> record = bench.record();
  const db::RunInfo run = only_run(*record, "ch1");
  EXPECT_EQ(run.status, "stopped");
  EXPECT_EQ(record->deviations(run.run).value().size(), 1u);
  std::vector<std::string> actions;
  for (const db::AuditRow& row : record->audit().value()) actions.push_back(row.action);
  EXPECT_THAT(actions, Contains("run goes on"));
  EXPECT_THAT(actions, Contains("bench closed"));
}

// A restart loop, with an oven that nobody looks after: what the next process does not go on with is not heated on.
TEST_F(ServeLive, that_cannot_begin_switches_off_the_chamber_that_a_dead_one_has_left_on) {
  (void)file_with(
      "profile: Warm\nformat: 1\non_interruption: resume\nrecord: {every_s: 1}\nsteps:\n"
      "  - rest: {for_min: 60, temperature_degC: 35}\n",
      "warm.yaml", bench.folder);
  {
    const std::unique_ptr<Process> first = serve({"--start", "ch1=warm"});
    ASSERT_TRUE(eventually(open_limit, [&] { return bench.oven_runs(); })) << first->err();
    first->signal(SIGKILL);
    ASSERT_EQ(first->wait(end_limit), 128 + SIGKILL);
  }
  ASSERT_TRUE(bench.oven_runs()) << "a dead process stops no chamber";
  const std::unique_ptr<Process> second = serve({"--accounts", "none"});
  EXPECT_EQ(second->wait(end_limit), 2) << second->err();
  EXPECT_FALSE(bench.oven_runs()) << second->err();
}

// H13: the process lives, its other threads too, and the thread that decides stands still. Nobody may tell the manager that all is well,
// and what was decided on before is not caught up with.
TEST_F(ServeLive, whose_control_thread_hangs_is_told_to_nobody_as_alive_and_trips_when_it_is_back) {
  write_long_charge();
  Manager manager(bench.folder);
  const std::unique_ptr<Process> serving = serve({"--start", "ch1=long"},
                                                 {.environment = {{"NOTIFY_SOCKET", manager.path()},
                                                                  {"WATCHDOG_USEC", "600000"},
                                                                  {"CELLRIG_TEST_SAMPLES", "20"},
                                                                  {"CELLRIG_TEST_HANG_MS", "15000"}}},
                                                 CELLRIG_FAILING_PROGRAM);
  ASSERT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << serving->err();
  // In no second of the hang is there a word, and its cell is not left on.
  ASSERT_TRUE(eventually(open_limit, [&] {
    (void)manager.heard();
    return !manager.hears("WATCHDOG=1", Seconds{2});
  })) << "it does not hang";
  EXPECT_TRUE(bench.goes_off("ch1", off_limit)) << "the cycler's watchdog, long before the thread is back";
  EXPECT_TRUE(manager.hears("WATCHDOG=1", Seconds{25})) << "it is back";
  EXPECT_TRUE(eventually(Seconds{10}, [&] { return only_run(*bench.record(), "ch1").end.has_value(); })) << serving->err();
  EXPECT_THAT(only_run(*bench.record(), "ch1").end->reason, HasSubstr("no fresh reading"));
  EXPECT_FALSE(bench.charges("ch1"));
  serving->signal(SIGTERM);
  EXPECT_EQ(serving->wait(end_limit), 143) << serving->err();
}

// F39 while clients hold the bench: what cannot be recorded is not run, and what was kept can be read.
TEST_F(ServeLive, whose_disk_is_full_ends_with_the_outputs_off_and_a_record_that_opens) {
  constexpr std::uint64_t small_disk_bytes = 600'000;
  write_long_charge();
  const std::unique_ptr<Process> serving =
      serve({"--start", "ch1=long", "--control-period-s", "0.02"}, {.file_bytes_max = small_disk_bytes});
  ASSERT_TRUE(eventually(open_limit, [&] { return bench.charges("ch1"); })) << serving->err();
  EXPECT_EQ(serving->wait(Seconds{60}), 5) << serving->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1")) << "switched off, not left to the watchdog";
  EXPECT_THAT(serving->err(), HasSubstr("the record could not be kept"));
  const std::unique_ptr<db::Reader> record = bench.record();
  const db::RunInfo run = only_run(*record, "ch1");
  EXPECT_NE(run.status, "completed");
  EXPECT_GT(samples_of(*record, run.run).size(), 0U);
}

}  // namespace
}  // namespace cellrig::test
