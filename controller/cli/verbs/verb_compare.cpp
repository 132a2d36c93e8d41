// cellrig compare: runs side by side; several cells as a lot, with spread and Cpk.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <charconv>
#include <cmath>
#include <memory>

#include "controller/base/config_error.hpp"
#include "controller/cli/record/comparison.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/text/table.hpp"
#include "controller/cli/verbs.hpp"
#include "db/export/text_file.hpp"

namespace cellrig::cli {
namespace {

struct CompareOptions {
  std::vector<std::string> runs;
  std::string database = default_database;
  RunFilter filter;
  SummaryWords words;
  std::vector<std::string> tolerances;
  bool json = false;
  bool csv = false;
};

[[noreturn]] void refuse_tolerance(const std::string& text) {
  throw ConfigError{SourcePlace{}, "--tolerance: '" + text +
                                       "' is none; say FIGURE=LOWER:UPPER, one of them may be missing: "
                                       "first_discharge_Ah=4.9:5.1, temperature_rise_K=:15"};
}

std::optional<double> limit_of(const std::string& text, const std::string& whole) {
  if (text.empty()) return std::nullopt;
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size() || !std::isfinite(value)) refuse_tolerance(whole);
  return value;
}

std::map<std::string, db::Tolerance> tolerances_of(const std::vector<std::string>& words) {
  std::map<std::string, db::Tolerance> out;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('='), colon = word.find(':', equals == std::string::npos ? 0 : equals);
    if (equals == std::string::npos || colon == std::string::npos) refuse_tolerance(word);
    db::Tolerance tolerance{limit_of(word.substr(equals + 1, colon - equals - 1), word), limit_of(word.substr(colon + 1), word)};
    const bool is_upside_down = tolerance.lower && tolerance.upper && !(*tolerance.lower < *tolerance.upper);
    if ((!tolerance.lower && !tolerance.upper) || is_upside_down) refuse_tolerance(word);
    out[word.substr(0, equals)] = tolerance;
  }
  return out;
}

std::string cell_text(const ComparisonLine& line, const std::optional<double>& value) {
  return value ? fmt::format("{:.{}f}", *value * line.factor, line.decimals) : "-";
}

/// Two runs: how far the second is from the first. More: the lot.
std::string comparison_table(const RunComparison& c, bool has_tolerances) {
  std::vector<std::string> headings{"figure"};
  for (const ComparedRun& run : c.runs) headings.push_back(">run " + run.run.name);
  const bool is_pair = c.runs.size() == 2 && !has_tolerances;
  if (is_pair) headings.insert(headings.end(), {">difference", ">%"});
  if (!is_pair && c.runs.size() > 1) headings.insert(headings.end(), {">mean", ">s", ">spread %"});
  if (has_tolerances) headings.insert(headings.end(), {">Cpk", ">at least (95 %)"});
  Table table{headings};
  for (const ComparisonLine& line : c.lines) {
    std::vector<std::string> cells{line.label};
    for (const std::optional<double>& value : line.values) cells.push_back(cell_text(line, value));
    if (is_pair && line.values[0] && line.values[1]) {
      const double difference = *line.values[1] - *line.values[0];
      cells.push_back(fmt::format("{:+.{}f}", difference * line.factor, line.decimals));
      cells.push_back(*line.values[0] != 0 ? fmt::format("{:+.2f}", 100 * difference / std::abs(*line.values[0])) : "-");
    }
    if (!is_pair && c.runs.size() > 1 && line.spread) {
      cells.push_back(cell_text(line, line.spread->mean));
      cells.push_back(fmt::format("{:.{}f}", line.spread->standard_deviation * line.factor, line.decimals + 1));
      cells.push_back(fmt::format("{:.2f}", 100 * line.spread->spread_share));
      if (line.spread->cpk) {
        cells.push_back(fmt::format("{:.2f}", *line.spread->cpk));
        cells.push_back(fmt::format("{:.2f}", line.spread->cpk_lower_95.value_or(NAN)));
      }
    }
    table.add(std::move(cells));
  }
  return table.text();
}

void print_text(const RunComparison& c, const CompareOptions& options) {
  for (const ComparedRun& run : c.runs) {
    const db::RunRow& row = run.run.info.row;
    fmt::print("run {}: {} on {} ({}{}), {}\n", run.run.name, row.profile_name, row.channel, row.cell_name,
               row.cell_id.empty() ? "" : " " + row.cell_id, status_text(run.run.info));
  }
  fmt::print("\n{}", comparison_table(c, !options.tolerances.empty()));
  for (const ComparisonLine& line : c.lines) {
    if (!line.spread || line.spread->outliers.empty()) continue;
    for (const std::size_t outlier : line.spread->outliers) {
      std::size_t at = 0, known = 0;  // the runs that have no value are not counted
      while (at < line.values.size() && (!line.values[at] || known++ < outlier)) ++at;
      if (at < c.runs.size()) fmt::print("  run {} is an outlier in {}\n", c.runs[at].run.name, line.label);
    }
  }
  fmt::print("\n{}", c.differences.empty() ? "run with the same profile, parameters, cell file, instruments and program\n"
                                           : "what differed:\n");
  for (const std::string& difference : c.differences) fmt::print("  {}\n", difference);
}

void print_csv(const RunComparison& c) {
  db::CsvLine line;
  for (const char* name : {"figure", "label"}) line.text(name);
  for (const ComparedRun& run : c.runs) {
    const std::string_view mark = db::mark_of(run.run.info.origin);
    line.text(fmt::format("run {}{}{}", run.run.name, mark.empty() ? "" : " ", mark));
  }
  for (const char* name : {"mean", "standard_deviation", "spread_share", "cpk", "cpk_lower_95"}) line.text(name);
  fmt::print("{}", line.finish());
  for (const ComparisonLine& figure : c.lines) {
    line.clear();
    line.text(figure.name);
    line.text(figure.label);
    for (const std::optional<double>& value : figure.values) line.real(value.value_or(NAN));
    const std::optional<db::LotSpread>& s = figure.spread;
    line.real(s ? s->mean : NAN);
    line.real(s ? s->standard_deviation : NAN);
    line.real(s ? s->spread_share : NAN);
    line.real(s ? s->cpk.value_or(NAN) : NAN);
    line.real(s ? s->cpk_lower_95.value_or(NAN) : NAN);
    fmt::print("{}", line.finish());
  }
}

boost::json::value or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? boost::json::value(*value) : boost::json::value(nullptr);
}

boost::json::object comparison_json(const RunComparison& c) {
  boost::json::array runs, figures, differences;
  for (const ComparedRun& run : c.runs) {
    const db::RunRow& row = run.run.info.row;
    runs.push_back(boost::json::object{{"name", run.run.name},
                                       {"run", run.run.info.run},
                                       {"profile", row.profile_name},
                                       {"cell", row.cell_name},
                                       {"cell_id", row.cell_id},
                                       {"status", run.run.info.status},
                                       {"time_source", row.time_source},
                                       {"origin", db::word_of(run.run.info.origin)}});
  }
  for (const ComparisonLine& line : c.lines) {
    boost::json::array values;
    for (const std::optional<double>& value : line.values) values.push_back(or_null(value));
    boost::json::object figure{{"name", line.name}, {"label", line.label}, {"values", std::move(values)}};
    if (line.spread) {
      const db::LotSpread& s = *line.spread;
      figure["spread"] = boost::json::object{{"count", s.count},
                                             {"mean", s.mean},
                                             {"standard_deviation", s.standard_deviation},
                                             {"spread_share", s.spread_share},
                                             {"cpk", or_null(s.cpk)},
                                             {"cpk_lower_95", or_null(s.cpk_lower_95)}};
    }
    figures.push_back(std::move(figure));
  }
  for (const std::string& difference : c.differences) differences.emplace_back(difference);
  return {{"runs", std::move(runs)}, {"figures", std::move(figures)}, {"differences", std::move(differences)}};
}

ExitCode run_compare(const CompareOptions& options) {
  if (options.json && options.csv) throw ConfigError{SourcePlace{}, "compare: --json or --csv, not both"};
  const std::map<std::string, db::Tolerance> tolerances = tolerances_of(options.tolerances);
  const std::vector<OpenRun> runs = open_runs(options.runs, options.database, options.filter);
  if (runs.size() < 2) throw ConfigError{SourcePlace{}, "compare: name two runs or more"};
  const RunComparison comparison = compare_runs(runs, options.words, tolerances);
  if (options.csv) {
    print_csv(comparison);
  } else if (options.json) {
    print_json(comparison_json(comparison));
  } else {
    print_text(comparison, options);
  }
  return ExitCode::passed;
}

}  // namespace

void add_compare(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("compare", "runs side by side; several cells as a lot, with spread and Cpk");
  const auto options = std::make_shared<CompareOptions>();
  verb->add_option("run", options->runs,
                   "numbers of runs, as `cellrig runs` lists them, or FILE:NUMBER; all that pass the filters if not given");
  verb->add_option("--db", options->database, "the database");
  add_filter_options(*verb, options->filter);
  add_summary_options(*verb, options->words);
  verb->add_option("--tolerance", options->tolerances,
                   "FIGURE=LOWER:UPPER, for Cpk: the limits a lot must keep; one may be missing; may be given several times");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--csv", options->csv, "one table with a header on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_compare(*options); }; });
}

}  // namespace cellrig::cli
