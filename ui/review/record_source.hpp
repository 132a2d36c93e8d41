// Where Review reads from: a database file, or the bench service. Every call may take its time: on the reading thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ui/review/loaded_run.hpp"

namespace cellrig::ui {

enum class ExportKind { samples, cycles, other_quantities, battery_data_format };
struct ExportOrder {
  db::RunKey run = 0;
  ExportKind kind = ExportKind::samples;
  std::string path;  ///< of the file; one that is there is replaced: somebody was asked
};
/// What was written.
struct ExportReport {
  std::uint64_t rows = 0;  ///< 0: not known
  std::uint64_t rows_left_out = 0, bytes = 0;
  std::string metadata_path;
};

/// Errors: what the record or the service says; Fault::interrupted: cancelled.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  struct Opened {
    std::vector<db::RunInfo> runs;
    std::string note;  ///< what the person should know; may be empty
  };
  [[nodiscard]] virtual Result<Opened> runs(const IsCancelled& is_cancelled) = 0;
  /// What a long run looks like, soon there. Null: the whole is as soon read.
  [[nodiscard]] virtual Result<std::shared_ptr<const LoadedRun>> overview(db::RunKey run) = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const LoadedRun>> whole(db::RunKey run, const IsCancelled& is_cancelled) = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const RunTraces>> stretch(const StretchOrder& order,
                                                                         const IsCancelled& is_cancelled) = 0;
  [[nodiscard]] virtual Result<std::vector<CycleCurve>> curves(const CurveOrder& order, const IsCancelled& is_cancelled) = 0;
  /// Cancelled, nothing of the file is left; one of that name that was there before is still there.
  [[nodiscard]] virtual Result<ExportReport> write_export(const ExportOrder& order, const IsCancelled& is_cancelled) = 0;
};

}  // namespace cellrig::ui
