// Samples of a run: a range, thinned out where it has more rows than were asked for.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "controller/api/decimate.hpp"
#include "controller/api/record_views.hpp"
#include "controller/api/sample_blocks.hpp"
#include "controller/base/config_error.hpp"
#include "db/reader.hpp"
#include "db/analysis/step_clock.hpp"

namespace cellrig::api {
namespace {

constexpr double ns_to_s = 1e-9;
constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

/// `step_time_s`: NaN while the step waits.
using Getter = double (*)(const db::SampleView&, double step_time_s);
struct HotQuantity {
  const char* name;
  Getter get;
  std::optional<RolledUp> rolled_up = std::nullopt;  ///< none: only its rows tell its extremes
};

constexpr HotQuantity hot_quantities[] = {
    {"voltage_V", [](const db::SampleView& v, double) { return v.row.voltage_V; }, RolledUp::voltage_V},
    {"current_A", [](const db::SampleView& v, double) { return v.row.current_A; }, RolledUp::current_A},
    {"power_W", [](const db::SampleView& v, double) { return v.row.voltage_V * v.row.current_A; }},
    {"cell_temperature_degC", [](const db::SampleView& v, double) { return v.row.cell_temperature_degC; },
     RolledUp::cell_temperature_degC},
    {"ambient_temperature_degC", [](const db::SampleView& v, double) { return v.row.ambient_temperature_degC; },
     RolledUp::ambient_temperature_degC},
    {"step_charge_Ah", [](const db::SampleView& v, double) { return v.row.charge_Ah; }, RolledUp::rises_within_step},
    {"step_discharge_Ah", [](const db::SampleView& v, double) { return v.row.discharge_Ah; }, RolledUp::rises_within_step},
    {"run_charge_Ah", [](const db::SampleView& v, double) { return v.step.run_sums_at_start.charge_Ah + v.row.charge_Ah; },
     RolledUp::rises_within_step},
    {"run_discharge_Ah",
     [](const db::SampleView& v, double) { return v.step.run_sums_at_start.discharge_Ah + v.row.discharge_Ah; },
     RolledUp::rises_within_step},
    {"step_time_s", [](const db::SampleView&, double step_time_s) { return step_time_s; }},
    {"step_count", [](const db::SampleView& v, double) { return static_cast<double>(v.step.row.step_count); },
     RolledUp::rises_within_step},
    {"is_constant_voltage",
     [](const db::SampleView& v, double) { return (v.row.flags & db::sample_flag::constant_voltage) != 0 ? 1.0 : 0.0; }},
    {"is_after_gap", [](const db::SampleView& v, double) { return (v.row.flags & db::sample_flag::after_gap) != 0 ? 1.0 : 0.0; }},
    {"cycle", [](const db::SampleView& v, double) { return static_cast<double>(v.step.row.cycle); }, RolledUp::rises_within_step},
};

/// Rows as long as they are few, and extremes meanwhile for when they are not.
class Thinner {
 public:
  Thinner(const Decimator::Plan& plan, std::size_t points) : points_{points}, decimator_{plan} {}
  void add(double x, const std::vector<double>& values) {
    decimator_.add(x, values);
    if (rows_.size() <= points_) rows_.push_back({decimator_.row_count() - 1, x, values});
  }
  /// There are more rows that were not even looked at.
  void skip(std::uint64_t rows) { skipped_ += rows; }
  [[nodiscard]] bool is_decimated() const { return rows_.size() > points_ || skipped_ > 0; }
  [[nodiscard]] std::vector<Decimator::Row> take() { return is_decimated() ? decimator_.take() : std::move(rows_); }
  [[nodiscard]] std::uint64_t row_count() const { return decimator_.row_count() + skipped_; }

 private:
  std::size_t points_;
  std::uint64_t skipped_ = 0;
  Decimator decimator_;
  std::vector<Decimator::Row> rows_;
};

struct Range {
  double from_s = 0, to_s = 0, expected_end_s = 0;
  [[nodiscard]] bool holds(std::int64_t ns) const {
    const double s = static_cast<double>(ns) * ns_to_s;
    return s >= from_s && s <= to_s;
  }
};

Range range_of(const SamplesQuery& query, const std::vector<db::StepInfo>& steps) {
  Range range{query.from_s.value_or(0.0), query.to_s.value_or(std::numeric_limits<double>::infinity())};
  constexpr double least_end_s = 60.0;  // of a run that has just begun
  double end = range.from_s + least_end_s;
  for (const db::StepInfo& step : steps) {
    const std::int64_t ns = step.end ? step.end->ended_test_time_ns : step.row.started_test_time_ns;
    end = std::max(end, static_cast<double>(ns) * ns_to_s);
  }
  range.expected_end_s = std::min(end, range.to_s);
  return range;
}

bool overlaps(const db::StepInfo& step, const Range& range) {
  const bool begins_before = static_cast<double>(step.row.started_test_time_ns) * ns_to_s <= range.to_s;
  return begins_before && (!step.end || static_cast<double>(step.end->ended_test_time_ns) * ns_to_s >= range.from_s);
}

/// Steps of which something lies in the range; with `whole_clock` all parts of them: of one that was interrupted the clock began in the
/// part before.
std::vector<const db::StepInfo*> steps_wanted(const std::vector<db::StepInfo>& steps, const Range& range, bool whole_clock) {
  std::set<std::int64_t> counts;
  for (const db::StepInfo& step : steps) {
    if (overlaps(step, range)) counts.insert(step.row.step_count);
  }
  std::vector<const db::StepInfo*> wanted;
  for (const db::StepInfo& step : steps) {
    if (whole_clock ? counts.contains(step.row.step_count) : overlaps(step, range)) wanted.push_back(&step);
  }
  return wanted;
}

/// Every row of the range, and others.
Result<void> visit_all(db::Reader& reader, std::int64_t run, const std::vector<db::StepInfo>& steps, const Range& range,
                       bool whole_clock, const db::SampleVisitor& visit) {
  constexpr std::size_t single_steps_max = 200;  // more: one scan over all is cheaper
  const std::vector<const db::StepInfo*> wanted = steps_wanted(steps, range, whole_clock);
  if (wanted.size() == steps.size() || wanted.size() > single_steps_max) {
    const Result<std::uint64_t> done = reader.for_each_sample(run, visit);
    return done ? Result<void>{} : Result<void>{done.error()};
  }
  for (const db::StepInfo* const step : wanted) {
    const Result<std::uint64_t> done = reader.for_each_sample_of_step(step->row.step, visit);
    if (!done) return done.error();
  }
  return {};
}

/// Rows of the hot columns and those of each auxiliary quantity, which was measured at times of its own, put in the order of time.
SamplesView merged(const SamplesQuery& query,
                   std::vector<std::pair<std::vector<std::string>, std::vector<Decimator::Row>>> parts) {
  struct Line {
    double x;
    std::size_t part, row;
  };
  std::vector<Line> lines;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    for (std::size_t row = 0; row < parts[part].second.size(); ++row) lines.push_back({parts[part].second[row].x, part, row});
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.x < b.x; });
  SamplesView view{.run = query.run};
  Column& times = view.columns["test_time_s"];
  for (const std::string& name : query.quantities) view.columns[name];
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_new = i == 0 || lines[i].x != lines[i - 1].x || lines[i].part <= lines[i - 1].part;
    if (is_new) {
      times.push_back(lines[i].x);
      for (const std::string& name : query.quantities) view.columns[name].push_back(not_measured);
    }
    const auto& [names, rows] = parts[lines[i].part];
    for (std::size_t column = 0; column < names.size(); ++column) {
      view.columns[names[column]].back() = rows[lines[i].row].values[column];
    }
  }
  return view;
}

struct Wanted {
  std::vector<const HotQuantity*> hot;
  std::vector<std::string> hot_names, aux;
};

Wanted sorted_out(const std::vector<std::string>& quantities) {
  Wanted wanted;
  for (const std::string& name : quantities) {
    const auto* const found = std::find_if(std::begin(hot_quantities), std::end(hot_quantities),
                                           [&name](const HotQuantity& q) { return name == q.name; });
    if (found == std::end(hot_quantities)) {
      wanted.aux.push_back(name);
    } else {
      wanted.hot.push_back(found);
      wanted.hot_names.push_back(name);
    }
  }
  return wanted;
}

/// None: of some of them the roll-ups know nothing, and all rows are read.
std::optional<std::vector<RolledUp>> rolled_up_of(const std::vector<const HotQuantity*>& quantities) {
  std::vector<RolledUp> known;
  for (const HotQuantity* const quantity : quantities) {
    if (!quantity->rolled_up) return std::nullopt;
    known.push_back(*quantity->rolled_up);
  }
  return known;
}

/// The quantities of the hot row in the range: by the roll-ups where they know of all of them.
Result<Thinner> thin_hot(db::Reader& reader, const SamplesQuery& query, const std::vector<db::StepInfo>& steps,
                         const Range& range, const Wanted& wanted, Decimator::Plan plan) {
  const std::optional<std::vector<RolledUp>> rolled_up = rolled_up_of(wanted.hot);
  SampleBlocks blocks;
  if (rolled_up) {
    Result<SampleBlocks> chosen = blocks_to_read(reader, query.run, steps, plan, range.from_s, range.to_s, *rolled_up,
                                                 std::max<std::uint64_t>(rows_read_max, query.points));
    if (!chosen) return chosen.error();
    blocks = *std::move(chosen);
  }
  Thinner hot{plan, query.points};
  hot.skip(blocks.skipped_rows);
  std::vector<double> values(wanted.hot.size());
  db::StepClock clock;
  const db::SampleVisitor visit = [&](const db::SampleView& sample) {
    const double step_time_s = rolled_up ? not_measured : clock.at(sample).value_or(not_measured);
    if (!range.holds(sample.row.test_time_ns)) return true;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = wanted.hot[i]->get(sample, step_time_s);
    hot.add(static_cast<double>(sample.row.test_time_ns) * ns_to_s, values);
    return true;
  };
  if (rolled_up) {
    const Result<std::uint64_t> done = reader.for_each_sample_in(query.run, blocks.ranges, visit);
    if (!done) return done.error();
    return hot;
  }
  const bool is_clock_wanted = std::count(wanted.hot_names.begin(), wanted.hot_names.end(), "step_time_s") != 0;
  const Result<void> done = visit_all(reader, query.run, steps, range, is_clock_wanted, visit);
  if (!done) return done.error();
  return hot;
}

}  // namespace

const std::vector<std::string>& sample_quantities() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const HotQuantity& quantity : hot_quantities) list.emplace_back(quantity.name);
    return list;
  }();
  return names;
}

Result<SamplesView> samples_view(const std::string& database, const SamplesQuery& query) {
  const Result<RunView> known = run_view(database, query.run, false);
  if (!known) return known.error();
  const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  if (!reader) return reader.error();
  const Result<std::vector<db::StepInfo>> steps = (*reader)->steps(query.run);
  if (!steps) return steps.error();
  const Range range = range_of(query, *steps);
  const Wanted wanted = sorted_out(query.quantities);
  const auto plan = [&](std::size_t columns) {
    return Decimator::Plan{range.from_s, range.expected_end_s, stretches_for(query.points, columns), columns};
  };
  Result<Thinner> hot = thin_hot(**reader, query, *steps, range, wanted, plan(wanted.hot.size()));
  if (!hot) return hot.error();

  std::map<std::string, Thinner> aux;
  for (const std::string& name : wanted.aux) aux.emplace(name, Thinner{plan(1), query.points});
  std::vector<std::string> known_names = sample_quantities();
  std::map<std::string, bool> seen;
  if (!aux.empty()) {
    const Result<std::uint64_t> done = (*reader)->for_each_aux(query.run, [&](const db::AuxView& row) {
      const std::string name{row.row.quantity};
      if (!seen[name]) known_names.push_back(name);
      seen[name] = true;
      const auto found = aux.find(name);
      if (found != aux.end() && range.holds(row.row.test_time_ns))
        found->second.add(static_cast<double>(row.row.test_time_ns) * ns_to_s, {row.row.value});
      return true;
    });
    if (!done) return done.error();
  }
  bool is_decimated = hot->is_decimated();
  std::vector<std::pair<std::vector<std::string>, std::vector<Decimator::Row>>> parts;
  if (!wanted.hot.empty()) parts.emplace_back(wanted.hot_names, hot->take());
  for (auto& [name, thinner] : aux) {
    if (!seen.contains(name))
      return fail(Fault::refused,
                  "run " + std::to_string(query.run) + " has no quantity '" + name + "'" + suggestion(name, known_names));
    is_decimated = is_decimated || thinner.is_decimated();
    parts.emplace_back(std::vector<std::string>{name}, thinner.take());
  }
  SamplesView view = merged(query, std::move(parts));
  view.row_count = static_cast<std::int64_t>(hot->row_count());
  view.is_decimated = is_decimated;
  return view;
}

}  // namespace cellrig::api
