#include "controller/cli/record/report_results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "controller/base/claim_words.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/verify/recorded_run.hpp"
#include "db/verdict/uncertainty.hpp"

namespace cellrig::cli {
namespace {

constexpr std::size_t rows_max = 60;
constexpr double pulse_max_s = 60;
constexpr double charge_min_share = 0.002;  ///< of the nominal capacity: less is no result but a pulse

std::string_view unit_of(ClaimQuantity quantity) {
  const auto found = std::find_if(claim_quantities.begin(), claim_quantities.end(),
                                  [quantity](const ClaimQuantityWord& word) { return word.quantity == quantity; });
  return found->unit;
}

/// As many digits as its uncertainty has two of.
int decimals_of(double expanded) {
  if (!(expanded > 0) || !std::isfinite(expanded)) return 3;
  return std::clamp(1 - static_cast<int>(std::floor(std::log10(expanded))), 0, 6);
}

struct Asked {
  ClaimQuantity quantity;
  const char* words;
};

std::vector<Asked> asked_of(const verdict::Execution& e, double nominal_Ah) {
  if (e.is_rest()) return {};
  if (e.net_Ah() < charge_min_share * nominal_Ah) {
    return e.seconds <= pulse_max_s && e.net_Ah() > 0 ? std::vector<Asked>{{ClaimQuantity::resistance, "resistance at its end"}}
                                                      : std::vector<Asked>{};
  }
  std::vector<Asked> asked{{ClaimQuantity::capacity, e.is_charge() ? "charge" : "capacity"}, {ClaimQuantity::energy, "energy"}};
  if (e.is_charge()) asked.push_back({ClaimQuantity::step_time, "time"});
  asked.push_back({ClaimQuantity::cell_temperature_peak, "warmest, of all executions"});
  return asked;
}

class ResultsTable {
 public:
  explicit ResultsTable(bool names_runs) : names_runs_{names_runs} {
    if (names_runs_) table_.headings.emplace_back("run");
    table_.headings.insert(table_.headings.end(), {"step", "quantity", ">value", ">±", "unit", ">k", "mostly by"});
  }

  void add(const std::string& run, const std::string& step, const Asked& asked, const verdict::Measured& measured) {
    if (table_.rows.size() == rows_max) return void(++left_out_);
    const verdict::Uncertainty u = verdict::combine(measured.budget);
    const int decimals = decimals_of(u.expanded);
    const auto most = std::max_element(measured.budget.begin(), measured.budget.end(),
                                       [](const auto& a, const auto& b) { return a.standard < b.standard; });
    std::vector<std::string> cells;
    if (names_runs_) cells.push_back(run);
    cells.insert(cells.end(), {step, asked.words, fmt::format("{:.{}f}", measured.value, decimals),
                               fmt::format("{:.{}f}", u.expanded, decimals), std::string(unit_of(asked.quantity)),
                               fmt::format("{:.1f}", u.coverage), most == measured.budget.end() ? std::string{} : most->name});
    table_.rows.push_back(std::move(cells));
  }

  [[nodiscard]] db::ReportTable finish() {
    table_.note =
        "Of the last execution of each step, of reference cycles that follow each other the mean. ±: expanded uncertainty (GUM), "
        "about 95 %, by the accuracy that the model files "
        "state for the "
        "ranges used, the time between two looks, and an assumed repeatability of 0.1 %.";
    if (left_out_ > 0) table_.note += fmt::format(" {} more are left out.", left_out_);
    return std::move(table_);
  }

 private:
  bool names_runs_;
  db::ReportTable table_;
  std::size_t left_out_ = 0;
};

/// The last one of each name, in the order of the run.
std::vector<const verdict::Execution*> last_ones(const verdict::RunFacts& facts) {
  std::vector<const verdict::Execution*> last;
  std::set<std::string> seen;
  for (auto e = facts.executions.rbegin(); e != facts.executions.rend(); ++e) {
    if (e->has_ended && !e->was_skipped && seen.insert(e->name).second) last.push_back(&*e);
  }
  std::reverse(last.begin(), last.end());
  return last;
}

void add_run(const ComparedRun& run, ResultsTable& table) {
  const RecordedRun recorded = read_recorded_run(*run.run.reader, run.run.info.run);
  for (const verdict::Execution* const e : last_ones(recorded.facts)) {
    for (const Asked& asked : asked_of(*e, recorded.cell.nominal_Ah)) {
      const verdict::MeasureRequest request{.quantity = asked.quantity, .step = e->name};
      const Result<verdict::Measured> measured = verdict::measure(recorded.facts, request, recorded.instruments, recorded.cell);
      if (measured) table.add(run.run.name, e->name, asked, *measured);  // what verify would refuse has no place here
    }
  }
}

}  // namespace

db::ReportSection results_section(const std::vector<ComparedRun>& runs) {
  db::ReportSection section{"Results", {}, {}, {}};
  ResultsTable table(runs.size() > 1);
  for (const ComparedRun& run : runs) {
    try {
      add_run(run, table);
    } catch (const ConfigError& error) {
      section.text +=
          fmt::format("Run {}: no uncertainty is known, for its instruments are not ({}). ", run.run.name, error.what());
    }
  }
  section.table = table.finish();
  if (section.table.rows.empty()) section.table = {};
  if (section.table.rows.empty() && section.text.empty()) section.text = "No step that carried current came to its end.";
  return section;
}

}  // namespace cellrig::cli
