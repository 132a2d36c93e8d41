// A Modbus device whose map is a table: what stands at which address, as what, and who may write it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/instruments/modbus_slave.hpp"

namespace cellrig::sim {

enum class EntryType : std::uint8_t {
  word,     ///< 16 bits
  word32,   ///< 32 bits, the low word first
  float32,  ///< IEEE 754, the low word first
  text,     ///< one character in the low byte of each register, NUL padded
};
enum class EntryAccess : std::uint8_t { read_only, read_write, write_only };

struct TableEntry {
  std::uint16_t address = 0;  ///< 0-based protocol address of its first register
  EntryType type = EntryType::word;
  EntryAccess access = EntryAccess::read_only;
  std::uint16_t id = 0;    ///< the device's own name for it
  std::uint16_t size = 0;  ///< registers it fills; 0: as many as its type needs, which a text must say
  /// What may be written; an empty list allows everything that the device accepts. 0 ends it, so 0 has to stand first.
  std::array<std::uint16_t, 4> allowed{};
  bool is_enumeration = false;
};

/// What makes of controllers do differently.
struct TableHabits {
  ModbusStatus on_write_to_read_only = ModbusStatus::illegal_address;
  /// Half of a 32-bit value: confirmed and ignored, or refused as a bad value.
  bool ignores_half_values = true;
};

/// Everything is checked first, and written when all of it is right: a refused request changes nothing.
class TableDevice : public ModbusDevice {
 public:
  ModbusStatus read_coils(TimePoint, std::uint16_t, std::span<bool>) override { return ModbusStatus::illegal_function; }
  ModbusStatus write_coils(TimePoint, std::uint16_t, std::span<const bool>) override { return ModbusStatus::illegal_function; }
  ModbusStatus read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) override;
  ModbusStatus write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) override;

 protected:
  TableDevice(std::vector<TableEntry> table, TableHabits habits);

  [[nodiscard]] virtual double value_of(const TableEntry& entry) = 0;
  [[nodiscard]] virtual std::string text_of(const TableEntry& /*entry*/) const { return {}; }
  /// Asked for each value of a request before any is stored.
  [[nodiscard]] virtual ModbusStatus check(const TableEntry& entry, double value) = 0;
  virtual void store(const TableEntry& entry, double value) = 0;
  virtual void store_character(const TableEntry& /*entry*/, std::size_t /*at*/, char /*character*/) {}
  /// Why a request that is right is not carried out; `ok` and nothing is also possible: confirmed and ignored.
  [[nodiscard]] virtual std::optional<ModbusStatus> blocked() const { return std::nullopt; }
  virtual void written(TimePoint now) = 0;

 private:
  struct Piece {
    const TableEntry* entry = nullptr;
    std::size_t offset = 0;
  };
  [[nodiscard]] Piece find(std::uint16_t address) const;
  [[nodiscard]] std::uint32_t pattern_of(const TableEntry& entry);
  ModbusStatus pass(std::uint16_t address, std::span<const std::uint16_t> values, bool commit);
  /// One parameter; takes the registers it needs from the front of `values`.
  ModbusStatus put(Piece piece, std::span<const std::uint16_t> values, bool commit);

  std::vector<TableEntry> table_;  ///< by address
  TableHabits habits_;
};

}  // namespace cellrig::sim
