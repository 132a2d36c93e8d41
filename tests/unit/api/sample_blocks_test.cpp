// A long run is thinned out by its roll-ups. What comes out must be what comes out of all its rows.
#include "controller/api/sample_blocks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "sim/random.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::api {
namespace {

using db::test::must;
using db::test::Player;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Two channels whose rows lie among each other's, with a spike here and there and a thermometer that is silent now and then. The last step
/// goes on.
class LongRun {
 public:
  explicit LongRun(std::uint64_t seed) : random_{seed} {
    auto recorder = must(db::Recorder::open(db::test::simulated(dir_.file("long.db"))));
    Player other{*recorder, db::test::a_run("2")};
    db::RunRow row = db::test::a_run("1");
    run = recorder->begin_run(row);
    other.begin_step({});
    for (std::int64_t count = 1; count <= steps; ++count) {
      play_step(*recorder, count, other);
    }
    must(recorder->flush());
    must(recorder->close());
    reader = must(db::Reader::open(dir_.file("long.db")));
  }

  db::RunKey run = 0;
  std::unique_ptr<db::Reader> reader;

 private:
  static constexpr std::int64_t steps = 9;

  void play_step(db::Recorder& recorder, std::int64_t count, Player& other) {
    const double current_A = count % 3 == 0 ? 0.0 : count % 3 == 1 ? 2.5 : -2.4;
    db::StepRow step{.step = recorder.next_step_key(), .run = run, .step_count = count};
    step.cycle = 1 + count / 3;
    step.type = current_A > 0.0 ? "CC_CHG" : current_A < 0.0 ? "CC_DCH" : "REST";
    step.started_test_time_ns = now_ns_;
    recorder.begin_step(step);
    const int rows = 1 + static_cast<int>(3000.0 * random_.uniform());
    db::SampleRow row;
    for (int i = 0; i < rows; ++i) {
      now_ns_ += 1'000'000'000;
      row = {.step = step.step, .test_time_ns = now_ns_};
      const bool is_spike = random_.uniform() < 0.002;
      voltage_V_ += 0.001 * (random_.uniform() - 0.5);
      row.voltage_V = voltage_V_ + (is_spike ? random_.uniform() - 0.5 : 0.0);
      row.current_A = current_A + 0.01 * random_.uniform();
      row.cell_temperature_degC = random_.uniform() < 0.1 ? nan : 25.0 + std::round(4.0 * random_.uniform()) / 4.0;
      row.ambient_temperature_degC = i % 700 < 300 ? nan : 25.0;
      (current_A > 0.0 ? row.charge_Ah : row.discharge_Ah) = std::abs(current_A) * (i + 1) / 3600.0;
      recorder.append(row);
      if (random_.uniform() < 0.3) other.sample({});
    }
    if (count == steps) return;
    recorder.end_step({.step = step.step,
                       .ended_test_time_ns = now_ns_,
                       .reason = "condition",
                       .charge_Ah = row.charge_Ah,
                       .discharge_Ah = row.discharge_Ah});
  }

  const db::test::TempDir dir_;
  sim::Random random_;
  std::int64_t now_ns_ = 0;
  double voltage_V_ = 3.7;
};

const std::vector<RolledUp> all_kinds{
    RolledUp::voltage_V,         RolledUp::current_A,        RolledUp::cell_temperature_degC, RolledUp::ambient_temperature_degC,
    RolledUp::rises_within_step, RolledUp::rises_within_step};

double value_of(RolledUp kind, const db::SampleView& sample, bool is_second) {
  switch (kind) {
    case RolledUp::voltage_V: return sample.row.voltage_V;
    case RolledUp::current_A: return sample.row.current_A;
    case RolledUp::cell_temperature_degC: return sample.row.cell_temperature_degC;
    case RolledUp::ambient_temperature_degC: return sample.row.ambient_temperature_degC;
    case RolledUp::rises_within_step:
      return is_second ? sample.row.discharge_Ah : sample.row.charge_Ah + static_cast<double>(sample.step.row.step_count);
  }
  return nan;
}

/// By x and values, which tell a row from the others.
using Rows = std::vector<std::pair<double, std::vector<double>>>;

struct Thinned {
  Rows rows;
  std::uint64_t looked_at = 0;
};

class Thinning {
 public:
  Thinning(const Decimator::Plan& plan, double from_s, double to_s, const std::vector<RolledUp>& kinds)
      : decimator_{plan}, from_s_{from_s}, to_s_{to_s}, kinds_{kinds} {}
  bool add(const db::SampleView& sample) {
    const double x = static_cast<double>(sample.row.test_time_ns) * 1e-9;
    if (x < from_s_ || x > to_s_) return true;
    std::vector<double> values;
    for (std::size_t i = 0; i < kinds_.size(); ++i) values.push_back(value_of(kinds_[i], sample, i + 1 == kinds_.size()));
    decimator_.add(x, values);
    return true;
  }
  Thinned take() {
    Thinned thinned{{}, decimator_.row_count()};
    for (Decimator::Row& row : decimator_.take()) {
      for (double& value : row.values) {
        if (std::isnan(value)) value = -1e9;  // equal to itself
      }
      thinned.rows.emplace_back(row.x, std::move(row.values));
    }
    return thinned;
  }

 private:
  Decimator decimator_;
  double from_s_, to_s_;
  const std::vector<RolledUp>& kinds_;
};

struct Asked {
  double from_s = 0.0, to_s = infinity;
  std::size_t stretches = 10;
  std::vector<RolledUp> kinds = all_kinds;
};

void expect_the_same(LongRun& record, const Asked& asked, bool skips) {
  const std::vector<db::StepInfo> steps = must(record.reader->steps(record.run));
  Decimator::Plan plan{asked.from_s, std::min(asked.to_s, 60.0), asked.stretches, asked.kinds.size()};
  const SampleBlocks blocks =
      must(blocks_to_read(*record.reader, record.run, steps, plan, asked.from_s, asked.to_s, asked.kinds, 1000));
  for (std::size_t i = 1; i < blocks.ranges.size(); ++i) EXPECT_LT(blocks.ranges[i - 1].last, blocks.ranges[i].before);
  Thinning of_all{plan, asked.from_s, asked.to_s, asked.kinds}, of_some = of_all;
  must(record.reader->for_each_sample(record.run, [&](const db::SampleView& sample) { return of_all.add(sample); }));
  must(record.reader->for_each_sample_in(record.run, blocks.ranges, [&](const db::SampleView& s) { return of_some.add(s); }));
  const Thinned whole = of_all.take(), part = of_some.take();
  EXPECT_EQ(part.rows, whole.rows);
  EXPECT_EQ(part.looked_at + blocks.skipped_rows, whole.looked_at) << "nothing is counted twice or not at all";
  EXPECT_EQ(blocks.skipped_rows > 0, skips);
}

TEST(SampleBlocks, thin_out_a_run_as_all_its_rows_do) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    LongRun record{seed};
    expect_the_same(record, {.stretches = 1}, true);
    expect_the_same(record, {.stretches = 3}, true);
    expect_the_same(record, {.stretches = 10, .kinds = {RolledUp::voltage_V}}, true);
    expect_the_same(record, {.stretches = 7, .kinds = {RolledUp::cell_temperature_degC, RolledUp::rises_within_step}}, true);
  }
}

// Whoever looks closely reads what lies there, and not the run.
TEST(SampleBlocks, of_a_range_only_its_rows_are_read) {
  LongRun record{3};
  for (const double from_s : {0.0, 777.7, 2500.0, 5000.0}) {
    expect_the_same(record, {.from_s = from_s, .to_s = from_s + 400.0, .stretches = 5}, false);
    expect_the_same(record, {.from_s = from_s, .to_s = from_s + 4000.0, .stretches = 2, .kinds = {RolledUp::current_A}}, true);
  }
  const std::vector<db::StepInfo> steps = must(record.reader->steps(record.run));
  Decimator::Plan plan{2500.0, 2600.0, 10, 1};
  const SampleBlocks blocks =
      must(blocks_to_read(*record.reader, record.run, steps, plan, 2500.0, 2600.0, {RolledUp::voltage_V}));
  std::uint64_t read = 0;
  must(record.reader->for_each_sample_in(record.run, blocks.ranges, [&](const db::SampleView&) { return ++read > 0; }));
  EXPECT_GE(read, 101U);
  EXPECT_LE(read, 101U + 2 * static_cast<std::uint64_t>(db::rollup_rows)) << "of a run of many thousands";
}

// The number of stretches bounds what is read, not the length of the run.
TEST(SampleBlocks, what_is_read_is_bounded_by_what_is_shown) {
  Decimator::Plan plan{0.0, 1e6, 4, 1};
  BlockChoice choice{plan, 0.0, infinity, {RolledUp::voltage_V}};
  constexpr int blocks = 40'000;
  for (int i = 0; i < blocks; ++i) {
    db::RollupRow row;
    row.step = 1;
    row.rowid_before = i * db::rollup_rows;
    row.rowid_last = row.rowid_before + db::rollup_rows;
    row.rows = db::rollup_rows;
    row.from_test_time_ns = i * 25'000'000'000LL;
    row.to_test_time_ns = row.from_test_time_ns + 24'000'000'000LL;
    row.voltage_V.include(3.0 + 0.1 * std::sin(0.37 * i));
    choice.add(row);
  }
  const SampleBlocks chosen = choice.take();
  EXPECT_LE(chosen.ranges.size(), 4U * 2U + 4U + 2U);
  EXPECT_GE(chosen.skipped_rows, static_cast<std::uint64_t>((blocks - 20) * db::rollup_rows));
}

// A record from before there were roll-ups is read row by row.
TEST(SampleBlocks, without_roll_ups_every_row_is_read) {
  const db::test::TempDir dir;
  auto recorder = must(db::Recorder::open(db::test::simulated(dir.file("short.db"))));
  Player player{*recorder, db::test::a_run("1")};
  player.begin_step({});
  for (int i = 0; i < 100; ++i) player.sample({});  // fewer than a roll-up has, and the step goes on
  must(recorder->flush());
  const std::unique_ptr<db::Reader> reader = must(db::Reader::open(dir.file("short.db")));
  Decimator::Plan plan{0.0, 60.0, 10, 1};
  const SampleBlocks blocks =
      must(blocks_to_read(*reader, player.run, must(reader->steps(player.run)), plan, 0.0, infinity, {RolledUp::voltage_V}, 10));
  std::uint64_t read = 0;
  must(reader->for_each_sample_in(player.run, blocks.ranges, [&](const db::SampleView&) { return ++read > 0; }));
  EXPECT_EQ(read, 100U);
  EXPECT_EQ(blocks.skipped_rows, 0U);
}

}  // namespace
}  // namespace cellrig::api
