#include "db/export/json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <map>

#include "db/analysis/run_analysis.hpp"
#include "db/export/csv.hpp"
#include "db/export/whole_step.hpp"

namespace cellrig::db {

namespace {

namespace json = boost::json;

json::value real_or_null(double value) { return std::isfinite(value) ? json::value(value) : json::value(nullptr); }
json::value real_or_null(const std::optional<double>& value) { return value ? real_or_null(*value) : json::value(nullptr); }
double seconds_of(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

json::object run_document(const RunInfo& info) {
  const RunRow& row = info.row;
  json::array instruments;
  for (const InstrumentRow& i : row.instruments) {
    instruments.push_back(json::object{{"role", i.role},
                                       {"name", i.name},
                                       {"maker", i.maker},
                                       {"model", i.model},
                                       {"serial", i.serial},
                                       {"firmware", i.firmware}});
  }
  json::object run{{"run", info.run},
                   {"channel", row.channel},
                   {"cell", row.cell_name},
                   {"cell_id", row.cell_id},
                   {"cell_sha256", info.cell_sha256},
                   {"profile", row.profile_name},
                   {"profile_sha256", info.profile_sha256},
                   {"program_hash", row.program_hash},
                   {"parameters", row.parameters_text},
                   {"operator", row.operator_name},
                   {"time_source", row.time_source},
                   {"origin", word_of(info.origin)},
                   {"nominal_capacity_Ah", row.nominal_capacity_Ah},
                   {"started_utc_ns", row.started_at.ns_since_epoch},
                   {"software_version", row.software_version},
                   {"status", info.status},
                   {"instruments", std::move(instruments)}};
  if (info.end) {
    run["reason"] = info.end->reason;
    run["criteria_met"] = info.end->criteria_met;
    run["ended_test_time_s"] = seconds_of(info.end->ended_test_time_ns);
  }
  return run;
}

json::object figures_document(const std::map<std::pair<std::int64_t, double>, double>& figures) {
  json::object out;
  for (const auto& [key, value] : figures) {
    const Definition* const d = find_definition(key.first);
    if (d == nullptr) continue;
    if (d->at.empty()) {
      out[d->name] = real_or_null(value);
    } else {
      if (!out.contains(d->name)) out[d->name] = json::array{};
      out[d->name].as_array().push_back(json::array{key.second, real_or_null(value)});
    }
  }
  return out;
}

Result<json::array> steps_document(Reader& reader, RunKey key) {
  const Result<std::vector<StepInfo>> steps = reader.steps(key);
  if (!steps) return steps.error();
  const Result<std::vector<StepMetricRow>> metrics = reader.step_metrics(key);
  if (!metrics) return metrics.error();
  std::map<StepKey, std::map<std::pair<std::int64_t, double>, double>> figures;
  for (const StepMetricRow& row : *metrics) {
    figures[row.step][{static_cast<std::int64_t>(row.metric.figure), row.metric.at}] = row.metric.value;
  }
  json::array out;
  for (const StepInfo& s : *steps) {
    json::object step{{"step_count", s.row.step_count},
                      {"step_id", s.row.step_id},
                      {"cycle", s.row.cycle},
                      {"in_cycle", s.row.in_cycle},
                      {"is_reference", s.row.is_reference},
                      {"name", s.row.name},
                      {"type", s.row.type},
                      {"setpoint", s.row.setpoint_text},
                      {"started_test_time_s", seconds_of(s.row.started_test_time_ns)}};
    if (s.end) {
      step["ended_test_time_s"] = seconds_of(s.end->ended_test_time_ns);
      step["reason"] = s.end->reason;
      step["condition"] = s.end->condition;
      step["value"] = real_or_null(s.end->value);
      step["charge_Ah"] = s.end->charge_Ah;
      step["discharge_Ah"] = s.end->discharge_Ah;
      step["charge_Wh"] = s.end->charge_Wh;
      step["discharge_Wh"] = s.end->discharge_Wh;
    }
    if (const auto found = figures.find(s.row.step); found != figures.end()) step["figures"] = figures_document(found->second);
    out.push_back(std::move(step));
  }
  return out;
}

Result<json::array> cycles_document(Reader& reader, RunKey key) {
  const Result<std::vector<CycleRow>> cycles = reader.cycles(key);
  if (!cycles) return cycles.error();
  const Result<std::vector<CycleMetricRow>> metrics = reader.cycle_metrics(key);
  if (!metrics) return metrics.error();
  std::map<std::int64_t, std::map<std::pair<std::int64_t, double>, double>> figures;
  for (const CycleMetricRow& row : *metrics) {
    figures[row.cycle][{static_cast<std::int64_t>(row.metric.figure), row.metric.at}] = row.metric.value;
  }
  json::array out;
  for (const CycleRow& c : *cycles) {
    json::object cycle{{"cycle", c.cycle},
                       {"is_reference", c.is_reference},
                       {"started_test_time_s", seconds_of(c.started_test_time_ns)},
                       {"ended_test_time_s", seconds_of(c.ended_test_time_ns)},
                       {"charge_Ah", c.charge_Ah},
                       {"discharge_Ah", c.discharge_Ah},
                       {"charge_Wh", c.charge_Wh},
                       {"discharge_Wh", c.discharge_Wh},
                       {"charge_time_s", c.charge_time_s},
                       {"retention", real_or_null(c.retention)}};
    if (const auto found = figures.find(c.cycle); found != figures.end()) cycle["figures"] = figures_document(found->second);
    out.push_back(std::move(cycle));
  }
  return out;
}

Result<json::array> events_document(Reader& reader, RunKey key) {
  const Result<std::vector<EventRow>> events = reader.events(key);
  if (!events) return events.error();
  constexpr std::array<const char*, 4> severities{"info", "warning", "alarm", "trip"};
  json::array out;
  for (const EventRow& e : *events) {
    out.push_back(json::object{{"test_time_s", seconds_of(e.test_time_ns)},
                               {"severity", severities[static_cast<std::size_t>(e.severity)]},
                               {"kind", e.kind},
                               {"message", e.message},
                               {"value", real_or_null(e.value)},
                               {"limit", real_or_null(e.limit)}});
  }
  return out;
}

Result<json::object> definitions_document(Reader& reader) {
  const Result<std::vector<StoredDefinition>> stored = reader.stored_definitions();
  if (!stored) return stored.error();
  json::object out;
  for (const StoredDefinition& d : *stored) {
    out[std::to_string(d.figure)] = json::object{{"name", d.name}, {"unit", d.unit}, {"at", d.at}, {"text", d.text}};
  }
  return out;
}

json::array pulses_document(const std::vector<RunPulse>& pulses) {
  json::array out;
  for (const RunPulse& p : pulses) {
    json::object pulse{{"step_count", p.step_count},
                       {"name", p.name},
                       {"voltage_before_V", p.before.voltage.value()},
                       {"current_before_A", p.before.current.value()}};
    pulse["instantaneous_ohm"] = p.instantaneous ? real_or_null(p.instantaneous->resistance.value()) : json::value(nullptr);
    json::array at;
    for (const PulseInstant& instant : p.at) {
      const PulseResistancePoint& r = instant.resistance;
      at.push_back(json::object{{"at_s", r.at_s},
                                {"resistance_ohm", real_or_null(r.resistance.value())},
                                {"current_A", r.current.value()},
                                {"voltage_V", r.voltage.value()},
                                {"power_W", instant.power.value()},
                                {"cell_temperature_degC", real_or_null(instant.temperature_degC)},
                                {"net_charge_Ah", instant.charge_Ah},
                                {"is_limited", r.is_limited}});
    }
    pulse["at"] = std::move(at);
    out.push_back(std::move(pulse));
  }
  return out;
}

json::array rests_document(const std::vector<RunRest>& rests) {
  json::array out;
  for (const RunRest& r : rests) {
    json::object rest{{"step_count", r.step.row.step_count}, {"after", r.before.row.name}, {"lasts_s", r.lasts_s}};
    rest["relaxed_V"] = r.relaxed ? real_or_null(r.relaxed->value()) : json::value(nullptr);
    rest["leak_by_charge_A"] = real_or_null(r.leak_by_charge_A);
    if (r.slope) {
      rest["slope_V_per_h"] = real_or_null(r.slope->slope_V_per_h);
      rest["slope_uncertainty_V_per_h"] = real_or_null(r.slope->slope_uncertainty_V_per_h);
      rest["slope_from_s"] = r.slope->from_s;
      rest["slope_to_s"] = r.slope->to_s;
      rest["leak_by_slope_A"] = real_or_null(r.slope->current_A);
    }
    out.push_back(std::move(rest));
  }
  return out;
}

json::value slope_document(const std::optional<Differential>& slope) {
  if (!slope) return nullptr;
  json::array points;
  for (const DifferentialPoint& point : slope->points) points.push_back(json::array{point.at, real_or_null(point.value)});
  return json::object{{"resampling", slope->resampling}, {"points", std::move(points)}};
}

json::array charges_document(const std::vector<RunCharge>& charges) {
  json::array out;
  for (const RunCharge& c : charges) {
    out.push_back(json::object{{"cycle", c.cycle},
                               {"remaining_Ah", c.share.cc_Ah},
                               {"remaining_s", c.share.cc_time_s},
                               {"constant_voltage_Ah", c.share.cv_Ah},
                               {"constant_voltage_s", c.share.cv_time_s},
                               {"made_of", c.curve.thinning()},
                               {"dq_dv", slope_document(c.dq_dv)},
                               {"dv_dq", slope_document(c.dv_dq)}});
  }
  return out;
}

/// What reports tell of pulses, rests and charges.
Result<json::object> analysis_document(Reader& reader, RunKey run) {
  const Result<std::vector<RunPulse>> pulses = pulses_of(reader, run);
  if (!pulses) return pulses.error();
  const Result<std::vector<RunRest>> rests = rests_of(reader, run);
  if (!rests) return rests.error();
  const Result<std::vector<RunCharge>> charges = charges_of(reader, run);
  if (!charges) return charges.error();
  return json::object{
      {"pulses", pulses_document(*pulses)}, {"rests", rests_document(*rests)}, {"charges", charges_document(*charges)}};
}

constexpr std::string_view row_columns =
    R"("columns":["test_time_s","utc_s","step_count","cycle","flags","voltage_V","current_A","cell_temperature_degC","ambient_temperature_degC",)"
    R"("step_charge_Ah","step_discharge_Ah","step_charge_Wh","step_discharge_Wh"],)";

/// JSON knows no empty cell: what CSV leaves empty is null here.
void append_row(std::string& out, CsvLine& line, const RunInfo& run, const SampleView& sample, const Sums& step) {
  const SampleRow& row = sample.row;
  line.clear();
  line.seconds(row.test_time_ns);
  line.seconds(utc_ns_of(run, sample));
  line.integer(sample.step.row.step_count);
  line.integer(sample.step.row.cycle);
  line.integer(row.flags);
  for (const double value : {row.voltage_V, row.current_A, row.cell_temperature_degC, row.ambient_temperature_degC,
                             step.charge_Ah, step.discharge_Ah, step.charge_Wh, step.discharge_Wh}) {
    line.real(value);
  }
  std::string_view cells = line.finish();
  cells.remove_suffix(1);
  out += '[';
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out += cells[i];
    const bool is_empty = cells[i] == ',' && (i + 1 == cells.size() || cells[i + 1] == ',');
    if (is_empty) out += "null";
  }
  out += ']';
}

}  // namespace

Result<std::uint64_t> export_json(Reader& reader, RunKey key, const ExportOptions& options) {
  const Result<RunInfo> run = reader.run(key);
  if (!run) return run.error();
  const Result<json::object> defined = definitions_document(reader);
  if (!defined) return defined.error();
  const Result<json::array> steps = steps_document(reader, key);
  if (!steps) return steps.error();
  const Result<json::array> cycles = cycles_document(reader, key);
  if (!cycles) return cycles.error();
  const Result<json::array> events = events_document(reader, key);
  if (!events) return events.error();
  const Result<json::object> analysis = analysis_document(reader, key);
  if (!analysis) return analysis.error();
  Result<TextFile> file = TextFile::create(options);
  if (!file) return file.error();
  file->write("{\"schema_version\":1,\"run\":" + json::serialize(run_document(*run)) +
              ",\n\"definitions\":" + json::serialize(*defined));
  file->write(",\n\"steps\":" + json::serialize(*steps) + ",\n\"cycles\":" + json::serialize(*cycles));
  file->write(",\n\"analysis\":" + json::serialize(*analysis));
  file->write(",\n\"events\":" + json::serialize(*events) + ",\n" + std::string(row_columns) + "\n\"rows\":[");
  CsvLine line;
  std::string text;
  bool is_first = true;
  WholeStep step;
  const Result<std::uint64_t> rows = reader.for_each_sample(key, [&](const SampleView& sample) {
    text = is_first ? "\n" : ",\n";
    is_first = false;
    step.pass(sample);
    append_row(text, line, *run, sample, step.sums());
    return file->write(text);
  });
  if (!rows) return rows;
  file->write("\n]}\n");
  if (const Result<void> done = file->finish(); !done) return done.error();
  return rows;
}

}  // namespace cellrig::db
