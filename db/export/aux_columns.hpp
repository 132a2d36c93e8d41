// What sensors beside the cycler measured, as further columns beside the samples of an export.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

/// Held in memory: 16 bytes for each row of these quantities.
class AuxColumns {
 public:
  [[nodiscard]] static Result<AuxColumns> load(Reader& reader, RunKey run, std::span<const std::string_view> quantities);

  /// Whether the run has any row of this quantity: its column exists.
  [[nodiscard]] bool has(std::size_t quantity) const { return !columns_[quantity].rows.empty(); }
  /// The newest value measured up to this sample and after the one asked for before; NaN when there is none. Asked in the order
  /// of time.
  [[nodiscard]] double at(std::size_t quantity, std::int64_t test_time_ns);

 private:
  struct Row {
    std::int64_t test_time_ns = 0;
    double value = 0;
  };
  struct Column {
    std::vector<Row> rows;
    std::size_t next = 0;
  };
  std::vector<Column> columns_;
};

}  // namespace cellrig::db
