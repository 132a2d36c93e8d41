#include "db/analysis/overview.hpp"

#include <algorithm>

namespace cellrig::db {

namespace {

/// Puts neighbouring pieces together while they fit into one column.
class PieceMerger {
 public:
  PieceMerger(const OverviewOptions& options, std::int64_t from_ns, std::int64_t to_ns)
      : width_ns_((to_ns - from_ns) / static_cast<std::int64_t>(std::max<std::size_t>(options.columns, 1))) {}

  void add(const OverviewPiece& piece) {
    if (!pieces_.empty() && piece.to_ns - pieces_.back().from_ns <= width_ns_) {
      OverviewPiece& last = pieces_.back();
      last.to_ns = std::max(last.to_ns, piece.to_ns);
      last.voltage_V.include(piece.voltage_V);
      last.current_A.include(piece.current_A);
      last.cell_temperature_degC.include(piece.cell_temperature_degC);
      last.ambient_temperature_degC.include(piece.ambient_temperature_degC);
      return;
    }
    pieces_.push_back(piece);
  }
  void add(const SampleRow& row) {
    OverviewPiece piece{row.test_time_ns, row.test_time_ns, {}, {}, {}, {}};
    piece.voltage_V.include(row.voltage_V);
    piece.current_A.include(row.current_A);
    piece.cell_temperature_degC.include(row.cell_temperature_degC);
    piece.ambient_temperature_degC.include(row.ambient_temperature_degC);
    add(piece);
  }
  [[nodiscard]] std::vector<OverviewPiece> take() { return std::move(pieces_); }

 private:
  std::int64_t width_ns_;
  std::vector<OverviewPiece> pieces_;
};

bool overlaps(const OverviewOptions& options, std::int64_t from_ns, std::int64_t to_ns) {
  return to_ns >= options.from_ns && from_ns <= options.to_ns;
}

struct RollupExtent {
  std::int64_t from_ns = std::numeric_limits<std::int64_t>::max();
  std::int64_t to_ns = std::numeric_limits<std::int64_t>::min();
  std::int64_t rowid_before = std::numeric_limits<std::int64_t>::max();
  std::int64_t rowid_last = 0;
  std::uint64_t rows = 0;
};

class OverviewReader {
 public:
  OverviewReader(Reader& reader, RunKey run, const OverviewOptions& options) : reader_(reader), run_(run), options_(options) {}

  Result<Overview> read() {
    Result<std::vector<StepInfo>> steps = reader_.steps(run_);
    if (!steps) return steps.error();
    if (const Result<void> done = load(*steps); !done) return done.error();
    if (!has_rows_) return Overview{};
    // Without roll-ups nobody knows how many rows there are: they are read, once.
    const bool reads_rows = rollups_.empty() || known_.rows <= overview_rows_max;
    return reads_rows ? from_rows() : from_rollups();
  }

 private:
  /// The roll-ups in the window, and what lies behind the last one of each step.
  Result<void> load(const std::vector<StepInfo>& steps) {
    const Result<std::uint64_t> visited = reader_.for_each_rollup(run_, [this](const RollupRow& row) {
      reached_ = std::max(reached_, row.rowid_last);
      if (!overlaps(options_, row.from_test_time_ns, row.to_test_time_ns)) return true;
      rollups_.push_back(row);
      known_.from_ns = std::min(known_.from_ns, row.from_test_time_ns);
      known_.to_ns = std::max(known_.to_ns, row.to_test_time_ns);
      known_.rowid_before = std::min(known_.rowid_before, row.rowid_before);
      known_.rowid_last = std::max(known_.rowid_last, row.rowid_last);
      known_.rows += static_cast<std::uint64_t>(row.rows);
      return true;
    });
    if (!visited) return visited.error();
    for (const StepInfo& step : steps) {
      const std::int64_t to_ns = step.end ? step.end->ended_test_time_ns : std::numeric_limits<std::int64_t>::max();
      if (overlaps(options_, step.row.started_test_time_ns, to_ns)) has_rows_ = true;
      end_ns_ = std::max(end_ns_, step.end ? step.end->ended_test_time_ns : step.row.started_test_time_ns);
      start_ns_ = std::min(start_ns_, step.row.started_test_time_ns);
    }
    return {};
  }

  [[nodiscard]] PieceMerger merger() const {
    const std::int64_t from_ns = std::max(options_.from_ns, start_ns_);
    const std::int64_t to_ns = std::min(options_.to_ns, std::max(end_ns_, known_.to_ns));
    return {options_, from_ns, std::max(from_ns, to_ns)};
  }

  Result<Overview> from_rows() {
    Overview out;
    PieceMerger pieces = merger();
    // Roll-ups say which rows lie in the window; what is not rolled up yet comes after them.
    const bool ends_before_tail = !rollups_.empty() && known_.rowid_last < reached_;
    const std::int64_t before = rollups_.empty() ? reached_ : known_.rowid_before;
    const std::int64_t last = ends_before_tail ? known_.rowid_last : std::numeric_limits<std::int64_t>::max();
    const Result<std::uint64_t> visited = reader_.for_each_sample_between(run_, before, last, [&](const SampleView& sample) {
      if (!overlaps(options_, sample.row.test_time_ns, sample.row.test_time_ns))
        return sample.row.test_time_ns < options_.from_ns;
      pieces.add(sample.row);
      ++out.rows;
      return true;
    });
    if (!visited) return visited.error();
    out.pieces = pieces.take();
    return out;
  }

  Result<Overview> from_rollups() {
    Overview out;
    out.is_from_rollups = true;
    PieceMerger pieces = merger();
    for (const RollupRow& row : rollups_) {
      pieces.add(OverviewPiece{row.from_test_time_ns, row.to_test_time_ns, row.voltage_V, row.current_A,
                               row.cell_temperature_degC, row.ambient_temperature_degC});
      out.rows += static_cast<std::uint64_t>(row.rows);
    }
    if (known_.rowid_last == reached_) {
      const Result<std::uint64_t> tail = reader_.for_each_sample_after(run_, reached_, [&](const SampleView& sample) {
        if (!overlaps(options_, sample.row.test_time_ns, sample.row.test_time_ns))
          return sample.row.test_time_ns < options_.from_ns;
        pieces.add(sample.row);
        ++out.rows;
        return true;
      });
      if (!tail) return tail.error();
    }
    out.pieces = pieces.take();
    return out;
  }

  Reader& reader_;
  RunKey run_;
  const OverviewOptions& options_;
  std::vector<RollupRow> rollups_;
  RollupExtent known_;
  std::int64_t reached_ = 0;  ///< rowid up to which rows are rolled up
  std::int64_t start_ns_ = std::numeric_limits<std::int64_t>::max(), end_ns_ = 0;
  bool has_rows_ = false;
};

}  // namespace

Result<Overview> overview(Reader& reader, RunKey run, const OverviewOptions& options) {
  return OverviewReader(reader, run, options).read();
}

}  // namespace cellrig::db
