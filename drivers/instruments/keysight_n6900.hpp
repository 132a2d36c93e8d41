// Keysight N6900 / N7900 Advanced Power System (the RP7900 shares the tree), in voltage priority only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/call_scope.hpp"
#include "drivers/instruments/cycler.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/scpi/session.hpp"

namespace cellrig {

struct KeysightN6900Model {
  CyclerCapabilities capabilities;
  std::string idn_model;        ///< second field of *IDN?: "N6974A"
  std::uint32_t trip_mask = 0;  ///< bits of STAT:QUES:COND? that mean "a protection turned the output off"
  bool over_current_trips_in_limit =
      false;                   ///< CURR:PROT:STAT 1: trips wherever the current limit regulates, which a CC phase does
  Duration attempt_timeout{};  ///< of one try to turn off, before the other session is tried
  ScpiSessionOptions session;
};

namespace keysight_n6900 {

/// The set-point as the instrument takes it. Pure.
struct Settings {
  Volts voltage;
  Amps limit_positive;  ///< charges; at least current_limit_min
  Amps limit_negative;  ///< magnitude, discharges; at least current_limit_min
  Amps current_max;     ///< the larger wanted magnitude
};
[[nodiscard]] Result<Settings> plan_setpoint(const Setpoint& setpoint, const KeysightN6900Model& model, const Protections& armed);

struct ProtectionPlan {
  double over_voltage_V = 0.0;  ///< rounded down to millivolts: never beyond the bound
  int watchdog_s = 0;
};
[[nodiscard]] Result<ProtectionPlan> plan_protections(const Protections& protections, const KeysightN6900Model& model);

/// The five values of one measurement message.
[[nodiscard]] Result<CyclerReadings> decode_measurement(std::string_view reply, const KeysightN6900Model& model, TimePoint at);

/// Reads as "over-voltage (OV)" and so on.
[[nodiscard]] std::string trip_cause(std::uint32_t questionable);

}  // namespace keysight_n6900

/// What is peculiar to it, beyond the contract of Cycler:
/// * Always voltage priority with two current limits; never current priority, where a changed mode resets every setting.
/// * The least limit is 0.026 A, in either direction: the idle direction of a set-point carries up to that much.
/// * No constant power, no constant resistance, no under-voltage protection of its own (a discharge regulates to voltage_min).
/// * A question in the message of its own write returns the old value: values are read back by a second message.
/// * It does not say who controls it: CyclerReadings::remote is always true; apply() finds out by reading back.
/// * A mistake voids the whole message and is answered by silence, which ends in a timeout and a new connection.
/// * OFF has a session of its own, kept open from identify() or arm() on, so that it never waits for a measurement.
/// * A latched trip is never cleared on the way: arm() and apply() fail with device_fault until acknowledge_trip().
/// * CURR:PROT:STAT stays off unless the model says otherwise: with it on, entering the current limit turns the output off.
class KeysightN6900Cycler final : public Cycler {
 public:
  KeysightN6900Cycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, std::unique_ptr<ByteStream> stop_session,
                      KeysightN6900Model model);

  [[nodiscard]] const CyclerCapabilities& capabilities() const override { return model_.capabilities; }
  [[nodiscard]] Task<Result<void>> output_off(Deadline deadline) override;
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> arm(const Protections& protections, Deadline deadline) override;
  [[nodiscard]] Task<Result<CyclerReadings>> measure(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> apply(const Setpoint& setpoint, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> release(Deadline deadline) override;
  [[nodiscard]] Amps off_current_threshold() const override;

  /// A person's decision, made after the cause was seen. Needs the output off. Succeeds when nothing is latched any more.
  [[nodiscard]] Task<Result<void>> acknowledge_trip(Deadline deadline);

 private:
  struct Call {
    Deadline deadline;
    std::uint64_t epoch = 0;
  };
  struct Armed {
    Protections protections;
    keysight_n6900::ProtectionPlan plan;
  };
  using Values = std::vector<std::string>;

  [[nodiscard]] Result<Call> begin(Deadline deadline) const;
  [[nodiscard]] Error stopped() const;
  [[nodiscard]] Error refused(const std::string& what) const;
  [[nodiscard]] Error misunderstood(Error error);
  [[nodiscard]] Task<Result<std::string>> ask(Call call, std::string_view message);
  [[nodiscard]] Task<Result<Values>> ask_values(Call call, std::string_view message, std::size_t count);
  [[nodiscard]] Task<Result<void>> command(Call call, std::string_view commands);
  [[nodiscard]] Task<Result<void>> pause(Call call, Duration duration);
  [[nodiscard]] Task<Result<void>> require_no_trip(Call call);
  [[nodiscard]] Task<Result<void>> require_voltage_priority(Call call);
  [[nodiscard]] Task<Result<void>> program_protections(Call call, const keysight_n6900::ProtectionPlan& plan);
  [[nodiscard]] Task<Result<void>> verify_protections(Call call, const keysight_n6900::ProtectionPlan& plan);
  [[nodiscard]] Task<Result<void>> write_settings(Call call, const keysight_n6900::Settings& settings);
  [[nodiscard]] Task<Result<void>> verify_settings(Call call, const keysight_n6900::Settings& settings);
  [[nodiscard]] Task<Result<void>> switch_on(Call call);
  [[nodiscard]] Task<Result<void>> off_by(ScpiSession& session, Deadline deadline);

  TimeSource& time_;
  std::unique_ptr<ByteStream> main_stream_;
  std::unique_ptr<ByteStream> stop_stream_;
  KeysightN6900Model model_;
  ScpiSession main_;
  ScpiSession stop_;
  std::optional<Armed> armed_;
  std::uint64_t epoch_ = 0;  ///< counts calls of output_off()
  int calls_ = 0;            ///< other calls under way
  int stopping_ = 0;         ///< calls of output_off() under way
  Amps last_current_{};      ///< magnitude of the last set-point
};

}  // namespace cellrig
