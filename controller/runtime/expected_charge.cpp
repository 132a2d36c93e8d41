#include "controller/runtime/expected_charge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "profiles/number.hpp"

namespace cellrig {
namespace {

constexpr double around_a_number_pct = 5.0;
/// Assumed: hysteresis, and what is left of the relaxation some minutes after the last current.
constexpr double not_rested_V = 0.010;

}  // namespace

ExpectedCharge parse_expected_charge(const std::string& text, OpenCircuitTable table) {
  const SourcePlace place{"--expect-soc " + text};
  ExpectedCharge expected{.table = std::move(table)};
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) {
    const double middle = parse_number(text, place);
    if (!(middle >= 0.0 && middle <= 100.0)) throw ConfigError{place, "a state of charge lies between 0 and 100 %"};
    expected.min_pct = std::max(0.0, middle - around_a_number_pct);
    expected.max_pct = std::min(100.0, middle + around_a_number_pct);
    return expected;
  }
  expected.min_pct = parse_number(text.substr(0, dots), place);
  expected.max_pct = parse_number(text.substr(dots + 2), place);
  if (!(expected.min_pct >= 0.0 && expected.min_pct <= expected.max_pct && expected.max_pct <= 100.0))
    throw ConfigError{place, "write it from the lower to the higher end, between 0 and 100: 40..60"};
  return expected;
}

Result<void> judge_charge(const ExpectedCharge& expected, double voltage_V, const Accuracy& accuracy) {
  if (!std::isfinite(voltage_V)) return fail(Fault::refused, "the open-circuit voltage is no number");
  const double uncertain_V = accuracy.bound_at(voltage_V) + not_rested_V;
  const OpenCircuitTable::Range found = expected.table.charge_at(voltage_V - uncertain_V, voltage_V + uncertain_V);
  if (found.max_pct >= expected.min_pct && found.min_pct <= expected.max_pct) return {};
  const std::string charge = found.max_pct < 0.0     ? std::string{"below empty"}
                             : found.min_pct > 100.0 ? std::string{"above full"}
                                                     : fmt::format("of {:.0f} to {:.0f} %", found.min_pct, found.max_pct);
  return fail(Fault::refused,
              fmt::format("open-circuit voltage {:.3f} V is a state of charge {}, expected {:g} to {:g} %: is this "
                          "the cell you mean?",
                          voltage_V, charge, expected.min_pct, expected.max_pct));
}

}  // namespace cellrig
