#include "db/verdict/execution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "controller/base/config_error.hpp"

namespace cellrig::verdict {
namespace {

bool is_named(const Execution& execution, std::string_view name) {
  if (name.ends_with('*')) return std::string_view{execution.name}.starts_with(name.substr(0, name.size() - 1));
  return execution.name == name;
}

Error no_step(const RunFacts& run, std::string_view name) {
  std::vector<std::string> known;
  for (const Execution& e : run.executions) {
    if (std::find(known.begin(), known.end(), e.name) == known.end()) known.push_back(e.name);
  }
  return fail(Fault::refused, "no step '" + std::string(name) + "' came to its end in this run" + suggestion(name, known));
}

bool is_cut_off_by(const std::optional<db::StepEndRow>& end) {
  constexpr std::array<std::string_view, 5> reasons{"interrupted", "stopped", "tripped", "command failed", "refused"};
  return !end || std::find(reasons.begin(), reasons.end(), end->reason) != reasons.end();
}

/// What was stored of a step.
struct FiguresOfStep {
  double waited_s = 0.0;
  std::optional<double> pressure_min_MPa, pressure_max_MPa;
};

void include_pressure(const FiguresOfStep& part, Execution& e) {
  if (!part.pressure_min_MPa || !part.pressure_max_MPa) return;
  e.stack_pressure_min_MPa = std::min(e.stack_pressure_min_MPa.value_or(*part.pressure_min_MPa), *part.pressure_min_MPa);
  e.stack_pressure_max_MPa = std::max(e.stack_pressure_max_MPa.value_or(*part.pressure_max_MPa), *part.pressure_max_MPa);
}

}  // namespace

double Execution::net_Ah() const { return std::abs(charge_Ah - discharge_Ah); }
double Execution::net_Wh() const { return std::abs(charge_Wh - discharge_Wh); }
double Execution::mean_A() const { return seconds > 0.0 ? net_Ah() * 3600.0 / seconds : 0.0; }
double Execution::mean_V() const { return net_Ah() > 0.0 ? net_Wh() / net_Ah() : 0.0; }

std::vector<Execution> executions_of(const std::vector<db::StepInfo>& steps, const EndsByTime& ends_by_time,
                                     const std::vector<db::StepMetricRow>& figures) {
  std::map<db::StepKey, FiguresOfStep> by_step;
  for (const db::StepMetricRow& row : figures) {
    if (row.metric.figure == db::Figure::waited_s) by_step[row.step].waited_s = row.metric.value;
    if (row.metric.figure == db::Figure::pressure_min_MPa) by_step[row.step].pressure_min_MPa = row.metric.value;
    if (row.metric.figure == db::Figure::pressure_max_MPa) by_step[row.step].pressure_max_MPa = row.metric.value;
  }
  std::vector<Execution> executions;
  for (const db::StepInfo& step : steps) {
    const double started_s = static_cast<double>(step.row.started_test_time_ns) / 1e9;
    const bool goes_on = !executions.empty() && executions.back().count == step.row.step_count;
    if (!goes_on) {
      Execution fresh;
      fresh.name = step.row.name;
      fresh.type = step.row.type;
      fresh.count = step.row.step_count;
      fresh.step_id = step.row.step_id;
      fresh.cycle = step.row.cycle;
      fresh.is_reference = step.row.is_reference;
      fresh.started_s = started_s;
      executions.push_back(std::move(fresh));
    }
    Execution& e = executions.back();
    e.parts.push_back(step.row.step);
    e.has_ended = false;
    e.was_cut_off = is_cut_off_by(step.end);
    if (!step.end) continue;
    const db::StepEndRow& end = *step.end;
    e.ended_s = static_cast<double>(end.ended_test_time_ns) / 1e9;
    const auto found = by_step.find(step.row.step);
    const FiguresOfStep of_step = found == by_step.end() ? FiguresOfStep{} : found->second;
    const double part_waited_s = of_step.waited_s;
    include_pressure(of_step, e);
    e.waited_s += part_waited_s;
    e.seconds += e.ended_s - started_s - (e.is_rest() ? 0.0 : part_waited_s);
    e.ended_by = end.condition.empty() ? end.reason : end.condition;
    e.has_ended = end.reason == "condition" || end.reason == "confirmed" ||
                  (end.reason == "time bound" && ends_by_time && ends_by_time(step.row));
    e.was_skipped = end.reason == "skipped";
    e.charge_Ah += end.charge_Ah;
    e.discharge_Ah += end.discharge_Ah;
    e.charge_Wh += end.charge_Wh;
    e.discharge_Wh += end.discharge_Wh;
    e.cv_seconds += end.cv_time_s;
    if (end.cell_temperature_max_degC)
      e.cell_temperature_max_degC = std::max(e.cell_temperature_max_degC.value_or(-300.0), *end.cell_temperature_max_degC);
  }
  note_interruptions(executions);
  return executions;
}

void note_interruptions(std::vector<Execution>& executions) {
  for (std::size_t i = 1; i < executions.size(); ++i) {
    Execution &before = executions[i - 1], &e = executions[i];
    if (!before.was_cut_off) continue;
    e.is_done_again = e.step_id == before.step_id && e.cycle == before.cycle;
    before.was_passed_over = !e.is_done_again;
    if (!e.is_done_again) continue;
    e.moved_before_Ah = before.moved_before_Ah + before.charge_Ah + before.discharge_Ah;
    e.first_started_s = before.is_done_again ? before.first_started_s : before.started_s;
  }
}

std::vector<std::size_t> find_all(const RunFacts& run, std::string_view name) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < run.executions.size(); ++i) {
    if (run.executions[i].has_ended && is_named(run.executions[i], name)) found.push_back(i);
  }
  return found;
}

Result<void> require_carried_out(const RunFacts& run, const std::vector<std::string>& names) {
  const auto is_one = [&](const Execution& e) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return !name.empty() && is_named(e, name); });
  };
  std::size_t count = 0;
  for (std::size_t i = 0; i < run.executions.size(); ++i) {
    if (is_one(run.executions[i])) count = i + 1;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Execution& e = run.executions[i];
    if (e.was_skipped)
      return fail(Fault::refused,
                  fmt::format("step {} '{}' was skipped by a person: what followed is not the procedure", e.count, e.name));
    if (e.was_passed_over)
      return fail(Fault::refused, fmt::format("step {} '{}' was interrupted and passed over: what followed is not the procedure",
                                              e.count, e.name));
  }
  for (const std::string& name : names) {
    const auto last = std::find_if(run.executions.rbegin(), run.executions.rend(),
                                   [&](const Execution& e) { return !name.empty() && is_named(e, name); });
    if (last == run.executions.rend() || last->has_ended) continue;
    return fail(Fault::refused, fmt::format("the last '{}' (step {}) did not come to its end ({})", last->name, last->count,
                                            last->ended_by.empty() ? "it was cut off" : last->ended_by));
  }
  return {};
}

Result<void> require_whole(const RunFacts& run, const Execution& execution) {
  if (!execution.is_done_again || execution.is_rest()) return {};
  const bool may_have_moved = std::any_of(run.disturbances.begin(), run.disturbances.end(), [&execution](const Disturbance& d) {
    return d.unseen_Ah > 0.0 && d.at_s >= execution.first_started_s && d.at_s <= execution.started_s;
  });
  if (!(execution.moved_before_Ah > 0.0) && !may_have_moved) return {};  // it had not begun in earnest
  return fail(Fault::refused,
              fmt::format("step {} '{}' was interrupted and done again from the middle: what it measured is a part",
                          execution.count, execution.name));
}

Result<void> require_unbroken(const RunFacts& run, const Execution& execution) {
  if (const Result<void> whole = require_whole(run, execution); !whole) return whole.error();
  const std::string name = fmt::format("'{}' (step {})", execution.name, execution.count);
  for (const Disturbance& d : run.disturbances) {
    if (d.at_s > execution.started_s && d.at_s < execution.ended_s)
      return fail(Fault::refused, name + " was disturbed: " + d.what);
  }
  if (execution.parts.size() > 1) return fail(Fault::refused, name + " was interrupted and went on later");
  bool has_gap = false;
  for (const db::StepKey part : execution.parts) {
    const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
      // Before its first row it may have waited for its chamber: nothing of the step is missing.
      const bool is_first = (row.flags & db::sample_flag::first_of_step) != 0;
      has_gap = !is_first && (row.flags & db::sample_flag::after_gap) != 0;
      return !has_gap;
    });
    if (!visited) return visited.error();
    if (has_gap) return fail(Fault::refused, name + " has a gap between its samples");
  }
  return {};
}

double unseen_seconds(const RunFacts& run, double from_s, double to_s) {
  double seconds = 0.0;
  for (const Disturbance& d : run.disturbances) {
    if (d.at_s >= from_s && d.at_s <= to_s) seconds += d.unseen_s;
  }
  return seconds;
}

Result<double> unseen_charge_Ah(const RunFacts& run, const Execution& execution) {
  double unseen_Ah = 0.0;
  for (const Disturbance& d : run.disturbances) {
    if (d.at_s >= execution.started_s && d.at_s <= execution.ended_s) unseen_Ah += d.unseen_Ah;
  }
  for (const db::StepKey part : execution.parts) {
    std::optional<db::SampleRow> before;
    const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
      if (before && (row.flags & db::sample_flag::after_gap) != 0) {
        const double hours = static_cast<double>(row.test_time_ns - before->test_time_ns) / 3.6e12;
        unseen_Ah += hours * std::max(std::abs(before->current_A), std::abs(row.current_A));
      }
      before = row;
      return true;
    });
    if (!visited) return visited.error();
  }
  return unseen_Ah;
}

Result<std::size_t> find_last(const RunFacts& run, std::string_view name) {
  const std::vector<std::size_t> all = find_all(run, name);
  if (all.empty()) return no_step(run, name);
  return all.back();
}

Result<std::size_t> find_first(const RunFacts& run, std::string_view name) {
  const std::vector<std::size_t> all = find_all(run, name);
  if (all.empty()) return no_step(run, name);
  return all.front();
}

Result<Ends> ends_of(const RunFacts& run, const Execution& execution) {
  Ends ends;
  bool is_first = true;
  for (const db::StepKey part : execution.parts) {
    const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
      if (is_first) ends.first = row;
      is_first = false;
      ends.last = row;
      return true;
    });
    if (!visited) return visited.error();
  }
  if (is_first) return fail(Fault::refused, "no sample of step '" + execution.name + "' was recorded");
  return ends;
}

}  // namespace cellrig::verdict
