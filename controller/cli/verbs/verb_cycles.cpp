// cellrig cycles: the cycle table of runs, against a stated reference, with the definition of every figure.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <memory>

#include "controller/base/config_error.hpp"
#include "controller/cli/record/cycle_columns.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/record/reference_option.hpp"
#include "controller/cli/record/run_filter.hpp"
#include "controller/cli/text/table.hpp"
#include "controller/cli/verbs.hpp"
#include "db/analysis/metrics.hpp"
#include "db/export/text_file.hpp"

namespace cellrig::cli {
namespace {

/// A record that keeps one row in many gives sums and times a little otherwise than every observation did.
constexpr double recount_tolerance = 1e-3;
constexpr std::size_t differences_shown = 20;

struct CyclesOptions {
  std::vector<std::string> runs;
  std::string database = default_database;
  RunFilter filter;
  SummaryWords words;
  std::size_t rows_max = 60;
  bool definitions = false;
  bool recount = false;
  bool json = false;
  bool csv = false;
};

struct Summarised {
  OpenRun run;
  db::SummaryOptions options;
  db::CycleSummary summary;
  std::vector<CycleColumn> columns;
  std::vector<std::string> differences;  ///< of what was written from what the rows give, where that was asked for
};

Summarised summarised(const OpenRun& run, const CyclesOptions& options) {
  Summarised out{run, summary_options(options.words, run.info.row.nominal_capacity_Ah), {}, {}, {}};
  out.summary = value_or_throw(db::summarise(*run.reader, run.info.run, out.options), run.reader->path());
  out.columns = cycle_columns(out.summary, out.options.window.has_value());
  if (options.recount)
    out.differences = value_or_throw(db::recount(*run.reader, run.info.run, recount_tolerance), run.reader->path());
  return out;
}

boost::json::value optional_json(const std::optional<double>& value) {
  return value ? boost::json::value(*value) : boost::json::value(nullptr);
}

boost::json::value optional_json(const std::optional<std::int64_t>& value) {
  return value ? boost::json::value(*value) : boost::json::value(nullptr);
}

boost::json::object life_json(const Summarised& s) {
  boost::json::array ends;
  for (std::size_t i = 0; i < db::end_of_life_shares.size(); ++i) {
    ends.push_back(boost::json::object{{"share", db::end_of_life_shares[i]},
                                       {"first_below", optional_json(s.summary.cycles_to[i].first_below)},
                                       {"confirmed_2_of_3", optional_json(s.summary.cycles_to[i].confirmed_of_three)}});
  }
  return {{"reference", reference_text(s.options.reference)},
          {"reference_capacity_Ah", optional_json(s.summary.reference_Ah)},
          {"cycles_to_share", std::move(ends)},
          {"definition", definition_json(db::Figure::cycles_to_share)}};
}

boost::json::object cycles_json(const Summarised& s, bool is_recounted) {
  boost::json::array cycles;
  for (const db::CycleSummaryRow& row : s.summary.cycles) {
    boost::json::object cycle{{"cycle", row.row.cycle},
                              {"is_reference", row.row.is_reference},
                              {"started_test_time_s", static_cast<double>(row.row.started_test_time_ns) / 1e9},
                              {"ended_test_time_s", static_cast<double>(row.row.ended_test_time_ns) / 1e9}};
    for (const CycleColumn& column : s.columns) cycle[column.name] = optional_json(value_of(column, row));
    boost::json::object times;
    for (const auto& [share, seconds] : row.charge_time_to_share_s) times[fmt::format("{:.2f}", share)] = seconds;
    if (!times.empty()) cycle["charge_time_to_share_s"] = std::move(times);
    cycles.push_back(std::move(cycle));
  }
  boost::json::object out{{"run", s.run.info.run},
                          {"name", s.run.name},
                          {"profile", s.run.info.row.profile_name},
                          {"cell", s.run.info.row.cell_name},
                          {"cell_id", s.run.info.row.cell_id},
                          {"time_source", s.run.info.row.time_source},
                          {"origin", db::word_of(s.run.info.origin)},
                          {"nominal_capacity_Ah", s.run.info.row.nominal_capacity_Ah},
                          {"life", life_json(s)},
                          {"definitions", definitions_json(s.columns, s.options)},
                          {"cycles", std::move(cycles)}};
  if (is_recounted)
    out["recount"] = boost::json::object{{"tolerance", recount_tolerance},
                                         {"differences", boost::json::array(s.differences.begin(), s.differences.end())}};
  return out;
}

/// One table for all runs: the columns of those that have most, and the run in front.
void print_csv(const std::vector<Summarised>& all) {
  std::vector<CycleColumn> columns;
  for (const Summarised& s : all) {
    for (const CycleColumn& column : s.columns) {
      const auto is_same = [&column](const CycleColumn& c) { return c.name == column.name; };
      if (std::none_of(columns.begin(), columns.end(), is_same)) columns.push_back(column);
    }
  }
  db::CsvLine line;
  for (const char* name : {"run", "origin", "cycle", "is_reference", "started_test_time_s", "ended_test_time_s"}) line.text(name);
  for (const CycleColumn& column : columns) line.text(column.name);
  fmt::print("{}", line.finish());
  for (const Summarised& s : all) {
    for (const db::CycleSummaryRow& row : s.summary.cycles) {
      line.clear();
      line.text(s.run.name);
      line.text(db::word_of(s.run.info.origin));
      line.integer(row.row.cycle);
      line.integer(row.row.is_reference ? 1 : 0);
      line.seconds(row.row.started_test_time_ns);
      line.seconds(row.row.ended_test_time_ns);
      for (const CycleColumn& column : columns) line.real(value_of(column, row).value_or(std::nan("")));
      fmt::print("{}", line.finish());
    }
  }
}

std::string cycles_table(const Summarised& s, std::size_t rows_max) {
  std::vector<const CycleColumn*> shown;
  std::vector<std::string> headings{">cycle", "kind"};
  for (const CycleColumn& column : s.columns) {
    if (column.heading.empty()) continue;
    shown.push_back(&column);
    headings.push_back(column.heading);
  }
  Table table{headings};
  const std::vector<db::CycleSummaryRow>& cycles = s.summary.cycles;
  const bool is_cut = rows_max > 0 && cycles.size() > rows_max;
  const std::size_t head = is_cut ? rows_max / 2 : cycles.size(), tail = is_cut ? cycles.size() - (rows_max - head) : head;
  for (std::size_t i = 0; i < cycles.size(); ++i) {
    if (i == head && tail > head) table.add({"...", fmt::format("{} more", tail - head)});
    if (i >= head && i < tail) continue;
    std::vector<std::string> cells{std::to_string(cycles[i].row.cycle), cycles[i].row.is_reference ? "reference" : "cycle"};
    for (const CycleColumn* const column : shown) {
      const std::optional<double> value = value_of(*column, cycles[i]);
      cells.push_back(value ? fmt::format("{:.{}f}", *value * column->factor, column->decimals) : "-");
    }
    table.add(std::move(cells));
  }
  return table.text();
}

void print_life(const Summarised& s) {
  const std::string reference = reference_text(s.options.reference);
  if (!s.summary.reference_Ah) {
    fmt::print("  retention: there is no {} to compare with\n", reference);
    return;
  }
  fmt::print("  retention is of {}, {:.4f} Ah{}\n", reference, *s.summary.reference_Ah,
             s.options.source == db::CapacitySource::reference_cycles ? ", reference cycles only" : "");
  for (std::size_t i = 0; i < db::end_of_life_shares.size(); ++i) {
    const db::CyclesTo& to = s.summary.cycles_to[i];
    const std::string first = to.first_below ? fmt::format("first below at cycle {}", *to.first_below) : "not reached";
    const std::string confirmed = to.confirmed_of_three ? fmt::format(", 2 of 3 from cycle {}", *to.confirmed_of_three) : "";
    fmt::print("  {:.0f} %: {}{}\n", 100 * db::end_of_life_shares[i], first, confirmed);
  }
}

void print_definitions(const Summarised& s) {
  for (const auto& [name, definition] : definitions_json(s.columns, s.options)) {
    fmt::print("  {}: {}\n", std::string(name), std::string(definition.at("text").as_string()));
  }
}

/// On standard error, so that tables and JSON stay what they are.
void tell_recount(const Summarised& s) {
  const std::size_t n = s.differences.size();
  if (n == 0) {
    fmt::print(stderr, "run {}: its cycles and figures, counted again from the rows, are what was written\n", s.run.name);
    return;
  }
  fmt::print(stderr, "run {}: counted again from the rows, {} {}:\n", s.run.name, n,
             n == 1 ? "figure differs" : "figures differ");
  for (std::size_t i = 0; i < std::min(n, differences_shown); ++i) fmt::print(stderr, "  {}\n", s.differences[i]);
  if (n > differences_shown) fmt::print(stderr, "  ... {} more; --json lists them all\n", n - differences_shown);
  fmt::print(stderr, "  (where the profile records one row in many, nobody sees what the current did between two rows)\n");
}

void print_text(const Summarised& s, const CyclesOptions& options) {
  const db::RunRow& row = s.run.info.row;
  fmt::print("run {}: {} on {} ({}{}), {}\n", s.run.name, row.profile_name, row.channel, row.cell_name,
             row.cell_id.empty() ? "" : " " + row.cell_id, status_text(s.run.info));
  if (s.summary.cycles.empty()) {
    fmt::print("  no cycle has come to its end\n\n");
    return;
  }
  fmt::print("{}", cycles_table(s, options.rows_max));
  print_life(s);
  if (options.definitions) print_definitions(s);
  fmt::print("\n");
}

ExitCode run_cycles(const CyclesOptions& options) {
  if (options.json && options.csv) throw ConfigError{SourcePlace{}, "cycles: --json or --csv, not both"};
  std::vector<Summarised> all;
  for (const OpenRun& run : open_runs(options.runs, options.database, options.filter)) all.push_back(summarised(run, options));
  if (options.csv) {
    print_csv(all);
  } else if (options.json) {
    boost::json::array list;
    for (const Summarised& s : all) list.push_back(cycles_json(s, options.recount));
    print_json({{"database", options.database}, {"runs", std::move(list)}});
  } else {
    for (const Summarised& s : all) print_text(s, options);
  }
  if (!options.recount) return ExitCode::passed;
  std::for_each(all.begin(), all.end(), tell_recount);
  const bool is_same = std::all_of(all.begin(), all.end(), [](const Summarised& s) { return s.differences.empty(); });
  return is_same ? ExitCode::passed : ExitCode::not_passed;
}

}  // namespace

void add_cycles(CLI::App& app, Action& chosen) {
  CLI::App* const verb =
      app.add_subcommand("cycles", "the cycle table of runs: capacities, efficiencies, retention, times, temperatures");
  const auto options = std::make_shared<CyclesOptions>();
  verb->add_option("run", options->runs, "numbers of runs, as `cellrig runs` lists them, or FILE:NUMBER; all if not given");
  verb->add_option("--db", options->database, "the database");
  add_filter_options(*verb, options->filter);
  add_summary_options(*verb, options->words);
  verb->add_option("--rows-max", options->rows_max, "rows of a table; the middle is left out of a longer one; 0: all");
  verb->add_flag("--definitions", options->definitions, "say what each figure means");
  verb->add_flag(
      "--recount", options->recount,
      "count cycles and figures again from the rows, and say what differs from what was written while it ran: exit code 1");
  verb->add_flag("--json", options->json, "one JSON document on standard output, with the definitions");
  verb->add_flag("--csv", options->csv, "one table with a header on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_cycles(*options); }; });
}

}  // namespace cellrig::cli
