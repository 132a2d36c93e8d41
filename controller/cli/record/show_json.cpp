#include <boost/json/array.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "controller/cli/record/show_content.hpp"
#include "controller/runtime/channel_record.hpp"
#include "db/analysis/definitions.hpp"
#include "db/run_origin.hpp"

namespace cellrig::cli {
namespace {

boost::json::value json_number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
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

/// [{"name": "relaxation_V", "at": 3600.0, "value": -0.012, "unit": "V"}, ...]; `at` where the definition has one.
boost::json::object figure_json(const db::Metric& metric) {
  const db::Definition* const d = db::find_definition(static_cast<std::int64_t>(metric.figure));
  boost::json::object figure{{"figure", static_cast<std::int64_t>(metric.figure)}};
  if (d != nullptr) figure["name"] = d->name;
  if (d != nullptr && !d->at.empty()) figure["at"] = metric.at;
  figure["value"] = json_number(metric.value);
  if (d != nullptr) figure["unit"] = d->unit;
  return figure;
}

boost::json::object sensors_json(const RunContent& content) {
  boost::json::object sensors;
  for (const auto& [quantity, s] : content.sensors) {
    sensors[quantity] = boost::json::object{
        {"rows", s.rows}, {"min", json_number(s.min)}, {"max", json_number(s.max)}, {"last", json_number(s.last)}};
  }
  return sensors;
}

void add_end(boost::json::object& step, const db::StepEndRow& end) {
  step["ended_test_time_s"] = static_cast<double>(end.ended_test_time_ns) / 1e9;
  step["reason"] = end.reason;
  step["condition"] = end.condition;
  step["value"] = json_number(end.value);
  step["margin"] = json_number(end.margin);
  step["charge_Ah"] = end.charge_Ah;
  step["discharge_Ah"] = end.discharge_Ah;
  step["charge_Wh"] = end.charge_Wh;
  step["discharge_Wh"] = end.discharge_Wh;
  step["cell_temperature_max_degC"] = json_number(end.cell_temperature_max_degC);
}

boost::json::array steps_json(const RunContent& content) {
  std::map<db::StepKey, boost::json::array> figures;
  for (const db::StepMetricRow& row : content.step_figures) figures[row.step].push_back(figure_json(row.metric));
  boost::json::array steps;
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
    if (s.end) add_end(step, *s.end);
    step["figures"] = std::move(figures[s.row.step]);
    steps.push_back(std::move(step));
  }
  return steps;
}

boost::json::array cycles_json(const RunContent& content) {
  std::map<std::int64_t, boost::json::array> figures;
  for (const db::CycleMetricRow& row : content.cycle_figures) figures[row.cycle].push_back(figure_json(row.metric));
  boost::json::array cycles;
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
                                         {"retention", json_number(c.retention)},
                                         {"figures", std::move(figures[c.cycle])}});
  }
  return cycles;
}

}  // namespace

std::vector<const db::EventRow*> divergences_of(const RunContent& content) {
  std::vector<const db::EventRow*> found;
  for (const db::EventRow& e : content.events) {
    if (e.kind == divergence_event) found.push_back(&e);
  }
  return found;
}

boost::json::object json_of(const db::RunInfo& info, const RunContent& content) {
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
          {"steps", steps_json(content)},
          {"cycles", cycles_json(content)},
          {"sensors", sensors_json(content)},
          {"events", events_json(content)},
          {"expected_curves", content.expected_curves},
          {"divergences", divergences_of(content).size()},
          {"deviations", deviations_json(content)},
          {"acknowledgements", acknowledgements_json(content)}};
}

}  // namespace cellrig::cli
