// The two wires of the EA PSB. Private to the instrument.
#pragma once

#include <string>
#include <string_view>

#include "sim/instruments/ea_psb.hpp"
#include "sim/instruments/scpi_tree.hpp"

namespace cellrig::sim {

/// Registers and coils of instruments reference 1.2.
class EaPsb::ModbusSide final : public ModbusDevice {
 public:
  explicit ModbusSide(EaPsb& device);

  void traffic(TimePoint now) override { device_.traffic(now, device_.config_.modbus_feeds_monitor); }
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit <= 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override {
    return function == 1 || function == 3 || function == 5 || function == 6 || function == 16;
  }
  [[nodiscard]] Duration latency() const override { return device_.config_.modbus_latency + device_.extra_latency(); }
  ModbusStatus read_coils(TimePoint now, std::uint16_t address, std::span<bool> values) override;
  ModbusStatus write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) override;
  ModbusStatus read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) override;
  ModbusStatus write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) override;

  ModbusSlave port;

 private:
  static constexpr std::size_t information_size = 191;  ///< registers 0..190, holes included
  static constexpr std::uint16_t user_text_first = 171;
  void fill_information();
  void put_text(std::size_t first, std::string_view text);
  void put_float(std::size_t first, double value);
  [[nodiscard]] std::optional<std::uint16_t> counter_at(std::uint16_t address) const;
  [[nodiscard]] std::uint16_t actual_at(std::uint16_t address, const OutputReading& readings) const;
  ModbusStatus write_user_text(std::uint16_t address, std::span<const std::uint16_t> values);

  EaPsb& device_;
  std::array<std::uint16_t, information_size> information_{};
};

/// The SCPI tree of instruments reference 1.3. Set commands are silent; errors wait for SYST:ERR?.
class EaPsb::ScpiSide final : public Port {
 public:
  explicit ScpiSide(EaPsb& device) : device_{device} {}

  void connected(ConnectionId connection) override { connections_.open(connection); }
  void disconnected(ConnectionId connection) override { connections_.close(connection); }
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;

 private:
  struct Connection {
    ScpiLineBuffer lines;
    BusyUntil busy;
  };
  /// What a unit is run with. `out` gets the reply of a query.
  struct Call {
    TimePoint now;
    std::uint8_t argument;  ///< of the command's table row
    bool query;
    std::string_view text;
    std::string& out;
  };
  using Handler = void (ScpiSide::*)(const Call&);
  struct Row {
    std::string_view pattern;
    Handler handler;
    std::uint8_t argument = 0;
    enum class Form : std::uint8_t { both, query, set } form = Form::both;
  };
  static const Row rows[];
  static std::span<const Row> all_rows();
  static const ScpiTree& tree();

  void run_message(TimePoint now, std::string_view message, std::string& out);
  void fail(int code);
  void refuse(EaRefusal refusal);
  void put_quantity(std::string& out, double value, EaQuantity quantity) const;
  std::optional<bool> switch_argument(const Call& call, std::string_view on, std::string_view off);

  void identify(const Call& call);
  void clear_status(const Call& call);
  void reset(const Call& call);
  void status_byte(const Call& call);
  void lock(const Call& call);
  void lock_owner(const Call& call);
  void output(const Call& call);
  void setting(const Call& call);
  void measure(const Call& call);
  void nominal(const Call& call);
  void event_action(const Call& call);
  void mode(const Call& call);
  void after_remote(const Call& call);
  void power_on_restore(const Call& call);
  void speed(const Call& call);
  void monitor_active(const Call& call);
  void monitor_time(const Call& call);
  void next_error(const Call& call);
  void all_errors(const Call& call);
  void questionable(const Call& call);
  void operation(const Call& call);
  void alarm_counter(const Call& call);

  EaPsb& device_;
  ConnectionTable<Connection> connections_;
};

}  // namespace cellrig::sim
