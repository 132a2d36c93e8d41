// Decides for one chamber and the channels in it: a temperature is a request. A channel holds the temperature it was granted until it
// asks for another one or leaves; the chamber moves only when nobody holds another one. A thermal trip makes the whole chamber safe.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

namespace chamber_input {
/// Gives up what the channel held: its output is off, and confirmed.
struct Request {
  std::uint32_t channel = 0;
  std::uint32_t request = 0;  ///< the channel's own number, echoed in the grant
  Celsius temperature;
  TimePoint since = TimePoint::max();  ///< it has waited from then on; max(): it begins to wait now
};
/// The chamber confirmed (or not) that it runs at the last temperature.
struct RunAcknowledged {
  std::uint32_t command = 0;
  bool succeeded = false;
};
/// The channel is being stopped: it waits for nothing any more. What it holds it holds until it leaves.
struct Withdraw {
  std::uint32_t channel = 0;
};
/// A channel needs the chamber no longer. One whose output is not known to be off keeps the chamber where it is.
struct Leave {
  std::uint32_t channel = 0;
  bool is_off = true;
};
struct ThermalTrip {
  std::uint32_t channel = 0;
};
/// It alarms, stopped by itself, or no longer answers while a temperature was asked of it.
struct Failed {};
/// Its air leaves the band or the limits: as a thermal trip of all.
struct RanAway {};
/// A channel comes to live in it while others do, its output off. held: its interrupted run had this temperature.
struct Join {
  std::uint32_t channel = 0;
  std::optional<Celsius> held;
};
/// What became known of an output beside its run: it is confirmed off, or nobody can confirm it any more.
struct Output {
  std::uint32_t channel = 0;
  bool is_off = true;
};
/// A person stops the chamber. Its channels are stopped by whoever was told; nobody is served until they have left.
struct Halt {};
}  // namespace chamber_input

using ChamberInput = std::variant<chamber_input::Request, chamber_input::RunAcknowledged, chamber_input::Withdraw,
                                  chamber_input::Leave, chamber_input::ThermalTrip, chamber_input::Failed, chamber_input::RanAway,
                                  chamber_input::Join, chamber_input::Output, chamber_input::Halt>;

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
/// Not yet, and why. Said again when the why changes.
struct Waits {
  std::uint32_t channel = 0;
  std::uint32_t request = 0;
  Celsius wanted;
  Celsius in_the_way;
  std::vector<std::uint32_t> by;  ///< who holds that, ascending
  bool is_their_turn = false;     ///< they do not hold it yet: they have waited longer
  friend bool operator==(const Waits&, const Waits&) = default;
};
/// Turn this channel off: something in its chamber is too hot, or the chamber failed.
struct TripChannel {
  std::uint32_t channel = 0;
  bool thermal = true;
};
/// Exhaust and fan on, for good: after OFF and Stop, which wait for neither.
struct Ventilate {};
}  // namespace chamber_output

using ChamberOutput = std::variant<chamber_output::Run, chamber_output::Stop, chamber_output::Grant, chamber_output::Waits,
                                   chamber_output::TripChannel, chamber_output::Ventilate>;

/// Contract:
/// * All who hold a temperature hold the one that the chamber has confirmed. While somebody does, it gets no other command.
/// * When nobody does, it goes to the wish of the channel that has waited longest; whoever waits for the same goes with it.
/// * Who asks for what others hold joins them; a second time at the same temperature only if nobody waits for another one. So nobody
///   waits for more turns than there are channels, as long as each turn ends.
/// * A channel that has never asked holds nothing: the others move its temperature.
/// * Over an output that is not known to be off it does not move, whoever has left or come back: only a confirmed OFF ends that.
/// * Who asks while it is tripped or has failed is tripped, too: nobody waits for an answer that never comes.
/// * A pause is no input: who is paused holds, or waits, as before.
/// * When the last channel has left, the chamber stops, and a failure is forgotten; a thermal trip is not until clear_trip().
class ChamberMachine {
 public:
  explicit ChamberMachine(std::vector<std::uint32_t> channels) : channels_{std::move(channels)} {}

  /// Before the first input: an interrupted run held this temperature, and is about to ask for it again. Until then it counts as
  /// held, and it comes before those who only waited.
  void restore(std::uint32_t channel, Celsius held) { restored_.push_back({channel, held}); }

  [[nodiscard]] std::vector<ChamberOutput> on(const ChamberInput& input);
  [[nodiscard]] std::optional<Celsius> setpoint() const { return setpoint_; }
  [[nodiscard]] const std::vector<std::uint32_t>& holders() const { return holders_; }  ///< of the set-point
  [[nodiscard]] bool tripped() const { return tripped_; }
  /// It lives in the chamber, and has not left.
  [[nodiscard]] bool is_in(std::uint32_t channel) const;
  /// Still wanted: what was decided before a stop or a trip is not to be carried out after it.
  [[nodiscard]] bool commands(std::uint32_t command) const { return commanded_ && command_ == command && !tripped_ && !failed_; }
  struct Waiting {
    std::uint32_t channel, request;
    Celsius temperature;
    bool goes_on = false;  ///< it held this before an interruption
    TimePoint since = TimePoint::max();
  };
  [[nodiscard]] const std::vector<Waiting>& waiting() const { return waiting_; }  ///< who waits longest first
  /// A person has looked. False: not while channels live in it.
  [[nodiscard]] bool clear_trip();

 private:
  struct Restored {
    std::uint32_t channel;
    Celsius held;
  };

  void request(const chamber_input::Request& wish, std::vector<ChamberOutput>& out);
  void acknowledged(const chamber_input::RunAcknowledged& answer, std::vector<ChamberOutput>& out);
  void leave(const chamber_input::Leave& leave, std::vector<ChamberOutput>& out);
  void thermal_trip(std::optional<std::uint32_t> by, std::vector<ChamberOutput>& out);
  void fail(std::vector<ChamberOutput>& out);
  void join(const chamber_input::Join& join, std::vector<ChamberOutput>& out);
  void output(const chamber_input::Output& known, std::vector<ChamberOutput>& out);
  void halt(std::vector<ChamberOutput>& out);
  void queue(const Waiting& wish);
  void settle(std::vector<ChamberOutput>& out);
  void begin_turn(std::vector<ChamberOutput>& out);
  void grant_waiting(std::vector<ChamberOutput>& out);
  void tell_waiting(std::vector<ChamberOutput>& out);
  [[nodiscard]] std::optional<chamber_output::Waits> obstacle(const Waiting& waiting) const;
  [[nodiscard]] bool somebody_wants(Celsius temperature) const;

  std::vector<std::uint32_t> channels_;   ///< still using the chamber
  std::vector<std::uint32_t> holders_;    ///< of setpoint_
  std::vector<std::uint32_t> may_be_on_;  ///< no confirmed OFF since: the chamber stays where it is, or stands
  std::vector<std::uint32_t> granted_;    ///< since the chamber came to setpoint_
  std::vector<Restored> restored_;
  std::vector<Waiting> waiting_;             ///< who waits longest first
  std::vector<chamber_output::Waits> told_;  ///< that still holds
  std::optional<Celsius> setpoint_;          ///< confirmed
  std::optional<Celsius> commanded_;         ///< on its way
  std::uint32_t command_ = 0;
  bool tripped_ = false;
  bool failed_ = false;
};

}  // namespace cellrig
