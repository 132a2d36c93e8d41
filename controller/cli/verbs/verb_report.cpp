// cellrig report: one HTML file of a run or of several, to look at, to print, to hand on.
#include <fmt/format.h>

#include <memory>

#include "controller/async/real_time.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/record/comparison.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/record/report_results.hpp"
#include "controller/cli/record/report_run.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/base/version.hpp"
#include "db/export/text_file.hpp"
#include "db/report/report.hpp"

namespace cellrig::cli {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string database = default_database;
  RunFilter filter;
  SummaryWords words;
  std::string output;
  std::string title;
  bool overwrite = false;
  bool quiet = false;
};

db::ReportSection figures_section(const RunComparison& comparison) {
  db::ReportSection section{"Side by side", {}, {{"figure"}, {}, {}}, {}};
  for (const ComparedRun& run : comparison.runs) section.table.headings.push_back(">run " + run.run.name);
  section.table.headings.insert(section.table.headings.end(), {">mean", ">s", ">spread / %"});
  for (const ComparisonLine& line : comparison.lines) {
    std::vector<std::string> cells{line.label};
    const auto text = [&line](const std::optional<double>& value, int more) {
      return value ? fmt::format("{:.{}f}", *value * line.factor, line.decimals + more) : std::string("–");
    };
    for (const std::optional<double>& value : line.values) cells.push_back(text(value, 0));
    if (line.spread) {
      cells.push_back(text(line.spread->mean, 0));
      cells.push_back(text(line.spread->standard_deviation, 1));
      cells.push_back(fmt::format("{:.2f}", 100 * line.spread->spread_share));
    }
    section.table.rows.push_back(std::move(cells));
  }
  section.table.note = "s: standard deviation of these runs; spread: (greatest - least) / mean.";
  return section;
}

db::ReportSection differences_section(const RunComparison& comparison) {
  db::ReportSection section{"What differed", {}, {}, {}};
  if (comparison.differences.empty()) {
    section.text = "Nothing: the same profile, parameters, cell file, instruments and program.";
    return section;
  }
  section.table.headings = {"what", "by run"};
  for (const std::string& difference : comparison.differences) {
    const std::size_t colon = difference.find(": ");
    section.table.rows.push_back({difference.substr(0, colon), difference.substr(colon + 2)});
  }
  return section;
}

std::string output_of(const ReportOptions& options, const std::vector<OpenRun>& runs) {
  if (!options.output.empty()) return options.output;
  return runs.size() == 1 ? fmt::format("run-{}.html", runs.front().info.run) : std::string("comparison.html");
}

ExitCode run_report(const ReportOptions& options) {
  const std::vector<OpenRun> runs = open_runs(options.runs, options.database, options.filter);
  if (runs.empty()) throw ConfigError{SourcePlace{options.database}, "report: there is no such run"};
  constexpr std::size_t runs_max = 24;
  if (runs.size() > runs_max) {
    throw ConfigError{SourcePlace{}, fmt::format("report: {} runs are too many for one page (at most {}): name some, or filter",
                                                 runs.size(), runs_max)};
  }
  const RunComparison comparison = compare_runs(runs, options.words, {});
  db::ReportInput input;
  input.title = options.title;
  input.made = fmt::format("{} UTC, cellrig {}", utc_text(RealTime{}.utc_now()), version);
  if (runs.size() > 1) input.sections = {figures_section(comparison), differences_section(comparison)};
  input.sections.push_back(results_section(comparison.runs));
  for (const ComparedRun& run : comparison.runs) input.runs.push_back(report_run(run, options.words));
  const std::string path = output_of(options, runs);
  const std::string page = value_or_throw(db::report_html(input), options.database);
  db::TextFile file = value_or_throw(db::TextFile::create({path, options.overwrite}), path);
  file.write(page);
  value_or_throw(file.finish(), path);
  if (!options.quiet) fmt::print("{}\n", path);
  return ExitCode::passed;
}

}  // namespace

void add_report(CLI::App& app, Action& chosen) {
  CLI::App* const verb =
      app.add_subcommand("report", "one HTML file of a run, or of several side by side: to look at, print and hand on");
  const auto options = std::make_shared<ReportOptions>();
  verb->add_option("run", options->runs,
                   "numbers of runs, as `cellrig runs` lists them, or FILE:NUMBER; all that pass the filters if not given");
  verb->add_option("--db", options->database, "the database");
  verb->add_option("--output,-o", options->output, "the file; default: named after the run");
  verb->add_option("--title", options->title, "of the page; default: the profile's name");
  add_filter_options(*verb, options->filter);
  add_summary_options(*verb, options->words);
  verb->add_flag("--overwrite", options->overwrite, "replace a file that exists");
  verb->add_flag("--quiet", options->quiet, "say nothing");
  verb->callback([options, &chosen] { chosen = [options] { return run_report(*options); }; });
}

}  // namespace cellrig::cli
