// cellrig db: the record as evidence. verify, anchor, audit, acknowledge.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <memory>

#include "controller/async/real_time.hpp"
#include "controller/base/config_error.hpp"
#include "controller/base/text.hpp"
#include "controller/cli/verbs/db_verbs.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/text/table.hpp"
#include "controller/cli/verbs.hpp"
#include "db/recorder.hpp"

namespace cellrig::cli {
namespace {

struct AcknowledgeOptions {
  std::string database = default_database;
  std::int64_t run = 0;
  std::string channel;  ///< instead of a run: heat that was found on it while it had none
  std::string operator_name;
  std::string reason;
  bool json = false;
};

/// ConfigError when there is nothing to acknowledge: a slip of the number must not pass for a decision.
void require_open_trip(db::Reader& reader, const AcknowledgeOptions& options) {
  const SourcePlace place{options.database};
  const db::RunInfo info = choose_runs(reader, options.run).front();
  const std::vector<db::EventRow> events = value_or_throw(reader.events(info.run), options.database);
  // Also one that an instrument's silence tripped, and whose status names the instrument.
  const bool has_tripped = info.status == "tripped" || std::any_of(events.begin(), events.end(), [](const auto& e) {
                             return e.severity == db::Severity::trip || e.kind == db::heat_after_end_event;
                           });
  if (!has_tripped) throw ConfigError{place, fmt::format("run {} did not end in a safety trip: it is {}", info.run, info.status)};
  if (!value_or_throw(reader.is_last_trip_acknowledged(info.run), options.database)) return;
  const std::vector<db::AcknowledgementRow> before = value_or_throw(reader.acknowledgements(info.run), options.database);
  if (before.empty()) return;
  throw ConfigError{place, fmt::format("run {} was acknowledged by {} on {} UTC: {}", info.run, before.back().operator_name,
                                       utc_text(before.back().utc), before.back().reason)};
}

void require_open_heat(db::Reader& reader, const AcknowledgeOptions& options) {
  if (value_or_throw(reader.unacknowledged_heat(options.channel), options.database)) return;
  throw ConfigError{
      SourcePlace{options.database},
      fmt::format("channel {}: no heat was found on it without a run, or somebody has acknowledged it", options.channel)};
}

ExitCode run_acknowledge(const AcknowledgeOptions& options) {
  if (is_blank(options.operator_name)) throw ConfigError{SourcePlace{}, "--operator needs a name: a person acknowledges"};
  if (is_blank(options.reason)) throw ConfigError{SourcePlace{}, "--reason needs words: what was found at the cell?"};
  const bool is_heat = !options.channel.empty();
  if (is_heat == (options.run != 0))
    throw ConfigError{SourcePlace{}, "either --run, whose trip it is, or --channel, on which a cell was hot without a run"};
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  is_heat ? require_open_heat(*reader, options) : require_open_trip(*reader, options);
  Result<std::unique_ptr<db::Recorder>> recorder = db::Recorder::open({.path = options.database});
  if (!recorder) {
    fmt::print(stderr, "cellrig db acknowledge: {}\n", recorder.error().what);
    return ExitCode::record_failed;
  }
  const db::AcknowledgementRow row{options.run, RealTime{}.utc_now(), options.operator_name, options.reason};
  if (is_heat) {
    (*recorder)->audit({.utc = row.utc,
                        .operator_name = row.operator_name,
                        .origin = host_name(),
                        .verb = "db acknowledge",
                        .action = db::heat_seen_action(options.channel),
                        .reason = row.reason});
  } else {
    (*recorder)->acknowledge(row, host_name());
  }
  const Result<void> closed = (*recorder)->close();
  if (!closed) {
    fmt::print(stderr, "cellrig db acknowledge: {}: {}\n", options.database, closed.error().what);
    return ExitCode::record_failed;
  }
  if (options.json) {
    boost::json::object told{{"database", options.database}};
    is_heat ? told["channel"] = options.channel : told["run"] = row.run;
    told["operator"] = row.operator_name;
    told["reason"] = row.reason;
    told["acknowledged_at_ns"] = row.utc.ns_since_epoch;
    print_json(told);
  } else {
    const std::string what = is_heat ? "heat on channel " + options.channel : fmt::format("trip of run {}", row.run);
    fmt::print("the {} is acknowledged by {}: {}\n", what, row.operator_name, row.reason);
  }
  return ExitCode::passed;
}

struct AuditOptions {
  std::string database = default_database;
  bool json = false;
};

ExitCode run_audit(const AuditOptions& options) {
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  boost::json::array rows;
  Table table{{"time (UTC)", ">run", "who", "from", "verb", "what", "why"}};
  for (const db::AuditRow& row : value_or_throw(reader->audit(), options.database)) {
    table.add({utc_text(row.utc), row.run == 0 ? "-" : std::to_string(row.run), row.operator_name, row.origin, row.verb,
               row.action, row.reason});
    rows.push_back(boost::json::object{{"at_ns", row.utc.ns_since_epoch},
                                       {"run", row.run},
                                       {"operator", row.operator_name},
                                       {"origin", row.origin},
                                       {"verb", row.verb},
                                       {"action", row.action},
                                       {"reason", row.reason},
                                       {"detail", row.detail}});
  }
  if (options.json) {
    print_json({{"database", options.database}, {"audit", std::move(rows)}});
  } else {
    fmt::print("{}", table.empty() ? std::string("no rows\n") : table.text());
  }
  return ExitCode::passed;
}

void add_acknowledge(CLI::App& db, Action& chosen) {
  CLI::App* const verb = db.add_subcommand("acknowledge", "a named person has looked at what a safety trip left behind");
  const auto options = std::make_shared<AcknowledgeOptions>();
  verb->add_option("--db", options->database, "the database");
  verb->add_option("--run", options->run, "the number of the run that tripped, as `cellrig runs` lists it");
  verb->add_option("--channel", options->channel, "instead: where a cell was found hot, or gassing, without a run");
  verb->add_option("--operator", options->operator_name, "who acknowledges")->required();
  verb->add_option("--reason", options->reason, "what was found, and why it may go on")->required();
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_acknowledge(*options); }; });
}

void add_audit(CLI::App& db, Action& chosen) {
  CLI::App* const verb = db.add_subcommand("audit", "who did what, when and from where");
  const auto options = std::make_shared<AuditOptions>();
  verb->add_option("--db", options->database, "the database");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_audit(*options); }; });
}

}  // namespace

void add_db(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("db", "the record as evidence: verify, anchor, audit, acknowledge");
  verb->require_subcommand(1);
  add_db_verify(*verb, chosen);
  add_db_anchor(*verb, chosen);
  add_audit(*verb, chosen);
  add_acknowledge(*verb, chosen);
}

}  // namespace cellrig::cli
