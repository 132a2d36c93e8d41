// A simulated Binder MK chamber with an MB1 controller, on Modbus.
// Written from the instruments reference, section 6. "[V]", "[R]" and "unverified" as there.
#pragma once

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

struct BinderMb1Config {
  double setpoint_degC = 23.0;       ///< after power-on, of both modes
  double setpoint_low_degC = -40.0;  ///< what a set point may be; not in any register
  double setpoint_high_degC = 180.0;
  /// The MKFT's idea: 0x156F is the manual set point and 0x1581 the basic one [V, two sources contradict each other].
  bool setpoints_are_swapped = false;
  double safety_limit_degC = 200.0;                  ///< of the safety device beside the controller, set by hand
  double program_setpoint_degC = 40.0;               ///< what program 1 does; programs proper are not modelled
  Duration latency = std::chrono::milliseconds{50};  ///< assumed; within 250 ms [V]
  MeasuredQuantity temperature{};                    ///< as its own sensor sees the air
  std::uint64_t noise_seed = 1;
};
/// Of the chambers that carry it (unverified).
[[nodiscard]] QuantityAccuracy accuracy_of(const BinderMb1Config& config);

/// Port "modbus" (RTU on RS-422/485, or RTU frames on TCP 10001 of a real unit): unit 1, function codes 3, 4, 6, 16, 32-bit values low
/// word first.
/// * A set point takes effect only in the mode it belongs to; with mode 0 (idle) it conditions nothing [V].
/// * Denied writes are exception 5 [V]: registers that can only be read, and everything while somebody operates the panel.
/// * Alarms stay until the panel resets them [V].
/// * Not modelled: humidity beyond its registers, programs beyond one constant temperature.
/// The chamber must outlive the instrument. `advance_world` is called before the chamber is read or commanded.
class BinderMb1 final : public Instrument, private TableDevice {
 public:
  BinderMb1(BinderMb1Config config, ChamberAir& chamber, std::function<void(TimePoint)> advance_world);
  BinderMb1(const BinderMb1&) = delete;
  BinderMb1& operator=(const BinderMb1&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override { return {{"modbus", &port_}}; }
  [[nodiscard]] std::optional<TimePoint> next_event() const override { return std::nullopt; }
  void advance(TimePoint to) override;
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::chamber; }

  /// Somebody at the door: while it is open nothing is conditioned (unverified).
  void set_door(TimePoint now, bool is_open);
  /// Somebody at the panel.
  void reset_alarms(TimePoint now);

 private:
  enum class Alarm : std::uint8_t { none, over_temperature, sensor };
  struct Settings {
    double manual_degC = 0.0, basic_degC = 0.0;
    double manual_humidity = 50.0, basic_humidity = 50.0;
    std::uint16_t mode = 0;
    std::uint16_t program = 1;
    std::uint16_t operation_lines = 0;
  };

  // ModbusDevice
  void traffic(TimePoint now) override { advance(now); }
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit == 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override {
    return function == 3 || function == 4 || function == 6 || function == 16;
  }
  [[nodiscard]] Duration latency() const override { return config_.latency + from_seconds(faults_.extra_latency_s); }

  // TableDevice
  [[nodiscard]] double value_of(const TableEntry& entry) override;
  [[nodiscard]] std::string text_of(const TableEntry& entry) const override;
  [[nodiscard]] ModbusStatus check(const TableEntry& entry, double value) override;
  void store(const TableEntry& entry, double value) override;
  [[nodiscard]] std::optional<ModbusStatus> blocked() const override;
  void written(TimePoint now) override { apply(now); }

  [[nodiscard]] Settings defaults() const;
  [[nodiscard]] double process_value();
  [[nodiscard]] double setpoint_in_force() const;
  [[nodiscard]] bool is_conditioning() const;
  void apply(TimePoint now);
  void judge_alarms(TimePoint now);

  BinderMb1Config config_;
  ChamberAir& chamber_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  Settings settings_;
  Alarm alarm_ = Alarm::none;
  bool door_is_open_ = false;
  std::optional<double> frozen_degC_;
  ModbusSlave port_{*this};
};

}  // namespace cellrig::sim
