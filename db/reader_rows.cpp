// The long tables, page by page.
#include <algorithm>
#include <limits>
#include <optional>

#include "db/reader.hpp"
#include "db/reader_impl.hpp"

namespace cellrig::db {

namespace {

/// Rows looked at in one read transaction: some milliseconds.
constexpr std::int64_t page_rows = 8192;

/// Finds a row's step. Rows come in long series of the same one.
class StepFinder {
 public:
  explicit StepFinder(const std::vector<StepInfo>& steps) {
    by_key_.reserve(steps.size());
    for (const StepInfo& step : steps) by_key_.push_back(&step);
    std::sort(by_key_.begin(), by_key_.end(), less);
  }

  [[nodiscard]] const StepInfo* find(StepKey key) {
    if (last_ != nullptr && last_->row.step == key) return last_;
    const auto at =
        std::lower_bound(by_key_.begin(), by_key_.end(), key, [](const StepInfo* step, StepKey k) { return step->row.step < k; });
    if (at == by_key_.end() || (*at)->row.step != key) return nullptr;
    return last_ = *at;
  }

 private:
  static bool less(const StepInfo* a, const StepInfo* b) { return a->row.step < b->row.step; }
  std::vector<const StepInfo*> by_key_;
  const StepInfo* last_ = nullptr;
};

using Range = RowRange;

/// Where the rows of these steps lie at this instant. An open step ends at the table's last row.
template <class Before, class Last>
Result<Range> range_of(Connection& connection, const std::vector<StepInfo>& steps, std::string_view table, Before before,
                       Last last) {
  const Result<std::optional<std::int64_t>> end = connection.query_integer("SELECT max(rowid) FROM " + std::string(table));
  if (!end) return end.error();
  Range range{std::numeric_limits<std::int64_t>::max(), 0};
  for (const StepInfo& step : steps) {
    range.before = std::min(range.before, step.*before);
    range.last = std::max(range.last, (step.*last).value_or(end->value_or(0)));
  }
  return range;
}

struct Scan {
  std::vector<StepInfo> steps;
  Range range;
  std::vector<Range> only;  ///< within it; empty: all of it
};

struct KeyedSample {
  std::int64_t rowid = 0;
  const StepInfo* step = nullptr;
  SampleRow row;
};

SampleRow read_sample(const Statement& s) {
  SampleRow row;
  row.step = s.integer(1);
  row.test_time_ns = s.integer(2);
  row.flags = static_cast<std::uint32_t>(s.integer(3));
  row.voltage_V = s.real_or_nan(4);
  row.current_A = s.real_or_nan(5);
  row.cell_temperature_degC = s.real_or_nan(6);
  row.ambient_temperature_degC = s.real_or_nan(7);
  row.charge_Ah = s.real(8);
  row.discharge_Ah = s.real(9);
  row.charge_Wh = s.real(10);
  row.discharge_Wh = s.real(11);
  return row;
}

/// The next page_rows rows, whoever wrote them. `before` moves on behind them.
template <class Take>
Result<void> read_rows(Statement& select, Range& range, const Take& take) {
  const std::int64_t page_last = range.last - range.before > page_rows ? range.before + page_rows : range.last;
  select.bind_all(range.before, page_last);
  while (true) {
    const Result<bool> row = select.step("reading samples");
    if (!row) return row.error();
    if (!*row) break;
    take();
  }
  range.before = page_last;
  return {};
}

/// One page: the rows of our steps.
Result<void> read_page(Statement& select, StepFinder& finder, Range& range, std::vector<KeyedSample>& page) {
  page.clear();
  return read_rows(select, range, [&] {
    const StepInfo* step = finder.find(select.integer(1));
    if (step != nullptr) page.push_back(KeyedSample{select.integer(0), step, read_sample(select)});
  });
}

/// The samples of a scan, one after the other; false: enough.
class SampleScan {
 public:
  SampleScan(Statement& select, const Scan& scan, const SampleVisitor& visit)
      : select_{select}, finder_{scan.steps}, visit_{visit} {}

  Result<bool> read(Range range) {
    while (range.before < range.last) {
      if (const Result<void> done = read_page(select_, finder_, range, page_); !done) return done.error();
      for (const KeyedSample& sample : page_) {
        ++record_index_;
        step_record_index_ = sample.step == current_ ? step_record_index_ + 1 : 1;
        current_ = sample.step;
        if (!visit_(SampleView{*sample.step, sample.row, sample.rowid, record_index_, step_record_index_})) return false;
      }
    }
    return true;
  }
  [[nodiscard]] std::uint64_t count() const { return static_cast<std::uint64_t>(record_index_); }

 private:
  Statement& select_;
  StepFinder finder_;
  const SampleVisitor& visit_;
  std::vector<KeyedSample> page_;
  std::int64_t record_index_ = 0, step_record_index_ = 0;
  const StepInfo* current_ = nullptr;
};

/// Columns of a page, taken inside SQLite.
class ColumnTaker final : public RowTaker {
 public:
  ColumnTaker(StepFinder& finder, SampleColumns& page) : finder_{finder}, page_{page} {}

  /// Room for all rows of a page, so that none of them needs more.
  void begin() {
    page_.clear();
    page_.step.reserve(page_rows);
    page_.test_time_ns.reserve(page_rows);
    page_.flags.reserve(page_rows);
    for (std::vector<double>* column : {&page_.voltage_V, &page_.current_A, &page_.cell_temperature_degC})
      column->reserve(page_rows);
  }
  void take(std::span<sqlite3_value* const> values) noexcept override {
    const std::int64_t rowid = sqlite3_value_int64(values[0]);
    is_in_order_ = is_in_order_ && rowid > last_rowid_;
    last_rowid_ = rowid;
    const StepKey step = sqlite3_value_int64(values[1]);
    if (finder_.find(step) == nullptr) return;
    page_.step.push_back(step);
    page_.test_time_ns.push_back(sqlite3_value_int64(values[2]));
    page_.flags.push_back(static_cast<std::uint32_t>(sqlite3_value_int64(values[3])));
    page_.voltage_V.push_back(real_or_nan(values[4]));
    page_.current_A.push_back(real_or_nan(values[5]));
    page_.cell_temperature_degC.push_back(real_or_nan(values[6]));
  }
  [[nodiscard]] bool is_in_order() const { return is_in_order_; }

 private:
  static double real_or_nan(sqlite3_value* value) {
    return sqlite3_value_type(value) == SQLITE_NULL ? std::numeric_limits<double>::quiet_NaN() : sqlite3_value_double(value);
  }
  StepFinder& finder_;
  SampleColumns& page_;
  std::int64_t last_rowid_ = std::numeric_limits<std::int64_t>::min();
  bool is_in_order_ = true;
};

/// The next page_rows rows; `before` moves on behind them.
Result<void> read_columns(Statement& select, ColumnTaker& taker, Range& range) {
  const std::int64_t page_last = range.last - range.before > page_rows ? range.before + page_rows : range.last;
  taker.begin();
  select.bind_taker(1, taker);
  select.bind(2, range.before);
  select.bind(3, page_last);
  if (const Result<void> done = select.run("reading samples"); !done) return done.error();
  if (!taker.is_in_order()) return fail(Fault::malformed, "reading samples: they did not come in their order");
  range.before = page_last;
  return {};
}

Result<std::uint64_t> scan_samples(Connection& connection, const Scan& scan, const SampleVisitor& visit) {
  Result<Statement> select = connection.prepare(
      "SELECT rowid, step, test_time_ns, flags, voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC, "
      "charge_Ah, discharge_Ah, charge_Wh, discharge_Wh FROM sample WHERE rowid > ? AND rowid <= ? ORDER BY rowid");
  if (!select) return select.error();
  SampleScan samples(*select, scan, visit);
  const std::vector<Range> whole{scan.range};
  for (const Range& range : scan.only.empty() ? whole : scan.only) {
    const Result<bool> goes_on = samples.read({std::max(range.before, scan.range.before), std::min(range.last, scan.range.last)});
    if (!goes_on) return goes_on.error();
    if (!*goes_on) break;
  }
  return samples.count();
}

/// These steps and where their rows lie, both as they are at one instant.
template <class ReadSteps>
Result<Scan> scan_of(Connection& connection, const ReadSteps& read_steps) {
  Result<ReadTransaction> transaction = ReadTransaction::begin(connection);
  if (!transaction) return transaction.error();
  Result<std::vector<StepInfo>> steps = read_steps();
  if (!steps) return steps.error();
  Scan scan;
  scan.steps = std::move(*steps);
  if (scan.steps.empty()) return scan;
  const Result<Range> range =
      range_of(connection, scan.steps, "sample", &StepInfo::sample_rowid_before, &StepInfo::sample_rowid_last);
  if (!range) return range.error();
  scan.range = *range;
  return scan;
}

constexpr std::string_view of_run = "run = ? ORDER BY step_count, step";

}  // namespace

Result<std::uint64_t> Reader::for_each_sample(RunKey run, const SampleVisitor& visit) {
  return for_each_sample_after(run, 0, visit);
}

Result<std::uint64_t> Reader::for_each_sample_after(RunKey run, std::int64_t rowid, const SampleVisitor& visit) {
  return for_each_sample_between(run, rowid, std::numeric_limits<std::int64_t>::max(), visit);
}

Result<std::uint64_t> Reader::for_each_sample_between(RunKey run, std::int64_t rowid_before, std::int64_t rowid_last,
                                                      const SampleVisitor& visit) {
  return for_each_sample_in(run, {RowRange{rowid_before, rowid_last}}, visit);
}

Result<std::uint64_t> Reader::for_each_sample_in(RunKey run, const std::vector<RowRange>& ranges, const SampleVisitor& visit) {
  if (ranges.empty()) return std::uint64_t{0};
  Result<Scan> scan = scan_of(impl_->connection, [&] { return impl_->read_steps(of_run, run); });
  if (!scan) return scan.error();
  if (scan->steps.empty()) return std::uint64_t{0};
  scan->only = ranges;
  return scan_samples(impl_->connection, *scan, visit);
}

Result<std::uint64_t> Reader::for_each_sample_of_step(StepKey step, const SampleVisitor& visit) {
  const Result<Scan> scan = scan_of(impl_->connection, [&] { return impl_->read_steps("step = ?", step); });
  if (!scan) return scan.error();
  if (scan->steps.empty()) return fail(Fault::refused, "there is no step " + std::to_string(step) + " in " + impl_->path);
  return scan_samples(impl_->connection, *scan, visit);
}

Result<std::uint64_t> Reader::for_each_page(RunKey run, const ColumnsVisitor& visit) {
  Result<Scan> scan = scan_of(impl_->connection, [&] { return impl_->read_steps(of_run, run); });
  if (!scan) return scan.error();
  Result<Statement> select = impl_->connection.prepare(
      "SELECT take(?1, rowid, step, test_time_ns, flags, voltage_V, current_A, cell_temperature_degC) FROM sample "
      "WHERE rowid > ?2 AND rowid <= ?3");
  if (!select) return select.error();
  StepFinder finder(scan->steps);
  SampleColumns page;
  ColumnTaker taker(finder, page);
  std::uint64_t visited = 0;
  while (scan->range.before < scan->range.last) {
    if (const Result<void> done = read_columns(*select, taker, scan->range); !done) return done.error();
    visited += page.step.size();
    visit(page);
  }
  return visited;
}

Result<std::uint64_t> Reader::for_each_aux(RunKey run, const AuxVisitor& visit) {
  return for_each_aux_between(run, 0, std::numeric_limits<std::int64_t>::max(), visit);
}

Result<AuxRange> Reader::aux_range(RunKey run) {
  Result<ReadTransaction> transaction = ReadTransaction::begin(impl_->connection);
  if (!transaction) return transaction.error();
  const Result<std::vector<StepInfo>> steps = impl_->read_steps(of_run, run);
  if (!steps) return steps.error();
  if (steps->empty()) return AuxRange{};
  const Result<Range> range =
      range_of(impl_->connection, *steps, "aux_sample", &StepInfo::aux_rowid_before, &StepInfo::aux_rowid_last);
  if (!range) return range.error();
  return AuxRange{range->before, range->last};
}

Result<std::uint64_t> Reader::for_each_aux_between(RunKey run, std::int64_t rowid_before, std::int64_t rowid_last,
                                                   const AuxVisitor& visit) {
  Scan scan;
  std::map<std::int64_t, std::string> names;
  {
    Result<ReadTransaction> transaction = ReadTransaction::begin(impl_->connection);
    if (!transaction) return transaction.error();
    Result<std::vector<StepInfo>> found = impl_->read_steps(of_run, run);
    if (!found) return found.error();
    scan.steps = std::move(*found);
    if (scan.steps.empty()) return std::uint64_t{0};
    const Result<Range> range =
        range_of(impl_->connection, scan.steps, "aux_sample", &StepInfo::aux_rowid_before, &StepInfo::aux_rowid_last);
    if (!range) return range.error();
    scan.range = Range{std::max(range->before, rowid_before), std::min(range->last, rowid_last)};
    Result<Statement> quantities = impl_->connection.prepare("SELECT quantity, name FROM quantity");
    if (!quantities) return quantities.error();
    for (Result<bool> row = quantities->step("reading"); !row || *row; row = quantities->step("reading")) {
      if (!row) return row.error();
      names.emplace(quantities->integer(0), quantities->text(1));
    }
  }
  Result<Statement> select = impl_->connection.prepare(
      "SELECT step, test_time_ns, quantity, value FROM aux_sample WHERE rowid > ? AND rowid <= ? ORDER BY rowid");
  if (!select) return select.error();
  StepFinder finder(scan.steps);
  std::uint64_t visited = 0;
  std::vector<std::pair<const StepInfo*, AuxRow>> page;
  while (scan.range.before < scan.range.last) {
    page.clear();
    const std::int64_t last = std::min(scan.range.before + page_rows, scan.range.last);
    select->bind_all(scan.range.before, last);
    for (Result<bool> row = select->step("reading"); !row || *row; row = select->step("reading")) {
      if (!row) return row.error();
      const StepInfo* step = finder.find(select->integer(0));
      if (step == nullptr) continue;
      page.emplace_back(step, AuxRow{step->row.step, select->integer(1), names[select->integer(2)], select->real_or_nan(3)});
    }
    scan.range.before = last;
    for (const auto& [step, aux] : page) {
      ++visited;
      if (!visit(AuxView{*step, aux})) return visited;
    }
  }
  return visited;
}

}  // namespace cellrig::db
