#include "tests/bench/reaction_instruments.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

#include "tests/bench/realtime_latency.hpp"

namespace cellrig::bench {
namespace {

// EA PSB 10060-60, 0-based.
constexpr std::uint16_t device_type = 1, nominal_values = 121, serial_number = 151, remote_coil = 402, output_coil = 405;
constexpr std::uint16_t source_current = 501, state = 505;
constexpr double full_scale = 52428.0, nominal_V = 60.0, nominal_A = 60.0, nominal_W = 1500.0;
constexpr double voltage_V = 3.7, over_voltage_V = 4.4;
constexpr std::string_view serial = "1234567890";
// ADAM-6018: type codes at 200, all of type T, -100 to 400 degC.
constexpr std::uint16_t type_codes = 200, type_t = 1088;
constexpr double cell_degC = 25.0, hot_cell_degC = 90.0;
/// The controller must be waiting for the reply that never comes before the temperature shows.
constexpr std::int64_t hang_before_heat_ns = 1'000'000;

std::uint16_t word_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8U | static_cast<unsigned char>(bytes[at + 1]));
}

void append_word(std::string& to, unsigned value) {
  to.push_back(static_cast<char>(value >> 8U & 0xFFU));
  to.push_back(static_cast<char>(value & 0xFFU));
}

std::uint16_t adam_raw(double degC) { return static_cast<std::uint16_t>((degC + 100.0) / 500.0 * 65535.0); }

void put_text(std::vector<std::uint16_t>& registers, std::uint16_t at, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto low = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    registers[at + i / 2] = static_cast<std::uint16_t>(static_cast<unsigned char>(text[i]) << 8U | low);
  }
}

void put_f32(std::vector<std::uint16_t>& registers, std::size_t at, double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  registers[at] = static_cast<std::uint16_t>(bits >> 16U);
  registers[at + 1] = static_cast<std::uint16_t>(bits & 0xFFFFU);
}

std::string read_reply(std::string_view pdu, const std::vector<std::uint16_t>& values) {
  std::string reply{pdu.substr(0, 1)};
  reply.push_back(static_cast<char>(2 * values.size()));
  for (const std::uint16_t value : values) append_word(reply, value);
  return reply;
}

std::string exception(std::string_view pdu, char code) { return {static_cast<char>(pdu[0] | 0x80), code}; }

}  // namespace

ReactionInstruments::ReactionInstruments() : registers_(65536), coils_(65536) {
  put_text(registers_, device_type, "PSB 10060-60");
  put_text(registers_, serial_number, serial);
  put_f32(registers_, nominal_values, nominal_V);
  put_f32(registers_, nominal_values + 2, nominal_A);
  put_f32(registers_, nominal_values + 4, nominal_W);
  for (Listener& listener : listeners_) {
    listener.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool is_made = ::bind(listener.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                         ::listen(listener.fd, 8) == 0 &&
                         ::getsockname(listener.fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    if (!is_made) throw std::runtime_error("no port for the benchmark");
    listener.port = ntohs(address.sin_port);
  }
  stop_event_ = ::eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread{[this] { serve(); }};
}

ReactionInstruments::~ReactionInstruments() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(stop_event_, &one, sizeof one);
  thread_.join();
  for (const Client& client : clients_) ::close(client.fd);
  for (const Listener& listener : listeners_) ::close(listener.fd);
  ::close(stop_event_);
}

void ReactionInstruments::prepare(Hazardous hazard, int looks) {
  shown_at_ns_ = 0;
  off_at_ns_ = 0;
  looks_ = looks;
  hazard_ = hazard;
}

std::int64_t ReactionInstruments::reaction_ns() const {
  const std::int64_t shown = shown_at_ns_, off = off_at_ns_;
  return shown != 0 && off != 0 ? off - shown : 0;
}

void ReactionInstruments::serve() {
  std::vector<pollfd> watched;
  std::array<char, 4096> buffer{};
  for (;;) {
    watched.assign({{stop_event_, POLLIN, 0}});
    for (const Listener& listener : listeners_) watched.push_back({listener.fd, POLLIN, 0});
    for (const Client& client : clients_) watched.push_back({client.fd, POLLIN, 0});
    ::poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0) return;
    const std::size_t first_client = 1 + role_count;
    for (std::size_t i = first_client; i < watched.size(); ++i) {
      if (watched[i].revents == 0) continue;
      Client& client = clients_[i - first_client];
      const ssize_t n = ::recv(client.fd, buffer.data(), buffer.size(), 0);
      const std::int64_t read_at_ns = monotonic_ns();
      if (n <= 0) {
        ::close(std::exchange(client.fd, -1));
        continue;
      }
      client.received.append(buffer.data(), static_cast<std::size_t>(n));
      serve(client, read_at_ns);
    }
    std::erase_if(clients_, [](const Client& client) { return client.fd < 0; });
    for (std::size_t role = 0; role < role_count; ++role) {
      if (watched[1 + role].revents == 0) continue;
      const int fd = ::accept4(listeners_[role].fd, nullptr, nullptr, SOCK_CLOEXEC);
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (fd >= 0) clients_.push_back({fd, static_cast<Role>(role), {}});
    }
  }
}

void ReactionInstruments::serve(Client& client, std::int64_t read_at_ns) {
  switch (client.role) {
    case psb_modbus:
    case adam: return serve_modbus(client, read_at_ns);
    case psb_scpi: return serve_lines(client, read_at_ns);
    case echo:
    case role_count: break;
  }
  ::send(client.fd, client.received.data(), client.received.size(), MSG_NOSIGNAL);
  client.received.clear();
}

void ReactionInstruments::serve_modbus(Client& client, std::int64_t read_at_ns) {
  while (client.received.size() >= 8 && client.received.size() >= 6U + word_at(client.received, 4)) {
    const std::string frame = client.received.substr(0, 6U + word_at(client.received, 4));
    client.received.erase(0, frame.size());
    const std::string_view pdu = std::string_view{frame}.substr(7);
    bool is_hazard = false, is_withheld = false;
    const std::string answer = client.role == adam ? adam_pdu(pdu, is_hazard) : psb_pdu(pdu, read_at_ns, is_hazard, is_withheld);
    if (is_withheld) continue;
    std::string reply = frame.substr(0, 4);
    append_word(reply, static_cast<unsigned>(answer.size() + 1));
    reply += frame[6];
    reply += answer;
    if (is_hazard) {
      hazard_ = Hazardous::nothing;
      shown_at_ns_ = monotonic_ns();
    }
    ::send(client.fd, reply.data(), reply.size(), MSG_NOSIGNAL);
  }
}

void ReactionInstruments::switch_output(bool on, std::int64_t read_at_ns) {
  coils_[output_coil] = on;
  looks_seen_ = 0;
  hangs_since_ns_ = 0;
  if (!on && shown_at_ns_ != 0 && off_at_ns_ == 0) off_at_ns_ = read_at_ns;
}

/// The first looks after the output went on belong to the command itself: the driver makes sure of it.
void ReactionInstruments::look_at_state(bool& is_hazard, bool& is_withheld) {
  if (!coils_[output_coil]) return;
  const Hazardous hazard = hazard_;
  if (hazard == Hazardous::nothing || ++looks_seen_ < looks_) return;
  is_hazard = hazard == Hazardous::over_voltage;
  is_withheld = hazard == Hazardous::over_temperature_and_hang;
  if (is_withheld && hangs_since_ns_ == 0) hangs_since_ns_ = monotonic_ns();
}

std::string ReactionInstruments::psb_pdu(std::string_view pdu, std::int64_t read_at_ns, bool& is_hazard, bool& is_withheld) {
  const std::uint16_t address = word_at(pdu, 1), value = word_at(pdu, 3);
  switch (pdu[0]) {
    case 1: {
      std::string reply{pdu.substr(0, 1)};
      reply.push_back(1);
      reply.push_back(coils_[address] ? 1 : 0);
      return reply;
    }
    case 3: {
      if (address == state) look_at_state(is_hazard, is_withheld);
      const bool on = coils_[output_coil];
      registers_[state] = 0;
      // Bit 7: output on; 9 and 10: constant current; 11: remote.
      registers_[state + 1] =
          static_cast<std::uint16_t>((on ? 1U << 7U | 2U << 9U : 0U) | (coils_[remote_coil] ? 1U << 11U : 0U));
      registers_[state + 2] = static_cast<std::uint16_t>((is_hazard ? over_voltage_V : voltage_V) / nominal_V * full_scale);
      registers_[state + 3] = on ? registers_[source_current] : std::uint16_t{0};
      return read_reply(pdu, {registers_.begin() + address, registers_.begin() + address + value});
    }
    case 5:
      if (address == output_coil) {
        switch_output(value != 0, read_at_ns);
      } else {
        coils_[address] = value != 0;
      }
      return std::string{pdu};
    case 6: registers_[address] = value; return std::string{pdu};
    default: return exception(pdu, 1);
  }
}

std::string ReactionInstruments::adam_pdu(std::string_view pdu, bool& is_hazard) const {
  if (pdu[0] != 3) return exception(pdu, 1);
  const std::uint16_t address = word_at(pdu, 1), count = word_at(pdu, 3);
  if (address == type_codes) return read_reply(pdu, std::vector<std::uint16_t>(count, type_t));
  is_hazard = hangs_since_ns_ != 0 && hazard_ == Hazardous::over_temperature_and_hang &&
              monotonic_ns() - hangs_since_ns_ >= hang_before_heat_ns;
  return read_reply(pdu, std::vector<std::uint16_t>(count, adam_raw(is_hazard ? hot_cell_degC : cell_degC)));
}

void ReactionInstruments::serve_lines(Client& client, std::int64_t read_at_ns) {
  for (std::size_t end = client.received.find('\n'); end != std::string::npos; end = client.received.find('\n')) {
    std::string line = client.received.substr(0, end);
    client.received.erase(0, end + 1);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::string answer;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t part_end = std::min(line.find(';', at), line.size());
      const std::string part = scpi_answer(line.substr(at, part_end - at), read_at_ns);
      if (!part.empty() && !answer.empty()) answer += ';';
      answer += part;
      at = part_end + 1;
    }
    if (answer.empty()) continue;
    answer += '\n';
    ::send(client.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}

/// What is set is held and given back as it came.
std::string ReactionInstruments::scpi_answer(const std::string& part, std::int64_t read_at_ns) {
  if (part == "*IDN?") return "EA Elektro-Automatik GmbH, PSB 10060-60, " + std::string{serial} + ", V2.05";
  if (part == "*STB?") return "0";
  if (part == "MEAS:CURR?") return "0.00 A";
  if (part == "OUTP?") return coils_[output_coil] ? "ON" : "OFF";
  if (part == "OUTP OFF") {
    switch_output(false, read_at_ns);
    return "";
  }
  if (part.ends_with('?')) {
    const auto held = settings_.find(part.substr(0, part.size() - 1));
    return held == settings_.end() ? "0" : held->second;
  }
  const std::size_t space = part.find(' ');
  if (space != std::string::npos) settings_[part.substr(0, space)] = part.substr(space + 1);
  return "";
}

}  // namespace cellrig::bench
