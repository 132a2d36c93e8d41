// Shows the steps of a channel to what keeps their curves (a rehearsal) or compares them (a run): both see the same moments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controller/engine/divergence_watch.hpp"
#include "controller/engine/expected_curves.hpp"
#include "db/reader.hpp"

namespace cellrig {

/// What a channel's run is compared with, or what is made of it. Neither: nothing is followed.
struct Following {
  std::shared_ptr<const ExpectedCurves> expected;
  CurveGatherer* gatherer = nullptr;  ///< must outlive the run
  std::optional<StepWay> way;         ///< of a run that goes on: as far as it came
  [[nodiscard]] bool any() const { return expected != nullptr || gatherer != nullptr; }
};

/// What a cell's temperature is above. Rehearsal and run have the same bench file, and so the same.
enum class Surroundings : unsigned char {
  air,      ///< beside the cell, by the logger
  chamber,  ///< by its controller
  start,    ///< nothing is measured: the cell's own first temperature in this run
};

class StepFollower {
 public:
  /// `program` must outlive it.
  StepFollower(const Program& program, const Following& following, Surroundings surroundings);

  /// Before the first step: the run goes on after an interruption.
  void go_on(TimePoint now);
  void go_on_after_pause(TimePoint now) {
    if (watch_) watch_->go_on_after_pause(now);
  }
  /// A detour: from here on nothing is expected of the run, or something is again.
  std::optional<Detour> begin_step(std::uint32_t instruction, bool continues, const ChannelState& state);
  /// The execution whose curve the present step is compared with; none: nothing is expected of it.
  [[nodiscard]] std::optional<std::uint64_t> compared_with() const { return watch_ ? watch_->compared_with() : std::nullopt; }
  /// An observation that the engine has judged as part of the step that runs.
  [[nodiscard]] std::optional<Divergence> look(const ChannelState& state, const Observation& observation, TimePoint now,
                                               Duration gap_limit);
  [[nodiscard]] std::optional<Divergence> end_step(const output::StepEnded& ended);

 private:
  [[nodiscard]] std::optional<double> around_degC(const Observation& observation);

  const Program& program_;
  Following following_;
  Surroundings surroundings_;
  StepWay way_;
  std::optional<DivergenceWatch> watch_;
  std::optional<double> first_degC_;
  bool has_gone_on_ = false;
};

/// "voltage_V 3.512, expected 3.631 (3.581 to 3.681) at 1.204 Ah of step 'cc_charge'".
[[nodiscard]] std::string describe(const Divergence& divergence, const Step& step);

/// "the run goes another way than its rehearsal: nothing is expected of step 'cool down' after 'fast charge'".
[[nodiscard]] std::string describe(const Detour& detour, const Program& program);

/// As the record keeps them, and back. What is in no such form is left out.
[[nodiscard]] std::vector<db::ExpectedCurveRow> rows_of(const ExpectedCurves& curves, db::RunKey run);
[[nodiscard]] std::vector<db::ExpectedWayRow> way_rows_of(const ExpectedCurves& curves, db::RunKey run);
[[nodiscard]] ExpectedCurves curves_of(const Program& program, const std::vector<db::ExpectedCurveRow>& rows,
                                       const std::vector<db::ExpectedWayRow>& ways = {});
/// The way of the steps that the record has.
[[nodiscard]] StepWay way_of(const Program& program, const std::vector<db::StepInfo>& steps);
/// Of a run that is to go on: as it was compared before, and the way that it came. Nothing when it was not.
[[nodiscard]] Result<Following> following_of(db::Reader& reader, const Program& program, db::RunKey run);

}  // namespace cellrig
