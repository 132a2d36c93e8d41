// One Modbus connection or line: register and coil exchanges, one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "controller/async/task.hpp"
#include "controller/base/result.hpp"
#include "controller/base/time.hpp"

namespace cellrig {

/// Where an exchange goes: unit id and 0-based protocol address.
struct ModbusAddress {
  std::uint8_t unit = 1;
  std::uint16_t address = 0;
};

/// * Every call connects first when the link is down, within its deadline.
/// * One exchange at a time; a second caller waits its turn (bounded by its deadline).
/// * A reply from another transaction, unit or function is never believed: Fault::malformed, and the connection is closed.
/// * After timeout, malformed or link_lost the connection is closed; the next call opens a new one.
/// * A Modbus exception is Fault::refused (busy for 5 and 6) and keeps the connection.
/// * cut() is immediate: the exchange in flight ends with Fault::interrupted, waiting ones too, and the connection is closed.
/// * The caller keeps spans alive until the call is over.
class ModbusBus {
 public:
  virtual ~ModbusBus() = default;
  [[nodiscard]] virtual Task<Result<void>> read_holding(ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> write_register(ModbusAddress to, std::uint16_t value, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> write_registers(ModbusAddress to, std::span<const std::uint16_t> values,
                                                           Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> read_coils(ModbusAddress from, std::span<bool> into, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> write_coil(ModbusAddress to, bool value, Deadline deadline) = 0;
  virtual void cut() noexcept = 0;
  /// False: no call has ever reached the other end, so nothing was said to it. Where nobody can know: true.
  [[nodiscard]] virtual bool was_open() const { return true; }
  [[nodiscard]] virtual std::string address() const = 0;  ///< for messages: "127.0.0.1:502"

  /// Alive while an output is being turned off through this bus: where several units share a line, what is asked meanwhile goes
  /// before everything of the others. May be nested.
  class Urgent {
   public:
    explicit Urgent(ModbusBus& bus) : bus_{bus} { bus_.count_urgent(+1); }
    ~Urgent() { bus_.count_urgent(-1); }
    Urgent(const Urgent&) = delete;
    Urgent& operator=(const Urgent&) = delete;

   private:
    ModbusBus& bus_;
  };

 private:
  virtual void count_urgent(int /*change*/) noexcept {}  ///< a connection of its own needs no precedence
};

}  // namespace cellrig
