// The SCPI socket of the N6900. Private to the instrument.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sim/instruments/connection_table.hpp"
#include "sim/instruments/keysight_n6900.hpp"
#include "sim/instruments/scpi_arguments.hpp"
#include "sim/instruments/scpi_text.hpp"
#include "sim/instruments/scpi_tree.hpp"

namespace cellrig::sim {

/// How the real unit reads messages (instruments reference 2.1, [V]):
/// * An unknown or unavailable header voids what is left of its message. What earlier queries of it had produced stays in the
///   output queue without an LF and prefixes the next reply. (That earlier settings of such a message have taken effect is
///   an assumption: the parser works from left to right.)
/// * A query of VOLT, CURR:LIM and CURR:LIM:NEG in the message that sets it returns the old value.
/// * A reopened connection starts with an empty error queue and an empty output queue.
class KeysightN6900::ScpiSide final : public Port {
 public:
  explicit ScpiSide(KeysightN6900& device) : device_{device} {}

  void connected(ConnectionId connection) override { connections_.open(connection); }
  void disconnected(ConnectionId connection) override { connections_.close(connection); }
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;
  /// After a reboot nothing is left of any connection.
  void forget();

 private:
  static constexpr std::size_t output_queue_max = 65536;  ///< more left-over output than that is dropped

  struct Connection {
    ScpiLineBuffer lines;
    BusyUntil busy;
    ScpiErrorQueue errors;
    std::string output;  ///< the output queue: left over from voided messages, then the present one
  };
  struct OldValues {
    double voltage, current_limit, current_limit_negative;
  };
  /// What a unit is run with, and what it does to the message.
  struct Call {
    TimePoint now;
    Connection& connection;
    const OldValues& old;
    std::uint8_t argument = 0;  ///< of the table row
    std::uint8_t suffix = 1;
    bool query = false;
    std::string_view text = {};
    Duration takes{};      ///< on top of the message's own time
    bool is_void = false;  ///< the rest of the message is discarded
  };
  using Handler = void (ScpiSide::*)(Call&);
  struct Row {
    std::string_view pattern;
    Handler handler;
    std::uint8_t argument = 0;
    enum class Form : std::uint8_t { both, query, set } form = Form::both;
  };
  static const Row rows[];
  static std::span<const Row> all_rows();
  static const ScpiTree& tree();

  Duration run_message(TimePoint now, Connection& connection, std::string_view message, std::string& reply);
  void run_unit(const ScpiTree::Match& match, Call& call);
  void fail(Call& call, ScpiError error);
  template <class T>
  std::optional<T> taken(Call& call, const ScpiArgument<T>& argument) {
    if (!argument.value) fail(call, argument.error);
    return argument.value;
  }
  /// For a setting that takes one argument; empty (and an error) when there is none or more than one.
  std::string_view only_argument(Call& call);
  std::optional<bool> bool_argument(Call& call);
  std::optional<double> number_argument(Call& call, double low, double high, std::string_view unit);

  void parameter(Call& call, N6900Parameter parameter);
  void set_parameter(Call& call, N6900Parameter parameter, double value);
  [[nodiscard]] double shown_value(const Call& call, N6900Parameter parameter) const;

  void identify(Call& call);
  void reset(Call& call);
  void clear_status(Call& call);
  void operation_complete(Call& call);
  void self_test(Call& call);
  void status_byte(Call& call);
  void event_status(Call& call);
  void enable_mask(Call& call);
  void save_recall(Call& call);
  void learn(Call& call);
  void options(Call& call);
  void nothing(Call& call);
  void priority(Call& call);
  void output(Call& call);
  void clear_protection(Call& call);
  void measure(Call& call);
  void fetch(Call& call);
  void fetch_counter(Call& call);
  void reset_counter(Call& call);
  void power_line_cycles(Call& call);
  void threshold_function(Call& call);
  void threshold_operation(Call& call);
  void threshold_level(Call& call);
  void next_error(Call& call);
  void fixed_text(Call& call);
  void status_register(Call& call);
  void status_preset(Call& call);
  void not_installed(Call& call);

  KeysightN6900& device_;
  ConnectionTable<Connection> connections_;
  RecentHeaders recent_headers_;
};

}  // namespace cellrig::sim
