#include "controller/api/sample_blocks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace cellrig::api {
namespace {

double test_seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

bool lies_in(const db::RollupRow& block, double from_s, double to_s) {
  return test_seconds(block.to_test_time_ns) >= from_s && test_seconds(block.from_test_time_ns) <= to_s;
}

bool lies_in(const db::StepInfo& step, double from_s, double to_s) {
  return test_seconds(step.row.started_test_time_ns) <= to_s &&
         (!step.end || test_seconds(step.end->ended_test_time_ns) >= from_s);
}

db::RowRange rows_of(const db::RollupRow& block) { return {block.rowid_before, block.rowid_last}; }

/// Ascending; what touches or overlaps becomes one.
std::vector<db::RowRange> in_order(std::vector<db::RowRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const db::RowRange& a, const db::RowRange& b) {
    return std::pair{a.before, a.last} < std::pair{b.before, b.last};
  });
  std::vector<db::RowRange> apart;
  for (const db::RowRange& range : ranges) {
    if (!apart.empty() && range.before <= apart.back().last) {
      apart.back().last = std::max(apart.back().last, range.last);
    } else {
      apart.push_back(range);
    }
  }
  return apart;
}

}  // namespace

BlockChoice::BlockChoice(const Decimator::Plan& plan, double from_s, double to_s, std::vector<RolledUp> quantities)
    : ruler_{plan}, from_s_{from_s}, to_s_{to_s}, quantities_{std::move(quantities)} {
  has_rising_ = std::count(quantities_.begin(), quantities_.end(), RolledUp::rises_within_step) != 0;
  std::erase(quantities_, RolledUp::rises_within_step);
  extremes_.resize(std::max<std::size_t>(plan.stretches, 1) * quantities_.size());
}

void BlockChoice::compare(std::size_t stretch, std::size_t column, const db::LeastMost& value, const Block& block) {
  if (!std::isfinite(value.least) || !std::isfinite(value.most)) return;
  Extremes& known = extremes_[stretch * quantities_.size() + column];
  if (!known.is_known || value.least < known.least) known.least = value.least, known.least_block = block;
  if (!known.is_known || value.most > known.greatest) known.greatest = value.most, known.greatest_block = block;
  known.is_known = true;
}

void BlockChoice::add(const db::RollupRow& row) {
  if (!lies_in(row, from_s_, to_s_)) return;
  const Block block{rows_of(row), static_cast<std::uint64_t>(row.rows)};
  const double from_s = test_seconds(row.from_test_time_ns), to_s = test_seconds(row.to_test_time_ns);
  const std::size_t stretch = ruler_.stretch_of(from_s);
  const bool is_whole = from_s >= from_s_ && to_s <= to_s_ && stretch == ruler_.stretch_of(to_s);
  const bool is_first_here = !last_ || stretch != last_stretch_ || row.step != last_step_;
  if (is_first_here && has_rising_ && last_) keep(*last_);
  if (!last_ || !is_whole || (is_first_here && has_rising_)) keep(block);
  if (is_whole) {
    for (std::size_t column = 0; column < quantities_.size(); ++column) {
      switch (quantities_[column]) {
        case RolledUp::voltage_V: compare(stretch, column, row.voltage_V, block); break;
        case RolledUp::current_A: compare(stretch, column, row.current_A, block); break;
        case RolledUp::cell_temperature_degC: compare(stretch, column, row.cell_temperature_degC, block); break;
        case RolledUp::ambient_temperature_degC: compare(stretch, column, row.ambient_temperature_degC, block); break;
        case RolledUp::rises_within_step: break;
      }
    }
  }
  rows_ += block.rows;
  last_ = block;
  last_stretch_ = ruler_.stretch_of(to_s);
  last_step_ = row.step;
}

SampleBlocks BlockChoice::take() {
  if (last_) keep(*last_);
  for (const Extremes& known : extremes_) {
    if (!known.is_known) continue;
    keep(known.least_block);
    keep(known.greatest_block);
  }
  std::sort(kept_.begin(), kept_.end(), [](const Block& a, const Block& b) { return a.range.before < b.range.before; });
  kept_.erase(
      std::unique(kept_.begin(), kept_.end(), [](const Block& a, const Block& b) { return a.range.before == b.range.before; }),
      kept_.end());
  SampleBlocks blocks;
  std::uint64_t read_rows = 0;
  for (const Block& block : kept_) {
    blocks.ranges.push_back(block.range);
    read_rows += block.rows;
  }
  blocks.skipped_rows = rows_ - read_rows;
  kept_.clear();
  return blocks;
}

Result<SampleBlocks> blocks_to_read(db::Reader& reader, db::RunKey run, const std::vector<db::StepInfo>& steps,
                                    Decimator::Plan& plan, double from_s, double to_s, const std::vector<RolledUp>& quantities,
                                    std::uint64_t rows_max) {
  std::uint64_t rows = 0;
  SampleBlocks blocks;
  std::map<db::StepKey, std::int64_t> reached;
  const Result<std::uint64_t> looked = reader.for_each_rollup(run, [&](const db::RollupRow& block) {
    std::int64_t& last = reached[block.step];
    last = std::max(last, block.rowid_last);
    if (!lies_in(block, from_s, to_s)) return true;
    plan.x_max = std::max(plan.x_max, std::min(test_seconds(block.to_test_time_ns), to_s));
    rows += static_cast<std::uint64_t>(block.rows);
    if (rows <= rows_max) blocks.ranges.push_back(rows_of(block));
    return true;
  });
  if (!looked) return looked.error();
  if (rows > rows_max) {
    BlockChoice choice{plan, from_s, to_s, quantities};
    const Result<std::uint64_t> chosen = reader.for_each_rollup(run, [&](const db::RollupRow& block) {
      const auto known = reached.find(block.step);  // what was rolled up since then is read as what was not
      if (known != reached.end() && block.rowid_last <= known->second) choice.add(block);
      return true;
    });
    if (!chosen) return chosen.error();
    blocks = choice.take();
  }
  for (const db::StepInfo& step : steps) {  // and what lies behind their last roll-up
    if (!lies_in(step, from_s, to_s)) continue;
    const auto found = reached.find(step.row.step);
    const std::int64_t before = found == reached.end() ? step.sample_rowid_before : found->second;
    const std::int64_t last = step.sample_rowid_last.value_or(std::numeric_limits<std::int64_t>::max());
    if (before < last) blocks.ranges.push_back({before, last});
  }
  blocks.ranges = in_order(std::move(blocks.ranges));
  return blocks;
}

}  // namespace cellrig::api
