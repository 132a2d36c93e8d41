#include "db/export/aux_columns.hpp"

#include <algorithm>
#include <limits>

namespace cellrig::db {

namespace {

/// Rows of the table looked at for one page: a few milliseconds, a few megabytes at most.
constexpr std::int64_t aux_page_rows = 1 << 16;

}  // namespace

Result<AuxColumns> AuxColumns::load(Reader& reader, RunKey run, std::span<const std::string_view> quantities,
                                    const ExportOptions& options) {
  AuxColumns columns;
  columns.reader_ = &reader;
  columns.run_ = run;
  columns.quantities_ = quantities;
  columns.columns_.resize(quantities.size());
  const Result<AuxRange> range = reader.aux_range(run);
  if (!range) return range.error();
  columns.rowid_ = range->rowid_before;
  columns.rowid_last_ = range->rowid_last;
  std::size_t missing = quantities.size();
  std::uint64_t row = 0;
  const Result<std::uint64_t> visited = reader.for_each_aux(run, [&](const AuxView& aux) {
    if (options.is_cancelled_at(++row)) return false;
    const auto found = std::find(quantities.begin(), quantities.end(), aux.row.quantity);
    if (found == quantities.end()) return true;
    bool& exists = columns.columns_[static_cast<std::size_t>(found - quantities.begin())].exists;
    if (!exists) --missing;
    exists = true;
    return missing > 0;
  });
  if (!visited) return visited.error();
  return columns;
}

void AuxColumns::read_page() {
  page_.clear();
  next_ = 0;
  while (page_.empty() && rowid_ < rowid_last_ && !failure_) {
    const std::int64_t last = std::min(rowid_ + aux_page_rows, rowid_last_);
    const Result<std::uint64_t> visited = reader_->for_each_aux_between(run_, rowid_, last, [this](const AuxView& aux) {
      const auto found = std::find(quantities_.begin(), quantities_.end(), aux.row.quantity);
      if (found != quantities_.end()) {
        page_.push_back({aux.row.test_time_ns, aux.row.value, static_cast<std::size_t>(found - quantities_.begin())});
      }
      return true;
    });
    if (!visited) failure_ = visited.error();
    rowid_ = last;
  }
}

void AuxColumns::advance(std::int64_t test_time_ns) {
  while (true) {
    if (next_ == page_.size()) {
      if (rowid_ >= rowid_last_ || failure_) return;
      read_page();
      if (page_.empty()) return;
    }
    const Row& row = page_[next_];
    if (row.test_time_ns > test_time_ns) return;
    columns_[row.quantity].value = row.value;
    columns_[row.quantity].is_fresh = true;
    ++next_;
  }
}

double AuxColumns::at(std::size_t quantity, std::int64_t test_time_ns) {
  advance(test_time_ns);
  Column& column = columns_[quantity];
  if (!column.is_fresh) return std::numeric_limits<double>::quiet_NaN();
  column.is_fresh = false;
  return column.value;
}

}  // namespace cellrig::db
