// Decides for one chamber and the channels in it. The smallest form: a temperature is agreed on by all, a thermal trip makes
// the whole chamber safe. Arbitration between different wishes comes later; today they are refused before the start.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "controller/base/units.hpp"

namespace cellrig {

namespace chamber_input {
struct Request {
  std::uint32_t channel = 0;
  std::uint32_t request = 0;  ///< the channel's own number, echoed in the grant
  Celsius temperature;
};
/// The chamber confirmed (or not) that it runs at the last temperature.
struct RunAcknowledged {
  std::uint32_t command = 0;
  bool succeeded = false;
};
/// A channel needs the chamber no longer.
struct Leave {
  std::uint32_t channel = 0;
};
struct ThermalTrip {
  std::uint32_t channel = 0;
};
/// It alarms, stopped by itself, or no longer answers while a temperature was asked of it.
struct Failed {};
/// Its air leaves the band or the limits: as a thermal trip of all.
struct RanAway {};
}  // namespace chamber_input

using ChamberInput = std::variant<chamber_input::Request, chamber_input::RunAcknowledged, chamber_input::Leave,
                                  chamber_input::ThermalTrip, chamber_input::Failed, chamber_input::RanAway>;

namespace chamber_output {
struct Run {
  std::uint32_t command = 0;
  Celsius temperature;
};
struct Stop {};
struct Grant {
  std::uint32_t channel = 0;
  std::uint32_t request = 0;
};
/// Turn this channel off: something in its chamber is too hot, or the chamber failed.
struct TripChannel {
  std::uint32_t channel = 0;
  bool thermal = true;
};
/// Exhaust and fan on, for good: after OFF and Stop, which wait for neither.
struct Ventilate {};
}  // namespace chamber_output

using ChamberOutput = std::variant<chamber_output::Run, chamber_output::Stop, chamber_output::Grant, chamber_output::TripChannel,
                                   chamber_output::Ventilate>;

class ChamberMachine {
 public:
  explicit ChamberMachine(std::vector<std::uint32_t> channels) : channels_{std::move(channels)} {}

  [[nodiscard]] std::vector<ChamberOutput> on(const ChamberInput& input);
  [[nodiscard]] std::optional<Celsius> setpoint() const { return setpoint_; }
  [[nodiscard]] bool tripped() const { return tripped_; }

 private:
  struct Waiting {
    std::uint32_t channel, request;
    Celsius temperature;
  };

  void request(const chamber_input::Request& wish, std::vector<ChamberOutput>& out);
  void acknowledged(const chamber_input::RunAcknowledged& answer, std::vector<ChamberOutput>& out);
  void leave(std::uint32_t channel, std::vector<ChamberOutput>& out);
  void thermal_trip(std::optional<std::uint32_t> by, std::vector<ChamberOutput>& out);

  std::vector<std::uint32_t> channels_;  ///< still using the chamber
  std::vector<Waiting> waiting_;
  std::optional<Celsius> setpoint_;   ///< confirmed
  std::optional<Celsius> commanded_;  ///< on its way
  std::uint32_t command_ = 0;
  bool tripped_ = false;
};

}  // namespace cellrig
