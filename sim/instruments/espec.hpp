// A simulated ESPEC chamber with an S-2 (SH-641), P300 or SCP-220 controller: lines of ASCII, as through its Ethernet forwarder.
// Written from the instruments reference, section 5. "[V]" and "unverified" as there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/measurement.hpp"
#include "sim/instruments/connection_table.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/physics/chamber.hpp"

namespace cellrig::sim {

struct EspecConfig {
  std::string type = "T,T,S2,160.0";  ///< dry sensor, wet sensor, controller, highest temperature
  std::string firmware = "JMIC 4.00";
  bool has_humidity = true;
  int address = 0;                      ///< of RS-485: only lines that begin with it and a comma are for this one; 0: none
  bool acknowledges_questions = false;  ///< the older protocol
  double setpoint_degC = 0.0;           ///< after power-on, as recorded from the SH-641 [V]
  double alarm_high_degC = 140.0, alarm_low_degC = -50.0;
  double range_min_degC = -50.0, range_max_degC = 160.0;  ///< how far the alarm limits can be set
  double program_setpoint_degC = 40.0;                    ///< what program 1 does; programs proper are not modelled
  Duration latency = std::chrono::milliseconds{60};       ///< assumed
  /// For so long after an answer nothing is heard [V: 0.3 s after a question, 0.5 s after a setting]. What a real one does with what
  /// comes earlier is unverified: here it is lost.
  Duration deaf_after_question = std::chrono::milliseconds{300};
  Duration deaf_after_setting = std::chrono::milliseconds{500};
  MeasuredQuantity temperature{};  ///< as its own sensor sees the air
  std::uint64_t noise_seed = 1;
};
/// Of the chambers that carry it (unverified).
[[nodiscard]] QuantityAccuracy accuracy_of(const EspecConfig& config);

/// The SCP-220 whose answer to TYPE? is known: no wet sensor.
[[nodiscard]] EspecConfig espec_scp_220();

/// Port "ascii" (10001 on a real forwarder): lines ended by CR LF, one decimal.
/// * A question is answered by its data, a setting by "OK:" and its echo, anything else by "NA:" and a reason [V].
/// * The high and low alarm limits bound the set point: DATA OUT OF RANGE outside [V].
/// * It conditions in the modes CONSTANT and RUN.
/// * An alarm is active while the temperature is outside the alarm limits, and ends no operation (unverified). Its code is made up.
/// The chamber must outlive the instrument. `advance_world` is called before the chamber is read or commanded.
class Espec final : public Instrument, private Port {
 public:
  Espec(EspecConfig config, ChamberAir& chamber, std::function<void(TimePoint)> advance_world);
  Espec(const Espec&) = delete;
  Espec& operator=(const Espec&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override { return {{"ascii", this}}; }
  [[nodiscard]] std::optional<TimePoint> next_event() const override { return std::nullopt; }
  void advance(TimePoint to) override { advance_world_(to); }
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::chamber | feels::identity; }

  /// Lines that came while it was not listening.
  [[nodiscard]] int lost_count() const { return lost_count_; }

 private:
  static constexpr std::size_t line_size_max = 256;
  enum class Mode : std::uint8_t { off, standby, constant, program };
  struct Settings {
    double setpoint_degC = 0.0, high_degC = 0.0, low_degC = 0.0;
    double humidity = 85.0, humidity_high = 100.0, humidity_low = 0.0;  ///< as recorded [V]
    bool humidity_is_on = true;
    Mode mode = Mode::standby;
    bool key_is_protected = false;
    int refrigeration = 9;  ///< automatic
  };

  // Port
  void connected(ConnectionId connection) override { connections_.open(connection); }
  void disconnected(ConnectionId connection) override { connections_.close(connection); }
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;

  void answer(TimePoint now, std::string_view line, std::vector<Reply>& replies);
  /// Without the address in front; nothing when the line is for somebody else.
  [[nodiscard]] std::optional<std::string_view> mine(std::string_view line) const;
  [[nodiscard]] std::string reply_to(TimePoint now, std::string_view line);
  [[nodiscard]] std::string answer_question(std::string_view question);
  [[nodiscard]] std::string temperatures();
  [[nodiscard]] std::string humidities() const;
  [[nodiscard]] std::string monitor();
  /// Empty: done. Otherwise the reason behind "NA:".
  [[nodiscard]] std::string carry_out(std::string_view command);
  [[nodiscard]] std::string set_temperature(std::string_view arguments);
  [[nodiscard]] std::string set_humidity(std::string_view arguments);
  [[nodiscard]] std::string set_mode(std::string_view word);
  [[nodiscard]] std::string set_key_protection(std::string_view word);
  [[nodiscard]] std::string set_refrigeration(std::string_view word);

  [[nodiscard]] Settings defaults() const;
  [[nodiscard]] std::string shown_temperature();
  [[nodiscard]] bool has_alarm() const;
  void apply(TimePoint now);

  EspecConfig config_;
  ChamberAir& chamber_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  Settings settings_;
  std::optional<double> frozen_degC_;
  ConnectionTable<std::string> connections_;  ///< what of a line has come
  TimePoint busy_until_{}, deaf_until_{};
  int lost_count_ = 0;
};

}  // namespace cellrig::sim
