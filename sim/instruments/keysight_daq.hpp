// A simulated Keysight DAQ970A (34970A, 34972A: one command tree) with one 20-channel multiplexer, on its SCPI socket or serial line.
// Written from the instruments reference, section 7. "[V]", "[R]" and "unverified" as there.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/instruments/measurement.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

inline constexpr std::size_t keysight_daq_channels = 20;

struct KeysightDaqConfig {
  std::string identity =
      "Keysight Technologies,DAQ970A,MY58000101,A.02.02-01.00-02.01-00.02-02.00-00.02-00-01";  // format unverified
  std::string card = "Keysight Technologies,DAQM901A,MY58000202,1.0";
  std::string empty_slot = "Keysight Technologies,0,0,0";
  int slot = 100;
  char wired_type = 'T';           ///< of the thermocouples that are really there; read as another type they lie
  MeasuredQuantity temperature{};  ///< in degC, of all channels
  MeasuredQuantity voltage{};
  std::uint64_t noise_seed = 1;
  Duration query_latency = std::chrono::milliseconds{2};      ///< assumed
  Duration channel_settling = std::chrono::milliseconds{33};  ///< with 1 PLC of 60 Hz: 20 channels take 1 s [R]
  double line_frequency_Hz = 60.0;
};

/// The oldest of the series, on a serial line: as a real one calls itself and its card [V].
[[nodiscard]] KeysightDaqConfig keysight_34970a();

struct KeysightDaqAccuracy {
  QuantityAccuracy temperature;
  QuantityAccuracy voltage;  ///< ranges of 0.1, 1, 10, 100 and 300 V
};
/// 1 K with thermocouples of type T; voltages as the family's data sheet is remembered, one year (both unverified).
[[nodiscard]] KeysightDaqAccuracy accuracy_of(const KeysightDaqConfig& config);

/// Port "scpi" (5025).
/// * Comes up measuring volts on every channel, with an empty scan list; CONF takes channels out of it.
/// * READ? without a scan list and FETC? before a scan: silence and an error.
/// * An open thermocouple is +9.9E37 while its check is on; without the check it reads the temperature of the terminals.
/// * Triggers but the immediate one, alarms, monitoring and digital channels are remembered or refused, not modelled.
class KeysightDaq final : public Instrument {
 public:
  /// What hangs on a channel; nothing at all is an open input.
  struct Input {
    std::function<std::optional<double>()> temperature_degC;  ///< of a thermocouple; nothing: its lead is open
    std::function<double()> voltage_V;
  };

  KeysightDaq(KeysightDaqConfig config, std::vector<Input> inputs, std::function<void(TimePoint)> advance_world);
  ~KeysightDaq() override;
  KeysightDaq(const KeysightDaq&) = delete;
  KeysightDaq& operator=(const KeysightDaq&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override;
  [[nodiscard]] std::optional<TimePoint> next_event() const override { return std::nullopt; }
  void advance(TimePoint to) override { advance_world_(to); }
  void reboot(TimePoint now) override;
  [[nodiscard]] unsigned sensor_count() const override { return static_cast<unsigned>(keysight_daq_channels); }
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override {
    return feels::readings | feels::temperature | feels::other_sensor | feels::local | feels::identity;
  }
  [[nodiscard]] bool has_clock() const override { return true; }

 private:
  class ScpiSide;
  struct Channel {
    bool measures_temperature = false;
    char type = 'J';  ///< default of the family [R]
    char unit = 'C';
    bool checks_leads = false;
    double power_line_cycles = 1.0;
    std::optional<double> frozen;
  };
  /// FORM:READ
  struct Format {
    bool unit = false, time = false, channel = false, alarm = false;
  };

  void reset();
  [[nodiscard]] double read(std::size_t index);
  [[nodiscard]] double read_temperature(std::size_t index);
  [[nodiscard]] double read_voltage(std::size_t index);

  KeysightDaqConfig config_;
  std::vector<Input> inputs_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  std::array<Channel, keysight_daq_channels> channels_{};
  Format format_;
  std::vector<std::size_t> scan_list_;
  std::string trigger_source_ = "IMM";
  double trigger_count_ = 1.0;
  double trigger_timer_s_ = 10.0;
  std::string memory_;  ///< of the last scan, as it is fetched
  std::unique_ptr<ScpiSide> scpi_side_;
};

}  // namespace cellrig::sim
