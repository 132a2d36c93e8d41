// cellrig export: a run as plain CSV, or as Battery Data Format CSV with its metadata beside it; a profile as a PyBaMM experiment.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>

#include "controller/async/real_time.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/files/export_profile.hpp"
#include "controller/cli/record/protocol_record.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/record/run_filter.hpp"
#include "controller/cli/verbs.hpp"
#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "db/export/json.hpp"

namespace cellrig::cli {
namespace {

struct ExportVerbOptions {
  std::optional<std::string> run_given;  ///< "3", "other.db:3"
  std::int64_t run = 0;
  std::string database = default_database;
  std::string format;  ///< csv, or pybamm for a profile, when empty
  std::string output;
  std::string institution{db::bdf_institution_default};
  std::string labels = "preferred";
  std::string profile;
  std::string cell = "lg-m50";
  std::vector<std::string> settings;
  std::vector<std::string> accepted_losses;
  bool overwrite = false;
  bool json = false;
  bool quiet = false;
};

void say_written(const ExportVerbOptions& options, const std::string& path, std::uint64_t rows) {
  if (!options.quiet) fmt::print("{}: {} rows\n", path, rows);
}

void export_plain(db::Reader& reader, const ExportVerbOptions& options) {
  const std::string path = options.output.empty() ? fmt::format("run-{}.csv", options.run) : options.output;
  const std::uint64_t rows =
      value_or_throw(db::export_csv(reader, options.run, db::ExportOptions{path, options.overwrite}), path);
  say_written(options, path, rows);
}

/// What was recorded beside the samples, a row for each reading: sensors, contacts, the chamber.
void export_sensors(db::Reader& reader, const ExportVerbOptions& options) {
  const std::string path = options.output.empty() ? fmt::format("run-{}-aux.csv", options.run) : options.output;
  const std::uint64_t rows =
      value_or_throw(db::export_aux_csv(reader, options.run, db::ExportOptions{path, options.overwrite}), path);
  say_written(options, path, rows);
}

void export_battery_data_format(db::Reader& reader, const ExportVerbOptions& options, const db::RunInfo& info) {
  const std::string path =
      options.output.empty() ? db::bdf_file_name(options.institution, info, static_cast<int>(options.run)) : options.output;
  const db::BdfMetadataOptions metadata{.exported_at = RealTime{}.utc_now(), .protocol = protocol_text(info)};
  const db::BdfFiles files = value_or_throw(
      db::export_bdf_files(reader, options.run, db::ExportOptions{path, options.overwrite},
                           options.labels == "machine" ? db::BdfLabels::machine : db::BdfLabels::preferred, metadata),
      path);
  say_written(options, path, files.report.rows);
  if (files.report.rows_left_out > 0)
    fmt::print(stderr, "cellrig export: {} rows without voltage or current were left out\n", files.report.rows_left_out);
  if (!options.quiet) fmt::print("{}\n", files.metadata_path);
}

void export_document(db::Reader& reader, const ExportVerbOptions& options) {
  const std::string path = options.output.empty() ? fmt::format("run-{}.json", options.run) : options.output;
  const std::uint64_t rows =
      value_or_throw(db::export_json(reader, options.run, db::ExportOptions{path, options.overwrite}), path);
  say_written(options, path, rows);
}

[[noreturn]] void refuse_usage(const std::string& what) { throw ConfigError{SourcePlace{}, "export: " + what}; }

ExitCode export_run(const ExportVerbOptions& options) {
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  const db::RunInfo info = choose_runs(*reader, options.run).front();
  if (options.format == "bdf") {
    export_battery_data_format(*reader, options, info);
  } else if (options.format == "json") {
    export_document(*reader, options);
  } else if (options.format == "aux") {
    export_sensors(*reader, options);
  } else {
    export_plain(*reader, options);
  }
  return ExitCode::passed;
}

/// A run or a profile, with the formats and options of its own.
ExitCode run_export(ExportVerbOptions options) {
  const bool is_profile = !options.profile.empty();
  if (is_profile == options.run_given.has_value()) refuse_usage("name either the number of a run or --profile PROFILE");
  if (is_profile && !options.format.empty() && options.format != "pybamm")
    refuse_usage("a profile has no samples for --format " + options.format + ", did you mean '--format pybamm'?");
  if (is_profile) {
    return export_profile({.profile = options.profile,
                           .cell = options.cell,
                           .settings = options.settings,
                           .accepted_losses = options.accepted_losses,
                           .output = options.output,
                           .overwrite = options.overwrite,
                           .json = options.json,
                           .quiet = options.quiet});
  }
  if (options.format == "pybamm") refuse_usage("--format pybamm writes a profile: name it with --profile");
  if (options.json || !options.accepted_losses.empty() || !options.settings.empty())
    refuse_usage("--json, --set and --accept-loss belong to --profile");
  const RunAddress address = run_address(*options.run_given, options.database);
  options.run = address.run;
  options.database = address.database;
  return export_run(options);
}

}  // namespace

void add_export(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("export", "write a run as CSV or Battery Data Format, or a profile for PyBaMM");
  const auto options = std::make_shared<ExportVerbOptions>();
  verb->add_option("run", options->run_given, "the number of the run, as `cellrig runs` lists it, or FILE:NUMBER");
  verb->add_option("--db", options->database, "the database");
  verb->add_option(
          "--format", options->format,
          "csv (the default), bdf (Battery Data Format, with metadata beside it), json, or aux (sensors and contacts) for a run; "
          "pybamm for a profile")
      ->check(CLI::IsMember({"csv", "bdf", "json", "aux", "pybamm"}));
  verb->add_option("--output,-o", options->output, "the file; default: named after the run; of a profile: standard output");
  verb->add_option("--institution", options->institution, "first part of the file name that BDF recommends");
  verb->add_option("--labels", options->labels, "of BDF: preferred (Test Time / s) or machine (test_time_second)")
      ->check(CLI::IsMember({"preferred", "machine"}));
  verb->add_option("--profile", options->profile,
                   "a profile instead of a run: a file, or the name of one that comes with cellrig");
  verb->add_option("--cell", options->cell, "of a profile: the cell that its numbers are worked out for");
  verb->add_option("--set", options->settings, "parameter=value of the profile; may be given several times");
  verb->add_option(
      "--accept-loss", options->accepted_losses,
      "limits, at_most, ends, steps, voltage_bound or current_bound: export although this guard of the cell is lost; may be "
      "given several times");
  verb->add_flag("--overwrite", options->overwrite, "replace a file that exists");
  verb->add_flag("--json", options->json, "of a profile: one JSON document on standard output");
  verb->add_flag("--quiet", options->quiet, "say nothing; of a profile: leave out the notes");
  verb->callback([options, &chosen] { chosen = [options] { return run_export(*options); }; });
}

}  // namespace cellrig::cli
