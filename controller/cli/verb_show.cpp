// cellrig show: steps, cycles and events of a run.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "controller/cli/json_text.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/record_source.hpp"
#include "controller/cli/run_filter.hpp"
#include "controller/cli/steps_csv.hpp"
#include "controller/cli/table.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/runtime/channel_record.hpp"

namespace cellrig::cli {
namespace {

constexpr std::size_t name_length_max = 22, reason_length_max = 36;
constexpr double wait_shown_min_s = 1.0;  ///< a chamber that is there says so in less

struct ShowOptions {
  std::string database = default_database;
  std::optional<std::string> run;  ///< "3", "other.db:3"
  RunFilter filter;
  std::size_t steps_max = 60;
  bool json = false;
  bool csv = false;
};

std::string number(const std::optional<double>& value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : std::string("-");
}

boost::json::value json_number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

/// A table must fit a screen; --json has the whole text.
std::string shortened(const std::string& text, std::size_t length_max) {
  return text.size() <= length_max ? text : text.substr(0, length_max - 3) + "...";
}

std::string reason_of(const db::StepEndRow& end) {
  if (end.condition.empty()) return end.reason;
  return end.value ? fmt::format("{} ({:.4g})", end.condition, *end.value) : end.condition;
}

std::string steps_table(const std::vector<db::StepInfo>& steps, std::size_t steps_max) {
  // Charge and energy are net, and positive when they went in: within 120 columns for the usual names.
  Table table{{">step", ">cycle", "name", "set-point", ">duration", ">Ah", ">Wh", ">T max", "ended by"}};
  const std::size_t head = steps.size() > steps_max ? steps_max / 2 : steps.size();
  const std::size_t tail_from = steps.size() > steps_max ? steps.size() - (steps_max - head) : steps.size();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i == head && tail_from > head) table.add({"...", "", fmt::format("{} more", tail_from - head)});
    if (i >= head && i < tail_from) continue;
    const db::StepInfo& step = steps[i];
    std::vector<std::string> cells{std::to_string(step.row.step_count), step.row.in_cycle ? std::to_string(step.row.cycle) : "-",
                                   shortened(step.row.name, name_length_max), step.row.setpoint_text};
    if (step.end) {
      const db::StepEndRow& end = *step.end;
      cells.insert(cells.end(), {clock_text(static_cast<double>(end.ended_test_time_ns - step.row.started_test_time_ns) / 1e9),
                                 fmt::format("{:+.4f}", end.charge_Ah - end.discharge_Ah),
                                 fmt::format("{:+.3f}", end.charge_Wh - end.discharge_Wh),
                                 number(end.cell_temperature_max_degC, "{:.1f}"), shortened(reason_of(end), reason_length_max)});
    } else {
      cells.insert(cells.end(), {"", "", "", "", "not ended"});
    }
    table.add(std::move(cells));
  }
  return table.text();
}

std::string cycles_table(const std::vector<db::CycleRow>& cycles) {
  Table table{{">cycle", "kind", ">charge Ah", ">discharge Ah", ">charge Wh", ">discharge Wh", ">CE %", ">EE %", ">charge time",
               ">T max", ">retention %"}};
  const auto percent = [](const std::optional<double>& share) {
    return share && *share > 0 ? fmt::format("{:.3f}", 100 * *share) : std::string("-");
  };
  for (const db::CycleRow& c : cycles) {
    table.add({std::to_string(c.cycle), c.is_reference ? "reference" : "cycle", fmt::format("{:.4f}", c.charge_Ah),
               fmt::format("{:.4f}", c.discharge_Ah), fmt::format("{:.3f}", c.charge_Wh), fmt::format("{:.3f}", c.discharge_Wh),
               percent(c.coulombic_efficiency), percent(c.energy_efficiency), clock_text(c.charge_time_s),
               number(c.cell_temperature_max_degC, "{:.1f}"), percent(c.retention)});
  }
  return table.text();
}

std::string_view severity_prefix(db::Severity severity) {
  switch (severity) {
    case db::Severity::info: return "";
    case db::Severity::warning: return "warning: ";
    case db::Severity::alarm: return "ALARM: ";
    case db::Severity::trip: return "TRIP: ";
  }
  return "";
}

/// What a sensor beside the cycler went through in a run.
struct SensorSummary {
  std::uint64_t rows = 0;
  double min = 0, max = 0, last = 0;
};

Result<std::map<std::string, SensorSummary>> read_sensors(db::Reader& reader, db::RunKey run) {
  std::map<std::string, SensorSummary> sensors;
  const Result<std::uint64_t> rows = reader.for_each_aux(run, [&sensors](const db::AuxView& aux) {
    SensorSummary& s = sensors[std::string(aux.row.quantity)];
    s.min = s.rows == 0 ? aux.row.value : std::min(s.min, aux.row.value);
    s.max = s.rows == 0 ? aux.row.value : std::max(s.max, aux.row.value);
    s.last = aux.row.value;
    ++s.rows;
    return true;
  });
  if (!rows) return rows.error();
  return sensors;
}

std::string sensors_table(const std::map<std::string, SensorSummary>& sensors) {
  Table table{{"sensor", ">least", ">most", ">last", ">rows"}};
  for (const auto& [quantity, s] : sensors) {
    table.add({quantity, fmt::format("{:.6g}", s.min), fmt::format("{:.6g}", s.max), fmt::format("{:.6g}", s.last),
               std::to_string(s.rows)});
  }
  return table.text();
}

struct RunContent {
  std::vector<db::StepInfo> steps;
  std::vector<db::CycleRow> cycles;
  std::vector<db::EventRow> events;
  std::vector<db::DeviationRow> deviations;
  std::vector<db::AcknowledgementRow> acknowledgements;
  std::map<std::string, SensorSummary> sensors;
  std::size_t expected_curves = 0;  ///< 0: it was compared with no rehearsal
  std::map<db::StepKey, double> waited_s;
};

std::map<db::StepKey, double> waits_of(const std::vector<db::StepMetricRow>& metrics) {
  std::map<db::StepKey, double> waited_s;
  for (const db::StepMetricRow& row : metrics) {
    const bool is_wait = row.metric.figure == db::Figure::waited_s && row.metric.value >= wait_shown_min_s;
    if (is_wait) waited_s[row.step] = row.metric.value;
  }
  return waited_s;
}

/// Their rows are in the record, marked as waiting.
void print_waits(const RunContent& content, std::size_t steps_max) {
  std::size_t shown = 0;
  for (const db::StepInfo& step : content.steps) {
    const auto waited = content.waited_s.find(step.row.step);
    if (waited == content.waited_s.end()) continue;
    if (++shown > steps_max) continue;
    fmt::print("{}step {} '{}' waited {} with the output off, for its chamber or paused\n", shown == 1 ? "\n" : "",
               step.row.step_count, step.row.name, clock_text(waited->second));
  }
  if (shown > steps_max) fmt::print("and {} more waited\n", shown - steps_max);
}

std::vector<const db::EventRow*> divergences_of(const RunContent& content) {
  std::vector<const db::EventRow*> found;
  for (const db::EventRow& e : content.events) {
    if (e.kind == divergence_event) found.push_back(&e);
  }
  return found;
}

void print_comparison(const RunContent& content) {
  if (content.expected_curves == 0) return;
  const std::vector<const db::EventRow*> found = divergences_of(content);
  fmt::print("  compared with its rehearsal, {} curves: ", content.expected_curves);
  if (found.empty()) {
    fmt::print("no divergence\n");
  } else {
    fmt::print("{} divergence{}, the first at {}: {}\n", found.size(), found.size() == 1 ? "" : "s",
               clock_text(static_cast<double>(found.front()->test_time_ns) / 1e9), found.front()->message);
  }
}

void print_deviations(const RunContent& content) {
  for (const db::DeviationRow& d : content.deviations) {
    fmt::print("  {:>10}  deviation: {}: {}", clock_text(static_cast<double>(d.from_test_time_ns) / 1e9), d.category,
               d.description);
    if (d.unseen_charge_max_Ah) fmt::print("; at most {:.4g} Ah moved unseen ({})", *d.unseen_charge_max_Ah, d.bounded_by);
    fmt::print("\n");
  }
  for (const db::AcknowledgementRow& a : content.acknowledgements) {
    fmt::print("  the trip was acknowledged by {} on {} UTC: {}\n", a.operator_name, utc_text(a.utc), a.reason);
  }
}

boost::json::array deviations_json(const RunContent& content) {
  boost::json::array out;
  for (const db::DeviationRow& d : content.deviations) {
    boost::json::object deviation{{"category", d.category},
                                  {"from_test_time_s", static_cast<double>(d.from_test_time_ns) / 1e9},
                                  {"from_utc_ns", d.from_utc.ns_since_epoch},
                                  {"unseen_charge_max_Ah", json_number(d.unseen_charge_max_Ah)},
                                  {"bounded_by", d.bounded_by},
                                  {"description", d.description}};
    if (d.to_test_time_ns) deviation["to_test_time_s"] = static_cast<double>(*d.to_test_time_ns) / 1e9;
    if (d.to_utc) deviation["to_utc_ns"] = d.to_utc->ns_since_epoch;
    out.push_back(std::move(deviation));
  }
  return out;
}

boost::json::array acknowledgements_json(const RunContent& content) {
  boost::json::array out;
  for (const db::AcknowledgementRow& a : content.acknowledgements) {
    out.push_back(
        boost::json::object{{"operator", a.operator_name}, {"reason", a.reason}, {"acknowledged_at_ns", a.utc.ns_since_epoch}});
  }
  return out;
}

void print_run(const db::RunInfo& info, const RunContent& content, std::size_t steps_max) {
  fmt::print("run {}: {} on {} ({}), {}\n", info.run, info.row.profile_name, info.row.channel, info.row.cell_name,
             status_text(info));
  fmt::print("  started {} UTC, time {}, control period {} s, operator {}, program {:.12}\n", utc_text(info.row.started_at),
             info.row.time_source, to_seconds(info.row.control_period),
             info.row.operator_name.empty() ? "-" : info.row.operator_name, info.row.program_hash);
  for (const db::InstrumentRow& i : info.row.instruments)
    fmt::print("  {}: {} {} {} {} at {}\n", i.role, i.model, i.serial, i.firmware, i.name, i.address);
  if (info.end && !info.end->reason.empty()) fmt::print("  {}\n", info.end->reason);
  print_comparison(content);
  fmt::print("\n{}", steps_table(content.steps, steps_max));
  print_waits(content, steps_max);
  if (!content.cycles.empty()) fmt::print("\n{}", cycles_table(content.cycles));
  if (!content.sensors.empty()) fmt::print("\n{}", sensors_table(content.sensors));
  fmt::print("\n");
  for (const db::EventRow& e : content.events) {
    fmt::print("  {:>10}  {}{}: {}\n", clock_text(static_cast<double>(e.test_time_ns) / 1e9), severity_prefix(e.severity), e.kind,
               e.message);
  }
  print_deviations(content);
  fmt::print("\n");
}

boost::json::array events_json(const RunContent& content) {
  boost::json::array events;
  for (const db::EventRow& e : content.events) {
    events.push_back(boost::json::object{{"test_time_s", static_cast<double>(e.test_time_ns) / 1e9},
                                         {"severity", static_cast<int>(e.severity)},
                                         {"kind", e.kind},
                                         {"message", e.message},
                                         {"value", json_number(e.value)},
                                         {"limit", json_number(e.limit)}});
  }
  return events;
}

boost::json::object json_of(const db::RunInfo& info, const RunContent& content) {
  boost::json::array steps, cycles;
  boost::json::object sensors;
  for (const auto& [quantity, s] : content.sensors) {
    sensors[quantity] = boost::json::object{
        {"rows", s.rows}, {"min", json_number(s.min)}, {"max", json_number(s.max)}, {"last", json_number(s.last)}};
  }
  for (const db::StepInfo& s : content.steps) {
    boost::json::object step{{"step_count", s.row.step_count},
                             {"step_id", s.row.step_id},
                             {"cycle", s.row.cycle},
                             {"in_cycle", s.row.in_cycle},
                             {"name", s.row.name},
                             {"type", s.row.type},
                             {"setpoint", s.row.setpoint_text},
                             {"started_test_time_s", static_cast<double>(s.row.started_test_time_ns) / 1e9}};
    const auto waited = content.waited_s.find(s.row.step);
    if (waited != content.waited_s.end()) step["waited_s"] = waited->second;
    if (s.end) {
      step["ended_test_time_s"] = static_cast<double>(s.end->ended_test_time_ns) / 1e9;
      step["reason"] = s.end->reason;
      step["condition"] = s.end->condition;
      step["value"] = json_number(s.end->value);
      step["margin"] = json_number(s.end->margin);
      step["charge_Ah"] = s.end->charge_Ah;
      step["discharge_Ah"] = s.end->discharge_Ah;
      step["charge_Wh"] = s.end->charge_Wh;
      step["discharge_Wh"] = s.end->discharge_Wh;
      step["cell_temperature_max_degC"] = json_number(s.end->cell_temperature_max_degC);
    }
    steps.push_back(std::move(step));
  }
  for (const db::CycleRow& c : content.cycles) {
    cycles.push_back(boost::json::object{{"cycle", c.cycle},
                                         {"is_reference", c.is_reference},
                                         {"charge_Ah", c.charge_Ah},
                                         {"discharge_Ah", c.discharge_Ah},
                                         {"charge_Wh", c.charge_Wh},
                                         {"discharge_Wh", c.discharge_Wh},
                                         {"coulombic_efficiency", json_number(c.coulombic_efficiency)},
                                         {"energy_efficiency", json_number(c.energy_efficiency)},
                                         {"charge_time_s", c.charge_time_s},
                                         {"cell_temperature_max_degC", json_number(c.cell_temperature_max_degC)},
                                         {"retention", json_number(c.retention)}});
  }
  return {{"run", info.run},
          {"channel", info.row.channel},
          {"cell", info.row.cell_name},
          {"profile", info.row.profile_name},
          {"program_hash", info.row.program_hash},
          {"status", info.status},
          {"time_source", info.row.time_source},
          {"origin", db::word_of(info.origin)},
          {"criteria_met", info.end ? info.end->criteria_met : false},
          {"reason", info.end ? info.end->reason : ""},
          {"steps", std::move(steps)},
          {"cycles", std::move(cycles)},
          {"sensors", std::move(sensors)},
          {"events", events_json(content)},
          {"expected_curves", content.expected_curves},
          {"divergences", divergences_of(content).size()},
          {"deviations", deviations_json(content)},
          {"acknowledgements", acknowledgements_json(content)}};
}

ExitCode run_show(ShowOptions options) {
  if (options.json && options.csv) throw ConfigError{SourcePlace{}, "show: --json or --csv, not both"};
  std::optional<std::int64_t> run;
  if (options.run) {
    const RunAddress address = run_address(*options.run, options.database);
    options.database = address.database;
    run = address.run;
  }
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  const std::vector<db::RunInfo> chosen = filtered(choose_runs(*reader, run), options.filter);
  if (options.csv) {
    print_steps_csv(*reader, chosen);
    return ExitCode::passed;
  }
  boost::json::array runs;
  for (const db::RunInfo& info : chosen) {
    const RunContent content{value_or_throw(reader->steps(info.run), options.database),
                             value_or_throw(reader->cycles(info.run), options.database),
                             value_or_throw(reader->events(info.run), options.database),
                             value_or_throw(reader->deviations(info.run), options.database),
                             value_or_throw(reader->acknowledgements(info.run), options.database),
                             value_or_throw(read_sensors(*reader, info.run), options.database),
                             value_or_throw(reader->expected_curves(info.run), options.database).size(),
                             waits_of(value_or_throw(reader->step_metrics(info.run), options.database))};
    if (options.json) {
      runs.push_back(json_of(info, content));
    } else {
      print_run(info, content, options.steps_max);
    }
  }
  if (options.json) print_json({{"database", options.database}, {"runs", std::move(runs)}});
  return ExitCode::passed;
}

}  // namespace

void add_show(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("show", "steps, cycles and events of a run (of all runs, without a number)");
  const auto options = std::make_shared<ShowOptions>();
  verb->add_option("run", options->run, "the number of the run, as `cellrig runs` lists it, or FILE:NUMBER")
      ->always_capture_default(false);
  verb->add_option("--db", options->database, "the database");
  verb->add_option("--steps-max", options->steps_max, "rows of the step table; the middle is left out of a longer one");
  add_filter_options(*verb, options->filter);
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--csv", options->csv, "the steps and their figures, one table with a header on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_show(*options); }; });
}

}  // namespace cellrig::cli
