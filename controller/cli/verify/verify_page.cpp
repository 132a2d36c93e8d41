#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "controller/async/real_time.hpp"
#include "controller/base/version.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/record/report_run.hpp"
#include "controller/cli/verify/verdict_chart.hpp"
#include "controller/cli/verify/verify_report.hpp"
#include "db/verify.hpp"

namespace cellrig::cli {
namespace {

/// Of one claim; of all together the record has them, and the page their numbers.
constexpr std::size_t page_runs_max = 12;

std::string runs_text(const std::vector<db::RunKey>& runs) {
  std::string text;
  for (const db::RunKey run : runs) {
    if (run != 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", run);  // 0: it did not begin
  }
  return text;
}

std::string projection_text(const CellVerdict& cell) {
  if (!cell.grade.empty()) return "grade " + cell.grade;
  if (cell.reached <= 0.0) return cell.problem;
  const std::string failed = cell.failed_at ? fmt::format(", below the limit at {:.0f}", *cell.failed_at) : std::string{};
  return fmt::format("{:.0f} cycles reached{}{}{}", cell.reached, failed, cell.problem.empty() ? "" : "; ", cell.problem);
}

db::ReportTable cells_table(const StatementVerdict& verdict) {
  db::ReportTable table{{"cell", "runs", ">result", ">k", "verdict", "remark"}, {}, {}};
  for (const CellVerdict& cell : verdict.cells) {
    const bool has_value = cell.measured.has_value();
    table.rows.push_back(
        {cell.cell_id, runs_text(cell.runs),
         has_value ? with_uncertainty(cell.measured->value, cell.uncertainty.expanded, cell_unit(*verdict.statement)) : "–",
         has_value ? fmt::format("{:.2f}", cell.uncertainty.coverage) : "–",
         verdict::verdict_text(cell.decision, verdict.qualifiers), projection_text(cell)});
  }
  if (!table.rows.empty()) table.note = "+/-: expanded uncertainty, k times the combined standard uncertainty.";
  return table;
}

/// What the first cell's uncertainty is made of, the greatest first.
db::ReportTable budget_table(const StatementVerdict& verdict) {
  db::ReportTable table{
      {"input", ">standard uncertainty / " + cell_unit(*verdict.statement), ">share of the variance / %", "how it was found"},
      {},
      {}};
  const auto cell = std::find_if(verdict.cells.begin(), verdict.cells.end(), [](const CellVerdict& c) { return c.measured; });
  if (cell == verdict.cells.end()) return table;
  std::vector<verdict::Contribution> budget = cell->measured->budget;
  std::stable_sort(budget.begin(), budget.end(), [](const auto& a, const auto& b) {
    return std::isfinite(a.standard) && (!std::isfinite(b.standard) || a.standard > b.standard);
  });
  const double variance = cell->uncertainty.standard * cell->uncertainty.standard;
  for (const verdict::Contribution& input : budget) {
    const double share = variance > 0.0 ? 100.0 * input.standard * input.standard / variance : 0.0;
    table.rows.push_back({input.name, fmt::format("{:.2g}", input.standard), fmt::format("{:.0f}", share), input.how});
  }
  table.note = "Independent inputs add up as squares (GUM).";
  if (!cell->cell_id.empty()) table.note = fmt::format("Of cell {}. ", cell->cell_id) + table.note;
  return table;
}

db::ReportTable circumstances_table(const StatementVerdict& verdict) {
  const ClaimStatement& statement = *verdict.statement;
  const bool is_run = statement.testable != Testable::no && statement.quantity != ClaimQuantity::mass_loss;
  const std::optional<Circumstances> seen = verdict.cells.empty() ? std::nullopt : verdict.cells.front().seen;
  db::ReportTable table{{"circumstance", "the source says", "the claim file chooses", "it may also be"}, {}, {}};
  if (is_run) table.headings.insert(table.headings.end() - 1, "the record says");
  for (const auto& [name, condition] : statement.conditions) {
    std::vector<std::string> row{name, condition.stated, condition.is_open() ? condition.chosen : "–", condition.range};
    if (is_run) row.insert(row.end() - 1, recorded_text(name, seen));
    table.rows.push_back(std::move(row));
  }
  if (statement.testable != Testable::no) table.note = tried_note(verdict);
  if (is_run) table.note += " The record is that of the first cell; what it does not say was not checked.";
  return table;
}

db::ReportTable readings_table(const StatementVerdict& verdict) {
  const ClaimStatement& s = *verdict.statement;
  db::ReportTable table{{"another reading", ">limit", ">result", "verdict"}, {}, {}};
  for (const VariantVerdict& v : verdict.variants) {
    const std::string now = text_of(v, verdict);
    const std::string life = life_text(s, v.cell);
    table.rows.push_back(
        {reading_text(s, *v.variant), limit_text(s, v.limit),
         v.cell.measured ? with_uncertainty(v.cell.measured->value, v.cell.uncertainty.expanded, s.unit) : v.cell.problem,
         (changes_verdict(v, verdict) ? now + ": the verdict changes" : now) + (life.empty() ? "" : "; " + life)});
  }
  if (!table.rows.empty()) table.note = "Of the first cell. " + tried_note(verdict);
  return table;
}

std::string statement_text(const StatementVerdict& verdict, double confidence) {
  const ClaimStatement& s = *verdict.statement;
  std::string text = s.text + (s.text.ends_with('.') ? "" : ".");
  if (!s.reason.empty()) text += (s.testable == Testable::surrogate ? " Surrogate: " : " ") + s.reason;
  if (s.testable == Testable::no) return text;
  text += fmt::format(" Limit: {}.", limit_text(s, s.value));
  if (const std::string origin = limit_origin_text(s); !origin.empty()) text += " T" + origin.substr(1) + ".";
  if (verdict.value) text += fmt::format(" Result: {}.", result_text(verdict));
  for (const std::string& more : {sample_text(verdict, confidence), shortened_text(verdict), verdict.remark}) {
    if (!more.empty()) text += " " + more + ".";
  }
  for (const CellVerdict& cell : verdict.cells) {
    if (!cell.measured || cell.measured->note.empty()) continue;
    text += " Note: " + cell.measured->note;
    break;
  }
  return text;
}

void add_sections(const StatementVerdict& verdict, double confidence, bool is_sub, std::vector<db::ReportSection>& sections) {
  const auto add = [&sections](const std::string& title, db::ReportTable table) {
    if (!table.rows.empty()) sections.push_back({title, {}, std::move(table), {}, true});
  };
  sections.push_back({fmt::format("{}: {}", verdict.statement->id, text_of(verdict)), statement_text(verdict, confidence),
                      verdict.cells.empty() ? db::ReportTable{} : cells_table(verdict), verdict_svg(verdict), is_sub});
  add("Where the uncertainty comes from", budget_table(verdict));
  add("Circumstances", circumstances_table(verdict));
  add("Other readings of the claim", readings_table(verdict));
}

db::ReportSection claim_section(const ClaimVerdict& verdict) {
  const Claim& claim = *verdict.claim;
  std::string text =
      fmt::format("{} ({}, {}); about a {}. {}", claim.title, claim.by, claim.date, claim.level, claim.description);
  db::ReportTable sources{{"source"}, {}, {}};
  for (const std::string& source : claim.sources) sources.rows.push_back({source});
  return {
      fmt::format("{}: {}", claim.name, text_of(verdict)), text, sources.rows.empty() ? db::ReportTable{} : sources, {}, false};
}

db::ReportSection overview_section(const std::vector<ClaimVerdict>& verdicts) {
  db::ReportSection section{
      "All claims", {}, {{"claim", "statement", "limit", "result", ">cells", "verdict"}, {}, {}}, {}, false};
  for (const ClaimVerdict& verdict : verdicts) {
    for (const StatementVerdict& s : verdict.statements) {
      const bool is_first = &s == &verdict.statements.front();
      section.table.rows.push_back({is_first ? verdict.claim->name : "", s.statement->id,
                                    limit_text(*s.statement, s.statement->value), result_text(s),
                                    s.cells.empty() ? "–" : std::to_string(s.cells.size()), text_of(s)});
    }
  }
  return section;
}

/// Where no run is shown, nothing else says what the page rests on.
db::ReportSection evidence_section(const std::string& database) {
  const db::Anchor head = value_or_throw(db::chain_head(database), database);
  return {"Evidence",
          fmt::format("The verdict and its numbers are in the audit trail of {}, which the hash chain covers up to this block. "
                      "cellrig db verify reads the record again and compares.",
                      database),
          {{"hash chain, block", "hash chain, SHA-256"}, {{std::to_string(head.block), head.sha256}}, {}},
          {},
          false};
}

std::vector<std::string> runs_of(const ClaimVerdict& verdict) {
  std::set<db::RunKey> runs;
  for (const StatementVerdict& statement : verdict.statements) {
    for (const CellVerdict& cell : statement.cells) runs.insert(cell.runs.begin(), cell.runs.end());
  }
  runs.erase(0);
  std::vector<std::string> names;
  for (const db::RunKey run : runs) names.push_back(std::to_string(run));
  return names;
}

}  // namespace

std::string verdict_page(const std::vector<ClaimVerdict>& verdicts, const std::string& database) {
  db::ReportInput input;
  input.made = fmt::format("{} UTC, cellrig {}", utc_text(RealTime{}.utc_now()), version);
  input.notice = simulation_notice(verdicts);
  if (verdicts.size() != 1) {
    input.title = "Claims put to the test";
    input.subtitle = fmt::format("{} claims; the runs are in {}", verdicts.size(), database);
    input.sections.push_back(overview_section(verdicts));
    for (const ClaimVerdict& verdict : verdicts) {
      input.sections.push_back(claim_section(verdict));
      for (const StatementVerdict& statement : verdict.statements)
        add_sections(statement, verdict.confidence, true, input.sections);
    }
    input.sections.push_back(evidence_section(database));
    return value_or_throw(db::report_html(input), database);
  }
  const ClaimVerdict& verdict = verdicts.front();
  input.title = verdict.claim->title;
  input.subtitle = fmt::format("A claim put to the test: {}", verdict.claim->name);
  input.verdict = text_of(verdict);
  input.sections.push_back(claim_section(verdict));
  for (const StatementVerdict& statement : verdict.statements) add_sections(statement, verdict.confidence, false, input.sections);
  std::vector<std::string> runs = runs_of(verdict);
  if (runs.size() > page_runs_max) {
    input.sections.push_back(
        {"Runs",
         fmt::format("The first {} of {} runs are shown; all are in {}.", page_runs_max, runs.size(), database),
         {},
         {},
         false});
    runs.resize(page_runs_max);
  }
  RunComparison comparison;
  if (runs.empty()) input.sections.push_back(evidence_section(database));
  if (!runs.empty()) comparison = compare_runs(open_runs(runs, database, {}), {}, {});
  for (const ComparedRun& run : comparison.runs) input.runs.push_back(report_run(run, {}));
  return value_or_throw(db::report_html(input), database);
}

}  // namespace cellrig::cli
