#include "drivers/instruments/register_chamber_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cellrig {
namespace {

struct IntegerRange {
  double least = 0.0;
  double most = 0.0;
};

template <class Integer>
IntegerRange range_of() {
  return {static_cast<double>(std::numeric_limits<Integer>::min()), static_cast<double>(std::numeric_limits<Integer>::max())};
}

IntegerRange raw_range(RegisterType type) {
  switch (type) {
    case RegisterType::s16: return range_of<std::int16_t>();
    case RegisterType::u32: return range_of<std::uint32_t>();
    case RegisterType::s32: return range_of<std::int32_t>();
    case RegisterType::u16:
    case RegisterType::f32:
    case RegisterType::text: break;
  }
  return range_of<std::uint16_t>();
}

}  // namespace

std::uint16_t ChamberRegister::address(int event) const {
  const auto last = static_cast<int>(addresses.size()) - 1;
  return addresses[static_cast<std::size_t>(std::clamp(event - 1, 0, last))];
}

std::size_t ChamberRegister::size() const {
  return type == RegisterType::text ? static_cast<std::size_t>(characters) : modbus::register_count(type);
}

bool RegisterTest::holds(double value) const {
  const bool found = std::find(values.begin(), values.end(), value) != values.end();
  return found == one_of;
}

namespace register_chamber {

std::optional<double> decode(const ChamberRegister& where, std::span<const std::uint16_t> words, modbus::WordOrder order) {
  const std::optional<double> number = modbus::unpack_number(where.type, words, order);
  if (!number || where.type == RegisterType::f32) return number;
  return *number * where.scale;
}

std::optional<std::vector<std::uint16_t>> encode(const ChamberRegister& where, double value, modbus::WordOrder order) {
  if (!std::isfinite(value) || where.type == RegisterType::text) return std::nullopt;
  modbus::Words pair{};
  if (where.type == RegisterType::f32) {
    if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max()))) return std::nullopt;
    pair = modbus::pack_f32(static_cast<float>(value), order);
    return std::vector<std::uint16_t>(pair.begin(), pair.end());
  }
  const double raw = std::round(value / where.scale);
  const IntegerRange range = raw_range(where.type);
  if (!(raw >= range.least && raw <= range.most)) return std::nullopt;
  if (where.type == RegisterType::u16) return std::vector{static_cast<std::uint16_t>(raw)};
  if (where.type == RegisterType::s16) return std::vector{static_cast<std::uint16_t>(static_cast<std::int16_t>(raw))};
  pair = where.type == RegisterType::u32 ? modbus::pack_u32(static_cast<std::uint32_t>(raw), order)
                                         : modbus::pack_s32(static_cast<std::int32_t>(raw), order);
  return std::vector<std::uint16_t>(pair.begin(), pair.end());
}

}  // namespace register_chamber
}  // namespace cellrig
