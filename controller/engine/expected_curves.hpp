// What a rehearsal foretold of each step: voltage and temperature of the cell, and the charge it ends with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "controller/base/observation.hpp"
#include "controller/engine/program.hpp"
#include "controller/engine/step_way.hpp"

namespace cellrig {

/// What a step's curve runs over.
/// * A rest: its time. What relaxes or cools does so by the clock. A course: its time, too. It says by the clock what flows, both ways.
/// * A step with current: the charge that it has moved. Against time a charge that begins 5 % emptier would be 5 % of its hours off from its first
///   minute to its last, and a taper that takes ten minutes longer all of its tail; against the charge both are a shift along the curve, and
///   one that the watch can give room for in the unit in which it is known: a share of the capacity.
enum class Coordinate : unsigned char { step_time_s, charge_Ah };

[[nodiscard]] Coordinate coordinate_of(const Step& step);

struct ExpectedPoint {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  double at = 0.0;  ///< in the unit of the coordinate
  double voltage_V = unknown;
  double cell_degC = unknown;    ///< NaN: not measured
  double around_degC = unknown;  ///< the air beside the cell, the chamber, or the first temperature of the run

  [[nodiscard]] double rise_K() const { return cell_degC - around_degC; }
};

struct ExpectedRange {
  double min = 0.0, max = 0.0;
};

/// Of one execution of a step, and of all later ones up to the next curve of that step: they did not differ noticeably.
struct ExpectedCurve {
  std::uint32_t instruction = 0;  ///< in Program::code
  std::uint64_t execution = 1;    ///< the first that it stands for, from 1
  Coordinate coordinate = Coordinate::step_time_s;
  std::optional<double> ends_at;  ///< the coordinate at its end; none: it did not end by itself
  /// Ascending. Empty: what the step did from this execution on was not kept, and nothing is expected.
  std::vector<ExpectedPoint> points;

  /// Of a course: of so many seconds each point tells the least or the most. 0: a point is a moment.
  double stretch_s = 0.0;

  /// All that the curve does between two coordinates, which are moved onto it where they lie beside. None: not known anywhere there.
  [[nodiscard]] std::optional<ExpectedRange> voltage_within(double from, double to) const;
  [[nodiscard]] std::optional<ExpectedRange> rise_within(double from, double to) const;
  [[nodiscard]] double length() const { return points.empty() ? 0.0 : points.back().at - points.front().at; }
};

/// A way that the rehearsal went, and what it met there: from these passes of its loops on the curve of that execution, up to the next entry.
struct ExpectedWay {
  std::uint32_t instruction = 0;
  std::uint64_t way = 0;
  LoopPasses passes;
  std::uint64_t execution = 1;
  bool is_kept = true;  ///< false: what the step did from this execution on was not kept
  [[nodiscard]] bool operator<(const ExpectedWay& other) const {
    return std::tie(instruction, way, passes, execution) < std::tie(other.instruction, other.way, other.passes, other.execution);
  }
};

struct ExpectedCurves {
  std::vector<ExpectedCurve> curves;  ///< ordered by instruction, then execution
  std::vector<ExpectedWay> ways;      ///< ordered. None: a rehearsal of an older cellrig, whose executions are only counted
  /// How far the cell's charge at the start may be from the rehearsed one, in per cent of the nominal capacity. None: nobody knows it.
  std::optional<double> start_tolerance_pct;

  /// Of the n-th execution. The last one known serves all that come after the rehearsal's own. Null: nothing is expected.
  [[nodiscard]] const ExpectedCurve* find(std::uint32_t instruction, std::uint64_t execution) const;
  /// Of a visit, by its way. The passes next before count, or the first ones known; where a step was visited more than once in the same
  /// passes, its executions.
  struct Found {
    bool is_rehearsed = false;             ///< the rehearsal came this way, too
    const ExpectedCurve* curve = nullptr;  ///< null: nothing was kept
  };
  [[nodiscard]] Found find(const StepEntry& visit) const;
};

inline constexpr std::size_t curve_points_max = 200;       ///< of one curve
inline constexpr std::size_t curves_points_max = 100'000;  ///< of a run: some 3 MB
/// Of a run: a real record takes some seconds to store them. Each of them may have one entry more, that nothing is known any longer.
inline constexpr std::size_t expected_ways_max = 20'000;
inline constexpr std::size_t course_stretches_max = 50;  ///< of one curve

/// What was measured at one moment of a step.
struct StepMoment {
  TimePoint now{};
  double at = 0.0;                    ///< in the unit of the step's coordinate
  double net_Ah = 0.0;                ///< of the step, charging positive
  Duration waited{};                  ///< before the step could begin, with the output off
  std::uint32_t chamber_request = 0;  ///< of the channel, counted
  Reading voltage;
  Reading cell_temperature;
  std::optional<double> around_degC;
};

/// Makes the curves while a rehearsal runs, in bounded memory.
/// * A curve keeps the points between which it does not run straight: where it bends, not where there is much of it.
/// * Of a step's executions the first is kept, and each that differs from the one kept last by half a band somewhere: half of
///   Expectation's voltage_V or temperature_K, or an end half of capacity_pct away. Voltages may be moved along the charge by as much.
/// * Each way that led to a step is kept with the curve that it met, and again where a later pass met another one.
/// * Of a course the least and the most voltage of each stretch are kept, and its greatest temperature; stretches grow with the course.
/// * When curves_points_max or expected_ways_max is reached, no more are kept; executions that would have needed one expect nothing.
class CurveGatherer {
 public:
  /// `program` must outlive it.
  explicit CurveGatherer(const Program& program) : program_{program} {}

  void begin_step(const StepEntry& visit);
  void look(const StepMoment& moment);
  /// ends_at: the coordinate; by itself: by a condition, or a bound that is its normal end.
  void end_step(double ends_at, bool ended_by_itself);
  [[nodiscard]] ExpectedCurves take();

 private:
  void thin(std::size_t count_max);
  void add_to_stretch(const ExpectedPoint& point);
  void close_stretches();
  void keep_curve(std::vector<ExpectedCurve>& kept);
  void keep_way(const std::vector<ExpectedCurve>& kept, bool has_points);
  [[nodiscard]] bool differs(const ExpectedCurve& kept) const;

  const Program& program_;
  /// Of a course, until it is over.
  struct Stretch {
    double from = 0.0;
    ExpectedPoint least, most;
  };

  std::map<std::uint32_t, std::vector<ExpectedCurve>> kept_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t>
      met_;  ///< by instruction and way: the execution of its last entry
  std::vector<ExpectedWay> ways_;
  std::optional<ExpectedCurve> present_;
  StepEntry visit_;
  std::vector<Stretch> stretches_;
  double stretch_s_ = 0.0;
  std::size_t points_kept_ = 0;
};

}  // namespace cellrig
