#include "db/report/run_charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "db/analysis/differential.hpp"
#include "db/analysis/overview.hpp"
#include "db/analysis/run_analysis.hpp"
#include "db/analysis/run_meter.hpp"

namespace cellrig::db {

namespace {

constexpr const char* voltage_colour = "#1f4e9c";
constexpr const char* current_colour = "#c75b12";
constexpr const char* temperature_colour = "#b3261e";
constexpr const char* ambient_colour = "#6b7280";
constexpr const char* pressure_colour = "#0b7a75";
constexpr std::array<const char*, 8> run_colours{"#1f4e9c", "#c75b12", "#0b7a75", "#8a3ffc",
                                                 "#b3261e", "#5f6b7a", "#a6761d", "#d02670"};
constexpr std::size_t chart_columns = 900;

const char* colour_of_run(std::size_t index) { return run_colours[index % run_colours.size()]; }

struct TimeScale {
  double seconds = 1;
  const char* name = "s";
};

TimeScale time_scale(double seconds) {
  if (seconds > 10 * 86'400.0) return {86'400, "d"};
  if (seconds > 3 * 3600.0) return {3600, "h"};
  if (seconds > 300) return {60, "min"};
  return {};
}

/// A piece becomes two points at its middle, the nearer to the line so far first: the line then touches every extreme.
class PieceLine {
 public:
  void add(double from, double to, const LeastMost& range) {
    if (!std::isfinite(range.least)) return;
    const bool is_least_first =
        points_.empty() || std::abs(points_.back().y - range.least) <= std::abs(points_.back().y - range.most);
    const double first = is_least_first ? range.least : range.most, second = is_least_first ? range.most : range.least;
    points_.push_back({from, first});
    if (second != first || to != from) points_.push_back({to, second});
  }
  [[nodiscard]] std::vector<ChartPoint> take() { return std::move(points_); }

 private:
  std::vector<ChartPoint> points_;
};

std::vector<ChartPoint> line_of(const Overview& overview, const TimeScale& scale, LeastMost OverviewPiece::*quantity) {
  PieceLine line;
  for (const OverviewPiece& piece : overview.pieces) {
    line.add(static_cast<double>(piece.from_ns) / 1e9 / scale.seconds, static_cast<double>(piece.to_ns) / 1e9 / scale.seconds,
             piece.*quantity);
  }
  return line.take();
}

/// The stack pressure in as few pieces as the picture has columns.
Result<std::vector<ChartPoint>> pressure_line(Reader& reader, RunKey run, const TimeScale& scale, double end_s) {
  PieceLine line;
  LeastMost range;
  double from_s = 0, to_s = 0;
  bool has_any = false;
  const Result<std::uint64_t> visited = reader.for_each_aux(run, [&](const AuxView& aux) {
    if (aux.row.quantity != stack_pressure_quantity || !std::isfinite(aux.row.value)) return true;
    const double at_s = static_cast<double>(aux.row.test_time_ns) / 1e9;
    if (has_any && at_s - from_s > end_s / static_cast<double>(chart_columns)) {
      line.add(from_s / scale.seconds, to_s / scale.seconds, range);
      has_any = false;
    }
    if (!has_any) from_s = at_s, range = LeastMost{};
    has_any = true;
    to_s = at_s;
    range.include(aux.row.value);
    return true;
  });
  if (!visited) return visited.error();
  if (has_any) line.add(from_s / scale.seconds, to_s / scale.seconds, range);
  return line.take();
}

std::vector<ChartBand> step_bands(const std::vector<StepInfo>& steps, const TimeScale& scale, double end_s) {
  std::vector<ChartBand> bands;
  constexpr std::size_t bands_max = 400;
  if (steps.size() > bands_max) return bands;
  for (const StepInfo& step : steps) {
    const std::string& type = step.row.type;
    const char* const colour = type.ends_with("_CHG") ? "#eaf1fb" : type.ends_with("_DCH") ? "#fdf0e6" : "";
    if (*colour == '\0') continue;
    const double from_s = static_cast<double>(step.row.started_test_time_ns) / 1e9;
    const double to_s = step.end ? static_cast<double>(step.end->ended_test_time_ns) / 1e9 : end_s;
    bands.push_back(
        {from_s / scale.seconds, to_s / scale.seconds, colour, fmt::format("step {}: {}", step.row.step_count, step.row.name)});
  }
  return bands;
}

std::vector<ChartMark> trouble_marks(const std::vector<EventRow>& events, const TimeScale& scale) {
  std::vector<ChartMark> marks;
  constexpr std::size_t marks_max = 40;
  for (const EventRow& event : events) {
    if (event.severity == Severity::info || marks.size() >= marks_max) continue;
    marks.push_back({static_cast<double>(event.test_time_ns) / 1e9 / scale.seconds, event.kind + ": " + event.message});
  }
  return marks;
}

std::vector<ChartGuide> guides_of(const std::vector<NamedLimit>& limits, const std::string& quantity) {
  std::vector<ChartGuide> guides;
  for (const NamedLimit& limit : limits) {
    if (limit.quantity == quantity) guides.push_back({limit.value, limit.text});
  }
  return guides;
}

/// A cycle that did not begin empty gives more than it got: drawn, it would flatten all others. NaN: not drawn.
double drawn_percent(double efficiency) {
  constexpr double drawn_max = 1.2;
  return efficiency > 0 && efficiency <= drawn_max ? 100 * efficiency : std::nan("");
}

}  // namespace

Result<std::string> course_svg(Reader& reader, RunKey run, const std::vector<NamedLimit>& limits) {
  const Result<Overview> seen = overview(reader, run, {.columns = chart_columns});
  if (!seen) return seen.error();
  if (seen->pieces.empty()) return std::string{};
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  const Result<std::vector<EventRow>> events = reader.events(run);
  if (!events) return events.error();
  const double end_s = static_cast<double>(seen->pieces.back().to_ns) / 1e9;
  const TimeScale scale = time_scale(end_s);
  const Result<std::vector<ChartPoint>> pressure = pressure_line(reader, run, scale, end_s);
  if (!pressure) return pressure.error();
  Chart chart;
  chart.description = "voltage, current and temperature over the time of the test";
  chart.x_label = fmt::format("test time / {}", scale.name);
  chart.x_min = 0;
  chart.bands = step_bands(*steps, scale, end_s);
  chart.marks = trouble_marks(*events, scale);
  chart.panels.push_back({"voltage / V",
                          {{"voltage", voltage_colour, line_of(*seen, scale, &OverviewPiece::voltage_V)}},
                          guides_of(limits, "voltage_V"),
                          170});
  chart.panels.push_back({"current / A",
                          {{"current (charge positive)", current_colour, line_of(*seen, scale, &OverviewPiece::current_A)}},
                          guides_of(limits, "current_A"),
                          140});
  ChartPanel temperature{"temperature / °C", {}, guides_of(limits, "cell_temperature_degC"), 130};
  temperature.series.push_back({"ambient", ambient_colour, line_of(*seen, scale, &OverviewPiece::ambient_temperature_degC)});
  temperature.series.push_back(
      {"cell surface", temperature_colour, line_of(*seen, scale, &OverviewPiece::cell_temperature_degC)});
  std::erase_if(temperature.series, [](const ChartSeries& s) { return s.points.empty(); });
  if (!temperature.series.empty()) chart.panels.push_back(std::move(temperature));
  if (!pressure->empty()) {
    chart.panels.push_back(
        {"stack pressure / MPa", {{"stack pressure", pressure_colour, *pressure}}, guides_of(limits, "stack_pressure_MPa"), 110});
  }
  return svg_of(chart);
}

std::string cycles_svg(const std::vector<ChartedRun>& runs) {
  Chart chart;
  chart.description = "discharge capacity and efficiencies by cycle";
  chart.x_label = "cycle";
  chart.x_is_whole = true;
  ChartPanel capacity{"discharge / Ah", {}, {}, 200}, efficiency{"efficiency / %", {}, {}, 130};
  std::size_t most = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const bool is_alone = runs.size() == 1;
    constexpr std::size_t marks_max = 120;
    const std::vector<CycleSummaryRow>& cycles = runs[i].summary->cycles;
    most = std::max(most, cycles.size());
    ChartSeries discharge{is_alone ? "discharge capacity" : runs[i].name, colour_of_run(i), {}, cycles.size() <= marks_max};
    ChartSeries coulombic{
        is_alone ? "coulombic efficiency" : "", is_alone ? "#8a3ffc" : colour_of_run(i), {}, cycles.size() <= marks_max};
    ChartSeries energy{"energy efficiency", "#5f6b7a", {}, false, true};
    for (const CycleSummaryRow& cycle : cycles) {
      const auto x = static_cast<double>(cycle.row.cycle);
      if (cycle.row.discharge_Ah > 0) discharge.points.push_back({x, cycle.row.discharge_Ah});
      if (cycle.row.coulombic_efficiency) coulombic.points.push_back({x, drawn_percent(*cycle.row.coulombic_efficiency)});
      if (cycle.row.energy_efficiency) energy.points.push_back({x, drawn_percent(*cycle.row.energy_efficiency)});
    }
    capacity.series.push_back(std::move(discharge));
    efficiency.series.push_back(std::move(coulombic));
    if (is_alone) efficiency.series.push_back(std::move(energy));
    if (is_alone && runs[i].summary->reference_Ah) {
      for (const double share : end_of_life_shares) {
        capacity.guides.push_back(
            {share * *runs[i].summary->reference_Ah, fmt::format("{:.0f} % of the reference", 100 * share)});
      }
    }
  }
  if (most < 2) return {};
  if (runs.size() > 1) efficiency.y_label = "coulombic eff. / %";
  chart.panels = {std::move(capacity), std::move(efficiency)};
  return svg_of(chart);
}

namespace {

/// As many points as a picture needs, the first and the last among them.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points) {
  constexpr std::size_t points_max = 700;
  if (points.size() <= points_max) return points;
  std::vector<ChartPoint> out;
  const std::size_t every = (points.size() + points_max - 1) / points_max;
  for (std::size_t i = 0; i < points.size(); i += every) out.push_back(points[i]);
  out.push_back(points.back());
  return out;
}

struct ChargedCycle {
  const ChartedRun* run = nullptr;
  std::int64_t cycle = 0;
  std::string label;
};

std::vector<ChargedCycle> cycles_to_draw(const std::vector<ChartedRun>& runs) {
  std::vector<ChargedCycle> out;
  for (const ChartedRun& run : runs) {
    std::vector<std::int64_t> charged;
    for (const CycleSummaryRow& cycle : run.summary->cycles) {
      if (cycle.row.charge_Ah > 0) charged.push_back(cycle.row.cycle);
    }
    if (charged.empty()) continue;
    if (runs.size() > 1) {
      out.push_back({&run, charged.front(), fmt::format("{}, cycle {}", run.name, charged.front())});
      continue;
    }
    std::vector<std::int64_t> chosen{charged.front(), charged[charged.size() / 2], charged.back()};
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    for (const std::int64_t cycle : chosen) out.push_back({&run, cycle, fmt::format("cycle {}", cycle)});
  }
  return out;
}

struct DrawnAs {
  const std::string& label;
  const char* colour;
  std::string thinning;
};

/// A line of the chart's only panel, and in words how it was made.
void add_slope(Chart& chart, std::string& resampling, const std::optional<Differential>& slope, const DrawnAs& as) {
  if (!slope) return;
  if (resampling.empty()) resampling = slope->resampling;
  if (!as.thinning.empty()) resampling += fmt::format("; {} {}", as.label, as.thinning);
  std::vector<ChartPoint> line;
  for (const DifferentialPoint& point : slope->points) line.push_back({point.at, point.value});
  chart.panels[0].series.push_back({as.label, as.colour, thinned(line)});
}

}  // namespace

Result<ChargeCharts> charge_charts(const std::vector<ChartedRun>& runs) {
  ChargeCharts out;
  Chart voltage, differential;
  voltage.description = "voltage over charge";
  voltage.x_label = "charge / Ah";
  voltage.width = differential.width = 490;
  voltage.panels.push_back({"voltage / V", {}, {}, 210});
  differential.description = "dQ/dV over voltage";
  differential.x_label = "voltage / V";
  differential.panels.push_back({"dQ/dV / (Ah/V)", {}, {}, 210});
  differential.panels[0].y_min = 0;
  Chart slope_chart;
  slope_chart.description = "dV/dQ over charge";
  slope_chart.x_label = "charge / Ah";
  slope_chart.width = 490;
  slope_chart.panels.push_back({"dV/dQ / (V/Ah)", {}, {}, 210});
  slope_chart.panels[0].y_min = 0;
  for (const ChargedCycle& cycle : cycles_to_draw(runs)) {
    const Result<std::vector<StepInfo>> steps = cycle.run->reader->steps(cycle.run->summary->info.run);
    if (!steps) return steps.error();
    const Result<LoadedCurve> curve = charge_curve(*cycle.run->reader, *steps, cycle.cycle);
    if (!curve) return curve.error();
    const std::size_t index = voltage.panels[0].series.size();
    std::vector<ChartPoint> points;
    for (const CurvePoint& point : curve->points) points.push_back({point.moved_Ah, point.voltage_V});
    voltage.panels[0].series.push_back({cycle.label, colour_of_run(index), thinned(points)});
    const DrawnAs drawn{cycle.label, colour_of_run(index), curve->thinning()};
    add_slope(differential, out.resampling, dq_dv(curve->points, charge_dq_dv), drawn);
    add_slope(slope_chart, out.voltage_slope_resampling, dv_dq(curve->points, charge_dv_dq), drawn);
  }
  out.voltage_slope_svg = slope_chart.panels[0].series.empty() ? std::string{} : svg_of(slope_chart);
  out.voltage_svg = svg_of(voltage);
  out.differential_svg = svg_of(differential);
  return out;
}

}  // namespace cellrig::db
