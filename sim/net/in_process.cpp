#include "sim/net/in_process.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "drivers/link/turnstile.hpp"
#include "drivers/link/unread_probe.hpp"
#include "sim/instruments/modbus_device.hpp"
#include "sim/net/in_process_connection.hpp"

namespace cellrig::sim {

// ---- the connection

InProcessConnection::InProcessConnection(TimeSource& time, SimulatedBench& bench, Wire& wire)
    : time_{time}, bench_{bench}, wait_{time} {
  for (Wire* const each : bench.wires_with(wire)) ends_.push_back(std::make_unique<End>(*this, *each));
}

bool InProcessConnection::has_end() const {
  return std::any_of(ends_.begin(), ends_.end(), [](const auto& end) { return end->id != 0; });
}

bool InProcessConnection::open() {
  close();
  for (const auto& end : ends_) {
    if (end->id == 0) end->id = end->wire.open(time_.now(), *end);
  }
  peer_has_gone_ = false;
  static_cast<void>(arrived());
  unread_.clear();  // what came before it was opened
  is_open_ = has_end() && !peer_has_gone_;
  return is_open_;
}

void InProcessConnection::close_ends() noexcept {
  for (const auto& end : ends_) {
    if (const ConnectionId id = std::exchange(end->id, 0); id != 0) end->wire.close(id);
  }
}

void InProcessConnection::close() noexcept {
  if (!is_line()) {
    close_ends();
    pending_.clear();
  }
  is_open_ = false;
  unread_.clear();
  wait_.wake();
}

/// A line goes on without one of its units.
void InProcessConnection::End::wire_dropped(ConnectionId dropped) noexcept {
  if (dropped != id) return;
  id = 0;
  if (connection.has_end()) return;
  connection.peer_has_gone_ = true;
  connection.pending_.clear();
  connection.wait_.wake();
}

void InProcessConnection::send(std::string_view bytes) {
  if (!is_open_ || peer_has_gone_) return;
  incoming_.clear();
  for (const auto& end : ends_) {
    const bool is_back = end->id == 0 && ends_.size() > 1;  // a unit of a line that was not there
    if (is_back) end->id = end->wire.open(time_.now(), *end);
    if (end->id != 0) bench_.receive(end->wire, time_.now(), end->id, bytes, incoming_);
  }
  for (Delivery& delivery : incoming_) {
    const auto later = std::find_if(pending_.begin(), pending_.end(), [&](const Delivery& p) { return delivery.due < p.due; });
    pending_.insert(later, std::move(delivery));
  }
}

std::string& InProcessConnection::arrived() {
  if (pending_.empty()) return unread_;
  const TimePoint now = time_.now();
  if (now < pending_.front().due && !peer_has_gone_) return unread_;
  std::size_t taken = 0;
  while (taken < pending_.size() && pending_[taken].due <= now && !peer_has_gone_) {
    Delivery& delivery = pending_[taken++];
    if (delivery.resets) unread_.clear();  // as a socket does
    if (unread_.empty()) {
      unread_.swap(delivery.bytes);
    } else {
      unread_ += delivery.bytes;
    }
    if (!delivery.closes) continue;
    close_ends();
    peer_has_gone_ = true;
  }
  pending_.erase(pending_.begin(), peer_has_gone_ ? pending_.end() : pending_.begin() + static_cast<std::ptrdiff_t>(taken));
  return unread_;
}

// ---- Modbus

namespace {

constexpr std::size_t header_size = 7;       // transaction, protocol, length, unit
constexpr std::size_t frame_size_max = 260;  // Modbus Messaging on TCP/IP, 4.1
constexpr std::size_t read_register_count_max = 125;
constexpr std::size_t write_register_count_max = 123;
constexpr std::size_t read_coil_count_max = 2000;

enum Function : std::uint8_t {
  function_read_coils = 1,
  function_read_holding = 3,
  function_write_coil = 5,
  function_write_register = 6,
  function_write_registers = 16,
};

/// What is asked, and where the answer goes. Small and trivially copyable: it travels into a coroutine.
struct Exchange {
  std::uint8_t function = 0;
  ModbusAddress where{};
  std::uint16_t value_or_count = 0;
  std::span<const std::uint16_t> sent{};  ///< of a write of several registers
  std::span<std::uint16_t> registers{};   ///< where read values go
  std::span<bool> coils{};

  [[nodiscard]] bool is_write() const { return registers.empty() && coils.empty(); }
};

/// A request as it goes onto the wire.
class Frame {
 public:
  Frame(const Exchange& exchange, std::uint16_t transaction) {
    put_word(transaction);
    put_word(0);
    put_word(0);  // the length, below
    put_byte(exchange.where.unit);
    put_byte(exchange.function);
    put_word(exchange.where.address);
    put_word(exchange.value_or_count);
    if (!exchange.sent.empty()) put_byte(static_cast<unsigned>(2 * exchange.sent.size()));
    for (const std::uint16_t value : exchange.sent) put_word(value);
    bytes_[5] = static_cast<char>(size_ - length_from);
  }
  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), size_}; }

 private:
  static constexpr std::size_t length_from = 6;  // the length counts what follows it; no request is longer than 255
  void put_byte(unsigned value) { bytes_[size_++] = static_cast<char>(value); }
  void put_word(unsigned value) {
    put_byte(value >> 8U);
    put_byte(value & 0xFFU);
  }
  std::array<char, frame_size_max> bytes_;
  std::size_t size_ = 0;
};

class ModbusLink final : public ModbusBus {
 public:
  ModbusLink(TimeSource& time, SimulatedBench& bench, Wire& wire) : connection_{time, bench, wire}, turns_{time} {}

  Task<Result<void>> read_holding(ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline) override {
    if (into.empty() || into.size() > read_register_count_max) return refuse_size();
    const auto count = static_cast<std::uint16_t>(into.size());
    return perform({.function = function_read_holding, .where = from, .value_or_count = count, .registers = into}, deadline);
  }
  Task<Result<void>> write_register(ModbusAddress to, std::uint16_t value, Deadline deadline) override {
    return perform({.function = function_write_register, .where = to, .value_or_count = value}, deadline);
  }
  Task<Result<void>> write_registers(ModbusAddress to, std::span<const std::uint16_t> values, Deadline deadline) override {
    if (values.empty() || values.size() > write_register_count_max) return refuse_size();
    const auto count = static_cast<std::uint16_t>(values.size());
    return perform({.function = function_write_registers, .where = to, .value_or_count = count, .sent = values}, deadline);
  }
  Task<Result<void>> read_coils(ModbusAddress from, std::span<bool> into, Deadline deadline) override {
    if (into.empty() || into.size() > read_coil_count_max) return refuse_size();
    const auto count = static_cast<std::uint16_t>(into.size());
    return perform({.function = function_read_coils, .where = from, .value_or_count = count, .coils = into}, deadline);
  }
  Task<Result<void>> write_coil(ModbusAddress to, bool value, Deadline deadline) override {
    const std::uint16_t state = value ? 0xFF00 : 0;
    return perform({.function = function_write_coil, .where = to, .value_or_count = state}, deadline);
  }
  void cut() noexcept override {
    ++epoch_;
    turns_.cut_waiting();
    connection_.close();
  }
  [[nodiscard]] std::string address() const override { return connection_.name(); }

 private:
  Task<Result<void>> refuse_size() {
    co_return fail(Fault::refused, address() + ": too few or too many values for one exchange");
  }
  Task<Result<void>> perform(Exchange exchange, Deadline deadline);
  [[nodiscard]] std::optional<Result<void>> judge(const Exchange& exchange);
  [[nodiscard]] Result<void> take(const Exchange& exchange, std::string_view pdu);
  [[nodiscard]] Error give_up(Fault fault, const char* what) {
    connection_.close();
    return fail(fault, address() + ": " + what);
  }

  InProcessConnection connection_;
  Turnstile turns_;
  std::uint16_t transaction_ = 0;
  std::uint64_t epoch_ = 0;  ///< counts cuts
};

Task<Result<void>> ModbusLink::perform(Exchange exchange, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  if (!turns_.try_enter()) {
    const Result<void> entered = co_await turns_.enter(deadline);
    if (!entered) co_return entered.error();
  }
  const Turnstile::Leave leave{turns_};
  if (epoch != epoch_) co_return fail(Fault::interrupted, address() + ": cut by us");
  TimeSource& time = connection_.time();
  if (deadline.at <= time.now()) co_return fail(Fault::timeout, address() + ": no time left to ask");
  if (!connection_.is_open() && !connection_.open()) co_return fail(Fault::link_lost, address() + ": connection refused");
  connection_.send(Frame(exchange, ++transaction_).bytes());
  for (;;) {
    const std::optional<Result<void>> end = judge(exchange);
    if (end) co_return *end;
    if (time.now() >= deadline.at) co_return give_up(Fault::timeout, "no answer in time");
    co_await connection_.wait(deadline.at);
    if (epoch != epoch_) co_return fail(Fault::interrupted, address() + ": cut by us");
  }
}

/// Empty while the reply is not complete.
std::optional<Result<void>> ModbusLink::judge(const Exchange& exchange) {
  std::string& bytes = connection_.arrived();
  if (bytes.size() >= header_size) {
    const std::size_t size = 6U + word_at(bytes, 4);
    if (word_at(bytes, 2) != 0 || size <= header_size || size > frame_size_max)
      return give_up(Fault::malformed, "not a Modbus reply");
    if (word_at(bytes, 0) != transaction_) return give_up(Fault::malformed, "a reply to another request");
    if (bytes.size() >= size) {
      const Result<void> result = take(exchange, std::string_view{bytes}.substr(0, size));
      if (connection_.is_open()) bytes.erase(0, size);
      return result;
    }
  }
  if (connection_.peer_has_gone()) return give_up(Fault::link_lost, "the instrument closed the connection");
  return std::nullopt;
}

Result<void> ModbusLink::take(const Exchange& exchange, std::string_view frame) {
  const auto unit = static_cast<std::uint8_t>(frame[6]);
  const std::string_view pdu = frame.substr(header_size);
  const auto function = static_cast<unsigned char>(pdu[0]);
  if (unit != exchange.where.unit) return give_up(Fault::malformed, "a reply of another unit");
  if (function == (exchange.function | exception_flag) && pdu.size() == 2) {
    const int code = static_cast<unsigned char>(pdu[1]);
    const Fault fault = code == 5 || code == 6 ? Fault::busy : Fault::refused;
    return fail(fault, address() + ": Modbus exception " + std::to_string(code));
  }
  if (function != exchange.function) return give_up(Fault::malformed, "a reply with another function code");
  if (exchange.is_write()) {
    const bool is_echo =
        pdu.size() == 5 && word_at(pdu, 1) == exchange.where.address && word_at(pdu, 3) == exchange.value_or_count;
    return is_echo ? Result<void>{} : give_up(Fault::malformed, "the echo of a write differs from the write");
  }
  const std::size_t size = exchange.coils.empty() ? 2 * exchange.registers.size() : (exchange.coils.size() + 7) / 8;
  if (pdu.size() != 2 + size || static_cast<unsigned char>(pdu[1]) != size)
    return give_up(Fault::malformed, "a reply of another size");
  for (std::size_t i = 0; i < exchange.registers.size(); ++i) exchange.registers[i] = word_at(pdu, 2 + 2 * i);
  for (std::size_t i = 0; i < exchange.coils.size(); ++i) {
    exchange.coils[i] = (static_cast<unsigned char>(pdu[2 + i / 8]) >> (i % 8) & 1U) != 0;
  }
  return Result<void>{};
}

// ---- streams

class StreamLink final : public ByteStream, public UnreadProbe {
 public:
  StreamLink(TimeSource& time, SimulatedBench& bench, Wire& wire) : connection_{time, bench, wire} {}

  [[nodiscard]] bool is_open() const override { return connection_.is_open(); }
  Task<Result<void>> open(Deadline deadline) override {
    close();
    if (deadline.at <= connection_.time().now()) co_return fail(Fault::timeout, address() + ": no time left to connect");
    if (!connection_.open()) co_return fail(Fault::link_lost, address() + ": connection refused");
    co_return Result<void>{};
  }
  void close() noexcept override {
    ++epoch_;
    connection_.close();
  }
  Task<Result<void>> write(std::string_view bytes, Deadline /*a memory never blocks*/) override {
    if (!connection_.is_open()) co_return fail(Fault::link_lost, address() + ": not connected");
    if (connection_.peer_has_gone()) co_return lose();
    connection_.send(bytes);
    co_return Result<void>{};
  }
  Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override;
  [[nodiscard]] LinkKey key() const override { return LinkKey{}; }
  [[nodiscard]] std::string address() const override { return connection_.name(); }
  [[nodiscard]] bool has_unread() const override {
    if (!connection_.is_open()) return false;
    return !connection_.arrived().empty() || connection_.peer_has_gone();
  }
  [[nodiscard]] bool outlives_closing() const override { return connection_.outlives_closing(); }

 private:
  Error lose() {
    close();
    return fail(Fault::link_lost, address() + ": the instrument closed the connection");
  }

  mutable InProcessConnection connection_;  ///< looking takes over what has arrived
  std::uint64_t epoch_ = 0;                 ///< counts closings
};

Task<Result<std::size_t>> StreamLink::read_some(std::span<char> into, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  for (;;) {
    if (!connection_.is_open()) co_return fail(Fault::link_lost, address() + ": not connected");
    std::string& bytes = connection_.arrived();
    if (!bytes.empty()) {
      const std::size_t n = std::min(bytes.size(), into.size());
      std::memcpy(into.data(), bytes.data(), n);
      bytes.erase(0, n);
      co_return n;
    }
    if (connection_.peer_has_gone()) co_return lose();
    if (connection_.time().now() >= deadline.at) {
      close();
      co_return fail(Fault::timeout, address() + ": no answer in time");
    }
    co_await connection_.wait(deadline.at);
    if (epoch != epoch_) co_return fail(Fault::interrupted, address() + ": closed while in use");
  }
}

Wire& wire_of(SimulatedBench& bench, std::string_view instrument, std::string_view port) {
  Wire* const wire = bench.wire(instrument, port);
  if (wire == nullptr) {
    throw std::invalid_argument("the simulated bench has no port " + std::string(instrument) + "." + std::string(port));
  }
  return *wire;
}

}  // namespace

std::unique_ptr<ModbusBus> make_modbus_link(TimeSource& time, SimulatedBench& bench, std::string_view instrument,
                                            std::string_view port) {
  return std::make_unique<ModbusLink>(time, bench, wire_of(bench, instrument, port));
}

std::unique_ptr<ByteStream> make_stream_link(TimeSource& time, SimulatedBench& bench, std::string_view instrument,
                                             std::string_view port) {
  return std::make_unique<StreamLink>(time, bench, wire_of(bench, instrument, port));
}

}  // namespace cellrig::sim
