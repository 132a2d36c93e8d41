#include "controller/cli/verify/verdict_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "db/report/chart.hpp"

namespace cellrig::cli {
namespace {

constexpr double width_px = 1000, label_px = 330, verdict_px = 210, line_px = 24, top_px = 10, axis_px = 44;
constexpr double plot_left = label_px, plot_right = width_px - verdict_px;
constexpr std::size_t label_characters_max = 52, lines_max = 40;
constexpr double margin_share = 0.08;

struct Line {
  std::string label, verdict;
  double value = 0.0, low = 0.0, high = 0.0;
  std::optional<double> limit, other_limit;  ///< the other: of a limit both ways
  bool is_variant = false;
  bool is_good = false;  ///< the first to go where there are too many
};

/// At most `max` bytes, and no half of a character.
std::string cut(const std::string& text, std::size_t max) {
  if (text.size() <= max) return text;
  std::size_t end = max - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

Line line_of(const CellVerdict& cell, std::string label, std::string verdict_words) {
  const bool is_known = std::isfinite(cell.uncertainty.expanded);
  const double expanded = is_known ? cell.uncertainty.expanded : 0.0;
  if (!is_known) label += " (uncertainty not known)";
  const double value = cell.measured->value;
  if (cell.measured->is_least) label += " (at least)";
  return {.label = std::move(label),
          .verdict = std::move(verdict_words),
          .value = value,
          .low = value - expanded,
          .high = value + expanded,
          .is_good = cell.decision == verdict::Decision::pass || cell.decision == verdict::Decision::reported};
}

/// One that was weighed need not have a name.
std::string cell_name(const CellVerdict& cell) { return cell.cell_id.empty() ? "the cell" : "cell " + cell.cell_id; }

/// What is drawn for one reading of a statement: of a cell, or of a variant.
struct Reading {
  const CellVerdict& cell;
  std::string name;
  double limit = 0.0;
  bool is_variant = false;
};

/// A life that was not lived to its end is not held against the limit of its end; what it points to is.
void add_life(const StatementVerdict& verdict, const Reading& reading, std::vector<Line>& lines) {
  const CellVerdict& cell = reading.cell;
  const double claimed = verdict.statement->cycles;
  const std::string label = fmt::format("{}, after {:.0f} of {:.0f} cycles", reading.name, cell.reached, claimed);
  if (cell.decision == verdict::Decision::fail) {  // nothing that comes later brings it back
    lines.push_back(line_of(cell, label, verdict::verdict_text(cell.decision, verdict.qualifiers)));
    lines.back().limit = reading.limit;
    lines.back().is_variant = reading.is_variant;
    return;
  }
  lines.push_back(line_of(cell, label, "so far"));
  lines.back().is_variant = reading.is_variant;
  if (!cell.projection) return;
  lines.push_back({.label = fmt::format("{}, if it fades on in a line to {:.0f}", reading.name, claimed),
                   .verdict = verdict::verdict_text(cell.decision, verdict.qualifiers),
                   .value = cell.projection->retention_pct,
                   .low = cell.projection->low_pct,
                   .high = cell.projection->high_pct,
                   .limit = reading.limit,
                   .is_variant = true});
}

void add_reading(const StatementVerdict& verdict, const Reading& reading, std::vector<Line>& lines) {
  const ClaimStatement& s = *verdict.statement;
  if (!reading.cell.measured) return;
  if (s.cycles > 0.0 && reading.cell.reached < s.cycles) {
    add_life(verdict, reading, lines);
    return;
  }
  lines.push_back(line_of(reading.cell, reading.name, verdict::verdict_text(reading.cell.decision, verdict.qualifiers)));
  lines.back().is_variant = reading.is_variant;
  const bool is_lot = s.statistic != LotStatistic::each_cell;
  if (s.comparator == Comparator::none || is_lot) return;
  lines.back().limit = reading.limit;
  if (s.comparator == Comparator::within) lines.back().other_limit = -reading.limit;
}

std::vector<Line> lines_of(const StatementVerdict& verdict) {
  const ClaimStatement& s = *verdict.statement;
  std::vector<Line> lines;
  for (const CellVerdict& cell : verdict.cells) add_reading(verdict, {cell, cell_name(cell), s.value, false}, lines);
  for (const VariantVerdict& v : verdict.variants)
    add_reading(verdict, {v.cell, "with " + reading_text(s, *v.variant), v.limit, true}, lines);
  std::erase_if(lines, [](const Line& line) {
    return !std::isfinite(line.value) || !std::isfinite(line.low) || !std::isfinite(line.high);
  });
  if (lines.size() > lines_max) {
    std::stable_partition(lines.begin(), lines.end(), [](const Line& line) { return !line.is_good; });
    lines.resize(lines_max);
  }
  return lines;
}

class Scale {
 public:
  explicit Scale(const std::vector<Line>& lines) {
    for (const Line& line : lines) {
      include(line.low);
      include(line.high);
      for (const std::optional<double>& limit : {line.limit, line.other_limit}) {
        if (limit) include(*limit);
      }
    }
    const double range = max_ - min_;
    const double margin = range > 0.0 ? margin_share * range : std::max(0.05 * std::abs(max_), 1e-6);
    min_ -= margin;
    max_ += margin;
  }
  [[nodiscard]] double x(double value) const { return plot_left + (plot_right - plot_left) * (value - min_) / (max_ - min_); }
  [[nodiscard]] std::vector<double> ticks() const { return db::chart_ticks(min_, max_, 5); }

 private:
  void include(double value) {
    if (!std::isfinite(value)) return;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  double min_ = std::numeric_limits<double>::infinity(), max_ = -std::numeric_limits<double>::infinity();
};

std::string line_svg(const Line& line, const Scale& scale, double y) {
  const char* const colour = line.is_variant ? "#55627a" : "#1f4e9c";
  std::string out = fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", plot_left - 10, y + 4,
                                db::html_escaped(cut(line.label, label_characters_max)));
  for (const std::optional<double>& limit : {line.limit, line.other_limit}) {
    if (!limit) continue;
    out += fmt::format("<line class=\"guide\" x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\"/>\n", scale.x(*limit),
                       y - line_px / 2, y + line_px / 2);
  }
  const double from = scale.x(line.low), to = scale.x(line.high);
  out += fmt::format(
      "<line x1=\"{0:.1f}\" y1=\"{2:.1f}\" x2=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" stroke-width=\"2\"/>"
      "<line x1=\"{0:.1f}\" y1=\"{4:.1f}\" x2=\"{0:.1f}\" y2=\"{5:.1f}\" stroke=\"{3}\" stroke-width=\"2\"/>"
      "<line x1=\"{1:.1f}\" y1=\"{4:.1f}\" x2=\"{1:.1f}\" y2=\"{5:.1f}\" stroke=\"{3}\" stroke-width=\"2\"/>"
      "<circle cx=\"{6:.1f}\" cy=\"{2:.1f}\" r=\"3.6\" fill=\"{3}\"/>\n",
      from, to, y, colour, y - 4, y + 4, scale.x(line.value));
  return out + fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", plot_right + 12, y + 4, db::html_escaped(line.verdict));
}

std::string axis_svg(const Scale& scale, double y, const std::string& caption) {
  std::string out = fmt::format("<line class=\"tick\" x1=\"{0:.1f}\" y1=\"{2:.1f}\" x2=\"{1:.1f}\" y2=\"{2:.1f}\"/>\n", plot_left,
                                plot_right, y);
  for (const double tick : scale.ticks()) {
    out += fmt::format(
        "<line class=\"tick\" x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\"/>"
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{3:.1f}\" text-anchor=\"middle\">{4:.6g}</text>\n",
        scale.x(tick), y, y + 5, y + 18, std::abs(tick) < 1e-12 ? 0.0 : tick);
  }
  return out + fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                           (plot_left + plot_right) / 2, y + 36, db::html_escaped(caption));
}

std::string caption_of(const StatementVerdict& verdict, const std::vector<Line>& lines) {
  const std::string unit = cell_unit(*verdict.statement);
  std::string text = (unit == "1" ? "result" : "result / " + unit) + "; bars: expanded uncertainty";
  if (std::any_of(lines.begin(), lines.end(), [](const Line& line) { return line.limit.has_value(); })) text += "; dashed: limit";
  if (lines.size() == lines_max) text += fmt::format("; at most {} are drawn, those that do not pass first", lines_max);
  return text;
}

}  // namespace

std::string verdict_svg(const StatementVerdict& verdict) {
  const std::vector<Line> lines = lines_of(verdict);
  if (lines.empty()) return {};
  const Scale scale{lines};
  const double bottom = top_px + line_px * static_cast<double>(lines.size());
  std::string out = fmt::format("<svg class=\"chart\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", width_px,
                                bottom + axis_px,
                                db::html_escaped("results with their uncertainty beside the limit: " + verdict.statement->text));
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += line_svg(lines[i], scale, top_px + line_px * (static_cast<double>(i) + 0.5));
  return out + axis_svg(scale, bottom, caption_of(verdict, lines)) + "</svg>\n";
}

}  // namespace cellrig::cli
