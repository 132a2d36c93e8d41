// What is kept so that a run can go on after an interruption, and the arithmetic of the gap. Pure.
//
// In the record every instant of a resume point is a test time: another process, or the same machine after a restart, has another
// clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "controller/engine/channel_state.hpp"
#include "controller/engine/safety_supervisor.hpp"

namespace cellrig {

/// Its version is that of the state, which comes first. Trivially copyable: its bytes are stored.
struct ResumePoint {
  ChannelState channel;
  ChargeGuard guard;
};
static_assert(std::is_trivially_copyable_v<ResumePoint>);

/// Every instant moved by `by`: from a process's clock to test time, and back.
[[nodiscard]] ResumePoint shifted(const ResumePoint& point, Duration by);

/// From stored bytes. Nothing, and why not: another version, another size.
[[nodiscard]] std::optional<ResumePoint> resume_point_of(std::span<const std::byte> bytes, std::string& why_not);

/// Empty: the state can be that of this program. Else what cannot be.
[[nodiscard]] std::string misfit(const Program& program, const ChannelState& state);

/// A row of the record that is younger than the resume point. All of them belong to the step of the resume point.
struct RowSeen {
  ElectricalSample sample;
  Throughput step_moved;  ///< as the row counts it: since the step began or went on
  std::optional<double> cell_degC;
  bool constant_voltage = false;
};
void catch_up(ResumePoint& point, const RowSeen& row);

/// Up to when the step was seen.
[[nodiscard]] TimePoint seen_until(const StepState& step);

/// Charge that flowed while nobody looked: at most this. Positive went in.
struct UnseenCharge {
  Amps current;  ///< the last commanded or known one
  Duration time{};
  AmpHours
      after_end{};  ///< beside that: went in until a late OFF, and through an output that was found on when the run had ended
  /// With the sign of the current. A discharge that may not have happened makes no room for what went in after the end.
  [[nodiscard]] AmpHours in_gap() const { return AmpHours{current.value() * to_seconds(time) / 3600.0}; }
  [[nodiscard]] AmpHours went_in_max() const { return std::max(in_gap(), AmpHours{}) + after_end; }
  [[nodiscard]] AmpHours moved_max() const { return abs(in_gap()) + after_end; }  ///< in whatever direction
};
/// Of two currents the one that charges more; when neither charges, the one that discharges more.
[[nodiscard]] Amps worse_of(Amps a, Amps b);
/// `time`: until the output was off for certain. Where several currents may have flowed, the one that charges most.
[[nodiscard]] UnseenCharge unseen_charge(const Program& program, const ChannelState& state, Duration time);

}  // namespace cellrig
