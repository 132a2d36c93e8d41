// Keysight / Agilent 34970A, 34972A and DAQ970A with a multiplexer: thermocouples and voltages, scanned in one exchange.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/logger.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/scpi/session.hpp"

namespace cellrig {

struct KeysightDaqModel {
  LoggerCapabilities capabilities;
  std::vector<std::string> idn_models;  ///< second field of *IDN?: any of these
  int slot = 100;                       ///< 100, 200 or 300
  std::string card;                     ///< the multiplexer in it: "34901A"
  std::string thermocouple_type;        ///< one letter, on every temperature channel
  int voltage_channels = 0;             ///< behind the temperature channels of the same slot
  double power_line_cycles = 1.0;
  Duration attempt_timeout{};  ///< of one question, a scan of all channels included
  Duration command_pause{};    ///< after every answer, before the next message
  ScpiSessionOptions session;
};

namespace keysight_daq {

/// "(@101,102,103)": the channels from `first` on.
[[nodiscard]] std::string channel_list(int first, int count);

/// One "value unit,channel" for each channel asked for, in their order: every value says what it is. Anything else is malformed.
/// +-9.9E37 is overload, an open thermocouple above all: Quality::bad.
struct ExpectedReading {
  int channel = 0;
  std::string_view unit;  ///< "C" or "VDC"
};
[[nodiscard]] Result<std::vector<Reading>> decode_scan(std::string_view reply, std::span<const ExpectedReading> expected,
                                                       TimePoint at);

/// "#216(@101,102,103,104)": a definite-length block as ROUT:SCAN? sends it; a bare list is taken, too.
[[nodiscard]] Result<std::string> decode_block(std::string_view reply);

}  // namespace keysight_daq

/// What is peculiar to it, beyond the contract of Logger:
/// * Input 0 is the slot's channel 1: 101 on slot 100. Temperature channels come first, voltage channels behind them.
/// * identify() writes the whole configuration and reads it back; measure() refuses before that.
/// * Each measurement says which channels it wants and gets them with unit and number. A box that was restarted measures volts: every
///   measurement fails until identify() was called again.
/// * A scan takes a few power-line cycles a channel, so only the channels asked for are scanned.
/// * The open-lead check of the instrument is on: an open thermocouple is overload, and overload is no number.
/// * It drives no relays.
class KeysightDaq final : public Logger {
 public:
  KeysightDaq(TimeSource& time, std::unique_ptr<ByteStream> scpi, KeysightDaqModel model);

  [[nodiscard]] const LoggerCapabilities& capabilities() const override { return model_.capabilities; }
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  /// One of its questions for each call.
  [[nodiscard]] Task<Result<void>> verify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> measure(std::span<Reading> into, Deadline deadline) override;
  /// One scan of these inputs, in their order.
  [[nodiscard]] Task<Result<void>> measure_inputs(std::span<const int> inputs, std::span<Reading> into,
                                                  Deadline deadline) override;

 private:
  struct Check {
    std::string question;
    std::string expected;
  };
  [[nodiscard]] Error refused(const std::string& what) const;
  [[nodiscard]] Error misunderstood(Error error);
  [[nodiscard]] int first_temperature() const { return model_.slot + 1; }
  [[nodiscard]] int first_voltage() const { return first_temperature() + model_.capabilities.temperature_channels; }
  [[nodiscard]] std::string temperature_list() const;
  [[nodiscard]] std::vector<std::string> configuration() const;
  [[nodiscard]] std::vector<Check> checks() const;
  [[nodiscard]] Task<Result<std::string>> ask(std::string_view question, Deadline deadline);
  /// At its pace, and never longer than one question may take.
  [[nodiscard]] Task<Result<std::string>> ask_once(std::string_view question, Deadline deadline);
  [[nodiscard]] Task<Result<void>> check_card(Deadline deadline);
  [[nodiscard]] Task<Result<void>> configure(Deadline deadline);
  [[nodiscard]] Task<Result<void>> verify_all(Deadline deadline);
  [[nodiscard]] Task<Result<void>> ask_check(Check check, Deadline deadline);

  TimeSource& time_;
  std::unique_ptr<ByteStream> stream_;
  KeysightDaqModel model_;
  ScpiSession session_;
  TimePoint asked_{};       ///< when the last question went out, also when it had to be asked again
  TimePoint may_ask_at_{};  ///< it is deaf until then
  bool is_configured_ = false;
  std::size_t next_check_ = 0;
};

}  // namespace cellrig
