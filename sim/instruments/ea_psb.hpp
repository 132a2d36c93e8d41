// A simulated EA Elektro-Automatik PSB 10000 (bidirectional, one output): Modbus TCP and SCPI over one device state.
// Written from the instruments reference, section 1. "[V]" there: read in a source used against real hardware; "[R]": from
// memory; everything marked "unverified" here is an assumption to be checked against a unit.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/instruments/ea_psb_settings.hpp"
#include "sim/instruments/modbus_slave.hpp"
#include "sim/instruments/output_reading.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/instruments/scpi_text.hpp"
#include "sim/physics/power_stage.hpp"

namespace cellrig::sim {

struct EaPsbConfig {
  std::string device_type = "PSB 10060-60";        ///< registers 1..20
  std::string identity_model = "PSB 10060-60 2U";  ///< second field of *IDN?
  std::string serial_number = "1234560001";
  std::string firmware = "KE 3.10";
  std::string user_text;            ///< fifth field of *IDN?; may be empty
  std::uint16_t device_class = 50;  ///< register 0; the number is unverified
  double nominal_voltage_V = 60.0;
  double nominal_current_A = 60.0;
  double nominal_power_W = 1500.0;
  double resistance_max_ohm = 48.0;
  double resistance_min_ohm = 0.04;
  /// Bits 0..4 of the state while remote: 6 Ethernet, 3 USB [V].
  std::uint8_t remote_location = 6;
  Duration modbus_latency = std::chrono::milliseconds{3};  ///< assumed
  Duration scpi_latency = std::chrono::milliseconds{5};    ///< assumed; per message
  /// Set values and the remote state read back old until then; the output state and the actuals don't lag. Drivers of real
  /// units wait 50 ms before they read back [V]; how long the unit really needs is unverified.
  Duration readback_lag = std::chrono::milliseconds{5};
  /// Whether Modbus traffic feeds the interface monitoring is unverified.
  bool modbus_feeds_monitor = true;
  int voltage_decimals = 2;         ///< of SCPI replies: "32.00 V" [V]
  int current_decimals = 2;         ///< "-8.00 A" [V]
  int power_decimals = 0;           ///< "-256 W" [V]
  CyclerMeasurement measurement{};  ///< power is the product of the two
  std::uint64_t noise_seed = 1;
};

/// The widest of the series, 60 V, 1000 A, 30 kW. That it exists and its ratings are published; its resistances are assumed.
[[nodiscard]] EaPsbConfig ea_psb_10060_1000();

/// 0.05 % of the nominal value and 0.02 % of the reading (unverified).
[[nodiscard]] CyclerAccuracy accuracy_of(const EaPsbConfig& config);

/// Why a set command was not carried out.
enum class EaRefusal : std::uint8_t { none, not_in_remote, out_of_range, alarm_active };

/// Ports "modbus" (502 on a real unit; function codes 1, 3, 5, 6, 16; units 0 and 1, echoed) and "scpi" (5025).
/// Modbus RTU frames on the SCPI port (first byte 0) are not understood: they are SCPI rubbish.
/// The stage must outlive the instrument. `advance_world` is called before the stage is read or commanded.
class EaPsb final : public Instrument {
 public:
  EaPsb(EaPsbConfig config, PowerStage& stage, std::function<void(TimePoint)> advance_world);
  ~EaPsb() override;
  EaPsb(const EaPsb&) = delete;
  EaPsb& operator=(const EaPsb&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override;
  [[nodiscard]] std::optional<TimePoint> next_event() const override;
  void advance(TimePoint to) override;
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::cycler; }
  bool trip_itself(TimePoint now, OwnTrip cause) override;

  /// Back door (F30): the device alarms by itself. `questionable_bits` as in ea_questionable, e.g. over_temperature.
  void raise_alarm(TimePoint now, std::uint16_t questionable_bits);

 private:
  class ModbusSide;
  class ScpiSide;
  // The device, whatever the wire. ea_psb.cpp
  [[nodiscard]] double nominal(EaQuantity quantity) const;
  [[nodiscard]] double value(EaSetting setting) const;
  [[nodiscard]] std::uint16_t to_raw(EaQuantity quantity, double magnitude) const;
  /// Writes may be refused, reads lag: the settings as a client sees them now.
  [[nodiscard]] const EaSettings& shown(TimePoint now) const { return now < shown_until_ ? shown_ : settings_; }
  void about_to_change(TimePoint now);
  EaRefusal check(EaSetting setting, std::uint16_t raw) const;
  EaRefusal set(TimePoint now, EaSetting setting, std::uint16_t raw);
  EaRefusal set_remote(TimePoint now, bool remote);
  EaRefusal set_output(TimePoint now, bool on);
  EaRefusal set_resistance_mode(TimePoint now, bool on);
  /// Runs a change of anything else in the settings, if remote.
  template <class Edit>
  EaRefusal change(TimePoint now, Edit edit) {
    if (!settings_.remote) return EaRefusal::not_in_remote;
    about_to_change(now);
    edit(settings_);
    apply(now);
    return EaRefusal::none;
  }
  EaRefusal reset(TimePoint now);
  void acknowledge_alarms();
  void leave_remote(TimePoint now);
  void switch_output(TimePoint now, bool on);
  void apply(TimePoint now);
  void observe();
  void latch(std::uint16_t questionable_bits, bool sinking);
  [[nodiscard]] std::uint16_t software_alarms() const;
  [[nodiscard]] std::uint16_t events_with(EaEventAction least) const;
  [[nodiscard]] OutputReading measure();
  [[nodiscard]] std::uint32_t state_word(TimePoint now);
  [[nodiscard]] std::uint16_t questionable(TimePoint now) const;
  [[nodiscard]] std::uint16_t operation() const;
  void traffic(TimePoint now, bool feeds_monitor);
  [[nodiscard]] Duration extra_latency() const { return from_seconds(faults_.extra_latency_s); }

  EaPsbConfig config_;
  PowerStage& stage_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  EaSettings settings_;
  EaSettings shown_;
  TimePoint shown_until_{};
  bool output_on_ = false;
  std::uint16_t alarms_ = 0;  ///< latched, in ea_questionable bits
  struct AlarmCounters {
    std::uint16_t over_voltage = 0, over_current = 0, over_power = 0, over_temperature = 0, power_fail = 0;
    std::uint16_t sink_over_current = 0, sink_over_power = 0;
  } counters_;
  TimePoint last_traffic_{};
  double last_current_A_ = 0.0;  ///< before a trip, to tell which direction tripped
  std::optional<OutputReading> frozen_;
  ScpiErrorQueue errors_;
  std::unique_ptr<ModbusSide> modbus_side_;
  std::unique_ptr<ScpiSide> scpi_side_;
  std::unique_ptr<Port> text_or_rtu_;  ///< TCP 5025 and USB
};

}  // namespace cellrig::sim
