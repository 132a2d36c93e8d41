// The page: one HTML document, its plot as SVG, no script, nothing from elsewhere.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "controller/cli/rehearsal/rehearsal_report.hpp"
#include "db/report/chart.hpp"

namespace cellrig::cli {
namespace {

constexpr double width = 960.0, left = 70.0, right = 20.0, panel_height = 170.0, gap = 26.0, top = 24.0;
constexpr std::size_t named_bands_max = 24;

struct TimeUnit {
  double seconds = 1.0;
  const char* name = "s";
};

TimeUnit time_unit(double seconds) {
  if (seconds > 4 * 86'400.0) return {86'400.0, "d"};
  if (seconds > 3 * 3600.0) return {3600.0, "h"};
  if (seconds > 300.0) return {60.0, "min"};
  return {};
}

struct Guide {
  double value = 0.0;
  std::string label;
};

struct Panel {
  const char* title;
  const char* colour_class;
  std::function<const Span&(const CurvePiece&)> span;
  std::vector<Guide> guides;  ///< limits; drawn where they lie near what was measured
};

class Plot {
 public:
  Plot(const Program& program, const Rehearsal& rehearsal) : program_{program}, rehearsal_{rehearsal} {
    end_s_ = std::max(rehearsal.seconds, rehearsal.curve.empty() ? 1.0 : rehearsal.curve.back().to_s);
    if (!(end_s_ > 0)) end_s_ = 1.0;
  }

  std::string svg() {
    const SafetyLimits& limits = rehearsal_.limits;
    const std::array<Panel, 3> panels{
        Panel{"voltage / V",
              "voltage",
              [](const CurvePiece& p) -> const Span& { return p.voltage_V; },
              {{limits.voltage_max.value(), "limit"}, {limits.voltage_min.value(), "limit"}}},
        Panel{"current / A",
              "current",
              [](const CurvePiece& p) -> const Span& { return p.current_A; },
              {{limits.charge_current_max.value(), "limit"}, {-limits.discharge_current_max.value(), "limit"}}},
        Panel{"cell temperature / °C",
              "temperature",
              [](const CurvePiece& p) -> const Span& { return p.cell_temperature_degC; },
              {{limits.cell_temperature_max.value(), "limit"}, {limits.cell_temperature_min.value(), "limit"}}}};
    const double height = top + static_cast<double>(panels.size()) * (panel_height + gap) + 30.0;
    text_ = fmt::format(
        "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"voltage, current and cell temperature against "
        "time\">\n",
        width, height);
    double y = top;
    bands(y, height - 30.0 - gap);
    for (const Panel& panel : panels) {
      draw(panel, y);
      y += panel_height + gap;
    }
    time_axis(y - gap);
    return text_ + "</svg>\n";
  }

 private:
  [[nodiscard]] double x_of(double seconds) const { return left + (width - left - right) * seconds / end_s_; }

  void bands(double from_y, double to_y) {
    const std::vector<CurveBand>& all = rehearsal_.bands;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double from = x_of(all[i].from_s), to = x_of(i + 1 < all.size() ? all[i + 1].from_s : end_s_);
      const std::string name = db::html_escaped(step_at(program_, all[i].instruction).name);
      text_ += fmt::format(
          "<rect class=\"band{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{}</title></rect>\n", i % 2,
          from, from_y, std::max(0.0, to - from), to_y - from_y, name);
      if (all.size() > named_bands_max || to - from < 7.0 * static_cast<double>(name.size())) continue;
      text_ += fmt::format("<text class=\"small\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", (from + to) / 2,
                           from_y - 6, name);
    }
  }

  void draw(const Panel& panel, double y) {
    Span seen;
    for (const CurvePiece& piece : rehearsal_.curve) seen.include(panel.span(piece));
    text_ += fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" transform=\"rotate(-90 14 {:.1f})\" text-anchor=\"middle\">{}</text>\n",
                         14.0, y + panel_height / 2, y + panel_height / 2, panel.title);
    if (!seen.is_known) {
      text_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">not measured on this bench</text>\n",
                           width / 2, y + panel_height / 2);
      return;
    }
    const double room = std::max(0.05 * (seen.max - seen.min), 1e-3 + 1e-3 * std::abs(seen.max));
    Span shown{seen.min - room, seen.max + room, true};
    for (const Guide& guide : panel.guides) {  // a limit that is near belongs into the picture
      const double range = std::max(seen.max - seen.min, room);
      if (guide.value > shown.min - 0.5 * range && guide.value < shown.max + 0.5 * range) shown.include(guide.value);
    }
    shown = Span{shown.min - 0.3 * room, shown.max + 0.3 * room, true};
    const auto y_of = [&](double value) { return y + panel_height * (shown.max - value) / (shown.max - shown.min); };
    value_axis(shown, y, y_of);
    for (const Guide& guide : panel.guides) {
      if (guide.value < shown.min || guide.value > shown.max) continue;
      text_ += fmt::format("<line class=\"limit\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n", left,
                           width - right, y_of(guide.value));
      text_ += fmt::format("<text class=\"small limit-text\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                           width - right - 4, y_of(guide.value) - 4, guide.label);
    }
    curve(panel, y_of);
  }

  void value_axis(const Span& shown, double y, const std::function<double(double)>& y_of) {
    text_ += fmt::format("<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n", left, y,
                         width - left - right, panel_height);
    for (const double v : db::chart_ticks(shown.min, shown.max, 5)) {
      const double tick = std::abs(v) < (shown.max - shown.min) / 1e6 ? 0.0 : v;
      text_ += fmt::format(
          "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
          "<text class=\"small\" x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.6g}</text>\n",
          left, width - right, y_of(tick), left - 6, y_of(tick) + 4, tick);
    }
  }

  void time_axis(double y) {
    const TimeUnit unit = time_unit(end_s_);
    for (const double t : db::chart_ticks(0.0, end_s_ / unit.seconds, 8)) {
      text_ += fmt::format("<text class=\"small\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.6g}</text>\n",
                           x_of(t * unit.seconds), y + 16, t);
    }
    text_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">test time / {}</text>\n",
                         (left + width - right) / 2, y + 34, unit.name);
  }

  /// From each piece's extreme to the other one: a line where it is narrow, a filled band where a piece holds many cycles.
  void curve(const Panel& panel, const std::function<double(double)>& y_of) {
    std::string points;
    bool is_up = true;
    for (const CurvePiece& piece : rehearsal_.curve) {
      const Span& span = panel.span(piece);
      if (!span.is_known) continue;
      points += fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} ", x_of(piece.from_s), y_of(is_up ? span.min : span.max),
                            x_of(piece.to_s), y_of(is_up ? span.max : span.min));
      is_up = !is_up;
    }
    text_ += fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", panel.colour_class, points);
  }

  const Program& program_;
  const Rehearsal& rehearsal_;
  double end_s_ = 1.0;
  std::string text_;
};

constexpr const char* style = R"(<style>
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #66707a; --line: #d4d9de; --band: #f3f5f7; --limit: #b00020;
  --voltage: #0b5cad; --current: #9a5b00; --temperature: #7a2a8c; --paper: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #9aa4ae; --line: #3a424a; --band: #1f242a; --limit: #ff6b7d;
  --voltage: #6cb0ff; --current: #ffb74d; --temperature: #d58be6; --paper: #15191d; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 24px auto; max-width: 1000px;
  padding: 0 16px; }
h1 { font-size: 1.5em; margin-bottom: 0; } h2 { font-size: 1.1em; margin-top: 1.6em; } p.about { color: var(--soft); margin-top: 4px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
table.facts { width: auto; } table.facts td { text-align: left; padding-right: 40px; } td.number, th.number { text-align: right; } .bad { color: var(--limit); font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font-size: 13px; fill: var(--ink); } svg text.small { font-size: 11px; fill: var(--soft); }
svg text.limit-text { fill: var(--limit); } .frame { fill: none; stroke: var(--line); } .grid { stroke: var(--line); stroke-width: 0.5; }
.band0 { fill: none; } .band1 { fill: var(--band); } .limit { stroke: var(--limit); stroke-dasharray: 5 4; }
polyline { fill: none; stroke-width: 1.5; stroke-linejoin: round; } .voltage { stroke: var(--voltage); }
.current { stroke: var(--current); } .temperature { stroke: var(--temperature); }
</style>
)";

std::string row(const std::vector<std::string>& cells, const char* tag) {
  std::string text = "<tr>";
  for (const std::string& cell : cells) {
    const bool is_number = !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell[0])) != 0 || cell[0] == '-');
    text += fmt::format("<{0}{1}>{2}</{0}>", tag, is_number ? " class=\"number\"" : "", db::html_escaped(cell));
  }
  return text + "</tr>\n";
}

std::string spans(const Span& span, int digits) {
  return span.is_known ? fmt::format("{:.{}f} to {:.{}f}", span.min, digits, span.max, digits) : std::string("-");
}

std::string limits_section(const Program& program, const Rehearsal& r) {
  std::string text = "<h2>How near it comes to the safety limits</h2>\n<table>\n" +
                     row({"limit", "at", "nearest", "margin", "unit", "in step"}, "th");
  for (const Approach& a : r.approaches) {
    if (!a.is_known) continue;
    text += row({a.limit, fmt::format("{:.4g}", a.bound), fmt::format("{:.4g}", a.nearest), fmt::format("{:.3g}", a.margin),
                 a.unit, step_at(program, a.instruction).name},
                "td");
  }
  return text + "</table>\n";
}

std::string steps_section(const Program& program, const Rehearsal& r) {
  std::string text =
      "<h2>Steps</h2>\n<table>\n" + row({"line", "step", "times", "on average", "V", "A", "degC", "ended last by"}, "th");
  for (const RehearsedStep& step : r.steps) {
    const Step& compiled = step_at(program, step.instruction);
    const bool ran = step.executions > 0;
    text += row({line_text(program, compiled.source), compiled.name, fmt::to_string(step.executions),
                 ran ? duration_text(step.seconds / static_cast<double>(step.executions)) : "-", spans(step.voltage_V, 3),
                 spans(step.current_A, 2), spans(step.cell_temperature_degC, 1), ran ? step.last_end : "never reached"},
                "td");
  }
  return text + "</table>\n";
}

}  // namespace

std::string rehearsal_page(const Program& program, const Rehearsal& r) {
  const bool is_bad = r.outcome != Outcome::completed || !r.criteria_met;
  std::string text = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + db::html_escaped(program.name) +
                     ": rehearsal</title>\n" + style + "</head><body>\n";
  text += fmt::format(
      "<h1>{}</h1>\n<p class=\"about\">Rehearsal on the model of {}, bench {}, channel {}, from {:.0f} %. What a real "
      "cell does may differ. Program {:.12}.</p>\n",
      db::html_escaped(program.name), db::html_escaped(r.cell), db::html_escaped(r.bench), db::html_escaped(r.channel), r.soc_pct,
      program.hash);
  text += fmt::format("<p{}>{}</p>\n", is_bad ? " class=\"bad\"" : "", db::html_escaped(verdict(r)));
  text += "<table class=\"facts\">\n" + row({"duration", duration_text(r.seconds)}, "td");
  if (r.cycles > 0) text += row({"cycles", fmt::to_string(r.cycles)}, "td");
  text += row({"charge", fmt::format("{:.3f} Ah in, {:.3f} Ah out", r.charge_Ah, r.discharge_Ah)}, "td") +
          row({"energy", fmt::format("{:.2f} Wh in, {:.2f} Wh out", r.charge_Wh, r.discharge_Wh)}, "td") +
          row({"record", fmt::format("{} rows, about {}", r.rows, bytes_text(r.bytes))}, "td") +
          row({"cell temperature", spans(r.cell_temperature_degC, 1) + " degC"}, "td") + "</table>\n";
  text += "<h2>What to expect</h2>\n" + Plot{program, r}.svg();
  const std::vector<std::string> list = remarks(program, r);
  if (!list.empty() || !r.criteria.empty() || !r.warnings.empty()) text += "<h2>Remarks</h2>\n<ul>\n";
  for (const JudgedCriterion& criterion : r.criteria) text += "<li>" + db::html_escaped(to_string(criterion)) + "</li>\n";
  for (const std::string& remark : list) text += "<li class=\"bad\">" + db::html_escaped(remark) + "</li>\n";
  for (const std::string& warning : r.warnings) text += "<li>" + db::html_escaped(warning) + "</li>\n";
  if (!list.empty() || !r.criteria.empty() || !r.warnings.empty()) text += "</ul>\n";
  return text + limits_section(program, r) + steps_section(program, r) + "</body></html>\n";
}

}  // namespace cellrig::cli
