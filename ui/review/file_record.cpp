#include "ui/review/file_record.hpp"

#include <chrono>
#include <utility>

#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "profiles/exchange/protocol_record.hpp"

namespace cellrig::ui {

namespace {

Result<ExportReport> report_of(const Result<std::uint64_t>& rows) {
  if (!rows) return rows.error();
  return ExportReport{.rows = *rows};
}

UtcTime time_of_export() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return UtcTime{std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count()};
}

Result<ExportReport> write_bdf(db::Reader& reader, db::RunKey run, const db::ExportOptions& options) {
  const Result<db::RunInfo> info = reader.run(run);
  if (!info) return info.error();
  const db::BdfMetadataOptions metadata{.exported_at = time_of_export(),
                                        .protocol = protocol_record_text(recorded_protocol(info->row))};
  const Result<db::BdfFiles> files = db::export_bdf_files(reader, run, options, db::BdfLabels::preferred, metadata);
  if (!files) return files.error();
  return ExportReport{
      .rows = files->report.rows, .rows_left_out = files->report.rows_left_out, .metadata_path = files->metadata_path};
}

}  // namespace

Result<std::unique_ptr<RecordSource>> FileRecord::open(const std::string& path) {
  Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(path);
  if (!reader) return reader.error();
  return std::unique_ptr<RecordSource>{std::make_unique<FileRecord>(*std::move(reader))};
}

Result<RecordSource::Opened> FileRecord::runs(const IsCancelled&) {
  Result<std::vector<db::RunInfo>> runs = reader_->runs();
  if (!runs) return runs.error();
  return Opened{*std::move(runs), reader_->note()};
}

Result<std::shared_ptr<const LoadedRun>> FileRecord::overview(db::RunKey run) { return load_overview(*reader_, run); }

Result<std::shared_ptr<const LoadedRun>> FileRecord::whole(db::RunKey run, const IsCancelled& is_cancelled) {
  return load_run(*reader_, run, is_cancelled);
}

Result<std::shared_ptr<const RunTraces>> FileRecord::stretch(const StretchOrder& order, const IsCancelled& is_cancelled) {
  return load_stretch(*reader_, order, is_cancelled);
}

Result<std::vector<CycleCurve>> FileRecord::curves(const CurveOrder& order, const IsCancelled& is_cancelled) {
  return load_curves(*reader_, order, is_cancelled);
}

Result<ExportReport> FileRecord::write_export(const ExportOrder& order, const IsCancelled& is_cancelled) {
  const db::ExportOptions options{.path = order.path, .overwrite = true, .is_cancelled = is_cancelled};
  switch (order.kind) {
    case ExportKind::samples: return report_of(db::export_csv(*reader_, order.run, options));
    case ExportKind::cycles: return report_of(db::export_cycles_csv(*reader_, order.run, options));
    case ExportKind::other_quantities: return report_of(db::export_aux_csv(*reader_, order.run, options));
    case ExportKind::battery_data_format: return write_bdf(*reader_, order.run, options);
  }
  return fail(Fault::refused, "unknown kind of export");
}

}  // namespace cellrig::ui
