#include "controller/cli/verify/claim_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "controller/cli/record/record_source.hpp"
#include "controller/cli/verify/recorded_run.hpp"
#include "controller/cli/verify/statement_conclusion.hpp"
#include "controller/engine/hazard.hpp"
#include "db/verdict/compare.hpp"
#include "profiles/number.hpp"

namespace cellrig::cli {
namespace {

using verdict::Decision;
using verdict::Measured;

verdict::MeasureRequest request_of(const ClaimStatement& s) {
  return {.quantity = s.quantity,
          .step = s.step,
          .reference = s.reference,
          .at_years = s.at_years,
          .at_s = s.at_s,
          .executions = s.executions,
          .window_s = s.window_s,
          .last_h = s.last_h,
          .is_life = is_life(s),
          .returned_min_pct = s.returned_min_pct,
          .repeatability_pct = s.repeatability_pct,
          .temperature_pct_per_K = s.temperature_pct_per_K};
}

/// A trip by the very quantity that is judged is a finding: it went as far as that at least.
std::optional<Measured> measure_trip(db::Reader& reader, db::RunKey run, const verdict::MeasureRequest& request,
                                     const RecordedRun& recorded) {
  const bool is_voltage = request.quantity == ClaimQuantity::voltage_peak;
  if (!is_voltage && request.quantity != ClaimQuantity::cell_temperature_peak) return std::nullopt;
  const std::string cause{to_string(is_voltage ? Hazard::over_voltage : Hazard::over_temperature)};
  if (recorded.facts.executions.empty() || recorded.facts.executions.back().name != request.step) return std::nullopt;
  const std::vector<db::EventRow> events = value_or_throw(reader.events(run), reader.path());
  const auto trip = std::find_if(events.rbegin(), events.rend(),
                                 [](const db::EventRow& event) { return event.severity == db::Severity::trip; });
  if (trip == events.rend() || !trip->value || !trip->message.starts_with(cause)) return std::nullopt;
  const std::optional<Accuracy> accuracy =
      is_voltage ? std::optional{recorded.instruments.voltage} : recorded.instruments.temperature;
  if (!accuracy) return std::nullopt;
  Measured result;
  result.value = *trip->value;
  result.budget.push_back({is_voltage ? "voltage" : "thermometer", verdict::standard_of_bound(accuracy->bound_at(result.value)),
                           verdict::infinite_dof, "accuracy of the range used"});
  result.is_least = true;
  result.note = fmt::format("run {} tripped on it: {}", run, trip->message);
  return result;
}

std::optional<double> measured_number(const VerifyOptions& options, const std::string& name) {
  for (const std::string& text : options.measured) {
    if (text.starts_with(name + "=")) return parse_number(text.substr(name.size() + 1), SourcePlace{"--measured " + text});
  }
  return std::nullopt;
}

/// Of this specimen: "mass_g:A1"; "mass_g" where there is only one.
std::optional<double> weighed_g(const VerifyOptions& options, const CellRun& run, std::size_t cells) {
  std::optional<double> mass_g;
  if (!run.cell_id.empty()) mass_g = measured_number(options, "mass_g:" + run.cell_id);
  if (!mass_g && cells == 1) mass_g = measured_number(options, "mass_g");
  if (mass_g && !(*mass_g > 0.0)) throw ConfigError{SourcePlace{}, "--measured mass_g: a mass is above zero"};
  return mass_g;
}

/// One quantity of one run, or why there is none.
/// Of a life its finished reference tests speak, whether the run goes on, was stopped, or tripped: it may fail any day, and passes at its count
/// only. What was under way does not count yet.
Result<Measured> measure_life_so_far(const CellRun& run, const verdict::MeasureRequest& request, RecordedRun recorded) {
  std::vector<verdict::Execution>& executions = recorded.facts.executions;
  while (!executions.empty() && !executions.back().has_ended) executions.pop_back();
  Result<Measured> measured = verdict::measure(recorded.facts, request, recorded.instruments, recorded.cell);
  const std::string how =
      fmt::format("run {} {}{}{}", run.run, to_string(run.outcome), run.reason.empty() ? "" : ": ", run.reason);
  if (!measured) return fail(measured.error().fault, how + "; " + measured.error().what);
  measured->note = how + ": judged by its finished reference tests" + (measured->note.empty() ? "" : "; ") + measured->note;
  return measured;
}

Result<Measured> measure_run(const VerifyOptions& options, const CellRun& run, const verdict::MeasureRequest& request,
                             const std::optional<double>& mass_g, bool is_life = false) {
  if (run.run == 0) return fail(Fault::refused, run.reason);
  if (!run.difference.empty())
    return fail(Fault::refused, fmt::format("run {} is not the run of the claim: {}", run.run, run.difference));
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  if (is_life && run.outcome != Outcome::completed) return measure_life_so_far(run, request, read_recorded_run(*reader, run.run));
  if (run.outcome != Outcome::completed && run.outcome != Outcome::tripped)
    return fail(Fault::refused,
                fmt::format("run {} {}{}{}", run.run, to_string(run.outcome), run.reason.empty() ? "" : ": ", run.reason));
  RecordedRun recorded = read_recorded_run(*reader, run.run);
  if (run.outcome == Outcome::tripped) {
    if (const std::optional<Measured> trip = measure_trip(*reader, run.run, request, recorded)) return *trip;
    return fail(Fault::refused, fmt::format("run {} tripped{}{}", run.run, run.reason.empty() ? "" : ": ", run.reason));
  }
  if (mass_g) recorded.cell.mass_kg = *mass_g / 1000.0;
  return verdict::measure(recorded.facts, request, recorded.instruments, recorded.cell);
}

int cells_of(const Claim& claim, const VerifyOptions& options) {
  return options.cells.value_or(options.shortened ? 1 : claim.cells);
}

bool wants_variants(const VerifyOptions& options) {
  const bool is_judged_only = !options.recorded.empty();
  return options.variants || (options.simulated && !options.no_variants && !options.shortened && !is_judged_only);
}

/// The options that give one fixture to all runs, whatever channel a claim names. Empty: there is none.
std::string one_fixture_by(const VerifyOptions& options) {
  if (!options.channels.empty()) return "--channel";
  return !options.simulated && !options.bench.empty() ? "--bench" : "";
}

/// Why the command line leaves nothing of what another reading changes; empty: it leaves it.
std::string left_out(const VerifyOptions& options, const ClaimVariant& variant) {
  const bool has_cell = !variant.own.cell.empty() || !variant.against.cell.empty();
  const bool has_channel = !variant.own.channel.empty() || !variant.against.channel.empty();
  if (has_cell && !options.cell.empty()) return "left out: it is of another cell, and --cell gives one for all runs";
  const std::string fixture = one_fixture_by(options);
  if (has_channel && !fixture.empty()) return "left out: it is of another channel, and " + fixture + " gives one for all runs";
  return {};
}

class ClaimJudge {
 public:
  ClaimJudge(const Claim& claim, const VerifyOptions& options, RunsDone& done)
      : claim_{claim}, options_{options}, runs_{options, claim, done}, cells_{cells_of(claim, options)} {}

  ClaimVerdict judge(const std::string& only) {
    ClaimVerdict result;
    result.claim = &claim_;
    result.confidence = options_.confidence;
    std::vector<Decision> decisions;
    for (const ClaimStatement& statement : claim_.statements) {
      if (!only.empty() && statement.id != only) continue;
      result.statements.push_back(judge_statement(statement));
      const StatementVerdict& judged = result.statements.back();
      decisions.push_back(verdict::restrict_shortened(judged.decision, judged.qualifiers));
      result.qualifiers.is_simulated = result.qualifiers.is_simulated || judged.qualifiers.is_simulated;
      result.qualifiers.is_shortened = result.qualifiers.is_shortened || judged.qualifiers.is_shortened;
    }
    const bool has_direct = std::any_of(result.statements.begin(), result.statements.end(),
                                        [](const StatementVerdict& s) { return s.statement->testable == Testable::yes; });
    result.qualifiers.is_surrogate = !has_direct;
    result.decision = verdict::worst_of(decisions);
    result.worst_run = runs_.worst();
    return result;
  }

 private:
  std::vector<CellRun> runs_of(const std::string& name, const ClaimRunChange* change, int cells) {
    if (name.empty()) return {};
    if (!options_.recorded.empty()) return change == nullptr ? runs_.recorded(name) : std::vector<CellRun>{};
    std::vector<CellRun> runs = runs_.perform(need_of(claim_, *claim_.run(name), change, options_.shortened), cells);
    if (runs.size() > static_cast<std::size_t>(cells)) runs.resize(static_cast<std::size_t>(cells));
    return runs;
  }

  StatementVerdict judge_statement(const ClaimStatement& s) {
    StatementVerdict result;
    result.statement = &s;
    result.qualifiers.is_surrogate = s.testable == Testable::surrogate;
    if (s.testable == Testable::no) {
      result.decision = Decision::not_testable;
      result.remark = s.reason;
      return result;
    }
    if (s.quantity == ClaimQuantity::mass_loss) {
      result.cells.push_back(judge_weighing(s));
    } else {
      result.cells = judge_cells(s, nullptr, cells_, s.value, result.qualifiers);
    }
    conclude_statement(s, options_.confidence, result);
    require_all_cells(s, result);
    if (!wants_variants(options_)) return result;
    for (const ClaimVariant& variant : s.variants) {
      VariantVerdict one{&variant, variant.value.value_or(s.value), {}};
      verdict::Qualifiers ignored;
      one.cell.problem = left_out(options_, variant);
      if (!one.cell.problem.empty()) {
        result.variants.push_back(std::move(one));
        continue;
      }
      // What changes the limit only needs no run of its own.
      std::vector<CellVerdict> cells = judge_cells(s, &variant, 1, one.limit, ignored);
      if (!cells.empty()) one.cell = std::move(cells.front());
      result.variants.push_back(std::move(one));
    }
    return result;
  }

  /// A person may have had enough between two of them: what was run may fail, and passes for nobody else.
  void require_all_cells(const ClaimStatement& s, StatementVerdict& result) const {
    const auto wanted = static_cast<std::size_t>(cells_);
    if (!options_.recorded.empty() || s.quantity == ClaimQuantity::mass_loss || result.cells.size() >= wanted) return;
    if (result.decision != Decision::fail) result.decision = Decision::not_run;
    result.reliability = 0.0;
    add_remark(result, fmt::format("{} of {} cells were run", result.cells.size(), wanted));
  }

  std::vector<CellVerdict> judge_cells(const ClaimStatement& s, const ClaimVariant* variant, int cells, double limit,
                                       verdict::Qualifiers& qualifiers) {
    const ClaimRunChange* const own = variant == nullptr ? nullptr : &variant->own;
    const std::vector<CellRun> runs = runs_of(s.run, own, cells);
    const std::vector<CellRun> others = runs_of(s.against, variant == nullptr ? nullptr : &variant->against, cells);
    const std::vector<CellRun> colds = runs_of(s.cold, own, cells);
    qualifiers.is_shortened = options_.shortened && has_short_form(s);
    std::vector<CellVerdict> result;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      CellVerdict cell;
      cell.cell_id = runs[i].cell_id;
      cell.runs.push_back(runs[i].run);
      qualifiers.is_simulated = qualifiers.is_simulated || runs[i].is_simulated;
      for (const std::vector<CellRun>* const more : {&others, &colds}) {
        if (i >= more->size()) continue;
        cell.runs.push_back((*more)[i].run);
        qualifiers.is_simulated = qualifiers.is_simulated || (*more)[i].is_simulated;
        qualifiers.is_shortened = qualifiers.is_shortened || (*more)[i].is_shortened;
      }
      qualifiers.is_shortened = qualifiers.is_shortened || runs[i].is_shortened;
      const std::optional<double> mass_g = weighed_g(options_, runs[i], runs.size());
      note_mass(s, mass_g.has_value(), runs[i].is_simulated, "the cell", cell);
      cell.is_simulated = runs[i].is_simulated;
      Result<Measured> measured = measure_run(options_, runs[i], request_of_run(s), mass_g, is_life(s));
      if (measured && !s.against.empty()) measured = against(s, *measured, others, i, cell);
      if (measured && !s.cold.empty()) measured = with_cold(s, *measured, colds, i);
      if (i == 0 && variant == nullptr && runs[i].run != 0)
        cell.seen = circumstances_of(*open_record(options_.database), runs[i].run, s);
      judge_cell(s, limit, measured, cell);
      result.push_back(std::move(cell));
    }
    return result;
  }

  [[nodiscard]] bool has_short_form(const ClaimStatement& s) const {
    return std::any_of(claim_.runs.begin(), claim_.runs.end(), [&](const ClaimRun& run) {
      return !run.short_settings.empty() && (run.name == s.run || run.name == s.against || run.name == s.cold);
    });
  }

  /// An activation energy is made of resistances.
  [[nodiscard]] static verdict::MeasureRequest request_of_run(const ClaimStatement& s) {
    verdict::MeasureRequest request = request_of(s);
    if (s.quantity == ClaimQuantity::activation_energy) request.quantity = ClaimQuantity::resistance;
    return request;
  }

  [[nodiscard]] Result<Measured> against(const ClaimStatement& s, const Measured& measured, const std::vector<CellRun>& others,
                                         std::size_t i, CellVerdict& cell) const {
    if (i >= others.size()) return fail(Fault::refused, "there is no run of the cell to compare with");
    const std::optional<double> mass_g = weighed_g(options_, others[i], others.size() + 1);  // never by "mass_g" alone
    note_mass(s, mass_g.has_value(), others[i].is_simulated, "the cell to compare with", cell);
    const Result<Measured> other = measure_run(options_, others[i], request_of_run(s), mass_g);
    if (!other) return other.error();
    return verdict::ratio_of(measured, *other);
  }

  [[nodiscard]] Result<Measured> with_cold(const ClaimStatement& s, const Measured& warm, const std::vector<CellRun>& colds,
                                           std::size_t i) const {
    if (i >= colds.size()) return fail(Fault::refused, "there is no run in the cold");
    const Result<Measured> cold = measure_run(options_, colds[i], request_of_run(s), std::nullopt);
    if (!cold) return cold.error();
    return verdict::activation_energy({*cold, s.cold_degC}, {warm, s.warm_degC});
  }

  CellVerdict judge_weighing(const ClaimStatement& s) const {
    CellVerdict cell;
    if (!options_.cell_ids.empty()) cell.cell_id = options_.cell_ids.front();
    cell.is_simulated = false;
    const std::optional<double> before = measured_number(options_, s.measured_before),
                                after = measured_number(options_, s.measured_after);
    if (!before || !after) {
      cell.problem =
          fmt::format("nobody weighed it: give --measured {}=... --measured {}=...", s.measured_before, s.measured_after);
      return cell;
    }
    judge_cell(s, s.value, verdict::mass_loss(*before, *after, s.measured_standard), cell);
    return cell;
  }

  const Claim& claim_;
  const VerifyOptions& options_;
  ClaimRuns runs_;
  int cells_;
};

}  // namespace

std::map<RunNeed, int> needed_runs(const Claim& claim, const VerifyOptions& options, const std::string& only) {
  std::map<RunNeed, int> needs;
  if (!options.recorded.empty()) return needs;
  const auto need = [&](const std::string& name, const ClaimRunChange* change, int cells) {
    if (name.empty()) return;
    int& most = needs[need_of(claim, *claim.run(name), change, options.shortened)];
    most = std::max(most, cells);
  };
  for (const ClaimStatement& s : claim.statements) {
    if (!only.empty() && s.id != only) continue;
    for (const std::string& name : {s.run, s.against, s.cold}) need(name, nullptr, cells_of(claim, options));
    if (!wants_variants(options)) continue;
    for (const ClaimVariant& variant : s.variants) {
      if (!left_out(options, variant).empty()) continue;
      need(s.run, &variant.own, 1);
      need(s.cold, &variant.own, 1);
      need(s.against, &variant.against, 1);
    }
  }
  return needs;
}

void require_both_sides(const Claim& claim, const VerifyOptions& options, const std::string& only) {
  if (!options.recorded.empty()) return;
  const std::string fixture = one_fixture_by(options);
  for (const ClaimStatement& s : claim.statements) {
    if (s.against.empty() || s.testable == Testable::no || (!only.empty() && s.id != only)) continue;
    const RunNeed one = need_of(claim, *claim.run(s.run), nullptr, options.shortened),
                  other = need_of(claim, *claim.run(s.against), nullptr, options.shortened);
    std::string what;
    if (one.cell != other.cell && !options.cell.empty())
      what = fmt::format("cells ({} and {}), and --cell puts one", one.cell, other.cell);
    else if (one.channel != other.channel && !fixture.empty())
      what = fmt::format("channels ({} and {}), and {} puts one", one.channel, other.channel, fixture);
    else if (one.bench != other.bench && !options.bench.empty())
      what = fmt::format("benches ({} and {}), and --bench puts one", one.bench, other.bench);
    if (what.empty()) continue;
    throw ConfigError{SourcePlace{},
                      fmt::format("{}/{} compares two {} in the place of both. Run each side with cellrig run, then judge "
                                  "both: --recorded {}=RUN --recorded {}=RUN. Other statements go by name: {}/STATEMENT",
                                  claim.name, s.id, what, s.run, s.against, claim.name)};
  }
}

ClaimVerdict verify_claim(const Claim& claim, const VerifyOptions& options, const std::string& only, RunsDone& done) {
  return ClaimJudge{claim, options, done}.judge(only);
}

}  // namespace cellrig::cli
