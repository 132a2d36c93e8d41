// One relay output that goes on when something is wrong: an exhaust, a fan, the siren. It never goes off because a program ends, and
// a start leaves it on until a person has acknowledged why it is.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/async/task_group.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"
#include "controller/runtime/config.hpp"
#include "db/record.hpp"
#include "drivers/instruments/logger.hpp"

namespace cellrig {

/// What the record knows of one of them. Nothing known: no run of this record has switched it on.
struct AlarmMemory {
  bool was_switched_on = false;  ///< by a run, or perhaps by one; not switched off since
  bool is_acknowledged = false;  ///< by a person, after that; of one that no run of this record has switched on: itself, by name
  bool has_open_trip = false;    ///< in its chamber, or on its bench: a safety trip that nobody has acknowledged
};

/// What a start does with it.
enum class AlarmAtStart : unsigned char {
  off,       ///< told so, and read back
  stays_on,  ///< a trip wants it, or it is on and this record does not say why
  on_again,  ///< a trip wants it, and it is off: the module was without power, or somebody switched it off by hand
};
[[nodiscard]] AlarmAtStart judge_at_start(const AlarmMemory& memory, bool is_found_on);

/// Actions in the audit trail by which an output is remembered, whatever it is called in the bench file.
[[nodiscard]] std::string switched_on_action(const std::string& label);
[[nodiscard]] std::string not_confirmed_on_action(const std::string& label);
[[nodiscard]] std::string switched_off_action(const std::string& label);
[[nodiscard]] std::string acknowledged_action(const std::string& label);

/// * switch_on() returns at once. A command that is not confirmed by read-back is repeated until it is; a program that wants to end
///   waits ten seconds for that and no longer. Both are told. Once on it is looked at, and switched on again when the module lost it.
/// * Nothing here waits for a channel or a heater, and they wait for nothing here.
/// Control thread only.
class AlarmOutput {
 public:
  /// Where what happens is told: severity, audit action (empty: an event only), one sentence.
  using Tell = std::function<void(db::Severity, const std::string& action, const std::string& text)>;

  AlarmOutput(TimeSource& time, AlarmWire wire, Relays& relays, Tell tell)
      : time_{time}, wire_{std::move(wire)}, relays_{relays}, tell_{std::move(tell)}, wake_{time}, tasks_{time} {}

  [[nodiscard]] const AlarmWire& wire() const { return wire_; }
  /// Before a run: as judge_at_start() says. An error names the module that could not confirm.
  [[nodiscard]] Task<Result<void>> settle(AlarmMemory memory);
  /// The first reason counts. What comes first on the same wires has this head start.
  void switch_on(const std::string& why, Duration head_start = {});
  /// The end of the program: no more looking; ten seconds of attempts are left to one that is not confirmed.
  void end_soon();
  [[nodiscard]] Task<void> ended() { return tasks_.wait(); }
  /// A person has acknowledged all that it was switched on for: off, confirmed. An error, and it stays wanted, when it is not. What comes
  /// meanwhile switches it on again.
  [[nodiscard]] Task<Result<void>> stand_down();
  [[nodiscard]] bool is_wanted() const { return is_wanted_; }
  void hurry();  ///< one attempt is enough
  [[nodiscard]] bool is_confirmed_on() const { return is_confirmed_; }

 private:
  Task<void> keep_on(Duration head_start);
  Task<void> try_until_on();
  void look_after();  ///< of one that is on, and has to be
  Task<bool> has_been_lost();
  Task<Result<void>> off_at_start(bool was_on, bool was_remembered);
  [[nodiscard]] std::string named() const { return wire_.name() + " (" + wire_.label() + ")"; }

  TimeSource& time_;
  AlarmWire wire_;
  Relays& relays_;
  Tell tell_;
  Wait wake_;
  TaskGroup tasks_;
  std::string why_;
  std::string why_again_;  ///< while it stands down
  TimePoint confirmed_at_{};
  TimePoint ends_at_{};  ///< of the attempts, once the program wants to end
  bool is_wanted_ = false, is_inherited_ = false, is_confirmed_ = false, is_finishing_ = false, is_hurried_ = false;
  bool is_standing_down_ = false, is_wanted_again_ = false;
};

}  // namespace cellrig
