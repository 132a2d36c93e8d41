// cellrig runs: what a database holds.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "controller/cli/json_text.hpp"
#include "controller/cli/record_source.hpp"
#include "controller/cli/table.hpp"
#include "controller/cli/verbs.hpp"

namespace cellrig::cli {
namespace {

struct Options {
  std::string database = default_database;
  std::string status;
  bool json = false;
};

double hours_of(const db::RunInfo& info) { return info.end ? static_cast<double>(info.end->ended_test_time_ns) / 3.6e12 : 0.0; }

std::string verdict_of(const db::RunInfo& info) {
  if (!info.end) return "";
  if (info.status != "completed") return "";
  return info.end->criteria_met ? "passed" : "not passed";
}

ExitCode run_runs(const Options& options) {
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  boost::json::array rows;
  Table table{{">run", "started (UTC)", "channel", "cell", "profile", "status", "verdict", ">hours", "time", "operator"}};
  for (const db::RunInfo& info : choose_runs(*reader, std::nullopt)) {
    if (!options.status.empty() && info.status != options.status) continue;
    const std::string verdict = verdict_of(info);
    table.add({std::to_string(info.run), utc_text(info.row.started_at), info.row.channel,
               info.row.cell_id.empty() ? info.row.cell_name : info.row.cell_name + " " + info.row.cell_id, info.row.profile_name,
               info.status, verdict, info.end ? fmt::format("{:.2f}", hours_of(info)) : "", info.row.time_source,
               info.row.operator_name});
    rows.push_back(boost::json::object{{"run", info.run},
                                       {"started_at_ns", info.row.started_at.ns_since_epoch},
                                       {"channel", info.row.channel},
                                       {"cell", info.row.cell_name},
                                       {"cell_id", info.row.cell_id},
                                       {"profile", info.row.profile_name},
                                       {"program_hash", info.row.program_hash},
                                       {"status", info.status},
                                       {"verdict", verdict},
                                       {"hours", hours_of(info)},
                                       {"time_source", info.row.time_source},
                                       {"operator", info.row.operator_name}});
  }
  if (options.json) {
    print_json({{"database", options.database}, {"runs", std::move(rows)}});
  } else {
    fmt::print("{}", table.empty() ? std::string("no runs\n") : table.text());
  }
  return ExitCode::passed;
}

}  // namespace

void add_runs(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("runs", "list the runs of a database");
  const auto options = std::make_shared<Options>();
  verb->add_option("--db", options->database, "the database");
  verb->add_option("--status", options->status, "only runs with this status: running, completed, failed, stopped, tripped, ...");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_runs(*options); }; });
}

}  // namespace cellrig::cli
