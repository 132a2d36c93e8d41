#include "sim/instruments/register_table.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace cellrig::sim {
namespace {

std::uint16_t size_of(EntryType type) { return type == EntryType::word || type == EntryType::text ? 1 : 2; }

bool is_allowed(const TableEntry& entry, std::uint16_t value) {
  if (!entry.is_enumeration) return true;
  const auto end = std::find(entry.allowed.begin() + 1, entry.allowed.end(), std::uint16_t{0});
  return std::find(entry.allowed.begin(), end, value) != end;
}

}  // namespace

TableDevice::TableDevice(std::vector<TableEntry> table, TableHabits habits) : table_{std::move(table)}, habits_{habits} {
  for (TableEntry& entry : table_) {
    if (entry.size == 0) entry.size = size_of(entry.type);
  }
  std::sort(table_.begin(), table_.end(), [](const TableEntry& a, const TableEntry& b) { return a.address < b.address; });
}

TableDevice::Piece TableDevice::find(std::uint16_t address) const {
  const auto after = std::upper_bound(table_.begin(), table_.end(), address,
                                      [](std::uint16_t a, const TableEntry& entry) { return a < entry.address; });
  if (after == table_.begin()) return {};
  const TableEntry& entry = *(after - 1);
  const auto offset = static_cast<std::size_t>(address - entry.address);
  if (offset >= entry.size) return {};
  return {.entry = &entry, .offset = offset};
}

std::uint32_t TableDevice::pattern_of(const TableEntry& entry) {
  const double value = value_of(entry);
  if (entry.type == EntryType::float32) return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  return static_cast<std::uint32_t>(value);
}

/// A parameter is asked for its value once in a request, whichever of its registers are read.
ModbusStatus TableDevice::read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) {
  const TableEntry* current = nullptr;
  std::uint32_t pattern = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Piece piece = find(static_cast<std::uint16_t>(address + i));
    if (piece.entry == nullptr || piece.entry->access == EntryAccess::write_only) return ModbusStatus::illegal_address;
    if (piece.entry->type == EntryType::text) {
      const std::string text = text_of(*piece.entry);
      values[i] = piece.offset < text.size() ? static_cast<unsigned char>(text[piece.offset]) : std::uint16_t{0};
      continue;
    }
    if (piece.entry != current) pattern = pattern_of(*piece.entry);
    current = piece.entry;
    values[i] = piece.offset > 1 ? std::uint16_t{0} : static_cast<std::uint16_t>(pattern >> (16U * piece.offset) & 0xFFFFU);
  }
  return ModbusStatus::ok;
}

ModbusStatus TableDevice::write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) {
  const ModbusStatus status = pass(address, values, false);
  if (status != ModbusStatus::ok) return status;
  if (const std::optional<ModbusStatus> answer = blocked()) return *answer;
  const ModbusStatus done = pass(address, values, true);
  written(now);
  return done;
}

ModbusStatus TableDevice::pass(std::uint16_t address, std::span<const std::uint16_t> values, bool commit) {
  for (std::size_t i = 0; i < values.size();) {
    const Piece piece = find(static_cast<std::uint16_t>(address + i));
    if (piece.entry == nullptr) return ModbusStatus::illegal_address;
    if (piece.entry->access == EntryAccess::read_only) return habits_.on_write_to_read_only;
    const ModbusStatus status = put(piece, values.subspan(i), commit);
    if (status != ModbusStatus::ok) return status;
    const std::size_t taken = piece.entry->type == EntryType::text ? 1 : piece.entry->size - piece.offset;
    i += taken;
  }
  return ModbusStatus::ok;
}

ModbusStatus TableDevice::put(Piece piece, std::span<const std::uint16_t> values, bool commit) {
  const TableEntry& entry = *piece.entry;
  if (entry.type == EntryType::text) {
    if (commit) store_character(entry, piece.offset, static_cast<char>(values[0] & 0xFFU));
    return ModbusStatus::ok;
  }
  const bool is_wide = entry.type != EntryType::word;
  if (piece.offset != 0 || (is_wide && values.size() == 1)) {
    return habits_.ignores_half_values ? ModbusStatus::ok : ModbusStatus::illegal_value;
  }
  const std::uint32_t pattern = is_wide ? values[0] | std::uint32_t{values[1]} << 16U : values[0];
  if (!is_wide && !is_allowed(entry, values[0])) return ModbusStatus::illegal_value;
  const double value = entry.type == EntryType::float32 ? static_cast<double>(std::bit_cast<float>(pattern)) : pattern;
  const ModbusStatus status = check(entry, value);
  if (status == ModbusStatus::ok && commit) store(entry, value);
  return status;
}

}  // namespace cellrig::sim
