#include "db/report/run_section.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "db/report/pulse_section.hpp"
#include "db/report/rest_section.hpp"
#include "db/verify.hpp"

namespace cellrig::db {

namespace {

std::string utc_label(UtcTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(time.ns_since_epoch / 1'000'000'000)));
}

std::string duration_label(double seconds) {
  const auto s = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (s >= 2 * 86'400) return fmt::format("{} d {:02}:{:02} h", s / 86'400, s / 3600 % 24, s / 60 % 60);
  return fmt::format("{}:{:02}:{:02} h", s / 3600, s / 60 % 60, s % 60);
}

std::string or_dash(const std::optional<double>& value, double factor, int decimals) {
  return value && std::isfinite(*value) ? fmt::format("{:.{}f}", *value * factor, decimals) : "–";
}

class FactList {
 public:
  void add(std::string_view name, std::string_view value, bool is_hash = false) {
    if (value.empty()) return;
    out_ += fmt::format("<dt>{}</dt><dd{}>{}</dd>\n", html_escaped(name), is_hash ? " class=\"hash\"" : "", html_escaped(value));
  }
  [[nodiscard]] std::string html() const { return out_.empty() ? std::string{} : "<dl>\n" + out_ + "</dl>\n"; }

 private:
  std::string out_;
};

std::string origin_text(const RunInfo& info) {
  if (info.origin == RunOrigin::imported) return "imported from a file: measured elsewhere, not by this bench";
  return info.row.time_source + (info.origin == RunOrigin::simulated ? " time: the cell was simulated" : " time");
}

/// "a = 1, b = 2": lines put into one.
std::string in_one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, ", ");
  return text;
}

std::string identity_html(const ReportRun& run) {
  const RunInfo& info = run.summary.info;
  const RunRow& row = info.row;
  FactList what, on;
  what.add("profile", row.profile_name);
  what.add("parameters", in_one_line(row.parameters_text));
  what.add("started", utc_label(row.started_at));
  if (info.end) what.add("ended", utc_label(info.end->ended_at));
  if (info.end) what.add("test time", duration_label(static_cast<double>(info.end->ended_test_time_ns) / 1e9));
  what.add("status", info.status);
  if (info.end) what.add("reason", info.end->reason);
  what.add("operator", row.operator_name);
  what.add("program", "cellrig " + row.software_version);
  on.add("cell", row.cell_name);
  on.add("specimen", row.cell_id.empty() ? "not named" : row.cell_id);
  on.add("nominal capacity", fmt::format("{:g} Ah", row.nominal_capacity_Ah));
  on.add("channel", row.channel);
  on.add("origin", origin_text(info));
  if (row.control_period.count() > 0) on.add("control period", fmt::format("{:g} s", to_seconds(row.control_period)));
  return fmt::format("<div class=\"columns\"><div><h3>What was run</h3>\n{}</div><div><h3>On what</h3>\n{}</div></div>\n",
                     what.html(), on.html());
}

std::string limits_html(const ReportRun& run) {
  if (run.limits.empty()) return {};
  ReportTable table{{"limit", ">value", "unit"}, {}, "A value beyond one of them ends the run and switches the output off."};
  for (const NamedLimit& limit : run.limits) table.rows.push_back({limit.text, fmt::format("{:g}", limit.value), limit.unit});
  return "<h3>Safety limits</h3>\n" + table_html(table);
}

std::string instruments_html(const RunInfo& info) {
  if (info.row.instruments.empty()) return {};
  ReportTable table{{"role", "maker", "model", "serial number", "firmware", "name"}, {}, {}};
  for (const InstrumentRow& i : info.row.instruments)
    table.rows.push_back({i.role, i.maker, i.model, i.serial, i.firmware, i.name});
  return "<h3>Instruments</h3>\n" + table_html(table);
}

Result<std::string> deviations_html(const ReportRun& run) {
  const Result<std::vector<DeviationRow>> rows = run.reader->deviations(run.summary.info.run);
  if (!rows) return rows.error();
  const Result<std::vector<AcknowledgementRow>> seen = run.reader->acknowledgements(run.summary.info.run);
  if (!seen) return seen.error();
  std::string out = "<h3>Deviations</h3>\n";
  if (rows->empty()) out += "<p>None was recorded.</p>\n";
  if (!rows->empty()) {
    ReportTable table{{"category", ">test time", "what happened", ">unseen charge at most / Ah", "known by"}, {}, {}};
    for (const DeviationRow& d : *rows) {
      table.rows.push_back({d.category, duration_label(static_cast<double>(d.from_test_time_ns) / 1e9), d.description,
                            or_dash(d.unseen_charge_max_Ah, 1, 6), d.bounded_by});
    }
    out += table_html(table);
  }
  for (const AcknowledgementRow& a : *seen) {
    out += fmt::format("<p>The trip was acknowledged by {} on {}: {}</p>\n", html_escaped(a.operator_name), utc_label(a.utc),
                       html_escaped(a.reason));
  }
  return out;
}

Result<std::string> evidence_html(const ReportRun& run) {
  const RunInfo& info = run.summary.info;
  const Result<Anchor> head = chain_head(run.reader->path());
  if (!head) return head.error();
  FactList facts;
  facts.add("profile file, SHA-256", info.profile_sha256, true);
  facts.add("compiled program", info.row.program_hash, true);
  facts.add("cell file, SHA-256", info.cell_sha256, true);
  facts.add("hash chain, block", std::to_string(head->block));
  facts.add("hash chain, SHA-256", head->sha256, true);
  return "<h3>Evidence</h3>\n" + facts.html() +
         "<p class=\"note\">The chain covers every row of the record up to this block. <span class=\"hash\">cellrig db "
         "verify</span> reads the "
         "record again and compares; with <span class=\"hash\">--anchor BLOCK:SHA256</span>, as they stand here, it also finds "
         "an end "
         "that was cut off and a record that was written anew.</p>\n";
}

std::vector<ReportTile> tiles_of(const ReportRun& run) {
  const CycleSummary& s = run.summary;
  std::vector<ReportTile> tiles;
  const auto add = [&tiles](const std::optional<double>& value, double factor, int decimals, const char* unit,
                            std::string label) {
    if (value && std::isfinite(*value)) tiles.push_back({or_dash(value, factor, decimals) + unit, std::move(label)});
  };
  if (!s.capacities.empty()) {
    add(s.capacities.front().capacity_Ah, 1, 3, " Ah", fmt::format("discharge capacity, cycle {}", s.capacities.front().cycle));
    if (s.capacities.size() > 1) {
      add(s.capacities.back().capacity_Ah, 1, 3, " Ah", fmt::format("discharge capacity, cycle {}", s.capacities.back().cycle));
    }
  }
  std::optional<double> retention, hottest, coulombic, energy;
  for (const CycleSummaryRow& cycle : s.cycles) {
    if (cycle.retention) retention = cycle.retention;
    if (cycle.row.coulombic_efficiency && *cycle.row.coulombic_efficiency > 0) coulombic = cycle.row.coulombic_efficiency;
    if (cycle.row.energy_efficiency && *cycle.row.energy_efficiency > 0) energy = cycle.row.energy_efficiency;
    if (cycle.row.cell_temperature_max_degC) hottest = std::max(hottest.value_or(-300), *cycle.row.cell_temperature_max_degC);
  }
  if (s.capacities.size() > 1) add(retention, 100, 2, " %", "retention, against " + run.reference_text);
  add(coulombic, 100, 3, " %", "coulombic efficiency, last cycle");
  add(energy, 100, 2, " %", "energy efficiency, last cycle");
  if (!s.cycles.empty()) tiles.push_back({std::to_string(s.cycles.size()), "cycles"});
  if (!s.cycles.empty() && s.cycles.back().equivalent_full_cycles) {
    add(s.cycles.back().equivalent_full_cycles->two_way, 1, 1, "", "equivalent full cycles (charge and discharge / 2 × nominal)");
  }
  if (const auto at = s.dc_resistance_ohm.find(10); at != s.dc_resistance_ohm.end()) {
    add(at->second, 1000, 2, " mΩ", "DC resistance at 10 s, first pulse");
  }
  add(hottest, 1, 1, " °C", "highest cell temperature in a cycle");
  tiles.insert(tiles.end(), run.results.begin(), run.results.end());
  return tiles;
}

std::string tiles_html(const std::vector<ReportTile>& tiles) {
  if (tiles.empty()) return {};
  std::string out = "<div class=\"tiles\">\n";
  for (const ReportTile& tile : tiles) {
    out +=
        fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", html_escaped(tile.value), html_escaped(tile.label));
  }
  return out + "</div>\n";
}

/// The first and the last of a long list.
template <class Row, class Add>
std::string cut_list(const std::vector<Row>& rows, std::size_t rows_max, const char* what, const Add& add) {
  const std::size_t head = rows.size() > rows_max ? rows_max / 2 : rows.size();
  const std::size_t tail = rows.size() > rows_max ? rows.size() - (rows_max - head) : rows.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i < head || i >= tail) add(rows[i]);
  }
  return tail > head ? fmt::format("{} {} in the middle are left out; the record has all {}.", tail - head, what, rows.size())
                     : std::string{};
}

std::string cycles_html(const CycleSummary& s) {
  ReportTable table{{">cycle", "kind", ">charge / Ah", ">discharge / Ah", ">discharge / Wh", ">CE / %", ">EE / %", ">ΔV / mV",
                     ">retention / %", ">charge / min", ">CV / %", ">T max / °C"},
                    {},
                    {}};
  const auto figure = [](const CycleSummaryRow& row, Figure f) {
    const auto found = row.figures.find(f);
    return found == row.figures.end() ? std::nullopt : std::optional<double>{found->second};
  };
  table.note = cut_list(s.cycles, report_cycles_max, "cycles", [&](const CycleSummaryRow& c) {
    table.rows.push_back({std::to_string(c.row.cycle), c.row.is_reference ? "reference" : "cycle", or_dash(c.row.charge_Ah, 1, 4),
                          or_dash(c.row.discharge_Ah, 1, 4), or_dash(c.row.discharge_Wh, 1, 3),
                          or_dash(c.row.coulombic_efficiency, 100, 3), or_dash(c.row.energy_efficiency, 100, 2),
                          or_dash(figure(c, Figure::voltage_hysteresis_V), 1000, 1), or_dash(c.retention, 100, 2),
                          or_dash(c.row.charge_time_s, 1.0 / 60, 1), or_dash(figure(c, Figure::cycle_cv_charge_share), 100, 1),
                          or_dash(c.row.cell_temperature_max_degC, 1, 1)});
  });
  return table_html(table);
}

std::string efficiency_note(const CycleSummary& s) {
  const bool has_any = std::any_of(s.cycles.begin(), s.cycles.end(),
                                   [](const CycleSummaryRow& c) { return c.row.coulombic_efficiency.value_or(0) > 1.2; });
  return has_any ? "<p class=\"note\">Efficiencies above 120 % are not drawn: such a cycle did not begin empty.</p>\n" : "";
}

std::string life_html(const ReportRun& run) {
  const CycleSummary& s = run.summary;
  if (!s.reference_Ah || s.capacities.size() < 2) return {};
  std::string text = fmt::format("Retention is a share of {}, {:.4f} Ah.", run.reference_text, *s.reference_Ah);
  for (std::size_t i = 0; i < end_of_life_shares.size(); ++i) {
    const CyclesTo& to = s.cycles_to[i];
    text += fmt::format(" {:.0f} %: {}.", 100 * end_of_life_shares[i],
                        to.confirmed_of_three ? fmt::format("cycle {}", *to.confirmed_of_three)
                        : to.first_below      ? fmt::format("cycle {}, once only", *to.first_below)
                                              : "not reached");
  }
  return "<p>" + html_escaped(text) + "</p>\n";
}

Result<std::string> steps_html(const ReportRun& run) {
  const Result<std::vector<StepInfo>> steps = run.reader->steps(run.summary.info.run);
  if (!steps) return steps.error();
  ReportTable table{{">step", ">cycle", "name", "set-point", ">duration", ">Ah", ">Wh", ">T max / °C", "ended by"}, {}, {}};
  table.note = cut_list(*steps, report_steps_max, "steps", [&table](const StepInfo& step) {
    std::vector<std::string> cells{std::to_string(step.row.step_count), step.row.in_cycle ? std::to_string(step.row.cycle) : "–",
                                   step.row.name, step.row.setpoint_text};
    if (step.end) {
      const StepEndRow& end = *step.end;
      cells.insert(cells.end(),
                   {duration_label(static_cast<double>(end.ended_test_time_ns - step.row.started_test_time_ns) / 1e9),
                    fmt::format("{:+.4f}", end.charge_Ah - end.discharge_Ah),
                    fmt::format("{:+.3f}", end.charge_Wh - end.discharge_Wh), or_dash(end.cell_temperature_max_degC, 1, 1),
                    end.condition.empty() ? end.reason
                    : end.value           ? fmt::format("{} ({:.4g})", end.condition, *end.value)
                                          : end.condition});
    } else {
      cells.insert(cells.end(), {"", "", "", "", "not ended"});
    }
    table.rows.push_back(std::move(cells));
  });
  return "<h2>Steps</h2>\n" + table_html(table);
}

Result<std::string> events_html(const ReportRun& run) {
  const Result<std::vector<EventRow>> events = run.reader->events(run.summary.info.run);
  if (!events) return events.error();
  if (events->empty()) return std::string{};
  constexpr std::array<std::string_view, 4> severities{"", "warning", "alarm", "TRIP"};
  ReportTable table{{">test time", "", "kind", "what"}, {}, {}};
  table.note = cut_list(*events, report_events_max, "events", [&](const EventRow& event) {
    table.rows.push_back({duration_label(static_cast<double>(event.test_time_ns) / 1e9),
                          std::string(severities[static_cast<std::size_t>(event.severity)]), event.kind, event.message});
  });
  return "<h2>Events</h2>\n" + table_html(table);
}

Result<std::string> curves_html(const ReportRun& run) {
  const Result<std::string> course = course_svg(*run.reader, run.summary.info.run, run.limits);
  if (!course) return course.error();
  std::string out = course->empty()
                        ? ""
                        : "<h2>Course</h2>\n" + *course +
                              "<p class=\"note\">Every extreme is drawn. Blue: charging steps, orange: discharging steps, red "
                              "triangles: warnings, alarms and trips.</p>\n";
  const std::vector<ChartedRun> charted{{run.reader, "run " + run.name, &run.summary}};
  if (!run.summary.cycles.empty())
    out += "<h2>Cycles</h2>\n" + cycles_svg(charted) + efficiency_note(run.summary) + life_html(run) + cycles_html(run.summary);
  const Result<ChargeCharts> charges = charge_charts(charted);
  if (!charges) return charges.error();
  const Result<std::string> pulses = pulses_html(run);
  if (!pulses) return pulses.error();
  const Result<std::string> rests = rests_html(run);
  if (!rests) return rests.error();
  return out + charge_charts_html(*charges) + *pulses + *rests;
}

std::string_view kind_of_status(const RunInfo& info) {
  if (info.status == "completed") return "good";
  if (info.status == "running") return "plain";
  return info.status == "stopped" || info.status == "interrupted" || info.status == "imported" ? "warn" : "bad";
}

}  // namespace

std::string run_badges(const RunInfo& info) {
  std::string out = fmt::format("<span class=\"badge {}\">{}</span>", kind_of_status(info), html_escaped(info.status));
  if (info.status != "completed" || !info.end || info.origin == RunOrigin::imported) return out;
  return out + fmt::format("<span class=\"badge {}\">{}</span>", info.end->criteria_met ? "good" : "bad",
                           info.end->criteria_met ? "criteria met" : "criteria not met");
}

std::string charge_charts_html(const ChargeCharts& charts) {
  if (charts.voltage_svg.empty()) return {};
  std::string out = "<h2>Charge curves</h2>\n<div class=\"pair\"><div>" + charts.voltage_svg + "</div><div>" +
                    charts.differential_svg + "</div></div>\n";
  if (!charts.resampling.empty()) out += fmt::format("<p class=\"note\">dQ/dV: {}.</p>\n", html_escaped(charts.resampling));
  if (charts.voltage_slope_svg.empty()) return out;
  return out + charts.voltage_slope_svg +
         fmt::format("<p class=\"note\">dV/dQ: {}.</p>\n", html_escaped(charts.voltage_slope_resampling));
}

Result<std::string> run_section_html(const ReportRun& run, bool is_alone) {
  const RunInfo& info = run.summary.info;
  std::string out = "<section class=\"run first\">\n";
  if (!is_alone)
    out = fmt::format("<section class=\"run\">\n<h2>Run {}</h2>\n<p>{}</p>\n", html_escaped(run.name), run_badges(info));
  out += tiles_html(tiles_of(run));
  if (is_alone) {
    const Result<std::string> curves = curves_html(run);
    if (!curves) return curves.error();
    out += *curves + "<h2>The test</h2>\n";
  }
  const Result<std::string> deviating = deviations_html(run);
  if (!deviating) return deviating.error();
  const Result<std::string> evidence = evidence_html(run);
  if (!evidence) return evidence.error();
  out += identity_html(run) + limits_html(run) + instruments_html(info) + *deviating + *evidence;
  if (is_alone) {
    const Result<std::string> steps = steps_html(run);
    if (!steps) return steps.error();
    const Result<std::string> events = events_html(run);
    if (!events) return events.error();
    out += *steps + *events;
  }
  return out + "</section>\n";
}

}  // namespace cellrig::db
