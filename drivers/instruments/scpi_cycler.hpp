// A cycler that is spoken to in SCPI alone: what the makes have in common. Each adds its dialect and its plans.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/instruments/cycler_core.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/scpi/codec.hpp"
#include "drivers/scpi/session.hpp"
#include "drivers/scpi/setting.hpp"

namespace cellrig {

/// Part of a model file, for every make.
struct ScpiCyclerModel {
  CyclerCapabilities capabilities;
  std::string idn_model;        ///< second field of *IDN?: "N6974A"
  std::uint32_t trip_mask = 0;  ///< bits of STAT:QUES:COND? that mean "a protection turned the output off"
  Duration attempt_timeout{};   ///< of one try to turn off, before the other session is tried
  Duration command_pause{};     ///< after each command, before the next message
  ScpiSessionOptions session;
};

/// How a make is spoken to, beyond what all of them share (OUTP?, MEAS:CURR?, STAT:QUES:COND?).
struct ScpiDialect {
  std::string take_control;  ///< needed before it takes a setting; empty: nothing is
  std::string give_back;     ///< the opposite, at the end of an orderly use
  scpi::Settings regime;     ///< how it is to regulate at all: changed with the output off only, before everything else
  std::string measurement;   ///< one message that asks for everything measure() tells
  std::optional<scpi::Setting> has_control;  ///< what is read back when control was taken, and before every set-point
  scpi::Settings unwatch{scpi::flag("OUTP:PROT:WDOG", false)};  ///< disarms its watchdog
  std::string sync = "*OPC?";                                   ///< ends every command, so that there is something to wait for
  std::string on = "OUTP 1", off = "OUTP 0";
  std::string current_unit;  ///< that may follow the reply to MEAS:CURR?
  std::string clear_trip = "OUTP:PROT:CLE";
  std::string clear_trip_question;      ///< instead of the command: a question that clears by being asked
  bool has_single_questions = false;    ///< whether it takes joined questions is not known
  bool idn_may_go_on = false;           ///< what follows the model's name in *IDN? is no matter
  Duration trip_clears_within{};        ///< how long after OUTP:PROT:CLE the status may still show the trip
  bool off_in_single_messages = false;  ///< OFF relies neither on joined messages nor on *OPC?
};

[[nodiscard]] Reading reading_of(const scpi::Number& number, TimePoint at);
/// The names of the bits that are set, from bit 0 on: "over-voltage, watchdog".
[[nodiscard]] std::string names_of_bits(std::uint32_t bits, std::span<const std::string_view> names);

/// * Set-points and protections are lists of settings, written one a message in the order of the list, and read back by a message of
///   their own: a question beside its write may return the old value.
/// * apply() reads the protections back before it writes anything, and what differs disarms: a *RST or a restart undid them.
/// * Most makes do not say who controls them: CyclerReadings::remote is true then; apply() finds out by reading back.
/// * A latched trip is never cleared on the way: arm() and apply() fail with protection_tripped until acknowledge_trip().
/// * With a second session (`stop_session`) OFF has that for itself, kept open from identify() or arm() on, and never waits for a
///   measurement. Without one OFF cuts the exchange in flight and goes out on a new connection.
class ScpiCycler : public CyclerCore {
 public:
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) final;
  [[nodiscard]] Task<Result<void>> arm(const Protections& protections, Deadline deadline) final;
  [[nodiscard]] Task<Result<CyclerReadings>> measure(Deadline deadline) final;
  [[nodiscard]] Task<Result<void>> apply(const Setpoint& setpoint, Deadline deadline) final;
  [[nodiscard]] Task<Result<void>> release(Deadline deadline) final;
  void hang_up() noexcept final;
  [[nodiscard]] bool may_have_heard() const final {
    return main_stream_->was_open() || (stop_stream_ != nullptr && stop_stream_->was_open());
  }
  [[nodiscard]] Task<Result<void>> acknowledge_trip(Deadline deadline) final;

 protected:
  struct ProtectionPlan {
    scpi::Settings idle;    ///< written first and not watched: set-points are to come
    scpi::Settings guards;  ///< read back now and before every set-point
  };
  struct SetpointPlan {
    scpi::Settings steps;  ///< in order; the cell is safe after each of them
    Amps current_max;      ///< the larger wanted magnitude
  };
  using Values = std::vector<std::string>;

  ScpiCycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, std::unique_ptr<ByteStream> stop_session, ScpiCyclerModel model,
             ScpiDialect dialect);

  [[nodiscard]] virtual Result<ProtectionPlan> plan_protections(const Protections& protections) const = 0;
  [[nodiscard]] virtual Result<SetpointPlan> plan_setpoint(const Setpoint& setpoint, const Protections& armed) const = 0;
  [[nodiscard]] virtual Result<CyclerReadings> decode_measurement(std::string_view reply, TimePoint at) const = 0;
  [[nodiscard]] virtual std::string trip_cause(std::uint32_t questionable) const = 0;
  /// Whether the instrument can what its model file says, as far as it can be asked.
  [[nodiscard]] virtual Task<Result<void>> check_ratings(Call call) = 0;

  /// The values of one message; asked once more when the link was lost.
  [[nodiscard]] Task<Result<Values>> ask_values(Call call, std::string_view message, std::size_t count);
  /// What was said does not parse: nothing more is believed on this connection.
  [[nodiscard]] Error misunderstood(Error error);

 private:
  struct Armed {
    Protections protections;
    scpi::Settings guards;
  };
  struct OffState {
    bool is_on = false;
    bool current_is_gone = false;
  };

  void cut_calls() override { main_.cut(); }
  [[nodiscard]] int off_path_count() const override { return stop_ ? 2 : 1; }
  [[nodiscard]] Task<Result<void>> off_by(int path, Deadline attempt) override;
  [[nodiscard]] Task<Result<void>> write_off(ScpiSession& session, Deadline deadline);
  [[nodiscard]] Task<Result<OffState>> ask_off_state(ScpiSession& session, Deadline deadline);
  [[nodiscard]] Result<OffState> decode_off_state(std::string_view output, std::string_view current) const;

  [[nodiscard]] Task<Result<std::string>> ask(Call call, std::string_view message);
  [[nodiscard]] Task<Result<void>> command(Call call, std::string_view text);
  [[nodiscard]] Task<Result<Values>> ask_all(Call call, const std::vector<std::string>& questions);
  [[nodiscard]] Task<Result<void>> write(Call call, const scpi::Settings& settings);
  [[nodiscard]] Task<Result<void>> verify(Call call, const scpi::Settings& settings);
  [[nodiscard]] Task<Result<void>> stand_by(Call call);
  [[nodiscard]] Task<Result<void>> take_control(Call call);
  [[nodiscard]] Task<Result<void>> require_no_trip(Call call);
  [[nodiscard]] Task<Result<void>> require_off(Call call);
  [[nodiscard]] Task<Result<void>> require_regime(Call call);
  [[nodiscard]] Task<Result<void>> clear_trip(Call call);
  [[nodiscard]] scpi::Settings steps_from_here(const scpi::Settings& steps, const scpi::Settings& last) const;
  [[nodiscard]] Task<Result<void>> switch_on(Call call);
  [[nodiscard]] Error tripped(std::uint32_t bits, std::string_view more) const;

  std::unique_ptr<ByteStream> main_stream_;
  std::unique_ptr<ByteStream> stop_stream_;
  ScpiSession main_;
  std::optional<ScpiSession> stop_;
  std::uint32_t trip_mask_;
  std::string idn_model_;
  Duration command_pause_;
  ScpiDialect dialect_;
  std::optional<Armed> armed_;
  scpi::Settings in_force_;  ///< of the last set-point that was read back and switched on; empty: none, or nobody knows
};

}  // namespace cellrig
