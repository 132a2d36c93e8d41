// ESPEC chambers with a P300, SCP-220 or S-2 controller (SH-641): lines of ASCII on a serial line, or through its Ethernet forwarder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/instruments/chamber_core.hpp"
#include "drivers/instruments/espec_session.hpp"
#include "drivers/instruments/espec_text.hpp"
#include "drivers/link/byte_stream.hpp"

namespace cellrig {

struct EspecModel {
  ChamberCapabilities capabilities;
  std::vector<std::string> controllers;  ///< what TYPE? may call itself
  int unit = 0;                          ///< RS-485 address before every message; 0: none
  Celsius alarm_min, alarm_max;          ///< how far its alarm limits can be set
  Celsius plausible_min, plausible_max;  ///< a temperature outside is nonsense, never a temperature
  double alarm_margin_K = 0.0;           ///< the alarm limits lie this far outside the set-point limits
  double setpoint_tolerance_K = 0.0;     ///< between what was sent and what is read back: it knows one decimal
  Duration attempt_timeout{};            ///< of a reply while stopping
  EspecSessionOptions session;           ///< its prefix is made from `unit`
};

/// What is peculiar to it, beyond the contract of Chamber:
/// * Its high and low alarm limits bound the set-point too: arm() sets them, and refusing a set-point outside is the controller's doing.
/// * It wants 0.3 s after a question and 0.5 s after a setting. stop() cuts the pause of others and keeps but the gap between frames for
///   its first try; a later one keeps the whole pause, in case the controller was not ready for the first.
/// * While one of its own programs is under way run() refuses; stop() ends the program.
/// * A question whose link was lost is asked once more, on a new connection. No setting is repeated, but by stop().
class EspecChamber final : public ChamberCore {
 public:
  EspecChamber(TimeSource& time, std::unique_ptr<ByteStream> stream, EspecModel model);

  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> arm(const ChamberLimits& limits, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> run(Celsius setpoint, Deadline deadline) override;
  [[nodiscard]] Task<Result<ChamberReadings>> measure(Deadline deadline) override;

 private:
  struct AlarmLimits {
    double low = 0.0, high = 0.0;
  };
  void cut_calls() override { session_.cut(); }
  [[nodiscard]] bool is_plausible(const std::optional<double>& temperature) const;
  [[nodiscard]] bool is_same(double a, double b) const;
  [[nodiscard]] AlarmLimits alarm_limits_of(const ChamberLimits& limits) const;
  [[nodiscard]] Task<Result<std::string>> ask(Call call, std::string_view question);
  [[nodiscard]] Task<Result<void>> set(Call call, std::string_view command);
  [[nodiscard]] Task<Result<espec::Temperatures>> temperatures(Call call);
  [[nodiscard]] Task<Result<espec::Monitor>> monitor(Call call);
  [[nodiscard]] Task<Result<void>> hold_alarm_limits(Call call, const ChamberLimits& limits);
  [[nodiscard]] Task<Result<void>> hold_setpoint(Call call, double setpoint);
  [[nodiscard]] Task<Result<void>> stop_once(Call call, int attempt) override;

  std::unique_ptr<ByteStream> stream_;
  EspecModel model_;
  EspecSession session_;
};

}  // namespace cellrig
