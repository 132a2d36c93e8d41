#include <boost/json/array.hpp>
#include <cmath>

#include "controller/cli/verify/verify_report.hpp"

namespace cellrig::cli {
namespace {

namespace json = boost::json;

json::value number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return value;
}

json::object cell_json(const CellVerdict& cell, const verdict::Qualifiers& qualifiers) {
  json::array runs, budget, life;
  for (const db::RunKey run : cell.runs) runs.push_back(run);
  json::object object{
      {"cell_id", cell.cell_id}, {"runs", std::move(runs)}, {"verdict", verdict::verdict_text(cell.decision, qualifiers)}};
  object["problem"] = cell.problem;
  if (!cell.grade.empty()) object["grade"] = cell.grade;
  if (!cell.measured) return object;
  for (const verdict::Contribution& input : cell.measured->budget)
    budget.push_back(
        json::object{{"name", input.name}, {"standard", number(input.standard)}, {"dof", number(input.dof)}, {"how", input.how}});
  for (const verdict::LifePoint& point : cell.measured->life)
    life.push_back(json::object{
        {"at", point.at}, {"retention_pct", point.retention_pct}, {"expanded_uncertainty", number(point.uncertainty.expanded)}});
  object["value"] = number(cell.measured->value);
  object["standard_uncertainty"] = number(cell.uncertainty.standard);
  object["effective_degrees_of_freedom"] = number(cell.uncertainty.dof);
  object["coverage_factor"] = number(cell.uncertainty.coverage);
  object["expanded_uncertainty"] = number(cell.uncertainty.expanded);
  object["budget"] = std::move(budget);
  object["life"] = std::move(life);
  object["note"] = cell.measured->note;
  if (cell.reached > 0.0) object["cycles_reached"] = cell.reached;
  if (cell.failed_at) object["cycles_failed_at"] = *cell.failed_at;
  if (cell.projection)
    object["projection"] = json::object{{"retention_pct", number(cell.projection->retention_pct)},
                                        {"low_pct", number(cell.projection->low_pct)},
                                        {"high_pct", number(cell.projection->high_pct)}};
  return object;
}

json::object conditions_json(const StatementVerdict& verdict) {
  const std::optional<Circumstances> seen = verdict.cells.empty() ? std::nullopt : verdict.cells.front().seen;
  const std::set<std::string> tried = tried_circumstances(verdict);
  json::object conditions;
  for (const auto& [name, condition] : verdict.statement->conditions) {
    conditions[name] = json::object{{"stated", condition.stated},
                                    {"chosen", condition.chosen},
                                    {"range", condition.range},
                                    {"recorded", recorded_text(name, seen)},
                                    {"tried", tried.contains(name)}};
  }
  return conditions;
}

json::object statement_json(const StatementVerdict& verdict) {
  const ClaimStatement& s = *verdict.statement;
  json::array cells, variants;
  for (const CellVerdict& cell : verdict.cells) cells.push_back(cell_json(cell, verdict.qualifiers));
  for (const VariantVerdict& variant : verdict.variants)
    variants.push_back(json::object{{"varies", variant.variant->varies},
                                    {"to", variant.variant->to},
                                    {"reading", reading_text(s, *variant.variant)},
                                    {"limit", variant.limit},
                                    {"verdict", text_of(variant, verdict)},
                                    {"cell", cell_json(variant.cell, verdict.qualifiers)}});
  return json::object{{"id", s.id},
                      {"text", s.text},
                      {"quantity", to_string(s.quantity)},
                      {"comparator", to_string(s.comparator)},
                      {"limit", s.comparator == Comparator::none ? json::value(nullptr) : json::value(s.value)},
                      {"limit_from", s.value_from},
                      {"unit", s.unit},
                      {"statistic", to_string(s.statistic)},
                      {"testable", s.testable == Testable::yes         ? "yes"
                                   : s.testable == Testable::surrogate ? "surrogate"
                                                                       : "no"},
                      {"reason", s.reason},
                      {"conditions", conditions_json(verdict)},
                      {"verdict", text_of(verdict)},
                      {"simulated", verdict.qualifiers.is_simulated},
                      {"shortened", verdict.qualifiers.is_shortened},
                      {"value", verdict.value ? number(*verdict.value) : json::value(nullptr)},
                      {"expanded_uncertainty", number(verdict.expanded)},
                      {"interval", verdict.interval ? json::value{number(verdict.interval->low), number(verdict.interval->high)}
                                                    : json::value(nullptr)},
                      {"reliability", verdict.reliability},
                      {"remark", verdict.remark},
                      {"cells", std::move(cells)},
                      {"variants", std::move(variants)}};
}

}  // namespace

json::object verdict_json(const ClaimVerdict& verdict) {
  json::array statements, sources;
  for (const StatementVerdict& statement : verdict.statements) statements.push_back(statement_json(statement));
  for (const std::string& source : verdict.claim->sources) sources.emplace_back(source);
  return json::object{{"claim", verdict.claim->name},
                      {"title", verdict.claim->title},
                      {"by", verdict.claim->by},
                      {"date", verdict.claim->date},
                      {"level", verdict.claim->level},
                      {"sources", std::move(sources)},
                      {"verdict", text_of(verdict)},
                      {"simulated", verdict.qualifiers.is_simulated},
                      {"shortened", verdict.qualifiers.is_shortened},
                      {"confidence", verdict.confidence},
                      {"statements", std::move(statements)}};
}

json::object verdict_summary(const ClaimVerdict& verdict) {
  json::array statements;
  for (const StatementVerdict& s : verdict.statements) {
    json::array runs, notes;
    for (const CellVerdict& cell : s.cells) {
      for (const db::RunKey run : cell.runs) runs.push_back(run);
      if (cell.measured && !cell.measured->note.empty()) notes.emplace_back(cell.measured->note);
    }
    statements.push_back(json::object{{"id", s.statement->id},
                                      {"verdict", text_of(s)},
                                      {"result", result_text(s)},
                                      {"limit", limit_text(*s.statement, s.statement->value)},
                                      {"runs", std::move(runs)},
                                      {"notes", std::move(notes)}});
  }
  return json::object{{"claim", verdict.claim->name},
                      {"simulated", verdict.qualifiers.is_simulated},
                      {"shortened", verdict.qualifiers.is_shortened},
                      {"statements", std::move(statements)}};
}

}  // namespace cellrig::cli
