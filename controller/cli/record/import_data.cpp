#include "controller/cli/record/import_data.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "controller/async/real_time.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/base/version.hpp"
#include "db/import/bdf_import.hpp"

namespace cellrig::cli {
namespace {

db::AuditRow audit_of(const DataImport& options, const db::BdfImportReport& report) {
  db::AuditRow row;
  row.utc = RealTime{}.utc_now();
  row.run = report.run;
  row.operator_name = options.operator_name;
  row.origin = host_name();
  row.verb = "import";
  row.action = "data imported";
  row.detail = fmt::format("{{\"rows\":{},\"sha256\":\"{}\"}}", report.rows, report.sha256);
  return row;
}

void print_report(const DataImport& options, const db::BdfImportReport& report) {
  if (options.json) {
    boost::json::array notes;
    for (const std::string& note : report.notes) notes.emplace_back(note);
    print_json({{"database", options.database},
                {"run", report.run},
                {"rows", report.rows},
                {"steps", report.steps},
                {"cycles", report.cycles},
                {"nominal_capacity_Ah", report.nominal_capacity_Ah},
                {"sha256", report.sha256},
                {"notes", std::move(notes)}});
    return;
  }
  for (const std::string& note : report.notes) {
    if (!options.quiet) fmt::print(stderr, "{}: note: {}\n", options.file, note);
  }
  fmt::print("run {}: {} rows, {} steps, {} cycles, imported into {}\n", report.run, report.rows, report.steps, report.cycles,
             options.database);
}

}  // namespace

ExitCode import_data(const DataImport& options) {
  db::RecorderOptions record{.path = options.database, .commit = db::CommitPolicy::simulated()};
  record.commit.synchronous_full = true;
  const std::unique_ptr<db::Recorder> recorder = value_or_throw(db::Recorder::open(record), options.database);
  db::BdfImportOptions import;
  import.path = options.file;
  import.cell_name = options.cell_name;
  import.cell_id = options.cell_id;
  import.nominal_capacity_Ah = options.nominal_capacity_Ah;
  import.operator_name = options.operator_name;
  import.host = host_name();
  import.software_version = version;
  const Result<db::BdfImportReport> report = db::import_bdf(*recorder, import);
  if (!report) throw ConfigError{SourcePlace{}, report.error().what};
  recorder->audit(audit_of(options, *report));
  value_or_throw(recorder->close(), options.database);
  print_report(options, *report);
  return ExitCode::passed;
}

}  // namespace cellrig::cli
