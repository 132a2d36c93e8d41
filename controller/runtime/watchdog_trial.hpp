// Makes the watchdog of one cycler fire: a small discharge current, talk, OFF by command, ON again, silence, then a look.
#pragma once

#include <optional>
#include <string>

#include "controller/async/task_group.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/limits.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/listener.hpp"
#include "drivers/instruments/identity.hpp"

namespace cellrig {

/// What a watchdog was seen to do, with this very instrument and firmware.
struct WatchdogProof {
  std::string channel, instrument;
  InstrumentIdentity identity;
  Duration delay{};               ///< as programmed
  Duration silence{};             ///< after which the output was looked at
  bool fed_by_measuring = false;  ///< the output stayed on for longer than the delay while it was measured
  Duration off_within{};          ///< from the command OFF until the instrument confirmed that no current flows
  bool fired = false;             ///< the output was off after the silence
};

struct WatchdogTrialOptions {
  SafetyLimits limits;  ///< of the cell
  AmpHours capacity;
  Duration delay = std::chrono::seconds{5};
};

/// * Needs an output that is off, and leaves it off, verified, the contactor open, the watchdog disarmed; whatever happens.
/// * The current is the smallest that the cycler regulates and shows well, at most a fifth of 1C, and flows out of the cell for three
///   delays at the most. Nobody looks at the cycler during the silence: the current is so small that nothing can happen to the cell.
///   Somebody else looks at everything beside it (TrialGuard), and ends the trial when it must not go on.
/// * Looking feeds the watchdog, so it is looked once, a second after the watchdog must have fired.
class WatchdogTrial {
 public:
  WatchdogTrial(TimeSource& time, const ChannelParts& parts, const WatchdogTrialOptions& options, RunListener& listener);

  /// An error says what could not be tried, or what went wrong. A watchdog that did not fire is no error but a proof with fired = false.
  [[nodiscard]] Task<Result<WatchdogProof>> run();
  /// Ends it early: the output is switched off before run() returns.
  void stop();
  /// The same, for a reason found beside the cycler: an open contact, a limit.
  void end(const Error& reason);

 private:
  [[nodiscard]] Task<Result<void>> perform();
  [[nodiscard]] Task<Result<void>> close_contactor();
  [[nodiscard]] Task<Result<void>> look_at_cell();
  [[nodiscard]] Task<Result<void>> switch_on();
  [[nodiscard]] Task<Result<void>> apply();
  [[nodiscard]] Task<Result<void>> talk();
  [[nodiscard]] Task<Result<void>> command_off();
  [[nodiscard]] Task<Result<void>> be_silent();
  [[nodiscard]] Task<void> cut();
  [[nodiscard]] Task<Result<void>> make_safe();
  [[nodiscard]] Task<Result<void>> clear();
  [[nodiscard]] Task<Result<CyclerReadings>> look();
  [[nodiscard]] Task<Result<void>> sleep(Duration duration);
  [[nodiscard]] Result<void> judge(const CyclerReadings& readings) const;
  [[nodiscard]] Error refuse(const std::string& what) const;
  void say(db::Severity severity, const std::string& text);

  TimeSource& time_;
  ChannelParts parts_;
  WatchdogTrialOptions options_;
  RunListener& listener_;
  WatchdogProof proof_;
  Amps current_{};
  Volts voltage_min_{}, voltage_max_{};
  Wait wake_;
  TaskGroup tasks_;
  std::optional<Error> ended_;  ///< by whom or what
  bool running_ = false;        ///< current may flow
};

}  // namespace cellrig
