// Which rows of a long run can be a least or a greatest value of their stretch: the roll-ups that were written with the data tell it, so that
// the others need not be read.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/api/decimate.hpp"
#include "db/reader.hpp"

namespace cellrig::api {

/// What a roll-up knows of a quantity.
enum class RolledUp : unsigned char {
  voltage_V,
  current_A,
  cell_temperature_degC,
  ambient_temperature_degC,
  /// Its extremes are those of the first and the last row of its step. Where it stops rising before that, the last row has the greatest value, too,
  /// though it is not the first one that has: the value is kept, the row may be another one than a Decimator would keep of all rows.
  rises_within_step,
};

/// What is to be read of a run.
struct SampleBlocks {
  std::vector<db::RowRange> ranges;  ///< ascending and apart
  std::uint64_t skipped_rows = 0;    ///< of the range of time, in roll-ups that were left out
};

/// Chooses among roll-ups, which come in the order of time, those of which a Decimator would keep a row: for each stretch and quantity the first
/// one with the least and the first one with the greatest value; those that lie in two stretches or across an edge of the range; of what rises
/// within its step the first and the last one of each step and stretch, which have its extremes; the first and the last one of all.
/// Memory: some for each stretch and quantity and for each step, whatever the number of rows.
class BlockChoice {
 public:
  BlockChoice(const Decimator::Plan& plan, double from_s, double to_s, std::vector<RolledUp> quantities);
  void add(const db::RollupRow& block);
  [[nodiscard]] SampleBlocks take();

 private:
  struct Block {
    db::RowRange range;
    std::uint64_t rows = 0;
  };
  struct Extremes {
    double least = 0, greatest = 0;
    Block least_block, greatest_block;
    bool is_known = false;
  };
  void keep(const Block& block) { kept_.push_back(block); }
  void compare(std::size_t stretch, std::size_t column, const db::LeastMost& value, const Block& block);

  Decimator ruler_;
  double from_s_, to_s_;
  std::vector<RolledUp> quantities_;
  bool has_rising_ = false;
  std::vector<Extremes> extremes_;  ///< by stretch, then quantity
  std::vector<Block> kept_;
  std::optional<Block> last_;
  std::size_t last_stretch_ = 0;
  db::StepKey last_step_ = 0;
  std::uint64_t rows_ = 0;
};

/// What is to be read for a plan: by roll-ups where the range has more rows than that; all rows of the range where it has fewer, and what is not
/// rolled up, always. Roll-ups say, too, when the range of an open step ends: `plan.x_max` moves on to there.
inline constexpr std::uint64_t rows_read_max = 150'000;
[[nodiscard]] Result<SampleBlocks> blocks_to_read(db::Reader& reader, db::RunKey run, const std::vector<db::StepInfo>& steps,
                                                  Decimator::Plan& plan, double from_s, double to_s,
                                                  const std::vector<RolledUp>& quantities,
                                                  std::uint64_t rows_max = rows_read_max);

}  // namespace cellrig::api
