// Outputs that should be off and stay off: looked at, and switched off again when they are not.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "controller/async/time_source.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/sensor_sink.hpp"
#include "drivers/instruments/cycler.hpp"

namespace cellrig {

/// What one look at an output found, and did.
struct OutputLook {
  std::optional<CyclerReadings> readings;  ///< none: no answer
  bool was_on = false;
  bool is_off_again = false;  ///< OFF was sent, and confirmed

  /// It says "off", what flows is no number, and it does not confirm OFF either.
  [[nodiscard]] bool is_doubtful() const { return readings && !was_on && !readings->current.usable() && !is_off_again; }
};
/// So many looks that could not tell, and none between that knew, are an output that is not known to be off.
inline constexpr int output_doubts_max = 3;
/// Looks that could not tell, since the last one that knew. One without an answer knows nothing, either way.
[[nodiscard]] inline int doubts_after(const OutputLook& look, int doubts) {
  if (look.is_doubtful()) return doubts + 1;
  return look.readings ? 0 : doubts;
}
/// One measurement; OFF when something flows, or perhaps, or the output is on. Only where no watchdog is armed that a question could
/// feed. An instrument that does not answer energises nothing that could be seen from here; somebody may have taken it away.
[[nodiscard]] Task<OutputLook> look_at_output(TimeSource& time, Cycler& cycler, Amps noise);
/// "after its end the output is on again (1.000 A): OFF again, confirmed".
[[nodiscard]] std::string describe(const OutputLook& look);

/// One channel between its runs: measured for those who watch, and kept off.
/// * Nothing is asked before let_go(true): a watchdog may be left that must fire. An output whose OFF nobody confirmed gets OFF once a
///   minute, with a silence between that outlasts any watchdog, and right before each a look at what flows: more than was thought counts.
/// * One that is on again gets OFF at every look, and is told of ten times, then once a minute. One that is not known to be off at
///   stop() gets a last OFF.
/// * One that answered and is silent for a minute is told of once: that it was off is all that is known of it.
/// * A cell that is too hot, warms too fast or gasses while no run looks after it is told of at once.
/// * hold() returns when no exchange of this object is under way; until let_go() there is none.
/// Control thread only.
class OutputWatch final : public SensorSink {
 public:
  struct Told {
    std::function<void()> looked;                                                ///< there is something new to show
    std::function<void(const std::string& what, AmpHours charge)> was_on_again;  ///< alarm; what may have gone in meanwhile
    std::function<void(const std::string& what)> is_silent;                      ///< warning: nobody knows what it does
    std::function<void(const TripCause&)> is_hot;                                ///< its cell, and no run looks after that
    std::function<void()> is_not_off;                                            ///< and does not confirm OFF: said once
    std::function<void()> is_off;  ///< an output that was not known to be off is, now
  };
  /// Of a cell that nobody has named: its heat is judged by these.
  struct HeatLimits {
    Celsius cell_temperature_max;
    SensorLimits sensors;  ///< of these the gas
  };
  OutputWatch(TimeSource& time, std::string channel, Cycler& cycler, Duration period, HeatLimits heat, Told told);

  [[nodiscard]] Task<void> run();  ///< until stop(); begins held
  void stop();
  [[nodiscard]] Task<void> hold();
  /// is_known_off: the instrument confirmed OFF, and its watchdog is disarmed. False: it is told once a minute, and else left alone.
  void let_go(bool is_known_off);
  /// OFF could not be confirmed: at most `may_flow` has flowed since `since`, and does until one is.
  void let_go_in_doubt(TimePoint since, Amps may_flow);
  void let_go_in_doubt();   ///< what may have flowed when it was held may flow still
  void let_go_as_before();  ///< nothing was sent while it was held
  [[nodiscard]] bool is_known_off() const { return is_known_off_ && !is_not_off_; }
  /// Sensors always; voltage and current while it looks.
  [[nodiscard]] const Observation& observation() const { return observation_; }
  [[nodiscard]] bool is_tripped() const { return is_tripped_; }  ///< the instrument has latched a protection of its own

  /// True while no runner is there to do so. What is hot is told once, until this is called again.
  void mind_heat(bool is_minded);

  [[nodiscard]] const std::string& name() const override { return channel_; }
  void sensor(Measurand measurand, const Reading& reading) override;
  void interlock(std::size_t module, const Reading& reading) override;

 private:
  Task<void> look();
  Task<void> judge(const OutputLook& look);
  Task<void> try_off();
  void judge_silence(const OutputLook& look);
  void tell_rest();
  void note_gap(TimePoint at);

  TimeSource& time_;
  std::string channel_;
  Cycler& cycler_;
  Duration period_;
  HeatLimits heat_;
  Told told_;
  Observation observation_;
  std::map<std::size_t, Reading> interlocks_;  ///< by module
  Wait wake_;
  Wait idle_;
  bool is_held_ = true, is_busy_ = false, is_known_off_ = false, is_tripped_ = false, stopped_ = false;
  bool is_not_off_ = false;  ///< on again, OFF not confirmed since
  int on_again_ = 0;
  int doubts_ = 0;  ///< looks that could not tell
  ChargeSince charge_since_;
  AmpHours charge_again_;  ///< that went in, and was not told yet
  TimePoint answered_at_{};
  bool is_silence_told_ = false;
  bool is_heat_minded_ = true;
  std::optional<SafetySupervisor> heat_watch_;
  std::optional<TimePoint> heat_seen_at_;                         ///< its cell's temperature, the last time
  TimePoint came_back_at_ = TimePoint{} - std::chrono::hours{1};  ///< after a gap; the first one has none
  TimePoint told_at_{};
};

}  // namespace cellrig
