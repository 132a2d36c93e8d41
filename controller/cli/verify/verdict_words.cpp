// A verdict and what was judged, in words.
#include <fmt/format.h>

#include "controller/cli/verify/claim_judge.hpp"

namespace cellrig::cli {

std::string cell_unit(const ClaimStatement& statement) {
  if (statement.statistic == LotStatistic::each_cell) return statement.unit;
  return std::string(word_of(statement.quantity).unit);
}

std::string life_text(const ClaimStatement& statement, const CellVerdict& cell) {
  const bool is_life = statement.quantity == ClaimQuantity::retention && statement.cycles > 0.0;
  if (!is_life || !cell.measured) return {};
  std::string text = cell.failed_at ? fmt::format("below the limit at {:g} cycles", *cell.failed_at) : std::string{};
  if (cell.reached >= statement.cycles) return text;
  if (!text.empty()) text += "; ";
  text += fmt::format("{:g} of {:g} cycles were run", cell.reached, statement.cycles);
  if (cell.projection)
    text += fmt::format("; a straight line leads to {:.1f} % ({:.1f} to {:.1f}) there", cell.projection->retention_pct,
                        cell.projection->low_pct, cell.projection->high_pct);
  return text;
}

std::string reading_text(const ClaimStatement& statement, const ClaimVariant& variant) {
  const std::string text = variant.varies + " = " + variant.to;
  if (statement.against.empty() || (!variant.own.changes() && !variant.against.changes())) return text;
  if (!variant.against.changes()) return text + ", this cell only";
  if (!variant.own.changes()) return text + ", the cell to compare with only";
  return text + (variant.own == variant.against ? ", both cells" : ", each cell its own way");
}

bool changes_verdict(const VariantVerdict& variant, const StatementVerdict& of) {
  return !variant.cell.runs.empty() && text_of(variant, of) != text_of(of);
}

std::string text_of(const ClaimVerdict& verdict) { return verdict::verdict_text(verdict.decision, verdict.qualifiers); }
std::string text_of(const StatementVerdict& verdict) { return verdict::verdict_text(verdict.decision, verdict.qualifiers); }
std::string text_of(const VariantVerdict& variant, const StatementVerdict& of) {
  return verdict::verdict_text(variant.cell.decision, of.qualifiers);
}

}  // namespace cellrig::cli
