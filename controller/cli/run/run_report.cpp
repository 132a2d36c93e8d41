#include "controller/cli/run/run_report.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "controller/cli/text/json_text.hpp"
#include "controller/cli/run/resume_plan.hpp"
#include "controller/cli/text/table.hpp"

namespace cellrig::cli {
namespace {

std::string_view safe_word(SafeBy safe) {
  switch (safe) {
    case SafeBy::instrument: return "instrument";
    case SafeBy::contactor: return "contactor";
    case SafeBy::watchdog: return "watchdog";
    case SafeBy::nothing: return "nothing";
  }
  return "nothing";
}

/// Whoever stopped a run may want it to go on. A bench inside this process is gone with it.
std::string resume_hint(const RunReport& report) {
  std::vector<db::RunKey> runs;
  for (const ChannelResult& r : report.results) {
    if (r.outcome == Outcome::stopped && r.run != 0) runs.push_back(r.run);
  }
  const bool is_meant = report.options.resume_by == to_string(InterruptionRule::stop);
  return runs.empty() || is_meant || report.options.simulated ? std::string{} : resume_command(report.options, runs);
}

void print_summary(const RunReport& report) {
  Table table{{">run", "channel", "outcome", "criteria", ">samples", ">missed", "reason"}};
  for (const ChannelResult& r : report.results) {
    const std::string criteria = r.outcome != Outcome::completed ? "-" : r.criteria_met ? "met" : "NOT met";
    table.add({std::to_string(r.run), r.channel, std::string(to_string(r.outcome)), criteria, std::to_string(r.samples),
               std::to_string(r.periods_missed), r.reason});
  }
  const std::string& database = report.options.database;
  fmt::print("{}", table.text());
  if (report.is_simulated) fmt::print("SIMULATED bench, {} time: no evidence about a real cell\n", report.time_name);
  fmt::print("record: {}   (cellrig show --db {})   exit code {}\n", database, database, static_cast<int>(report.code));
  fmt::print("sealed: block {}, sha256 {}\n", report.head.block, report.head.sha256);
  if (const std::string command = resume_hint(report); !command.empty()) fmt::print("resume with: {}\n", command);
}

void print_document(const RunReport& report) {
  boost::json::array channels;
  for (const ChannelResult& r : report.results) {
    channels.push_back(boost::json::object{{"channel", r.channel},
                                           {"run", r.run},
                                           {"outcome", to_string(r.outcome)},
                                           {"criteria_met", r.criteria_met},
                                           {"reason", r.reason},
                                           {"samples", r.samples},
                                           {"periods_missed", r.periods_missed},
                                           {"output_off_confirmed_by", safe_word(r.safe_by)}});
  }
  print_json({{"database", report.options.database},
              {"time_source", report.time_name},
              {"simulated", report.is_simulated},
              {"exit_code", static_cast<int>(report.code)},
              {"record_failure", report.record_failure},
              {"chain_block", report.head.block},
              {"chain_sha256", report.head.sha256},
              {"resume_with", resume_hint(report)},
              {"channels", std::move(channels)}});
}

}  // namespace

void print_report(const RunReport& report) {
  if (!report.record_failure.empty()) fmt::print(stderr, "cellrig: {}: {}\n", report.options.database, report.record_failure);
  if (report.options.json) return print_document(report);
  print_summary(report);
}

}  // namespace cellrig::cli
