// The hash chain: which rows it covers, how a row becomes bytes, how bytes become a block's hash. Shared by the writer and by
// verify; the bytes depend on values only, not on how SQLite lays them out. docs/record.md describes them for others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "db/record.hpp"
#include "db/sha256.hpp"
#include "db/sqlite.hpp"

namespace cellrig::db {

/// The numbers stand in records, for ever. The columns of a source never change either: a column that a later migration adds to a
/// table becomes a source of its own.
enum class Source : std::int64_t {
  cell = 1,
  equipment,
  channel,
  profile,
  run,
  run_equipment,
  step,
  sample,
  quantity,
  aux_sample,
  cycle,
  event,
  audit,
  revision,
  deviation,
  acknowledgement,
  instrument_proof,
  expected_curve,
  definition,
  step_metric,
  cycle_metric,
  sample_rollup,
  expected_way,
  step_expectation
};
inline constexpr std::size_t source_count = 24;

struct SourceTable {
  Source source{};
  std::string_view table;
  std::string_view key;      ///< an integer that grows
  std::string_view columns;  ///< all that are written once
  std::string_view place;    ///< SELECT run, test_time_ns of the row ?1; empty: it belongs to no run
};
[[nodiscard]] std::span<const SourceTable, source_count> source_tables();
[[nodiscard]] inline std::size_t index_of(Source source) { return static_cast<std::size_t>(source) - 1; }
/// SELECT key, columns of the rows ?1 to ?2, in their order.
[[nodiscard]] std::string select_rows(const SourceTable& table);

/// Columns that are written again: each writing leaves its values in `revision`, and what stands in the row must be the last of them.
struct RevisionSubject {
  std::string_view subject;
  std::string_view table;
  std::string_view key;
  std::string_view columns;
  std::string_view first_image;  ///< before anything was written; empty: then there is no row
  bool is_hashed = false;        ///< the image is the SHA-256 of the values: they may be long
};
enum class Subject : std::uint8_t { step_end, step_range, run_end, resume_point };
inline constexpr std::size_t subject_count = 4;
[[nodiscard]] std::span<const RevisionSubject, subject_count> revision_subjects();
/// The values of a row of SELECT key, columns.
[[nodiscard]] std::string revision_image(const RevisionSubject& subject, sqlite3_stmt* row);

// ---- rows as bytes --------------------------------------------------------------------------------------------------

/// Samples: every value 8 bytes, little endian, integers in two's complement, reals as IEEE 754; NULL as the quiet NaN 0x7ff8 << 48,
/// a negative zero as zero.
void append_image(std::string& bytes, const SampleRow& row);
void append_image(std::string& bytes, StepKey step, std::int64_t test_time_ns, std::int64_t quantity, double value);
/// Of a row of select_rows(). False: a value has a type that the column cannot have.
[[nodiscard]] bool append_image(std::string& bytes, Source source, sqlite3_stmt* row);

// ---- blocks ---------------------------------------------------------------------------------------------------------

struct ChainHead {
  std::int64_t block = 0;  ///< 0: nothing was sealed yet
  Sha256Digest sha256{};
};
/// What the first block names as the one before it.
[[nodiscard]] ChainHead chain_start();

struct BlockHeader {
  std::int64_t block = 0;
  std::int64_t source = 0;
  std::int64_t first_key = 0, last_key = 0;
  bool is_adopted = false;
};

/// SHA-256 over the former block's hash, the header and the rows.
class BlockHash {
 public:
  void begin(const Sha256Digest& previous, const BlockHeader& header);
  void update(std::string_view bytes) { sha256_.update(bytes); }
  [[nodiscard]] Sha256Digest finish() { return sha256_.digest(); }

 private:
  Sha256 sha256_;
};

}  // namespace cellrig::db
