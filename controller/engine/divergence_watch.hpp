// Does the cell do what its rehearsal foretold? A cell that is weaker than its file, that leaks, or that is cooled otherwise is seen here long
// before a limit of safety is near.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "controller/engine/channel_machine.hpp"
#include "controller/engine/expected_curves.hpp"

namespace cellrig {

enum class DivergedQuantity : unsigned char { voltage_V, cell_temperature_degC, charge_Ah };

struct Divergence {
  DivergedQuantity quantity = DivergedQuantity::voltage_V;
  double measured = 0.0;
  ExpectedRange expected;  ///< where the curve lies there; the charge: where it ends
  ExpectedRange band;      ///< with the room around it; infinite on a side that is not judged
  double at = 0.0;         ///< the coordinate of the step
  Coordinate coordinate = Coordinate::step_time_s;
  std::uint32_t instruction = 0;
  std::uint64_t execution = 0;
  bool is_at_end = false;  ///< the step is over, and moved less than it should have
};

/// The run leaves the ways of its rehearsal, or is back on one: said once each time.
struct Detour {
  enum class Kind : unsigned char {
    other_way,     ///< the rehearsal did not come to this step in this way
    skip,          ///< a person skipped a step
    interruption,  ///< a step with a current was begun anew, or passed over, after an interruption
    ended,         ///< compared again
  };
  Kind kind = Kind::other_way;
  std::uint32_t instruction = 0;
  std::optional<std::uint32_t> previous;  ///< the step before it
};

/// Looks at a run beside the curves of its rehearsal.
/// * Voltage: within Expectation::voltage_V of the curve. Along the charge the curve may be shifted, as far as the cell's own charge is unknown:
///   by ExpectedCurves::start_tolerance_pct until a step has ended at a voltage, and from then on by 2 % of the capacity and
///   capacity_pct of what has flowed since. Where the shift leads beside the curve, that side is not judged. A rest has the room that the
///   slope of the curve before it makes of the shift (without the 2 %: where a voltage ended the step before, the rest begins there). Before any
///   current has flowed a rest is judged by how its voltage moves.
/// * While nobody knows the charge at all, nothing is judged but such a rest: emptier cells sag, relax and warm otherwise.
/// * Temperature: within temperature_K of the rise over the surroundings. Not in a soak, nor in a step that has just asked its chamber for
///   another temperature: how fast a chamber gets there is not the cell's doing.
/// * Charge: a step with current that ended by itself has moved at least what it should have, less capacity_pct of the nominal capacity; and one that
///   goes on does not move more than that, and 2 %, beyond its end. Before a step has ended at a voltage the start's tolerance is added.
/// * A quantity must be seen outside for `hold`, between readings that are not further apart than the gap limit, with none inside between them. A reading that
///   is no number, or is missing, says nothing either way: neither does it count, nor does it begin the hold anew.
/// * A course: within the band of what its curve does in a stretch of time, wider by what the charge may be off at the rate it moves. Its end is
///   judged like that of a step with current: less time is less charge.
/// * A rest that follows a course is judged by its temperature alone: which of its currents flowed last is chance.
/// * An end that leads elsewhere than to the next step is no end in this sense, here and in the rehearsal: it is another way.
/// * On a way that was not rehearsed nothing is judged, and a Detour says so: at the step where it is left and where it is found again.
/// * A cell that stood waiting for its chamber for more than a minute, rehearsed or not, or for a person a minute longer than in the rehearsal
///   has relaxed and cooled: rests are not judged until a step with current has ended, nor is the temperature of that step.
/// * Said once for each execution of a step: what was first.
/// Contract: begin_step(), look() in the order of time, end_step(), for each step.
class DivergenceWatch {
 public:
  /// `program` must outlive it.
  DivergenceWatch(const Program& program, std::shared_ptr<const ExpectedCurves> curves);

  /// The run goes on after an interruption. What the cell did meanwhile is in no
  /// curve: for an hour nothing is judged, and its charge is not known until it has been full or empty.
  void go_on(TimePoint now);

  /// A step goes on after a pause: a cell that has rested is lower for a while.
  void go_on_after_pause(TimePoint now);
  /// `lost`: why the visit has no way.
  std::optional<Detour> begin_step(const StepEntry& visit, StepWay::Lost lost = StepWay::Lost::no,
                                   std::optional<std::uint32_t> previous = std::nullopt);
  /// The execution of the present step's curve.
  [[nodiscard]] std::optional<std::uint64_t> compared_with() const {
    return curve_ != nullptr ? std::optional{curve_->execution} : std::nullopt;
  }
  [[nodiscard]] std::optional<Divergence> look(const StepMoment& moment, Duration gap_limit);
  [[nodiscard]] std::optional<Divergence> end_step(const output::StepEnded& ended);

 private:
  /// How long a quantity has been seen outside.
  struct Excursion {
    Duration outside{};
    std::optional<TimePoint> last;
    /// True: for long enough.
    [[nodiscard]] bool add(TimePoint at, bool is_outside, Duration gap_limit, Duration hold);
  };
  struct Judged {
    double value = 0.0;
    ExpectedRange expected, band;
  };

  [[nodiscard]] double net_Ah(const StepMoment& moment) const;
  [[nodiscard]] double slack_Ah(double net_Ah) const;
  [[nodiscard]] std::optional<Judged> judge_voltage(const StepMoment& moment);
  [[nodiscard]] std::optional<Judged> judge_flowing(const StepMoment& moment, double slack_Ah) const;
  [[nodiscard]] std::optional<Judged> judge_resting(const StepMoment& moment);
  [[nodiscard]] std::optional<Judged> judge_course(const StepMoment& moment) const;
  [[nodiscard]] std::optional<double> course_room_s(const StepMoment& moment) const;
  [[nodiscard]] bool is_course() const { return step_->course.has_value(); }
  [[nodiscard]] std::optional<Judged> judge_temperature(const StepMoment& moment) const;
  [[nodiscard]] std::optional<Judged> judge_charge(const StepMoment& moment) const;
  [[nodiscard]] Divergence tell(DivergedQuantity quantity, const Judged& judged, double at);
  [[nodiscard]] std::optional<Divergence> judge_end(const output::StepEnded& ended);
  void keep_charge(const output::StepEnded& ended, double net_Ah);
  void note_wait(const output::StepEnded& ended);

  const Program& program_;
  const Expectation& band_;
  std::shared_ptr<const ExpectedCurves> curves_;
  double nominal_Ah_;
  std::optional<double> start_tolerance_Ah_;
  TimePoint judged_from_ = TimePoint::min();

  // What is known of the cell's charge.
  bool is_anchored_ = false;                                    ///< it has been full or empty in this run
  double since_anchor_Ah_ = 0.0, moved_since_anchor_Ah_ = 0.0;  ///< net; both ways together
  bool has_flowed_ = false;
  std::optional<double> slope_V_per_Ah_;  ///< of the expected curve at the end of the last step that moved enough
  std::uint32_t chamber_request_ = 0;     ///< at the last look
  std::optional<double> chamber_degC_;    ///< asked for last

  // The step.
  const Step* step_ = nullptr;
  const ExpectedCurve* curve_ = nullptr;
  StepEntry visit_;
  bool is_on_detour_ = false;
  bool is_after_course_ = false;  ///< nobody knows which of its currents flowed last: what relaxes is not known
  bool has_waited_ = false;       ///< longer than rehearsed, and no step with current has ended since
  bool is_told_ = false, is_temperature_judged_ = true;
  std::optional<double> rest_shift_V_;  ///< measured above expected, when a rest began whose charge nobody knew
  Excursion voltage_, temperature_, charge_;
};

}  // namespace cellrig
