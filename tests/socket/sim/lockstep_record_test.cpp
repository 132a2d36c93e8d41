// Lockstep: one bench, one record, to the last bit, whether time goes on alone while the simulator is quiet or asks for every step, or
// goes on in one process with the world; also when links break, replies come late and watchdogs fire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/async/lockstep_time.hpp"
#include "controller/async/virtual_time.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "db/digest.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
#include "sim/faults.hpp"
#include "sim/net/server.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using Lookahead = LockstepTime::Lookahead;

/// The simulator lives in real time until the controller comes: the run begins at an instant that is surely later.
constexpr TimePoint begin_at{100s};

/// Instants of the run: soak from 100 s, charge from 121 s, rest from 182 s, discharge from 228 s, rest from 289 s to 350 s.
const std::string profile =
    "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - soak: {temperature_degC: 27, until: step_time_s >= 20, at_most_min: 1}\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n"
    "  - rest: {for_s: 45}\n"
    "  - cc_discharge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n"
    "  - rest: {for_s: 60}\n";

/// What the record says, line by line, without the ports that the system happened to give.
using Story = std::vector<std::string>;

/// Every channel of a bench at once. Without a word about lookahead: in virtual time, no socket between.
class RecordedRun {
 public:
  RecordedRun(const std::string& bench, std::optional<Lookahead> lookahead, const std::vector<std::string>& orders)
      : bench_{find_bench(bench)} {
    for (const std::string& order : orders) {
      const Result<void> done = sim::apply_fault(*simulated_, TimePoint{}, order);
      EXPECT_TRUE(done) << done.error().what;
    }
    for (const ChannelConfig& channel : config_.channels) channels_.push_back(channel.name);
    if (lookahead) {
      connect(*lookahead);
    } else {
      time_ = std::make_unique<VirtualTime>();
      links_ = cli::in_process_links(*time_, *simulated_);
    }
    instruments_ = cli::make_instruments(*time_, config_, channels_, *links_);
  }
  ~RecordedRun() {
    instruments_ = {};
    links_.reset();
    time_.reset();
    if (server_) server_->stop();
  }
  RecordedRun(const RecordedRun&) = delete;
  RecordedRun& operator=(const RecordedRun&) = delete;

  Story run() {
    const std::string database = temporary_folder() + "/record.db";
    std::unique_ptr<db::Recorder> recorder =
        db::Recorder::open({.path = database, .commit = db::CommitPolicy::simulated()}).value();
    const Program program = compile(read_profile(profile, "profile.yaml"), read_cell_file(find_cell("lg-m50")));
    BenchRunOptions options{.take_leases = false};
    options.channel.control_period = options.channel.control_period_off = options.channel.sensor_period = 1s;
    options.channel.control_period_long_rest = 10s;
    RunListener nobody;
    BenchRun bench_run{*time_, config_, instruments_, *recorder, nobody, std::move(options)};
    time_->spawn(whole(&bench_run, jobs(program)));
    time_->run();
    EXPECT_TRUE(recorder->close());
    return story_of(database);
  }

 private:
  [[nodiscard]] std::vector<ChannelJob> jobs(const Program& program) const {
    std::vector<ChannelJob> all;
    for (const std::string& channel : channels_) {
      db::RunRow row;
      row.cell_name = program.cell_name;
      row.profile_name = program.name;
      row.program_hash = program.hash;
      row.time_source = "lockstep";
      row.control_period = 1s;
      row.nominal_capacity_Ah = program.nominal_capacity.value();
      all.push_back({channel, &program, std::move(row)});
    }
    return all;
  }
  Task<void> whole(BenchRun* bench_run, std::vector<ChannelJob> all) {
    co_await time_->sleep_until(begin_at);
    co_await bench_run->run(std::move(all));
    time_->stop();
  }
  [[nodiscard]] Story story_of(const std::string& database) const {
    std::string text;
    EXPECT_TRUE(db::canonical_dump(database, [&text](std::string_view part) { text += part; }));
    for (const sim::ServedPort& port : server_ ? server_->ports() : std::vector<sim::ServedPort>{}) {
      const std::size_t path = port.address.find('/');  // messages name a line by its device alone
      const std::string address = path == std::string::npos ? port.address : port.address.substr(path);
      for (std::size_t at = text.find(address); at != std::string::npos; at = text.find(address, at)) {
        text.replace(at, address.size(), port.instrument + '.' + port.name);
      }
    }
    Story lines;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return lines;
  }

  void connect(Lookahead lookahead) {
    server_ = std::make_unique<sim::SimServer>(*simulated_, sim::ServerOptions{});
    for (auto& [name, instrument] : config_.instruments) {
      for (auto& [port, address] : instrument.addresses) move_to(address, server_->address_of(name, port), instrument.place);
    }
    server_->start();
    time_ = std::make_unique<LockstepTime>(server_->host(), server_->back_door_port(), lookahead);
    links_ = cli::socket_links(*time_, true);
  }

  std::vector<std::string> channels_;
  std::string bench_;
  BenchConfig config_ = load_bench(bench_);
  std::unique_ptr<sim::SimulatedBench> simulated_ = sim::SimulatedBench::load(bench_, sim::BenchOptions{{cell_directory()}, 1});
  std::unique_ptr<sim::SimServer> server_;
  std::unique_ptr<TimeSource> time_;
  std::unique_ptr<cli::LinkMaker> links_;
  BenchInstruments instruments_;
};

Story story(std::optional<Lookahead> lookahead, const std::vector<std::string>& orders, const std::string& bench = "demo") {
  return RecordedRun{bench, lookahead, orders}.run();
}

/// The first difference says more than two records side by side.
void expect_same(const Story& a, const Story& b) {
  const auto [here, there] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (here == a.end() && there == b.end()) return;
  ADD_FAILURE() << "line " << here - a.begin() << " of " << a.size() << " and " << b.size() << ":\n"
                << (here == a.end() ? "(nothing)" : *here) << "\n"
                << (there == b.end() ? "(nothing)" : *there);
}

TEST(LockstepRecord, a_whole_run_is_the_same_with_and_without_lookahead) {
  const Story ahead = story(Lookahead::on, {});
  EXPECT_GT(ahead.size(), 450U);
  expect_same(ahead, story(Lookahead::off, {}));
  expect_same(ahead, story(Lookahead::on, {}));
}

// Three makes of cycler and of chamber, sensors and contacts, on every kind of wire that there is.
TEST(LockstepRecord, of_the_full_bench_is_that_of_virtual_time) {
  const Story in_process = story(std::nullopt, {}, "full");
  EXPECT_GT(in_process.size(), 1500U);
  expect_same(in_process, story(Lookahead::on, {}, "full"));
  expect_same(in_process, story(Lookahead::off, {}, "full"));
}

class LockstepRecordFaults : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(LockstepRecordFaults, are_recorded_the_same_with_and_without_lookahead) {
  const Story ahead = story(Lookahead::on, GetParam());
  expect_same(ahead, story(Lookahead::off, GetParam()));
  expect_same(ahead, story(Lookahead::on, GetParam()));
}

/// Pseudo-terminals, two units on one of them: nothing of when bytes really move may show.
class LockstepRecordOnLines : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(LockstepRecordOnLines, is_the_same_with_and_without_lookahead) {
  const Story ahead = story(Lookahead::on, GetParam(), "serial-lines");
  EXPECT_GT(ahead.size(), 100U);
  expect_same(ahead, story(Lookahead::off, GetParam(), "serial-lines"));
  expect_same(ahead, story(Lookahead::on, GetParam(), "serial-lines"));
}

INSTANTIATE_TEST_SUITE_P(
    Orders, LockstepRecordOnLines,
    ::testing::Values(std::vector<std::string>{}, std::vector<std::string>{"drop psb1.modbus at_s=150.5", "drop itech1 at_s=160"},
                      std::vector<std::string>{"delay adam delay_ms=700 at_s=140 count=5 skip=3",
                                               "delay itech1 delay_ms=600 at_s=141"},
                      std::vector<std::string>{"close psb1.modbus at_s=170", "close adam at_s=150"},
                      std::vector<std::string>{"refuse adam at_s=150 for_s=0.8"},
                      std::vector<std::string>{"garble f4t at_s=140 bytes=3 count=4", "duplicate adam at_s=145 count=2"}));

INSTANTIATE_TEST_SUITE_P(
    Orders, LockstepRecordFaults,
    ::testing::Values(std::vector<std::string>{"drop psb1.modbus at_s=150.5", "drop aps1 at_s=160"},
                      std::vector<std::string>{"delay psb1.modbus delay_ms=700 at_s=140 count=5 skip=3",
                                               "delay aps1 delay_ms=1500 at_s=141 count=3"},
                      std::vector<std::string>{"close adam at_s=130 rate=0.1 for_s=100", "close psb1.modbus at_s=170"},
                      std::vector<std::string>{"refuse psb1 at_s=133.3 for_s=0.5", "refuse f4t at_s=240.7 for_s=1.5"},
                      std::vector<std::string>{"accept_only psb1 at_s=150 for_s=300"},  // its watchdog fires
                      std::vector<std::string>{"accept_only aps1 at_s=150 for_s=300"},
                      std::vector<std::string>{"reboot psb1 at_s=240.25"},
                      std::vector<std::string>{"drop adam at_s=150 count=for_ever"},  // the module opens the contactors by itself
                      std::vector<std::string>{"random seed=3 rate=0.01 at_s=121"},
                      std::vector<std::string>{"random seed=4 rate=0.01 at_s=121"}));

}  // namespace
}  // namespace cellrig::test
