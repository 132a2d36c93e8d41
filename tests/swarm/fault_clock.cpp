#include "tests/swarm/fault_clock.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

constexpr Duration one_exchange = 50ms;
constexpr Duration after_a_command = 2s;  ///< after a command, before a missing current or a fall is judged
constexpr Duration watchdog_tolerance = 1s;
constexpr Duration rate_hold = 3s;      ///< of 1 K/s (GB 38031)
constexpr Duration rate_deadline = 4s;  ///< with the second over which it is averaged
constexpr Duration rate_window = 1s;
constexpr Duration tip_step = 100ms;
constexpr Duration band_hold = 3min;
constexpr Duration band_patience = 5min;  ///< in which the band goes along with air that moves away from a new set-point

// A truth counts from a little beyond the rig's own bound: digits, and what moves within one exchange.
constexpr double beyond_V = 0.003;
constexpr double fall_V = 0.06, fall_discharge_V = 0.15;
constexpr double rate_K_per_s = 1.3;
constexpr double band_K = 3.5;
constexpr double same_current = 0.02;
constexpr double worth_A = 1.0;  ///< eight times the error of the widest cycler is half of it
constexpr double end_V = 3.01, end_A = 1.02, shown_A = 1.0;
constexpr double still_hold_at_1C_s = 5.0;
constexpr int learning_readings = 450;  ///< three pages of the rig's memory, and what is not counted between them
constexpr double still_factor = 1.5;    ///< cells that have lost some of their capacity, and the measurement that notices

}  // namespace

void FaultClock::begin(Reaction reaction, const FaultBounds& bounds, const FaultTruth& before, Duration gap) {
  *this = FaultClock{};
  reaction_ = reaction;
  bounds_ = bounds;
  before_ = last_ = before;
  gap_ = gap;
}

void FaultClock::end() {
  reaction_ = Reaction::none;
  since_.reset();
}

bool FaultClock::look(const FaultTruth& truth, std::optional<Duration> way) {
  if (!has_clock(reaction_) || answer_ || !way) return false;
  const bool is_shown = shows(truth);
  const bool is_energised_now = is_energised(truth);
  const FaultTruth last = std::exchange(last_, truth);
  if (is_energised_now && is_shown) {
    if (!since_ || !is_energised(last)) since_ = truth.now;
    last_energised_ = truth.now;
    const Duration lasts = truth.now - *since_;
    if (lasts <= deadline(*way)) return false;
    answer_ = Answer{lasts, deadline(*way)};
    return true;
  }
  if (ended_between_looks(last, truth)) answer_ = Answer{Duration{}, deadline(*way)};
  if (since_ && !is_energised_now && is_answer(truth)) answer_ = Answer{last_energised_ - *since_, deadline(*way)};
  if (is_energised_now) since_.reset();
  return false;
}

/// A rest that the program has next is none: when the current comes back it counts anew. Where nobody is there, or OFF was refused, any end is.
bool FaultClock::is_answer(const FaultTruth& t) const {
  const bool is_of_the_rig = reaction_ == Reaction::stillness || reaction_ == Reaction::over_voltage ||
                             reaction_ == Reaction::warms_fast || reaction_ == Reaction::voltage_falls ||
                             reaction_ == Reaction::circuit_opens || reaction_ == Reaction::chamber_leaves ||
                             reaction_ == Reaction::clipped;
  return t.is_over || !is_of_the_rig;
}

/// The instrument's own protection is faster than anybody looks.
bool FaultClock::ended_between_looks(const FaultTruth& last, const FaultTruth& t) const {
  const double bound_V = bounds_.voltage_max_V + beyond_V;
  return reaction_ == Reaction::over_voltage && last.is_on && !t.is_on && !(last.peak_V > bound_V) && t.peak_V > bound_V;
}

/// Where the yardstick begins to count.
bool FaultClock::shows(const FaultTruth& t) {
  const bool is_settled = before_.commanded + after_a_command + 2 * bounds_.period < before_.now;
  switch (reaction_) {
    case Reaction::none:
    case Reaction::two_polls:
    case Reaction::age_limit: return false;
    case Reaction::stillness: return stands_still(t);
    case Reaction::watchdog: return before_.flows;
    case Reaction::awakening:
      return before_.flows && gap_ > bounds_.age_limit + bounds_.period + one_exchange && t.now >= before_.now + gap_;
    case Reaction::off_refused: return t.flows && !t.is_wanted;
    case Reaction::unasked: return t.flows && !t.is_wanted && !before_.is_on && !before_.is_wanted && t.is_watched;
    case Reaction::over_voltage: return t.is_on && t.voltage_V > bounds_.voltage_max_V + beyond_V;
    case Reaction::warms_fast: return warms_fast(t);
    case Reaction::voltage_falls: return is_settled && falls(t);
    case Reaction::circuit_opens:
      return is_settled && before_.flows && std::abs(before_.current_A) >= worth_A && t.commanded == before_.commanded &&
             t.circuit_is_open;
    case Reaction::chamber_leaves: return leaves_band(t);
    case Reaction::clipped:
      return t.commanded == before_.commanded && t.voltage_V > end_V && std::abs(t.current_A) > end_A &&
             (t.current_A > 0) == (before_.current_A > 0);
  }
  return false;
}

/// At once means between two readings; what falls more slowly is another rule's.
bool FaultClock::falls(const FaultTruth& t) const {
  const bool is_constant = before_.flows && before_.is_constant_current;
  const double least_V = before_.current_A > 0 ? fall_V : fall_discharge_V;
  const bool is_same =
      t.commanded == before_.commanded && std::abs(t.current_A - before_.current_A) <= same_current * std::abs(before_.current_A);
  const bool is_at_once = since_.has_value() || t.now <= before_.now + bounds_.period / 2;
  return is_constant && is_same && is_at_once && before_.voltage_V - t.voltage_V >= least_V;
}

/// Of digits that moved long enough under the same command to be known, at the same current.
bool FaultClock::stands_still(const FaultTruth& t) const {
  const bool is_learned = before_.commanded + after_a_command + learning_readings * bounds_.period < before_.now;
  const bool is_same =
      t.commanded == before_.commanded && std::abs(t.current_A - before_.current_A) <= same_current * std::abs(before_.current_A);
  return is_learned && bounds_.alike_by_chance && before_.flows && before_.is_constant_current && t.is_constant_current &&
         is_same;
}

bool FaultClock::leaves_band(const FaultTruth& t) const {
  if (!before_.wanted_degC || t.wanted_degC != before_.wanted_degC) return false;
  const double edge_degC = std::max(*before_.wanted_degC, before_.air_degC) + band_K;
  return t.flows && t.air_degC > edge_degC;
}

bool FaultClock::warms_fast(const FaultTruth& t) {
  if (!t.tip_degC) return false;
  if (tips_.empty() || t.now - tips_.back().first >= tip_step) tips_.emplace_back(t.now, *t.tip_degC);
  while (tips_.size() > 1 && t.now - tips_[1].first >= rate_window) tips_.pop_front();
  const Duration passed = t.now - tips_.front().first;
  if (passed < rate_window) return false;
  return *t.tip_degC - tips_.front().second > rate_K_per_s * to_seconds(passed);
}

Duration FaultClock::deadline(Duration way) const {
  const Duration two_periods = 2 * bounds_.period + one_exchange + way;
  switch (reaction_) {
    case Reaction::none:
    case Reaction::two_polls:
    case Reaction::age_limit: return {};
    case Reaction::stillness: {
      const double at_1C = std::max(1.0, bounds_.one_C_A / std::abs(before_.current_A));
      const Duration hold = from_seconds(still_hold_at_1C_s * at_1C);
      const Duration by_chance = bounds_.alike_by_chance.value_or(0) * bounds_.period;
      const Duration by_charge = from_seconds(still_factor * bounds_.still_Ah / std::abs(before_.current_A) * 3600.0);
      return std::min(std::max<Duration>(hold, by_chance), by_charge) + two_periods;
    }
    case Reaction::watchdog: return bounds_.watchdog_delay + watchdog_tolerance;
    case Reaction::awakening: return bounds_.period + one_exchange + one_exchange;
    case Reaction::off_refused: return way + one_exchange;
    case Reaction::unasked: return 2 * bounds_.off_period + one_exchange + way;
    case Reaction::over_voltage: return two_periods;
    case Reaction::warms_fast: {
      // It begins between two values: means of a second, which the next reading ends, or readings further apart, each on its own. Beyond the
      // hold the first two of them are one finding, which must go on.
      const Duration apart = std::max<Duration>(rate_window, bounds_.sensor_period);
      const Duration holds = (rate_hold + apart - Duration{1}) / apart * apart;
      const Duration next = apart == rate_window || apart > rate_hold ? bounds_.sensor_period : Duration{};
      const Duration seen = apart + holds + next;
      return std::max<Duration>(rate_deadline, seen) + one_exchange + way - rate_window;  // the second that showed it has passed
    }
    case Reaction::voltage_falls:
    case Reaction::circuit_opens: return two_periods + one_exchange;
    case Reaction::chamber_leaves: {
      const bool is_new = before_.now - before_.wanted_since <= band_patience;
      return band_hold + (is_new ? band_patience : Duration{}) + 2 * bounds_.sensor_period + two_periods;
    }
    case Reaction::clipped: return from_seconds(still_factor * bounds_.still_Ah / shown_A * 3600.0) + two_periods;
  }
  return {};
}

}  // namespace cellrig::swarm
