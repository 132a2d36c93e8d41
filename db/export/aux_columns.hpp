// What sensors beside the cycler measured, as further columns beside the samples of an export.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "db/export/text_file.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

/// Memory is bounded: rows are read in pages as the samples come along.
class AuxColumns {
 public:
  /// `quantities` must outlive it. Cancelled in the middle, not every column is known: whoever writes the file finds that out.
  [[nodiscard]] static Result<AuxColumns> load(Reader& reader, RunKey run, std::span<const std::string_view> quantities,
                                               const ExportOptions& options);

  /// Whether the run has any row of this quantity: its column exists.
  [[nodiscard]] bool has(std::size_t quantity) const { return columns_[quantity].exists; }
  /// The newest value measured up to this sample and after the one asked for before; NaN when there is none. Asked in the order
  /// of time, all quantities of one sample before the next.
  [[nodiscard]] double at(std::size_t quantity, std::int64_t test_time_ns);
  /// Why a page could not be read; values are NaN from then on.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Row {
    std::int64_t test_time_ns = 0;
    double value = 0;
    std::size_t quantity = 0;
  };
  struct Column {
    bool exists = false;
    double value = 0;  ///< the newest that nobody has asked for
    bool is_fresh = false;
  };
  void advance(std::int64_t test_time_ns);
  void read_page();

  Reader* reader_ = nullptr;
  RunKey run_ = 0;
  std::span<const std::string_view> quantities_;
  std::vector<Column> columns_;
  std::vector<Row> page_;
  std::size_t next_ = 0;
  std::int64_t rowid_ = 0, rowid_last_ = 0;
  std::optional<Error> failure_;
};

}  // namespace cellrig::db
