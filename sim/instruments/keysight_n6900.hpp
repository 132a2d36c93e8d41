// A simulated Keysight N6974A (N6900 Advanced Power System: 80 V, 25 A, two quadrants) on its SCPI raw socket.
// Written from the instruments reference, section 2, quirks included. "[V]", "[R]" and "unverified" as there.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/instruments/charge_counter.hpp"
#include "sim/instruments/keysight_n6900_parameters.hpp"
#include "sim/instruments/output_reading.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/physics/power_stage.hpp"

namespace cellrig::sim {

inline constexpr double n6900_sample_period_s = 5.12e-6;  // 1 PLC reads back +9.999360E-01: 3255 samples at 60 Hz [V]

struct KeysightN6900Config {
  std::string identity = "Agilent Technologies,N6974A,MY63000121,B.02.03.1268";
  /// N7909A power dissipators: 0, 1 or 2. They set how much the output may sink: 10 %, 50 % or 100 % of 25.5 A [V].
  int dissipators = 1;
  /// Nothing at the sense leads: QUES bit 13, and the voltage reads 1 % high [V]. The recorded unit stood on a bare bench.
  bool sense_leads_open = false;
  CyclerMeasurement measurement{};
  double charge_Ah = 0.0;  ///< the charge counter at power-on
  std::uint64_t noise_seed = 1;
  Duration query_latency = std::chrono::microseconds{400};          ///< one message [V]
  Duration further_unit_latency = std::chrono::nanoseconds{17500};  ///< 57 queries take 1.4 ms [V]
  Duration measurement_overhead = std::chrono::microseconds{4334};  ///< 21 ms at 1 PLC of 60 Hz [V]
  Duration output_switch_time = std::chrono::milliseconds{20};      ///< "tens of ms" [V]
  Duration self_test_time = std::chrono::milliseconds{5200};        ///< [V]
  /// Whether OUTP:PROT:CLE switches an output on again that a protection switched off (unverified).
  bool clearing_restores_output = false;
  std::string date = "+2026,+8,+20";
  std::string time = "+2,+15,+44";
};

/// Voltage 0.03 % of the reading and 8 mV, current 0.04 % and 6 mA, one range each (all unverified).
[[nodiscard]] CyclerAccuracy accuracy_of(const KeysightN6900Config& config);

/// Port "scpi" (5025). The error queue and what is left in the output queue belong to a connection; everything else is shared.
/// * Slew rates, output delays, the user protection and the 2 ms discharge of LOWZ are remembered but not modelled.
/// * The charge and energy counters are integrated by trapezoid between the instants at which the instrument is looked at.
/// The stage must outlive the instrument. `advance_world` is called before the stage is read or commanded.
class KeysightN6900 final : public Instrument {
 public:
  KeysightN6900(KeysightN6900Config config, PowerStage& stage, std::function<void(TimePoint)> advance_world);
  ~KeysightN6900() override;
  KeysightN6900(const KeysightN6900&) = delete;
  KeysightN6900& operator=(const KeysightN6900&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override;
  [[nodiscard]] std::optional<TimePoint> next_event() const override;
  void advance(TimePoint to) override;
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::cycler; }
  bool trip_itself(TimePoint now, OwnTrip cause) override;

  /// Back door (F30): the instrument protects itself, e.g. with QUES bit 4 (over-temperature).
  void raise_protection(TimePoint now, std::uint16_t questionable_bits);

 private:
  class ScpiSide;
  struct Readings {
    double voltage_V = 0.0;
    double current_A = 0.0;
    double power_W = 0.0;
  };
  struct Threshold {
    double function = 0.0;   ///< place among VOLT, CURR, POW, AHO, WHO
    double operation = 0.0;  ///< GT, LT
    std::array<double, 5> level{};
  };
  /// What *RST puts back and *SAV keeps.
  struct Settings {
    N6900Values values{};
    bool current_priority = false;
    double measurement_points = 0.0;  ///< samples of 5.12 us
    std::array<Threshold, 4> thresholds{};
  };
  struct StatusRegister {
    std::uint16_t condition = 0, event = 0, enable = 0, positive = 0, negative = 0;
    void update(std::uint16_t now_true);
  };

  [[nodiscard]] Settings defaults() const;
  [[nodiscard]] double value(N6900Parameter parameter) const { return settings_.values[index_of(parameter)]; }
  [[nodiscard]] double low(N6900Parameter parameter) const;
  [[nodiscard]] double high(N6900Parameter parameter) const { return traits_of(parameter).high; }
  void reset(TimePoint now);
  void set_priority(TimePoint now, bool current_priority);
  void switch_output(TimePoint now, bool on);
  void protect(TimePoint now, std::uint16_t questionable_bits);
  void clear_protection(TimePoint now);
  void apply(TimePoint now);
  void observe(TimePoint at);
  void update_status();
  [[nodiscard]] std::optional<TimePoint> watchdog_event() const;
  [[nodiscard]] std::optional<TimePoint> over_current_event() const;
  [[nodiscard]] Duration acquisition_time() const;
  void acquire();
  void traffic(TimePoint now);

  KeysightN6900Config config_;
  PowerStage& stage_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  Settings settings_;
  std::array<std::optional<Settings>, 10> saved_;
  bool output_on_ = false;
  bool was_on_before_trip_ = false;
  std::uint16_t latched_ = 0;  ///< QUES bits of protections that wait for OUTP:PROT:CLE
  StatusRegister operation_, questionable_, questionable2_;
  std::uint16_t event_status_ = 0, event_status_enable_ = 0, service_request_enable_ = 0;
  std::optional<Readings> acquired_;
  TimePoint last_traffic_{};
  std::optional<TimePoint> constant_current_since_;
  ChargeCounter counter_;
  std::unique_ptr<ScpiSide> scpi_side_;
};

}  // namespace cellrig::sim
