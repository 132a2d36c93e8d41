// A database file, opened read-only. It may be written meanwhile.
#pragma once

#include <memory>
#include <string>

#include "ui/review/record_source.hpp"

namespace cellrig::ui {

class FileRecord final : public RecordSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<RecordSource>> open(const std::string& path);
  explicit FileRecord(std::unique_ptr<db::Reader> reader) : reader_(std::move(reader)) {}

  [[nodiscard]] Result<Opened> runs(const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<std::shared_ptr<const LoadedRun>> overview(db::RunKey run) override;
  [[nodiscard]] Result<std::shared_ptr<const LoadedRun>> whole(db::RunKey run, const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<std::shared_ptr<const RunTraces>> stretch(const StretchOrder& order,
                                                                 const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<std::vector<CycleCurve>> curves(const CurveOrder& order, const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<ExportReport> write_export(const ExportOrder& order, const IsCancelled& is_cancelled) override;

 private:
  std::unique_ptr<db::Reader> reader_;
};

}  // namespace cellrig::ui
