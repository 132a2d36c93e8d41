// A run of the record as a file: what `cellrig export` writes, to whoever asks over HTTP.
#include <array>
#include <chrono>

#include "controller/api/record_views.hpp"
#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "db/reader.hpp"

namespace cellrig::api {
namespace {

constexpr std::array<std::string_view, 5> format_words{"samples", "cycles", "other", "bdf", "bdf-metadata"};

std::string recommended_name(const db::RunInfo& info) {
  return db::bdf_file_name(std::string{db::bdf_institution_default}, info, static_cast<int>(info.run));
}

UtcTime now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return UtcTime{std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count()};
}

template <class Value>
Result<void> only_whether(const Result<Value>& result) {
  return result ? Result<void>{} : Result<void>{result.error()};
}

Result<void> write_metadata(db::Reader& reader, const ExportOrder& order, const db::ExportOptions& options) {
  const Result<db::RunInfo> info = reader.run(order.run);
  if (!info) return info.error();
  db::BdfMetadataOptions metadata{.data_file = order.data_name.empty() ? recommended_name(*info) : order.data_name};
  if (order.protocol_of) metadata.protocol = order.protocol_of(*info);
  if (info->row.time_source == "real") metadata.exported_at = now();  // the clock on the wall says nothing of another time
  return db::export_bdf_metadata(reader, order.run, metadata, options);
}

}  // namespace

const std::vector<std::string>& export_format_words() {
  static const std::vector<std::string> words{format_words.begin(), format_words.end()};
  return words;
}

Result<ExportFile> export_file(const std::string& database, std::int64_t run, ExportFormat format) {
  const Result<RunView> known = run_view(database, run, false);
  if (!known) return known.error();
  const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  if (!reader) return reader.error();
  const Result<db::RunInfo> info = (*reader)->run(run);
  if (!info) return info.error();
  const std::string stem = "run-" + std::to_string(run), csv = "text/csv; charset=utf-8";
  switch (format) {
    case ExportFormat::samples: return ExportFile{stem + ".csv", csv};
    case ExportFormat::cycles: return ExportFile{stem + "-cycles.csv", csv};
    case ExportFormat::other: return ExportFile{stem + "-other.csv", csv};
    case ExportFormat::bdf: return ExportFile{recommended_name(*info), csv};
    case ExportFormat::bdf_metadata: return ExportFile{db::bdf_metadata_path(recommended_name(*info)), "application/json"};
  }
  return fail(Fault::refused, "unknown kind of export");
}

Result<void> write_export(const std::string& database, const ExportOrder& order,
                          const std::function<bool(std::string_view)>& sink, const std::function<bool()>& is_cancelled) {
  const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  if (!reader) return reader.error();
  const db::ExportOptions options{.path = "the answer", .sink = sink, .is_cancelled = is_cancelled};
  const std::int64_t run = order.run;
  switch (order.format) {
    case ExportFormat::samples: return only_whether(db::export_csv(**reader, run, options));
    case ExportFormat::cycles: return only_whether(db::export_cycles_csv(**reader, run, options));
    case ExportFormat::other: return only_whether(db::export_aux_csv(**reader, run, options));
    case ExportFormat::bdf: return only_whether(db::export_bdf(**reader, run, options));
    case ExportFormat::bdf_metadata: return write_metadata(**reader, order, options);
  }
  return fail(Fault::refused, "unknown kind of export");
}

}  // namespace cellrig::api
