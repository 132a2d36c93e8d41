#include "db/report/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include "db/report/run_section.hpp"

namespace cellrig::db {

namespace {

constexpr std::string_view page_head =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
    "content=\"width=device-width, initial-scale=1\">\n";

std::string_view badge_class_of_verdict(std::string_view verdict) {
  return verdict == "PASS" ? "good" : verdict == "FAIL" ? "bad" : "warn";
}

std::string badge(std::string_view kind, std::string_view text) {
  return fmt::format("<span class=\"badge {}\">{}</span>", kind, html_escaped(text));
}

/// Where the numbers come from: whoever holds the page must not take a simulation for a measurement.
std::string origin_badges(const ReportInput& input) {
  bool is_simulated = false, is_imported = false, is_measured = false;
  for (const ReportRun& run : input.runs) {
    const RunOrigin origin = run.summary.info.origin;
    is_imported = is_imported || origin == RunOrigin::imported;
    is_measured = is_measured || origin == RunOrigin::measured;
    is_simulated = is_simulated || origin == RunOrigin::simulated;
  }
  std::string out;
  if (is_simulated) out += badge("warn", "SIMULATED");
  if (is_imported) out += badge("warn", "IMPORTED");
  if (is_measured) out += badge("plain", "in real time");
  return out;
}

std::string title_of(const ReportInput& input) {
  if (!input.title.empty()) return input.title;
  if (input.runs.size() == 1) return input.runs.front().summary.info.row.profile_name;
  return fmt::format("Comparison of {} runs", input.runs.size());
}

std::string subtitle_of(const ReportInput& input) {
  if (!input.subtitle.empty()) return input.subtitle;
  std::string text;
  for (const ReportRun& run : input.runs) {
    const RunRow& row = run.summary.info.row;
    text += fmt::format("{}run {}: {}{}", text.empty() ? "" : "; ", run.name, row.cell_name,
                        row.cell_id.empty() ? "" : " " + row.cell_id);
  }
  return text;
}

std::string header_html(const ReportInput& input) {
  std::string out = fmt::format(
      "<header>\n<div class=\"brand\"><span>Battery test report</span><span>{}</span></div>\n<h1>{}</h1>\n<p "
      "class=\"subtitle\">{}</p>\n<div class=\"badges\">{}",
      html_escaped(input.made), html_escaped(title_of(input)), html_escaped(subtitle_of(input)), origin_badges(input));
  if (input.runs.size() == 1) out += run_badges(input.runs.front().summary.info);
  return out + "</div>\n</header>\n";
}

std::string sections_html(const ReportInput& input) {
  std::string out;
  for (const ReportSection& section : input.sections) {
    out += fmt::format("<{0}>{1}</{0}>\n", section.is_sub ? "h3" : "h2", html_escaped(section.title));
    if (!section.text.empty()) out += fmt::format("<p>{}</p>\n", html_escaped(section.text));
    out += section.svg;
    if (!section.table.headings.empty()) out += table_html(section.table);
  }
  return out;
}

/// Of several runs: what they have in common to look at, before each has its say.
Result<std::string> overlays_html(const ReportInput& input) {
  std::vector<ChartedRun> charted;
  for (const ReportRun& run : input.runs) charted.push_back({run.reader, "run " + run.name, &run.summary});
  std::string out;
  if (const std::string cycles = cycles_svg(charted); !cycles.empty()) out += "<h2>Cycles</h2>\n" + cycles;
  const Result<ChargeCharts> charges = charge_charts(charted);
  if (!charges) return charges.error();
  out += charge_charts_html(*charges);
  return out;
}

std::string definitions_html(const ReportInput& input) {
  std::map<std::int64_t, const Definition*> used;
  for (const ReportRun& run : input.runs) {
    for (const CycleSummaryRow& cycle : run.summary.cycles) {
      for (const auto& [figure, value] : cycle.figures) used[static_cast<std::int64_t>(figure)] = &definition_of(figure);
    }
    if (!run.summary.dc_resistance_ohm.empty()) {
      used[static_cast<std::int64_t>(Figure::dc_resistance_ohm)] = &definition_of(Figure::dc_resistance_ohm);
    }
    if (run.summary.cycles.empty()) continue;
    for (const Figure figure : {Figure::equivalent_full_cycles_two_way, Figure::cycles_to_share}) {
      used[static_cast<std::int64_t>(figure)] = &definition_of(figure);
    }
  }
  if (used.empty()) return {};
  ReportTable table{
      {"figure", "unit", "definition"}, {}, "Positive current charges the cell. Cycles are counted by the test program."};
  for (const auto& [number, d] : used) table.rows.push_back({std::string(d->name), std::string(d->unit), std::string(d->text)});
  return "<h2>What the figures mean</h2>\n" + table_html(table);
}

}  // namespace

std::string table_html(const ReportTable& table) {
  std::vector<bool> is_number;
  std::string out = "<table>\n<thead><tr>";
  for (const std::string& heading : table.headings) {
    is_number.push_back(!heading.empty() && heading.front() == '>');
    out += fmt::format("<th{}>{}</th>", is_number.back() ? " class=\"n\"" : "",
                       html_escaped(is_number.back() ? std::string_view(heading).substr(1) : std::string_view(heading)));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < table.headings.size(); ++i) {
      out += fmt::format("<td{}>{}</td>", is_number[i] ? " class=\"n\"" : "", i < row.size() ? html_escaped(row[i]) : "");
    }
    out += "</tr>\n";
  }
  out += "</tbody>\n</table>\n";
  if (!table.note.empty()) out += fmt::format("<p class=\"note\">{}</p>\n", html_escaped(table.note));
  return out;
}

Result<std::string> report_html(const ReportInput& input) {
  std::string page(page_head);
  page += fmt::format("<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n", html_escaped(title_of(input)),
                      report_style());
  page += header_html(input);
  if (!input.verdict.empty()) {
    page +=
        fmt::format("<div class=\"verdict {}\">{}</div>\n", badge_class_of_verdict(input.verdict), html_escaped(input.verdict));
  }
  if (!input.notice.empty()) page += fmt::format("<p class=\"notice\">{}</p>\n", html_escaped(input.notice));
  page += sections_html(input);
  const bool is_alone = input.runs.size() == 1;
  if (!is_alone) {
    const Result<std::string> overlays = overlays_html(input);
    if (!overlays) return overlays.error();
    page += *overlays;
  }
  for (const ReportRun& run : input.runs) {
    const Result<std::string> section = run_section_html(run, is_alone);
    if (!section) return section.error();
    page += *section;
  }
  page += definitions_html(input);
  page += fmt::format("<footer>{}. This file is complete: it loads nothing from elsewhere.</footer>\n</main>\n</body>\n</html>\n",
                      html_escaped(input.made));
  return page;
}

}  // namespace cellrig::db
