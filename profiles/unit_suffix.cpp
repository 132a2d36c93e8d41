#include "profiles/unit_suffix.hpp"

#include <array>
#include <cstddef>

namespace cellrig {
namespace {

constexpr std::array<std::string_view, 19> suffixes{"no unit", "V",   "A", "Ah", "W",   "Wh", "Ohm", "C",   "degC", "pct",
                                                    "s",       "min", "h", "kg", "cm2", "N",  "MPa", "ppm", "K"};

// Units of one dimension share a number here.
int dimension(Unit unit) {
  switch (unit) {
    case Unit::second:
    case Unit::minute:
    case Unit::hour: return static_cast<int>(Unit::second);
    case Unit::amp:
    case Unit::amp_hour: return static_cast<int>(Unit::amp);
    case Unit::watt:
    case Unit::watt_hour: return static_cast<int>(Unit::watt);
    case Unit::none:
    case Unit::volt:
    case Unit::ohm:
    case Unit::c_rate:
    case Unit::celsius:
    case Unit::percent:
    case Unit::kilogram:
    case Unit::square_centimetre:
    case Unit::newton:
    case Unit::megapascal:
    case Unit::parts_per_million:
    case Unit::kelvin: return static_cast<int>(unit);
  }
  return 0;
}

}  // namespace

Unit unit_of_name(std::string_view name) {
  const std::size_t underscore = name.rfind('_');
  if (underscore == std::string_view::npos) return Unit::none;
  const std::string_view suffix = name.substr(underscore + 1);
  for (std::size_t i = 1; i < suffixes.size(); ++i) {
    if (suffix == suffixes[i]) return static_cast<Unit>(i);
  }
  return Unit::none;
}

std::string_view to_string(Unit unit) { return suffixes[static_cast<std::size_t>(unit)]; }

bool is_same_dimension(Unit a, Unit b) { return dimension(a) == dimension(b); }

}  // namespace cellrig
