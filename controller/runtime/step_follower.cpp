#include "controller/runtime/step_follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "controller/runtime/channel_record.hpp"

namespace cellrig {
namespace {

constexpr std::array<std::string_view, 2> coordinate_names{"step_time_s", "charge_Ah"};
constexpr std::array<std::string_view, 3> diverged_names{"voltage_V", "cell_temperature_degC", "charge_Ah"};

std::string_view name_of(Coordinate coordinate) { return coordinate_names[static_cast<std::size_t>(coordinate)]; }

/// The charge counts the way the step goes.
double moved_Ah(const Step& step, const Throughput& moved) {
  const double net = moved.net().value();
  return step.direction == StepDirection::discharge ? -net : net;
}

std::string range_text(const ExpectedRange& range) {
  if (!std::isfinite(range.min)) return fmt::format("at most {:.4g}", range.max);
  if (!std::isfinite(range.max)) return fmt::format("at least {:.4g}", range.min);
  return fmt::format("{:.4g} to {:.4g}", range.min, range.max);
}

}  // namespace

StepFollower::StepFollower(const Program& program, const Following& following, Surroundings surroundings)
    : program_{program}, following_{following}, surroundings_{surroundings}, way_{following.way.value_or(StepWay{program})} {
  if (following_.expected) watch_.emplace(program, following_.expected);
}

void StepFollower::go_on(TimePoint now) {
  has_gone_on_ = true;
  way_.go_on();
  if (watch_) watch_->go_on(now);
}

std::optional<Detour> StepFollower::begin_step(std::uint32_t instruction, bool continues, const ChannelState& state) {
  const StepEntry visit = way_.begin_step(instruction, continues, passes_of(state));
  if (following_.gatherer != nullptr) following_.gatherer->begin_step(visit);
  return watch_ ? watch_->begin_step(visit, way_.lost(), way_.previous()) : std::nullopt;
}

/// The first temperature of a run is not known to a process that goes on with it.
std::optional<double> StepFollower::around_degC(const Observation& observation) {
  const auto usable = [&observation](Measurand measurand) {
    const Reading& reading = observation[measurand];
    return reading.usable() ? std::optional{reading.value} : std::nullopt;
  };
  switch (surroundings_) {
    case Surroundings::air: return usable(Measurand::ambient_temperature);
    case Surroundings::chamber: return usable(Measurand::chamber_temperature);
    case Surroundings::start:
      if (!first_degC_ && !has_gone_on_) first_degC_ = usable(Measurand::cell_temperature);
      return first_degC_;
  }
  return std::nullopt;
}

std::optional<Divergence> StepFollower::look(const ChannelState& state, const Observation& observation, TimePoint now,
                                             Duration gap_limit) {
  const Step* const step = state.pc < program_.code.size() ? std::get_if<Step>(&program_.code[state.pc]) : nullptr;
  const Reading& voltage = observation[Measurand::voltage];
  if (step == nullptr || state.phase != Phase::running || voltage.at < state.step.started) return std::nullopt;
  StepMoment moment{.now = now, .voltage = voltage, .cell_temperature = observation[Measurand::cell_temperature]};
  moment.around_degC = around_degC(observation);
  moment.net_Ah = state.step.moved.net().value();
  moment.waited = state.step.started - state.step.begun;
  moment.chamber_request = state.chamber_request;
  moment.at = coordinate_of(*step) == Coordinate::charge_Ah
                  ? moved_Ah(*step, state.step.moved)
                  : to_seconds(state.step.ran_before_pause + (voltage.at - state.step.started));
  if (following_.gatherer != nullptr) following_.gatherer->look(moment);
  return watch_ ? watch_->look(moment, gap_limit) : std::nullopt;
}

std::optional<Divergence> StepFollower::end_step(const output::StepEnded& ended) {
  const Step& step = std::get<Step>(program_.code[ended.instruction]);
  if (following_.gatherer != nullptr) {
    const double ends_at = coordinate_of(step) == Coordinate::charge_Ah
                               ? moved_Ah(step, ended.totals.moved)
                               : to_seconds(ended.totals.ran_before_pause + (ended.ended - ended.totals.started));
    following_.gatherer->end_step(ends_at, reaches_its_end(step, ended));
  }
  way_.end_step(ended);
  return watch_ ? watch_->end_step(ended) : std::nullopt;
}

std::string describe(const Divergence& d, const Step& step) {
  const std::string_view quantity = diverged_names[static_cast<std::size_t>(d.quantity)];
  const bool is_point = d.expected.max - d.expected.min < 1e-9;
  const std::string expected = is_point ? fmt::format("{:.4g}", d.expected.min) : range_text(d.expected);
  const std::string which = d.execution > 1 ? fmt::format(", execution {}", d.execution) : std::string{};
  const std::string where = d.is_at_end                             ? "at the end"
                            : d.coordinate == Coordinate::charge_Ah ? fmt::format("at {:.4g} Ah", d.at)
                                                                    : fmt::format("at {:.0f} s", d.at);
  return fmt::format("{} {:.4g}, expected {} ({}) {} of step '{}'{}", quantity, d.measured, expected, range_text(d.band), where,
                     step.name, which);
}

std::string describe(const Detour& detour, const Program& program) {
  const auto name_of_step = [&program](std::uint32_t instruction) { return std::get<Step>(program.code[instruction]).name; };
  const std::string step = fmt::format("step '{}'", name_of_step(detour.instruction));
  constexpr std::string_view until = ", until a step has ended at a voltage";
  switch (detour.kind) {
    case Detour::Kind::other_way:
      return fmt::format("the run goes another way than its rehearsal: nothing is expected of {}{}{}", step,
                         detour.previous ? fmt::format(" after '{}'", name_of_step(*detour.previous)) : std::string{},
                         " and what follows, until a step has ended at a voltage");
    case Detour::Kind::skip: return fmt::format("a step was skipped: nothing is expected from {} on{}", step, until);
    case Detour::Kind::interruption:
      return fmt::format("the interrupted step was not gone on with: nothing is expected from {} on{}", step, until);
    case Detour::Kind::ended: return fmt::format("compared with its rehearsal again, from {} on", step);
  }
  return {};
}

// ---- the record -----------------------------------------------------------------------------------------------------

std::vector<db::ExpectedCurveRow> rows_of(const ExpectedCurves& curves, db::RunKey run) {
  std::vector<db::ExpectedCurveRow> rows;
  for (const ExpectedCurve& curve : curves.curves) {
    db::ExpectedCurveRow row{.run = run,
                             .step_id = curve.instruction,
                             .execution = static_cast<std::int64_t>(curve.execution),
                             .coordinate = std::string(name_of(curve.coordinate)),
                             .ends_at = curve.ends_at};
    for (const ExpectedPoint& p : curve.points) row.points.push_back({p.at, p.voltage_V, p.cell_degC, p.around_degC});
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<db::ExpectedWayRow> way_rows_of(const ExpectedCurves& curves, db::RunKey run) {
  std::vector<db::ExpectedWayRow> rows;
  for (const ExpectedWay& way : curves.ways) {
    rows.push_back({.run = run,
                    .step_id = way.instruction,
                    .way = fmt::format("{:016x}", way.way),
                    .passes = fmt::format("{}", fmt::join(way.passes, ".")),
                    .execution = static_cast<std::int64_t>(way.execution) * (way.is_kept ? 1 : -1)});
  }
  return rows;
}

namespace {

std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<LoopPasses> passes_of(std::string_view text) {
  LoopPasses passes;
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    const std::optional<std::uint64_t> pass = number_of(text.substr(0, dot), 10);
    if (!pass || passes.size() >= loop_depth_max) return std::nullopt;
    passes.push_back(*pass);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return passes;
}

const Step* step_at(const Program& program, std::int64_t step_id) {
  const auto instruction = static_cast<std::size_t>(step_id);
  return step_id >= 0 && instruction < program.code.size() ? std::get_if<Step>(&program.code[instruction]) : nullptr;
}

}  // namespace

ExpectedCurves curves_of(const Program& program, const std::vector<db::ExpectedCurveRow>& rows,
                         const std::vector<db::ExpectedWayRow>& ways) {
  ExpectedCurves all;
  for (const db::ExpectedCurveRow& row : rows) {
    const Step* const step = step_at(program, row.step_id);
    if (step == nullptr || row.execution < 1 || row.coordinate != name_of(coordinate_of(*step))) continue;
    ExpectedCurve curve{.instruction = static_cast<std::uint32_t>(row.step_id),
                        .execution = static_cast<std::uint64_t>(row.execution),
                        .coordinate = coordinate_of(*step),
                        .ends_at = row.ends_at};
    for (const db::ExpectedPointRow& p : row.points)
      curve.points.push_back({p.at, p.voltage_V, p.cell_temperature_degC, p.around_degC});
    if (step->course && curve.points.size() > 1) curve.stretch_s = 2 * (curve.points[1].at - curve.points[0].at);
    all.curves.push_back(std::move(curve));
  }
  std::sort(all.curves.begin(), all.curves.end(), [](const ExpectedCurve& a, const ExpectedCurve& b) {
    return std::pair{a.instruction, a.execution} < std::pair{b.instruction, b.execution};
  });
  for (const db::ExpectedWayRow& row : ways) {
    const std::optional<std::uint64_t> way = number_of(row.way, 16);
    const std::optional<LoopPasses> passes = passes_of(row.passes);
    if (step_at(program, row.step_id) == nullptr || !way || !passes || row.execution == 0) continue;
    all.ways.push_back({static_cast<std::uint32_t>(row.step_id), *way, *passes,
                        static_cast<std::uint64_t>(row.execution < 0 ? -row.execution : row.execution), row.execution > 0});
  }
  std::sort(all.ways.begin(), all.ways.end());
  return all;
}

/// Parts of an interrupted execution have the same count.
StepWay way_of(const Program& program, const std::vector<db::StepInfo>& steps) {
  constexpr std::array<StepEndReason, 4> ends{StepEndReason::condition, StepEndReason::time_bound, StepEndReason::skipped,
                                              StepEndReason::confirmed};
  StepWay way{program};
  std::int64_t count = 0;
  bool was_interrupted = false;
  Throughput moved;
  for (const db::StepInfo& info : steps) {
    const Step* const step = step_at(program, info.row.step_id);
    if (step == nullptr) continue;
    const bool continues = info.row.step_count == count;
    if (was_interrupted) way.go_on();
    if (!continues) moved = Throughput{};
    count = info.row.step_count;
    (void)way.begin_step(static_cast<std::uint32_t>(info.row.step_id), continues);
    was_interrupted = false;
    if (!info.end) continue;
    moved.charge += AmpHours{info.end->charge_Ah};
    moved.discharge += AmpHours{info.end->discharge_Ah};
    const auto reason =
        std::find_if(ends.begin(), ends.end(), [&info](StepEndReason r) { return to_string(r) == info.end->reason; });
    was_interrupted = reason == ends.end();
    if (was_interrupted) continue;
    output::StepEnded ended{.instruction = static_cast<std::uint32_t>(info.row.step_id), .reason = *reason};
    for (std::uint16_t end = 0; end < step->ends.size() && !ended.has_end; ++end) {
      const std::string& text = step->ends[end].text;
      const std::string& recorded = info.end->condition;
      const bool is_it = recorded == text || recorded.starts_with(text + std::string{decided_by});
      ended.has_end = *reason == StepEndReason::condition && is_it;
      ended.end = end;
    }
    ended.totals.moved = moved;
    way.end_step(ended);
  }
  return way;
}

Result<Following> following_of(db::Reader& reader, const Program& program, db::RunKey run) {
  const Result<std::vector<db::ExpectedCurveRow>> rows = reader.expected_curves(run);
  if (!rows) return rows.error();
  if (rows->empty()) return Following{};
  const Result<std::vector<db::ExpectedWayRow>> ways = reader.expected_ways(run);
  if (!ways) return ways.error();
  const Result<std::vector<db::StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  Following following;
  following.expected = std::make_shared<const ExpectedCurves>(curves_of(program, *rows, *ways));
  following.way = way_of(program, *steps);
  return following;
}

}  // namespace cellrig
