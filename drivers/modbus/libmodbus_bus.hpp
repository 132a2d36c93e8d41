// ModbusBus over Modbus TCP: libmodbus on a thread of its own, deadlines on the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "drivers/link/modbus_bus.hpp"
#include "drivers/link/turnstile.hpp"
#include "drivers/modbus/adu.hpp"

namespace cellrig {

struct LibmodbusBusOptions {
  std::string host;  ///< IPv4 or IPv6 in numbers, or a name (resolved once, on the bus thread)
  std::uint16_t port = 502;
  /// libmodbus's own time-out, a backstop in wall-clock time behind the deadline of each call. Lockstep passes an hour.
  Duration response_timeout = std::chrono::seconds{10};
  /// Wall-clock bound of a connect.
  Duration connect_timeout = std::chrono::seconds{5};
  /// Pause the instrument needs between a reply and the next request. A cut() ends it.
  Duration request_gap{};
  /// The bus thread asks for real-time scheduling, as the control thread of a real bench does.
  bool prefer_thread = false;
};

/// One bus object per host and port. Control thread only; it must outlive its calls, and the TimeSource must outlive it.
/// A deadline or cut() ends a blocked libmodbus call by shutdown() of its socket. A request whose caller gave up is never sent.
class LibmodbusBus final : public ModbusBus {
 public:
  LibmodbusBus(TimeSource& time, LibmodbusBusOptions options);
  ~LibmodbusBus() override;

  [[nodiscard]] Task<Result<void>> read_holding(ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> write_register(ModbusAddress to, std::uint16_t value, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> write_registers(ModbusAddress to, std::span<const std::uint16_t> values,
                                                   Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> read_coils(ModbusAddress from, std::span<bool> into, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> write_coil(ModbusAddress to, bool value, Deadline deadline) override;
  void cut() noexcept override;
  [[nodiscard]] bool was_open() const override { return was_open_; }
  [[nodiscard]] std::string address() const override;

  /// How often a connection was given up because bytes waited that nobody had asked for.
  [[nodiscard]] std::uint64_t stale_reply_count() const { return stale_reply_count_; }

 private:
  class Worker;
  struct Job;
  /// A call that waits: cut() finds it here, and the bus thread's completion in the job. A task that is dropped leaves both.
  class Blocked;
  struct Link {
    LinkKey key;
    std::uint64_t number = 0;  ///< counts connections; a job names the one it was made for
    bool is_up = false;
  };

  [[nodiscard]] Task<Result<void>> exchange(const modbus::Frame& request, modbus::Frame& reply, Deadline deadline);
  [[nodiscard]] Task<Result<void>> attempt(const modbus::Frame& request, modbus::Frame& reply, bool& was_sent, Deadline deadline);
  [[nodiscard]] Task<Result<void>> connect(Deadline deadline);
  [[nodiscard]] Task<Result<void>> keep_gap(Deadline deadline);
  [[nodiscard]] Task<Result<void>> perform(const std::shared_ptr<Job>& job, Deadline deadline);
  [[nodiscard]] Error failure(Fault fault, const std::string& what) const;

  TimeSource& time_;
  LibmodbusBusOptions options_;
  Turnstile turns_;
  Link link_;
  bool was_open_ = false;
  Wait* blocked_ = nullptr;  ///< what the call in flight waits on, if anything
  TimePoint next_request_{};
  std::uint64_t epoch_ = 0;  ///< counts cuts
  std::uint64_t transaction_ = 0;
  std::uint64_t stale_reply_count_ = 0;
  std::unique_ptr<Worker> worker_;
};

}  // namespace cellrig
