// A simulated Watlow F4T chamber controller with one temperature loop, on Modbus.
// Written from the instruments reference, section 4. "[V]", "[R]" and "unverified" as there.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/instruments/measurement.hpp"
#include "sim/instruments/register_table.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/physics/chamber.hpp"

namespace cellrig::sim {

struct WatlowF4tConfig {
  /// Which of the event outputs 1..8 powers the chamber: the integrator's wiring.
  int condition_event = 1;
  double setpoint_degC = 23.0;       ///< after power-on
  double setpoint_low_degC = -70.0;  ///< registers 2774 and 2776 after power-on
  double setpoint_high_degC = 180.0;
  bool fahrenheit = false;                      ///< communication units after power-on: the real default may be deg F
  bool is_on_serial_line = false;               ///< then register 14080 says in which units it speaks, and not 6730
  std::string part_number = "F4T1A2CAA1A1AAA";  ///< at most 15 characters; what it decodes to is not modelled
  std::string device_name = "cellrig chamber";
  std::uint16_t hardware_id = 30;                          ///< unverified
  std::array<std::uint16_t, 3> software_release{4, 6, 0};  ///< unverified
  std::uint32_t serial_number = 123456;
  Duration latency = std::chrono::milliseconds{5};  ///< assumed
  MeasuredQuantity temperature{};                   ///< in degC
  std::uint64_t noise_seed = 1;
};

/// 0.5 K with its sensor (unverified).
[[nodiscard]] QuantityAccuracy accuracy_of(const WatlowF4tConfig& config);

/// Port "modbus" (502 on a real unit): unit 1, function codes 3, 4, 6, 16, data map 1, 32-bit values low word first.
/// * The chamber conditions only while its condition event is on and the control mode is auto [V].
/// * A 32-bit value must be written whole: half of one is confirmed and ignored [R].
/// * Not modelled: further loops, cascade, humidity, profiles, key events, I/O modules (exception 2, as of absent modules).
/// The chamber must outlive the instrument. `advance_world` is called before the chamber is read or commanded.
class WatlowF4t final : public Instrument, private TableDevice {
 public:
  WatlowF4t(WatlowF4tConfig config, ChamberAir& chamber, std::function<void(TimePoint)> advance_world);
  WatlowF4t(const WatlowF4t&) = delete;
  WatlowF4t& operator=(const WatlowF4t&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override { return {{"modbus", &port_}}; }
  [[nodiscard]] std::optional<TimePoint> next_event() const override;
  void advance(TimePoint to) override;
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::chamber | feels::identity; }

 private:
  static constexpr std::size_t alarm_count = 4;  ///< unverified
  struct Alarm {
    std::uint16_t type = 62;   ///< 62 off, 76 process, 24 deviation
    std::uint16_t sides = 13;  ///< 13 both, 37 high, 53 low
    double high_degC = 300.0;  ///< in deviation alarms a difference, K
    double low_degC = -100.0;
    double hysteresis_K = 1.0;
    std::uint16_t silencing = 59;
    std::uint16_t latching = 60;  ///< 49 latching, 60 not
    std::uint16_t state = 61;     ///< 61 none; 37, 53 or 28 (no reading) while active, which is unverified
  };
  /// Everything a power cycle puts back.
  struct Settings {
    double setpoint_degC = 0.0;
    double setpoint_low_degC = 0.0;
    double setpoint_high_degC = 0.0;
    double manual_power_percent = 0.0;
    double ramp_rate_K = 0.0;         ///< per minute or per hour
    std::uint16_t control_mode = 62;  ///< 62 off, 10 auto, 54 manual
    std::uint16_t ramp_action = 62;   ///< 62 off, 88 start-up, 85 set point, 13 both
    std::uint16_t ramp_scale = 57;    ///< 57 minutes, 39 hours
    std::uint16_t display_units = 15;
    std::uint16_t units_over_tcp = 15;
    std::uint16_t units_over_rtu = 15;
    std::uint16_t line_frequency = 4;
    std::array<std::uint16_t, 8> events{};
    std::array<std::uint16_t, 6> clock{12, 0, 0, 1, 1, 2000};  ///< hour, minute, second, month, day, year: it stands still
    std::array<Alarm, alarm_count> alarms;
  };
  struct Float {
    double* target = nullptr;
    enum class Scale : std::uint8_t { temperature, difference, plain } scale = Scale::plain;
  };

  // ModbusDevice
  void traffic(TimePoint now) override;
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit == 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override {
    return function == 3 || function == 4 || function == 6 || function == 16;
  }
  [[nodiscard]] Duration latency() const override { return config_.latency + from_seconds(faults_.extra_latency_s); }

  // TableDevice
  ModbusStatus write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) override;
  [[nodiscard]] static std::vector<TableEntry> table();
  [[nodiscard]] double value_of(const TableEntry& entry) override;
  [[nodiscard]] std::string text_of(const TableEntry& entry) const override;
  [[nodiscard]] ModbusStatus check(const TableEntry& entry, double value) override;
  void store(const TableEntry& entry, double value) override;
  void store_character(const TableEntry& entry, std::size_t at, char character) override;
  [[nodiscard]] std::optional<ModbusStatus> blocked() const override;
  void written(TimePoint now) override;

  [[nodiscard]] Settings defaults() const;
  [[nodiscard]] std::uint16_t* setting_of(std::uint16_t id);
  [[nodiscard]] std::optional<Float> float_of(std::uint16_t id);
  void store_float(std::uint16_t id, const Float& where, double number);
  [[nodiscard]] bool is_ignored_off(std::uint16_t id, std::uint16_t value) const;

  [[nodiscard]] bool speaks_fahrenheit() const;
  [[nodiscard]] double to_wire(double value, Float::Scale scale) const;
  [[nodiscard]] double from_wire(double value, Float::Scale scale) const;
  [[nodiscard]] double process_value();
  [[nodiscard]] double output_power() const;
  [[nodiscard]] bool is_conditioning() const;
  [[nodiscard]] double ramp_per_second() const;
  [[nodiscard]] bool is_ramping() const { return running_ && working_degC_ != settings_.setpoint_degC; }
  void move_working_setpoint(TimePoint to);
  /// Before what depends on time: the air, an alarm, what begins to move.
  void look() { advance(asked_at_); }
  void apply(TimePoint now);
  void judge_alarms();

  WatlowF4tConfig config_;
  ChamberAir& chamber_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  Settings settings_;
  bool running_ = false;
  double working_degC_;
  TimePoint working_at_{};
  TimePoint asked_at_{};  ///< of the latest request
  std::optional<double> frozen_degC_;
  ModbusSlave port_{*this};
};

}  // namespace cellrig::sim
