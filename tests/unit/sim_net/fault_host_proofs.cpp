// F37 to F44: what they do to the controller's process, its clocks, and the disk under its record.
#include <csignal>

#include "controller/async/virtual_time.hpp"
#include "controller/cli/bench/host_faults.hpp"
#include "db/recorder.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/unit/sim_net/fault_witness.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A database that is opened after a fault of the disk was ordered.
class DiskWitness {
 public:
  DiskWitness() { EXPECT_TRUE(recorder_) << recorder_.error().what; }
  /// Whether what is appended now comes onto the disk.
  [[nodiscard]] bool takes_a_row() const {
    (*recorder_)->append(db::EventRow{.kind = "note", .message = "here"});
    return (*recorder_)->flush().has_value();
  }

 private:
  Result<std::unique_ptr<db::Recorder>> recorder_ = db::Recorder::open({.path = test::temporary_folder() + "/a.db"});
};

Task<void> ask_the_disk(VirtualTime* time, const DiskWitness* disk, std::vector<bool>* takes) {
  for (int second = 1; second <= 3; ++second) {
    const TimePoint at{std::chrono::seconds{second}};
    co_await time->sleep_until(at);
    takes->push_back(disk->takes_a_row());
  }
}

Task<void> note_start(VirtualTime* time, std::vector<std::pair<TimePoint, bool>>* starts, bool is_forced) {
  starts->emplace_back(time->now(), is_forced);
  co_return;
}

/// A controller in virtual time that looks around at the full seconds.
struct HostWitness {
  VirtualTime time;
  cli::HostFaults host{time, &time};
  Witness bench{"demo", {{cell_directory()}, 1, "", &host}};
  std::vector<TimePoint> looked_at;
  std::vector<std::int64_t> utc_ns;
  std::vector<bool> was_full;

  void run(int seconds) {
    time.spawn(look(this, seconds));
    time.run();
  }
  static Task<void> look(HostWitness* self, int seconds) {
    for (int i = 1; i <= seconds; ++i) {
      const TimePoint full_second{std::chrono::seconds{i}};
      co_await self->time.sleep_until(full_second);
      self->looked_at.push_back(self->time.now());
      self->utc_ns.push_back(self->time.utc_now().ns_since_epoch);
      self->was_full.push_back(self->host.disk_is_full());
    }
    self->time.stop();
  }
};

void controller_is_killed() {
  HostWitness witness;
  std::vector<TimePoint> ends;
  witness.host.ends_by([&] { ends.push_back(witness.time.now()); });
  witness.bench.order("F37 at_s=2.5");
  witness.run(4);
  EXPECT_THAT(ends, ::testing::ElementsAre(TimePoint{2500ms}));
  const auto by_signal = [] {
    HostWitness other;
    other.bench.order("F37 at_s=2.5");
    other.run(4);
  };
  EXPECT_EXIT(by_signal(), ::testing::KilledBySignal(SIGKILL), "");
}

/// What the disk does to a record, tests/db/simulated_disk_test.cpp tells.
void power_is_lost() {
  HostWitness witness;
  std::vector<TimePoint> ends;
  witness.host.ends_by([&] { ends.push_back(witness.time.now()); });
  EXPECT_THAT(witness.bench.refusal("F38 unsynced=many"), HasSubstr("known: dropped, kept, some, torn"));
  witness.bench.order("F38 at_s=1.5 unsynced=torn seed=3");
  const DiskWitness disk;
  EXPECT_TRUE(disk.takes_a_row());
  witness.run(3);
  EXPECT_THAT(ends, ::testing::ElementsAre(TimePoint{1500ms}));
  EXPECT_FALSE(disk.takes_a_row());
}

void disk_is_slow_or_fails() {
  HostWitness witness;
  EXPECT_THAT(witness.bench.refusal("slow_disk"), HasSubstr("how slow, or what fails?")) << "it would change nothing";
  witness.bench.order("slow_disk fails=all at_s=1.5 for_s=1");
  const DiskWitness disk;
  std::vector<bool> takes;
  witness.time.spawn(ask_the_disk(&witness.time, &disk, &takes));
  witness.run(4);
  EXPECT_THAT(takes, ::testing::ElementsAre(true, false, false)) << "a record that failed takes nothing any more";
  EXPECT_THAT(Witness().refusal("F40"), HasSubstr("cellrig run --simulated"));
}

void somebody_starts_a_second_controller() {
  HostWitness witness;
  std::vector<std::pair<TimePoint, bool>> starts;
  witness.host.second_controller_is([&](bool is_forced) { return note_start(&witness.time, &starts, is_forced); });
  EXPECT_FALSE(witness.host.awaits_second_controller());
  witness.bench.order("F43 at_s=1.5");
  witness.bench.order("F43 at_s=2.5 force=true");
  EXPECT_TRUE(witness.host.awaits_second_controller());
  witness.run(4);
  EXPECT_THAT(starts, ::testing::ElementsAre(std::pair{TimePoint{1500ms}, false}, std::pair{TimePoint{2500ms}, true}));
}

void disk_is_full() {
  HostWitness witness;
  witness.bench.order("F39 at_s=2.5 for_s=2");
  witness.run(6);
  EXPECT_THAT(witness.was_full, ::testing::ElementsAre(false, false, true, true, false, false));
  EXPECT_THAT(Witness().refusal("F39"), HasSubstr("cellrig run --simulated"));
}

void wall_clock_jumps() {
  HostWitness witness;
  witness.bench.order("F41 at_s=2.5");
  witness.run(4);
  EXPECT_EQ(witness.utc_ns[1] - witness.utc_ns[0], 1'000'000'000);
  EXPECT_EQ(witness.utc_ns[2] - witness.utc_ns[1], 3'601'000'000'000);
  EXPECT_EQ(witness.looked_at[3], TimePoint{4s});  // nothing else
}

void controller_is_suspended() {
  HostWitness witness;
  witness.bench.order("F42 at_s=1.5");
  witness.run(5);
  EXPECT_THAT(witness.looked_at,
              ::testing::ElementsAre(TimePoint{1s}, TimePoint{3500ms}, TimePoint{3500ms}, TimePoint{4s}, TimePoint{5s}));
}

void controller_is_late() {
  HostWitness witness;
  witness.bench.order("F44 at_s=1.5 for_s=2");
  witness.run(4);
  EXPECT_THAT(witness.looked_at, ::testing::ElementsAre(TimePoint{1s}, TimePoint{2050ms}, TimePoint{3050ms}, TimePoint{4s}));
}

}  // namespace

const std::map<std::string, Proof>& host_proofs() {
  static const std::map<std::string, Proof> all{
      {"F37", controller_is_killed},
      {"F38", power_is_lost},
      {"F39", disk_is_full},
      {"F40", disk_is_slow_or_fails},
      {"F41", wall_clock_jumps},
      {"F42", controller_is_suspended},
      {"F43", somebody_starts_a_second_controller},
      {"F44", controller_is_late},
  };
  return all;
}

}  // namespace cellrig::sim
