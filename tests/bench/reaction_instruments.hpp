// Two instruments on the wire, just real enough for the drivers: an EA PSB (Modbus and SCPI) and an ADAM-6018. Their only purpose is to
// show a value beyond a limit at a known instant and to note when the OFF command comes. A thread of its own, poll(), own framing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cellrig::bench {

/// What goes wrong in a trial.
enum class Hazardous : unsigned char {
  nothing,
  over_voltage,              ///< in the cycler's own reply
  over_temperature_and_hang  ///< the cycler's reply never comes; the logger then shows a cell that is too hot
};

class ReactionInstruments {
 public:
  ReactionInstruments();
  ~ReactionInstruments();
  ReactionInstruments(const ReactionInstruments&) = delete;
  ReactionInstruments& operator=(const ReactionInstruments&) = delete;

  [[nodiscard]] std::uint16_t psb_modbus_port() const { return listeners_[psb_modbus].port; }
  [[nodiscard]] std::uint16_t psb_scpi_port() const { return listeners_[psb_scpi].port; }
  [[nodiscard]] std::uint16_t adam_port() const { return listeners_[adam].port; }
  [[nodiscard]] std::uint16_t echo_port() const { return listeners_[echo].port; }

  /// Any thread, between trials. The hazard shows up in the reply to this many-eth look at the cycler's state after its output went on.
  void prepare(Hazardous hazard, int looks);
  /// From right before the write of the value beyond the limit to right after the read of the OFF command; 0: not both have happened.
  [[nodiscard]] std::int64_t reaction_ns() const;

 private:
  enum Role : std::uint8_t { psb_modbus, psb_scpi, adam, echo, role_count };
  struct Listener {
    int fd = -1;
    std::uint16_t port = 0;
  };
  struct Client {
    int fd = -1;
    Role role = echo;
    std::string received;
  };

  void serve();
  void serve(Client& client, std::int64_t read_at_ns);
  void serve_modbus(Client& client, std::int64_t read_at_ns);
  void serve_lines(Client& client, std::int64_t read_at_ns);
  [[nodiscard]] std::string psb_pdu(std::string_view pdu, std::int64_t read_at_ns, bool& is_hazard, bool& is_withheld);
  [[nodiscard]] std::string adam_pdu(std::string_view pdu, bool& is_hazard) const;
  [[nodiscard]] std::string scpi_answer(const std::string& part, std::int64_t read_at_ns);
  void look_at_state(bool& is_hazard, bool& is_withheld);
  void switch_output(bool on, std::int64_t read_at_ns);

  std::array<Listener, role_count> listeners_;
  std::vector<Client> clients_;
  std::vector<std::uint16_t> registers_;  ///< of the PSB
  std::vector<bool> coils_;
  std::map<std::string, std::string> settings_;
  int looks_seen_ = 0;
  std::int64_t hangs_since_ns_ = 0;

  std::atomic<Hazardous> hazard_{Hazardous::nothing};
  std::atomic<int> looks_{0};
  std::atomic<std::int64_t> shown_at_ns_{0}, off_at_ns_{0};
  int stop_event_ = -1;
  std::thread thread_;
};

}  // namespace cellrig::bench
