// When a row leaves for the disk: what a crash may take is told by this.
#include "controller/runtime/channel_record.hpp"

#include <gtest/gtest.h>

#include "tests/unit/engine/program_builder.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

/// Remembers when each sample was measured.
class SampleTimes final : public db::Recorder {
 public:
  db::RunKey begin_run(const db::RunRow&) override { return 1; }
  db::StepKey next_step_key() override { return 1; }
  void begin_step(const db::StepRow&) override {}
  void append(const db::SampleRow& row) override { seconds.push_back(row.test_time_ns / 1'000'000'000); }
  void append(const db::AuxRow&) override {}
  void end_step(const db::StepEndRow&) override {}
  void append(const db::CycleRow&) override {}
  void append(const db::EventRow&) override {}
  void resume_point(db::RunKey, std::span<const std::byte>) override {}
  void end_run(const db::RunEndRow&) override {}
  Result<void> flush() override { return {}; }
  Result<void> close() override { return {}; }
  bool failed() const override { return false; }
  std::string failure() const override { return {}; }
  std::uint64_t rows_written() const override { return seconds.size(); }
  std::vector<std::int64_t> seconds;
};

class ChannelRecordTest : public testing::Test {
 protected:
  ChannelRecordTest() {
    Step step = cc(-5.0);
    step.record_before = 10s;
    program = ProgramBuilder{}.add(step).build();
    record.emplace(disk, program);
    record->begin(1, TimePoint{});
    record->step_started({.instruction = 0}, ChannelState{}, TimePoint{}, UtcTime{});
  }
  void measure(std::int64_t second, std::optional<output::Record> row = std::nullopt, double voltage_V = 3.7) {
    Observation seen;
    seen[Measurand::voltage] = Reading{voltage_V, at(static_cast<double>(second)), Quality::good};
    seen[Measurand::current] = Reading{-5.0, at(static_cast<double>(second)), Quality::good};
    row ? record->sample(*row, seen) : record->hold_back(seen, Throughput{});
  }
  Program program;
  SampleTimes disk;
  std::optional<ChannelRecord> record;
};

using Seconds = std::vector<std::int64_t>;

// Within 250 ms it is on the disk: nothing may keep it back before.
TEST_F(ChannelRecordTest, a_row_that_is_due_waits_for_nothing) {
  measure(1, output::Record{.first_of_step = true});
  EXPECT_EQ(disk.seconds, (Seconds{1}));
  measure(2);
  measure(3);
  EXPECT_EQ(disk.seconds, (Seconds{1})) << "no row, unless an event comes";
  measure(4, output::Record{});
  EXPECT_EQ(disk.seconds, (Seconds{1, 4}));
}

TEST_F(ChannelRecordTest, what_was_measured_since_the_last_row_comes_with_an_event_in_its_order) {
  measure(1, output::Record{.first_of_step = true});
  measure(2);
  measure(3, output::Record{});
  measure(4);
  measure(5);
  record->event(db::Severity::warning, "logger", "gone", at(5.0), UtcTime{});
  EXPECT_EQ(disk.seconds, (Seconds{1, 3, 4, 5}));
}

// A gap trips before anything new is measured.
TEST_F(ChannelRecordTest, what_is_a_row_already_is_not_written_again_by_an_event) {
  measure(1, output::Record{.first_of_step = true});
  measure(2, output::Record{});
  measure(2);
  record->trip({}, at(2.5), UtcTime{});
  EXPECT_EQ(disk.seconds, (Seconds{1, 2}));
}

// Where replies take no time: what trips was measured in the instant of the last row.
TEST_F(ChannelRecordTest, another_measurement_of_the_same_instant_is_kept_for_an_event) {
  measure(1, output::Record{.first_of_step = true});
  measure(2, output::Record{});
  measure(2, std::nullopt, 4.3);
  record->trip({}, at(2.0), UtcTime{});
  EXPECT_EQ(disk.seconds, (Seconds{1, 2, 2}));
}

TEST_F(ChannelRecordTest, the_last_row_of_a_step_stands_behind_what_led_to_it) {
  measure(1, output::Record{.first_of_step = true});
  for (std::int64_t second = 2; second < 20; ++second) measure(second);
  measure(20, output::Record{.last_of_step = true});
  record->step_ended({.instruction = 0, .reason = StepEndReason::time_bound, .ended = at(20.0)}, nullptr);
  EXPECT_EQ(disk.seconds, (Seconds{1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}));
}

}  // namespace
}  // namespace cellrig::test
