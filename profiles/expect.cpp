#include "profiles/expect.hpp"

#include <string>
#include <vector>

#include "profiles/number.hpp"
#include "profiles/setpoints.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

const std::vector<std::string> expect_keys{"voltage_V", "temperature_K", "capacity_pct", "hold_s", "on_divergence"};
const std::vector<std::string> divergence_words{"warn", "stop"};

bool stops_by(const YamlEntry& entry) {
  const std::string& word = as_text(entry.value, entry.key);
  if (word != "warn" && word != "stop")
    throw ConfigError{entry.value.place(),
                      "unknown word '" + word + "' for 'on_divergence'" + suggestion(word, divergence_words)};
  return word == "stop";
}

/// Above zero, or from zero on, to `most`.
double bounded(const Field& field, const Names& names, double most, bool may_be_zero) {
  const double value = value_of(field, names);
  if ((may_be_zero ? value >= 0.0 : value > 0.0) && value <= most) return value;
  throw ConfigError{field.value.place, "'" + field.key + "' must be " + (may_be_zero ? "from 0" : "above 0") + " to " +
                                           format_short(most) + ", found " + format_short(value)};
}

}  // namespace

ExpectSpec read_expect(const YamlEntry& entry) {
  const YamlMap known{entry.value, entry.key, expect_keys};
  ExpectSpec spec;
  for (const YamlEntry& given : entry.value.entries()) {
    if (given.key == "on_divergence") {
      spec.stops = stops_by(given);
      continue;
    }
    if (!given.value.is_scalar()) throw ConfigError{given.place, "'" + given.key + "' needs a number or an expression"};
    spec.fields.push_back(Field{given.key, given.place, parse_expression(given.value.scalar(), given.value.place())});
  }
  return spec;
}

Expectation expectation_of(const ExpectSpec& spec, const Names& names) {
  constexpr double voltage_max_V = 10.0, temperature_max_K = 100.0, hold_max_s = 86'400.0;
  Expectation made;
  made.stops = spec.stops;
  for (const Field& field : spec.fields) {
    if (field.key == "voltage_V") made.voltage_V = bounded(field, names, voltage_max_V, false);
    if (field.key == "temperature_K") made.temperature_K = bounded(field, names, temperature_max_K, false);
    if (field.key == "capacity_pct") made.capacity_pct = bounded(field, names, 100.0, false);
    if (field.key == "hold_s") made.hold = from_seconds(bounded(field, names, hold_max_s, true));
  }
  return made;
}

std::string canonical_text(const Expectation& expectation) {
  if (expectation == Expectation{}) return {};
  return "expect " + format_number(expectation.voltage_V) + " V " + format_number(expectation.temperature_K) + " K " +
         format_number(expectation.capacity_pct) + " pct " + std::to_string(expectation.hold.count()) + "ns " +
         (expectation.stops ? "stop" : "warn") + "\n";
}

}  // namespace cellrig
