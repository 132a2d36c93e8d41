#include "controller/cli/rehearsal/rehearsal_report.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>

#include "controller/cli/text/table.hpp"
#include "controller/runtime/channel_record.hpp"
#include "profiles/describe.hpp"

namespace cellrig::cli {
namespace {

std::string span_text(const Span& span, int digits) {
  if (!span.is_known) return "-";
  if (fmt::format("{:.{}f}", span.min, digits) == fmt::format("{:.{}f}", span.max, digits))
    return fmt::format("{:.{}f}", span.max, digits);
  return fmt::format("{:.{}f}..{:.{}f}", span.min, digits, span.max, digits);
}

/// The whole condition is on the page and in the JSON.
std::string shortened(const std::string& text) {
  constexpr std::size_t most_characters = 44;
  return text.size() <= most_characters ? text : text.substr(0, most_characters - 3) + "...";
}

std::string most(const Span& span, int digits) { return span.is_known ? fmt::format("{:.{}f}", span.max, digits) : "-"; }

std::string steps_table(const Program& program, const Rehearsal& rehearsal) {
  Table table({">line", "step", ">times", ">on average", "V", "A", ">degC", ">Ah in", ">Ah out", "ended last by"});
  for (const RehearsedStep& step : rehearsal.steps) {
    const Step& compiled = step_at(program, step.instruction);
    const bool ran = step.executions > 0;
    table.add({line_text(program, compiled.source), compiled.name, fmt::to_string(step.executions),
               ran ? duration_text(step.seconds / static_cast<double>(step.executions)) : "-", span_text(step.voltage_V, 3),
               span_text(step.current_A, 2), most(step.cell_temperature_degC, 1),
               ran ? fmt::format("{:.3f}", step.charge_Ah) : "-", ran ? fmt::format("{:.3f}", step.discharge_Ah) : "-",
               ran ? shortened(step.last_end) : "never reached"});
  }
  return table.text();
}

std::string approaches_table(const Program& program, const Rehearsal& rehearsal) {
  Table table({"limit", ">at", ">nearest", ">margin", "unit", ">test time", "in step"});
  for (const Approach& a : rehearsal.approaches) {
    if (!a.is_known) continue;
    table.add({a.limit, fmt::format("{:.4g}", a.bound), fmt::format("{:.4g}", a.nearest), fmt::format("{:.3g}", a.margin), a.unit,
               clock_text(static_cast<double>(a.test_time_ns) * 1e-9), step_at(program, a.instruction).name});
  }
  return table.text();
}

boost::json::value span_json(const Span& span) {
  if (!span.is_known) return nullptr;
  return boost::json::array{span.min, span.max};
}

boost::json::array steps_json(const Program& program, const Rehearsal& rehearsal) {
  boost::json::array list;
  for (const RehearsedStep& step : rehearsal.steps) {
    const Step& compiled = step_at(program, step.instruction);
    list.push_back(boost::json::object{{"step", compiled.name},
                                       {"line", compiled.source.line},
                                       {"file", file_text(program, compiled.source)},
                                       {"executions", step.executions},
                                       {"timed_out", step.timed_out},
                                       {"duration_s", step.seconds},
                                       {"charge_Ah", step.charge_Ah},
                                       {"discharge_Ah", step.discharge_Ah},
                                       {"charge_Wh", step.charge_Wh},
                                       {"discharge_Wh", step.discharge_Wh},
                                       {"voltage_V", span_json(step.voltage_V)},
                                       {"current_A", span_json(step.current_A)},
                                       {"cell_temperature_degC", span_json(step.cell_temperature_degC)},
                                       {"ended_last_by", step.last_end}});
  }
  return list;
}

boost::json::array approaches_json(const Program& program, const Rehearsal& rehearsal) {
  boost::json::array list;
  for (const Approach& a : rehearsal.approaches) {
    if (!a.is_known) continue;
    list.push_back(boost::json::object{{"limit", a.limit},
                                       {"unit", a.unit},
                                       {"bound", a.bound},
                                       {"nearest", a.nearest},
                                       {"margin", a.margin},
                                       {"test_time_s", static_cast<double>(a.test_time_ns) * 1e-9},
                                       {"step", step_at(program, a.instruction).name}});
  }
  return list;
}

boost::json::array strings_json(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

boost::json::array criteria_json(const std::vector<JudgedCriterion>& criteria) {
  boost::json::array list;
  for (const JudgedCriterion& c : criteria) list.push_back(boost::json::object{{"text", c.text}, {"times", c.times}});
  return list;
}

/// One quantity of the curve. Of the two ends of a span the one nearer to where the curve was comes first.
boost::json::array column_json(const std::vector<CurvePiece>& curve, Span CurvePiece::*quantity) {
  boost::json::array column;
  double before = std::numeric_limits<double>::quiet_NaN();
  for (const CurvePiece& piece : curve) {
    const Span& span = piece.*quantity;
    const bool rises = !(std::abs(span.max - before) < std::abs(span.min - before));
    for (const double value : rises ? std::array{span.min, span.max} : std::array{span.max, span.min})
      column.emplace_back(span.is_known ? boost::json::value(value) : boost::json::value{});
    if (span.is_known) before = rises ? span.max : span.min;
  }
  return column;
}

}  // namespace

boost::json::object curve_json(const Rehearsal& rehearsal) {
  boost::json::array times;
  for (const CurvePiece& piece : rehearsal.curve) {
    times.emplace_back(piece.from_s);
    times.emplace_back(piece.to_s);
  }
  return {{"test_time_s", std::move(times)},
          {"voltage_V", column_json(rehearsal.curve, &CurvePiece::voltage_V)},
          {"current_A", column_json(rehearsal.curve, &CurvePiece::current_A)},
          {"cell_temperature_degC", column_json(rehearsal.curve, &CurvePiece::cell_temperature_degC)}};
}

std::string to_string(const JudgedCriterion& criterion) {
  return criterion.times > 1 ? fmt::format("{} ({} times)", criterion.text, criterion.times) : criterion.text;
}

const Step& step_at(const Program& program, std::uint32_t instruction) {
  static const Step none;
  if (instruction >= program.code.size()) return none;
  const Step* const step = std::get_if<Step>(&program.code[instruction]);
  return step != nullptr ? *step : none;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::llround(seconds));
  const long long days = whole / 86'400, hours = whole / 3600 % 24, minutes = whole / 60 % 60;
  if (days > 0) return fmt::format("{} d {} h", days, hours);
  if (hours > 0) return minutes == 0 ? fmt::format("{} h", hours) : fmt::format("{} h {} min", hours, minutes);
  if (minutes > 0) return whole % 60 == 0 ? fmt::format("{} min", minutes) : fmt::format("{} min {} s", minutes, whole % 60);
  return fmt::format("{:.3g} s", seconds);
}

std::string bytes_text(double bytes) {
  if (bytes >= 1e9) return fmt::format("{:.1f} GB", bytes / 1e9);
  if (bytes >= 1e6) return fmt::format("{:.1f} MB", bytes / 1e6);
  return fmt::format("{:.0f} kB", std::ceil(bytes / 1e3));
}

std::string file_text(const Program& program, SourceSpot spot) {
  if (spot.file < 1 || static_cast<std::size_t>(spot.file) > program.files.size()) return {};
  return std::filesystem::path{program.files[static_cast<std::size_t>(spot.file) - 1]}.filename().string();
}

std::string line_text(const Program& program, SourceSpot spot) {
  const std::string file = file_text(program, spot);
  return file.empty() ? fmt::to_string(spot.line) : fmt::format("{}:{}", file, spot.line);
}

std::vector<std::string> remarks(const Program& program, const Rehearsal& rehearsal) {
  std::vector<std::string> list;
  for (const RehearsedStep& step : rehearsal.steps) {
    const Step& compiled = step_at(program, step.instruction);
    const std::string file = file_text(program, compiled.source);
    const std::string where =
        fmt::format("line {}{}, '{}': ", compiled.source.line, file.empty() ? "" : " of " + file, compiled.name);
    if (step.executions == 0) list.push_back(where + "never reached");
    if (step.timed_out > 0) {
      list.push_back(where +
                     fmt::format("ended by its bound of {}, which is a failure", duration_text(to_seconds(compiled.time_max))));
    }
  }
  return list;
}

std::string verdict(const Rehearsal& rehearsal) {
  std::string text{to_string(rehearsal.outcome)};
  if (rehearsal.outcome == Outcome::completed && !rehearsal.criteria.empty())
    text += rehearsal.criteria_met ? ", every criterion met" : ", a criterion not met";
  if (!rehearsal.reason.empty()) text += ": " + rehearsal.reason;
  return text;
}

std::string rehearsal_text(const Program& program, const Rehearsal& r) {
  std::string text = fmt::format("{} on {}, bench {}, channel {}, from {:.0f} %, looked at every {:g} s\n\n", program.name,
                                 r.cell, r.bench, r.channel, r.soc_pct, to_seconds(r.control_period));
  text += fmt::format("  outcome       {}\n", verdict(r));
  text += fmt::format("  duration      {}{}\n", duration_text(r.seconds),
                      r.cycles > 0 ? fmt::format(", {} cycles", r.cycles) : std::string());
  text += fmt::format("  charge        {:.3f} Ah in, {:.3f} Ah out\n", r.charge_Ah, r.discharge_Ah);
  text += fmt::format("  energy        {:.2f} Wh in, {:.2f} Wh out\n", r.charge_Wh, r.discharge_Wh);
  text += fmt::format("  record        {} rows, about {}\n", r.rows, bytes_text(r.bytes));
  text += fmt::format("  temperature   {} degC on the cell\n\n", span_text(r.cell_temperature_degC, 1));
  for (const JudgedCriterion& criterion : r.criteria) text += "  " + to_string(criterion) + "\n";
  if (!r.criteria.empty()) text += "\n";
  text += "How near it comes to the safety limits\n" + approaches_table(program, r) + "\n";
  text += "Steps\n" + steps_table(program, r);
  const std::vector<std::string> list = remarks(program, r);
  if (!list.empty()) text += "\n";
  for (const std::string& remark : list) text += remark + "\n";
  for (const std::string& warning : r.warnings) text += "warning: " + warning + "\n";
  return text;
}

boost::json::object rehearsal_json(const Program& program, const Rehearsal& r) {
  return {{"profile", program.name},
          {"program_hash", program.hash},
          {"cell", r.cell},
          {"bench", r.bench},
          {"channel", r.channel},
          {"soc_pct", r.soc_pct},
          {"control_period_s", to_seconds(r.control_period)},
          {"outcome", std::string(to_string(r.outcome))},
          {"criteria_met", r.criteria_met},
          {"reason", r.reason},
          {"criteria", criteria_json(r.criteria)},
          {"duration_s", r.seconds},
          {"cycles", r.cycles},
          {"charge_Ah", r.charge_Ah},
          {"discharge_Ah", r.discharge_Ah},
          {"charge_Wh", r.charge_Wh},
          {"discharge_Wh", r.discharge_Wh},
          {"rows", r.rows},
          {"bytes", r.bytes},
          {"cell_temperature_degC", span_json(r.cell_temperature_degC)},
          {"limits", approaches_json(program, r)},
          {"steps", steps_json(program, r)},
          {"remarks", strings_json(remarks(program, r))},
          {"warnings", strings_json(r.warnings)}};
}

}  // namespace cellrig::cli
