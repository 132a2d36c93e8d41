// A simulated ITECH bidirectional supply (IT-M3400, IT-M3900, IT6000C: one command tree) on its raw socket.
// Written from the instruments reference, section 3. "[V]", "[R]" and "unverified" as there.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/instruments/charge_counter.hpp"
#include "sim/instruments/itech_parameters.hpp"
#include "sim/instruments/output_reading.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/physics/power_stage.hpp"

namespace cellrig::sim {

struct ItechConfig {
  std::string identity = "ITECH Electronics,IT-M3432,800821020000000001,000.006.101,640.R,132.R";  ///< six fields [V]
  ItechRatings ratings;
  CyclerMeasurement measurement{};  ///< power is the product of the two
  std::uint64_t noise_seed = 1;
  Duration query_latency = std::chrono::milliseconds{5};      ///< assumed
  Duration measurement_time = std::chrono::milliseconds{3};   ///< assumed, on top
  Duration command_time = std::chrono::milliseconds{20};      ///< after a setting, before the next message is looked at [V]
  Duration trip_clear_time = std::chrono::milliseconds{120};  ///< 0.1 to 0.15 s [V]
  bool ends_with_crlf = false;                                ///< some firmware [V]
};

/// The IT6054C-800-225 of the reference.
[[nodiscard]] ItechConfig it6054c_800_225();

/// Voltage 0.03 % of the reading and 0.03 % of full scale, current 0.1 % and 0.1 % (unverified).
[[nodiscard]] CyclerAccuracy accuracy_of(const ItechConfig& config);

/// Port "scpi" (30000).
/// * Comes up in local: settings are refused (which error tells so is unverified) until SYST:REM.
/// * A change of priority copies the set-point into the limit [V]; the inactive set-point is accepted, does nothing, and mirrors the
///   limit when it is asked for [V].
/// * Settings are rounded to the resolution of the model, replies are NR2 with that many digits.
/// * Protections latch their bit and PS until OUTP:PROT:CLE; the watchdog latches PS alone (assumed), also with the output off
///   (unverified, the less pleasant reading).
/// * Slew rates, delays of protections, lists and the battery mode are remembered but not modelled.
/// The stage must outlive the instrument. `advance_world` is called before the stage is read or commanded.
class Itech final : public Instrument {
 public:
  Itech(ItechConfig config, PowerStage& stage, std::function<void(TimePoint)> advance_world);
  ~Itech() override;
  Itech(const Itech&) = delete;
  Itech& operator=(const Itech&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override;
  [[nodiscard]] std::optional<TimePoint> next_event() const override;
  void advance(TimePoint to) override;
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::cycler; }
  bool trip_itself(TimePoint now, OwnTrip cause) override;

 private:
  class ScpiSide;
  [[nodiscard]] double value(ItechParameter parameter) const { return values_[index_of(parameter)]; }
  void set(TimePoint now, ItechParameter parameter, double value);
  void set_priority(TimePoint now, bool current_priority);
  void switch_output(TimePoint now, bool on);
  void protect(TimePoint now, std::uint16_t questionable_bits);
  void clear_protection(TimePoint now);
  void reset(TimePoint now);
  void apply(TimePoint now);
  void observe(TimePoint at);
  void count_charge(TimePoint at);
  void traffic(TimePoint now);
  [[nodiscard]] bool is_local() const { return !remote_ || faults_.local_control; }
  [[nodiscard]] std::uint16_t operation() const;
  [[nodiscard]] std::uint16_t questionable(TimePoint now);
  [[nodiscard]] OutputReading measure();

  ItechConfig config_;
  PowerStage& stage_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  ItechValues values_;
  bool remote_ = false;
  bool current_priority_ = false;
  bool output_on_ = false;
  bool was_sinking_ = false;   ///< when a current flowed last
  std::uint16_t latched_ = 0;  ///< QUES bits of protections that wait for OUTP:PROT:CLE
  std::uint16_t fading_ = 0;   ///< cleared, and still shown
  TimePoint faded_at_{};
  TimePoint last_traffic_{};
  std::optional<OutputReading> last_readings_;
  ChargeCounter counter_;
  std::unique_ptr<ScpiSide> scpi_side_;
};

}  // namespace cellrig::sim
