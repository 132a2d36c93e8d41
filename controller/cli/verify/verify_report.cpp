#include "controller/cli/verify/verify_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/cli/text/table.hpp"
#include "profiles/number.hpp"

namespace cellrig::cli {
namespace {

constexpr std::size_t inputs_shown = 3;
constexpr std::size_t text_shown_max = 60;

std::string in_short(const std::string& text) {
  return text.size() <= text_shown_max ? text : text.substr(0, text_shown_max - 3) + "...";
}

std::string variant_result(const VariantVerdict& variant, const std::string& unit) {
  if (!variant.cell.measured) return "-";
  return with_uncertainty(variant.cell.measured->value, variant.cell.uncertainty.expanded, unit);
}

/// The greatest inputs of the first cell's budget: what to improve first.
std::string budget_text(const StatementVerdict& verdict) {
  if (verdict.cells.empty() || !verdict.cells.front().measured) return {};
  std::vector<verdict::Contribution> budget = verdict.cells.front().measured->budget;
  std::stable_sort(budget.begin(), budget.end(), [](const auto& a, const auto& b) { return a.standard > b.standard; });
  std::string text;
  for (std::size_t i = 0; i < std::min(inputs_shown, budget.size()); ++i)
    text += fmt::format("{}{} {:.2g}", i == 0 ? "" : ", ", budget[i].name, budget[i].standard);
  return fmt::format("k = {:.2f} of {}: {}", verdict.cells.front().uncertainty.coverage, cell_unit(*verdict.statement), text);
}

void append_open(const StatementVerdict& verdict, std::string& text) {
  for (const auto& [name, condition] : verdict.statement->conditions) {
    if (condition.is_open())
      text += fmt::format("      {}: unspecified; the claim file chooses {} (it may be {})\n", name, condition.chosen,
                          condition.range);
  }
}

void append_variants(const StatementVerdict& verdict, std::string& text) {
  for (const VariantVerdict& variant : verdict.variants) {
    const std::string now = text_of(variant, verdict);
    const bool is_changed = changes_verdict(variant, verdict);
    const std::string life = life_text(*verdict.statement, variant.cell);
    text += fmt::format("      with {}: {}  {}{}{}\n", reading_text(*verdict.statement, *variant.variant),
                        variant_result(variant, verdict.statement->unit), now, is_changed ? "   <- the verdict changes" : "",
                        variant.cell.problem.empty() ? "" : " (" + variant.cell.problem + ")");
    if (!life.empty()) text += fmt::format("        {}\n", life);
  }
}

std::string statement_report(const StatementVerdict& verdict, double confidence) {
  const ClaimStatement& s = *verdict.statement;
  std::string text = fmt::format("\n  {}: {}\n    {}", s.id, s.text, text_of(verdict));
  if (s.testable == Testable::no) return text + fmt::format(": {}\n", s.reason);
  text += fmt::format("   {}   limit {}\n", result_text(verdict), limit_text(s, s.value));
  if (s.testable == Testable::surrogate) text += fmt::format("    surrogate: {}\n", s.reason);
  if (const std::string origin = limit_origin_text(s); !origin.empty()) text += fmt::format("    {}\n", origin);
  if (const std::string budget = budget_text(verdict); !budget.empty()) text += fmt::format("    {}\n", budget);
  if (!verdict.cells.empty()) text += fmt::format("    {}\n", sample_text(verdict, confidence));
  if (!verdict.remark.empty()) text += fmt::format("    {}\n", verdict.remark);
  if (!verdict.cells.empty() && verdict.cells.front().measured && !verdict.cells.front().measured->note.empty())
    text += fmt::format("    note: {}\n", verdict.cells.front().measured->note);
  if (verdict.qualifiers.is_shortened) text += "    " + shortened_text(verdict) + "\n";
  std::string open;
  append_open(verdict, open);
  if (!open.empty()) text += "    left open by the source:\n" + open + "      " + tried_note(verdict) + "\n";
  if (!verdict.variants.empty()) text += "    other readings, on the first cell:\n";
  append_variants(verdict, text);
  return text;
}

}  // namespace

std::string with_interval(double value, const verdict::Interval& interval, const std::string& unit) {
  const double below = value - interval.low, above = interval.high - value;
  if (std::abs(above - below) <= 0.01 * above) return with_uncertainty(value, above, unit);
  const std::string shown_unit = unit == "1" ? "" : " " + unit;
  if (!(std::max(above, below) > 0.0)) return with_uncertainty(value, 0.0, unit);
  const int digits = std::clamp(1 - static_cast<int>(std::floor(std::log10(std::max(above, below)))), 0, 6);
  return fmt::format("{:.{}f} ({:.{}f} to {:.{}f}){}", value, digits, interval.low, digits, interval.high, digits, shown_unit);
}

std::string with_uncertainty(double value, double expanded, const std::string& unit) {
  const std::string shown_unit = unit == "1" ? "" : " " + unit;
  if (!(expanded > 0.0)) return fmt::format("{:.4g}{}", value, shown_unit);
  const int digits = std::clamp(1 - static_cast<int>(std::floor(std::log10(expanded))), 0, 6);
  return fmt::format("{:.{}f} +/- {:.{}f}{}", value, digits, expanded, digits, shown_unit);
}

std::string sample_text(const StatementVerdict& verdict, double confidence) {
  if (verdict.cells.empty()) return {};
  std::string text = fmt::format("{} cell{}", verdict.cells.size(), verdict.cells.size() == 1 ? "" : "s");
  if (verdict.reliability > 0.0) {
    text += fmt::format(", none failed: at {:.0f} % confidence {:.0f} % of such cells keep it (a sample, not the population)",
                        100 * confidence, 100 * verdict.reliability);
  }
  return text;
}

std::set<std::string> tried_circumstances(const StatementVerdict& verdict) {
  std::set<std::string> tried;
  for (const VariantVerdict& v : verdict.variants) {
    if (!v.cell.runs.empty()) tried.insert(v.variant->varies);
  }
  return tried;
}

std::string tried_note(const StatementVerdict& verdict) {
  const std::set<std::string> varied = tried_circumstances(verdict);
  std::string tried, rest;
  for (const std::string& name : varied) tried += (tried.empty() ? "" : ", ") + name;
  for (const auto& [name, condition] : verdict.statement->conditions) {
    if (condition.is_open() && !varied.contains(name)) rest += (rest.empty() ? "" : ", ") + name;
  }
  if (tried.empty() && rest.empty()) return {};
  return fmt::format("Varied: {}. Not tried: {}.", tried.empty() ? "nothing" : tried, rest.empty() ? "nothing" : rest);
}

std::string shortened_text(const StatementVerdict& verdict) {
  return verdict.qualifiers.is_shortened ? "shortened: fewer cycles, days or cells than claimed, so that nothing can pass" : "";
}

std::string limit_text(const ClaimStatement& statement, double limit) {
  if (statement.testable == Testable::no) return "-";
  if (statement.comparator == Comparator::none) return "reported";
  return fmt::format("{} {}{}", to_string(statement.comparator), format_short(limit),
                     statement.unit == "1" ? "" : " " + statement.unit);
}

std::string limit_origin_text(const ClaimStatement& statement) {
  constexpr std::string_view of_source = "source";
  const std::string& from = statement.value_from;
  if (statement.comparator == Comparator::none || from == of_source) return "";
  if (from.starts_with("source, ")) return "the limit is the source's" + from.substr(of_source.size());
  return "the limit is not the source's: " + from;
}

std::string result_text(const StatementVerdict& verdict) {
  if (!verdict.value) return "-";
  if (verdict.interval) return with_interval(*verdict.value, *verdict.interval, verdict.statement->unit);
  return with_uncertainty(*verdict.value, verdict.expanded, verdict.statement->unit);
}

std::string simulation_notice(const std::vector<ClaimVerdict>& verdicts) {
  const bool any = std::any_of(verdicts.begin(), verdicts.end(), [](const ClaimVerdict& v) { return v.qualifiers.is_simulated; });
  return any ? "SIMULATED cells: their models are tuned to published claims. These verdicts exercise the bench and are no "
               "evidence about a "
               "real cell.\n"
             : "";
}

std::string verdict_report(const ClaimVerdict& verdict) {
  const Claim& claim = *verdict.claim;
  std::string text = fmt::format("{}: {}\n", claim.name, text_of(verdict));
  text += fmt::format("  {} ({}, {}); about a {}\n", claim.title, claim.by, claim.date, claim.level);
  for (const StatementVerdict& statement : verdict.statements) text += statement_report(statement, verdict.confidence);
  text += "\n" + simulation_notice({verdict});
  return text;
}

std::string verdict_table(const std::vector<ClaimVerdict>& verdicts) {
  Table table{{"claim", "statement", "limit", "result", ">cells", "verdict"}};
  for (const ClaimVerdict& verdict : verdicts) {
    bool is_first = true;
    for (const StatementVerdict& s : verdict.statements) {
      table.add({is_first ? verdict.claim->name : "", s.statement->id, limit_text(*s.statement, s.statement->value),
                 result_text(s), s.cells.empty() ? "-" : std::to_string(s.cells.size()), text_of(s)});
      is_first = false;
    }
  }
  return table.text() + simulation_notice(verdicts);
}

std::string claim_list(const std::vector<Claim>& claims) {
  Table table{{"claim", "by", "about a", ">statements", ">testable", "title"}};
  for (const Claim& claim : claims) {
    const auto testable = std::count_if(claim.statements.begin(), claim.statements.end(),
                                        [](const ClaimStatement& s) { return s.testable != Testable::no; });
    table.add({claim.name, in_short(claim.by), claim.level, std::to_string(claim.statements.size()), std::to_string(testable),
               in_short(claim.title)});
  }
  return table.text();
}

}  // namespace cellrig::cli
