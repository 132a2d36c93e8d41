// cellrig runs: what a database holds.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "controller/cli/text/json_text.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/record/run_filter.hpp"
#include "controller/cli/text/table.hpp"
#include "controller/cli/verbs.hpp"
#include "db/export/text_file.hpp"

namespace cellrig::cli {
namespace {

struct RunsOptions {
  std::string database = default_database;
  RunFilter filter;
  bool json = false;
  bool csv = false;
};

double hours_of(const db::RunInfo& info) { return info.end ? static_cast<double>(info.end->ended_test_time_ns) / 3.6e12 : 0.0; }

std::string verdict_of(const db::RunInfo& info) {
  if (!info.end) return "";
  if (info.status != "completed") return "";
  return info.end->criteria_met ? "passed" : "not passed";
}

/// In capitals unless a cell on this bench was measured.
std::string origin_text(db::RunOrigin origin) {
  return std::string(origin == db::RunOrigin::measured ? db::word_of(origin) : db::mark_of(origin));
}

/// What a person should know beside the verdict.
std::string remark_of(const db::RunInfo& info, std::size_t deviations, bool is_acknowledged) {
  std::string remark = verdict_of(info);
  const auto add = [&remark](const std::string& text) { remark += (remark.empty() ? "" : ", ") + text; };
  if (info.status == "tripped" && is_acknowledged) add("acknowledged");
  if (deviations > 0) add(fmt::format("{} deviation{}", deviations, deviations == 1 ? "" : "s"));
  return remark;
}

void print_csv_header() {
  db::CsvLine line;
  for (const char* name : {"run", "started_utc", "channel", "cell", "cell_id", "profile", "status", "verdict", "deviations",
                           "acknowledged", "hours", "time_source", "operator", "origin"}) {
    line.text(name);
  }
  fmt::print("{}", line.finish());
}

void print_csv_row(const db::RunInfo& info, std::size_t deviations, bool is_acknowledged) {
  db::CsvLine line;
  line.integer(info.run);
  line.text(utc_text(info.row.started_at));
  line.text(info.row.channel);
  line.text(info.row.cell_name);
  line.text(info.row.cell_id);
  line.text(info.row.profile_name);
  line.text(info.status);
  line.text(verdict_of(info));
  line.integer(static_cast<std::int64_t>(deviations));
  line.integer(is_acknowledged ? 1 : 0);
  if (info.end) {
    line.real(hours_of(info));
  } else {
    line.empty();
  }
  line.text(info.row.time_source);
  line.text(info.row.operator_name);
  line.text(db::word_of(info.origin));
  fmt::print("{}", line.finish());
}

ExitCode run_runs(const RunsOptions& options) {
  if (options.json && options.csv) throw ConfigError{SourcePlace{}, "runs: --json or --csv, not both"};
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  if (options.csv) print_csv_header();
  boost::json::array rows;
  Table table{{">run", "started (UTC)", "channel", "cell", "profile", "status", "verdict", ">hours", "origin", "operator"}};
  for (const db::RunInfo& info : filtered(choose_runs(*reader, std::nullopt), options.filter)) {
    const std::size_t deviations = value_or_throw(reader->deviations(info.run), options.database).size();
    const bool is_acknowledged = !value_or_throw(reader->acknowledgements(info.run), options.database).empty();
    if (options.csv) {
      print_csv_row(info, deviations, is_acknowledged);
      continue;
    }
    const std::string verdict = verdict_of(info);
    table.add({std::to_string(info.run), utc_text(info.row.started_at), info.row.channel,
               info.row.cell_id.empty() ? info.row.cell_name : info.row.cell_name + " " + info.row.cell_id, info.row.profile_name,
               info.status, remark_of(info, deviations, is_acknowledged), info.end ? fmt::format("{:.2f}", hours_of(info)) : "",
               origin_text(info.origin), info.row.operator_name});
    rows.push_back(boost::json::object{{"run", info.run},
                                       {"started_at_ns", info.row.started_at.ns_since_epoch},
                                       {"channel", info.row.channel},
                                       {"cell", info.row.cell_name},
                                       {"cell_id", info.row.cell_id},
                                       {"profile", info.row.profile_name},
                                       {"program_hash", info.row.program_hash},
                                       {"status", info.status},
                                       {"verdict", verdict},
                                       {"deviations", deviations},
                                       {"acknowledged", is_acknowledged},
                                       {"hours", hours_of(info)},
                                       {"time_source", info.row.time_source},
                                       {"origin", db::word_of(info.origin)},
                                       {"operator", info.row.operator_name}});
  }
  if (options.json) {
    print_json({{"database", options.database}, {"runs", std::move(rows)}});
  } else if (!options.csv) {
    fmt::print("{}", table.empty() ? std::string("no runs\n") : table.text());
  }
  return ExitCode::passed;
}

}  // namespace

void add_runs(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("runs", "list the runs of a database");
  const auto options = std::make_shared<RunsOptions>();
  verb->add_option("--db", options->database, "the database");
  add_filter_options(*verb, options->filter);
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--csv", options->csv, "one table with a header on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_runs(*options); }; });
}

}  // namespace cellrig::cli
