#include "tests/swarm/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "controller/runtime/channel_record.hpp"
#include "tests/swarm/fault_menu.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

constexpr double aged = 1.5;      ///< what a cell has lost of its capacity, and the measurement that notices
constexpr double flows_A = 0.05;  ///< 1 % of the 5 A that charge the cell at 1C; the N6974A lets 26 mA through by itself

// ---- what the rig promises (docs/architecture.md, the hazard table): parts of the way from a truth to OFF
constexpr Duration exchange = 50ms;
constexpr Duration chamber_age_min = 3s;      ///< or three periods
constexpr Duration chamber_measurement = 1s;  ///< which waits for it
constexpr Duration settling = 2s;             ///< before sign and "no current" are judged
constexpr Duration first_path = 1s;           ///< the instrument's own OFF, when it does not answer
constexpr Duration second_path = 500ms;       ///< the contactor
constexpr Duration memory_min = 20s;          ///< what came back so recently may still be on its way: or three age limits
constexpr Duration alive_again = 60s;         ///< I6
constexpr Duration off_period_max = 10s;      ///< in a rest: or half the watchdog's delay

// ---- the oracle
constexpr double over_temperature_K = 2.0;
constexpr double soc_max = 1.01;
constexpr double under_voltage_V = 0.05;
constexpr double voltage_resolution_V = 0.001;

// ---- what a reading may differ from the truth: digits of the instrument, and the cell's own movement within one exchange
constexpr double reading_V = 0.04;
constexpr double reading_A = 0.1;
constexpr double reading_share = 0.02;
constexpr double reading_K = 2.0;
constexpr double gas_digit_ppm = 0.1;
constexpr Duration after_switching = 2s;

constexpr std::uint64_t looks_at_an_instant_max = 200'000;

constexpr std::array<std::string_view, hazard_clock_count> clock_names{
    "H12 no fresh voltage",   "H4 no fresh temperature",     "H1 over-voltage",
    "H3 over-current",        "H3 wrong direction",          "H4 over-temperature",
    "H10 charging when cold", "H14 current without command", "H5 gas"};
constexpr std::array<std::string_view, hazard_clock_count> clock_invariants{"I1", "I1", "I5", "I5", "I5", "I5", "I5", "I2", "I5"};

}  // namespace

Judge::Judge(const Plan& plan, const BenchConfig& config, sim::SimulatedBench& bench, Trace& trace)
    : plan_{plan},
      bench_{bench},
      trace_{trace},
      period_{plan.control_period},
      age_limit_{std::max<Duration>(1s, 3 * plan.control_period)},
      temperature_age_limit_{std::max<Duration>(1s, 3 * plan.sensor_period)},
      chamber_age_limit_{std::max<Duration>(chamber_age_min, 3 * plan.sensor_period) + chamber_measurement},
      off_period_{std::max<Duration>(plan.control_period, std::min<Duration>(off_period_max, plan.watchdog_delay / 2))},
      memory_{std::max<Duration>(memory_min, 3 * std::max(age_limit_, temperature_age_limit_))},
      is_alone_{plan.faults.size() == 1 && plan.network.empty()} {
  for (std::size_t i = 0; i < hazard_clock_count; ++i) reactions_.push_back({std::string(clock_names[i]), {}, {}, 0});
  for (const ChannelConfig& channel : config.channels) {
    Watched w;
    w.name = channel.name;
    sim::SimulatedChannel& simulated = *bench.channel(channel.name);
    w.stage = &bench.world().stage(simulated.cell);
    w.thermocouple = &bench.thermocouple(simulated, false);
    w.has_temperature = channel.cell_temperature.has_value();
    w.has_contactor = channel.contactor.has_value();
    if (channel.gas) w.smelled_cell = simulated.cell;
    for (const ChannelPlan& planned : plan.channels) {
      if (planned.name == channel.name) w.alike_by_chance = alike_by_chance(planned.make);
    }
    if (!channel.chamber.empty()) w.chamber = bench.chamber(channel.chamber);
    channels_.push_back(w);
  }
}

void Judge::watch(const std::string& channel, const Program& program) {
  for (Watched& w : channels_) {
    if (w.name == channel) w.program = &program;
  }
}

void Judge::goes_on(const std::string& channel, TimePoint now) {
  quiet_since_ = now;
  for (Watched& w : channels_) {
    if (w.name != channel) continue;
    w.voltage_at = w.temperature_at = std::nullopt;
    w.has_begun = w.is_tripped = w.has_ended = w.is_over_in_order = w.is_output_wanted = false;
    w.last_sample = now;
    w.direction = 0;
    w.clocks.fill(Clock{});
    w.clocks_running = 0;
    w.fault_clock.end();
  }
}

// ---- faults ---------------------------------------------------------------------------------------------------------

void Judge::fault_begins(const DrawnFault& fault, TimePoint now) {
  ++faults_in_force_;
  for (Watched& w : channels_) {
    const auto mine = fault.takes.find(w.name);
    if (mine == fault.takes.end()) continue;
    for (std::size_t bit = 0; bit < w.holders.size(); ++bit) w.holders[bit] += static_cast<int>(mine->second >> bit & 1U);
    w.taken |= mine->second;
    w.ever_taken |= mine->second;
    w.fault_began = now;
    w.flowed_at_fault = w.flows;
    w.taken_by_fault = mine->second;
    begin_clock(w, fault, now);
    w.moved_at_fault_Ah = w.moved_Ah = w.stage->cell().state().throughput_Ah;
  }
}

void Judge::fault_ends(const DrawnFault& fault, TimePoint now) {
  if (--faults_in_force_ == 0) quiet_since_ = now;
  for (Watched& w : channels_) {
    const auto mine = fault.takes.find(w.name);
    if (mine == fault.takes.end()) continue;
    if (!fault.ends_by_itself) w.fault_clock.end();
    for (std::size_t bit = 0; bit < w.returned.size(); ++bit) {
      const bool is_given_back = (mine->second >> bit & 1U) != 0 && --w.holders[bit] == 0;
      if (!is_given_back) continue;
      w.returned[bit] = w.last_returned = now;
      w.taken &= ~(1U << bit);
    }
  }
}

unsigned Judge::taken_lately(const Watched& w, TimePoint now) const {
  unsigned taken = w.taken;
  if (w.last_returned == TimePoint{} || now - w.last_returned > memory_) return taken;
  for (std::size_t bit = 0; bit < w.returned.size(); ++bit) {
    if (w.returned[bit] != TimePoint{} && now - w.returned[bit] <= memory_) taken |= 1U << bit;
  }
  return taken;
}

/// How long it may take from the decision to no current; nothing: no way is left, and nobody can be blamed.
std::optional<Duration> Judge::way_to_off(const Watched& w, unsigned taken) const {
  const bool has_own = (taken & (takes::cycler_link | takes::cycler_obeys)) == 0 && plan_.network.empty();
  if (has_own) return exchange;
  const bool has_contactor = w.has_contactor && (taken & takes::contactor) == 0;
  if (has_contactor && plan_.network.empty()) return first_path + second_path + exchange;
  if ((taken & takes::watchdog) != 0) return std::nullopt;
  return first_path + second_path + first_path + plan_.watchdog_delay + exchange;
}

// ---- the truth ------------------------------------------------------------------------------------------------------

bool Judge::look(TimePoint now) {
  ++looks_;
  looks_at_instant_ = now == last_instant_ ? looks_at_instant_ + 1 : 0;
  last_instant_ = now;
  if (looks_at_instant_ == looks_at_an_instant_max) complain("I6", "", "time does not go on", now);
  clock_runs_ = false;
  for (Watched& w : channels_) look_at(w, now);
  return clock_runs_;
}

void Judge::look_at(Watched& w, TimePoint now) {
  const sim::PowerStage& stage = *w.stage;
  const double current_A = stage.cell_current_A();
  trace_.add(to_ns(now));
  trace_.add(current_A);
  const bool is_on = stage.output_on() && stage.contactor_closed();
  if (is_on != w.was_on) w.switched = now;
  // Somebody at the panel may give another current to an output that is on.
  if (std::abs(current_A - w.last_A) > reading_A + reading_share * std::abs(current_A)) w.jumped = now;
  w.last_A = current_A;
  if (!(stage.last_command() == w.command)) {
    w.command = stage.last_command();
    w.commanded = now;
  }
  const bool began_to_flow = !w.flows;
  w.flows = !(std::abs(current_A) < flows_A);
  const bool is_new = (w.flows && began_to_flow) || (is_on && !w.was_on);
  w.was_on = is_on;
  if (w.program == nullptr) return;
  if (is_alone_) judge_fault(w, now);
  if (!w.flows && !is_new) {
    if (std::exchange(w.clocks_running, 0) > 0) w.clocks.fill(Clock{});
    return judge_liveness(w, now);
  }
  if (w.flows) {
    w.last_flow = now;
    w.moved_Ah = stage.cell().state().throughput_Ah;
  }
  const unsigned taken = taken_lately(w, now);
  if (is_new && (w.is_tripped || w.has_ended)) judge_return(w, taken, now);
  judge_limits(w, now);
  judge_clocks(w, taken, now);
  judge_liveness(w, now);
}

/// A watchdog that was armed, a person at the panel: nothing of that energises. Only an instrument that does not obey does.
void Judge::judge_return(Watched& w, unsigned taken, TimePoint now) {
  if ((taken & (takes::cycler_obeys | takes::self_on)) != 0) return;
  // An ON that was on its way when the trip was found is followed by OFF, which every other clock waits for.
  const std::optional<Duration> way = way_to_off(w, taken);
  if (!w.has_ended && (!way || now - w.tripped_at <= *way)) return;
  complain("I2", w.name, w.has_ended ? "energised again after the end of the run" : "energised again after a trip", now);
}

/// docs/safety.md: an output that comes on by itself after its run has ended in order is not looked at any more.
bool Judge::is_nobodys(const Watched& w) { return w.has_ended && w.is_over_in_order && (w.ever_taken & takes::self_on) != 0; }

// ---- the deadline of a fault that came alone

FaultTruth Judge::truth_of(const Watched& w, TimePoint now) const {
  const sim::PowerStage& stage = *w.stage;
  FaultTruth truth{.now = now,
                   .voltage_V = stage.cell_voltage_V(),
                   .current_A = stage.cell_current_A(),
                   .peak_V = stage.extremes().voltage_max_V,
                   .flows = w.flows,
                   .is_on = stage.output_on() && stage.contactor_closed(),
                   .is_constant_current = stage.mode() == sim::RegulatorMode::constant_current,
                   .circuit_is_open = stage.open_circuit(),
                   .is_wanted = w.is_output_wanted && !w.is_tripped && !w.has_ended && !is_stop_wanted_,
                   .is_watched = !is_nobodys(w),
                   .is_over = w.is_tripped || w.has_ended,
                   .commanded = w.commanded,
                   .wanted_since = w.wanted_since};
  if (w.has_temperature) truth.tip_degC = w.thermocouple->reading_degC();
  if (w.chamber == nullptr) return truth;
  truth.air_degC = bench_.world().chamber(w.chamber->index).air_temperature_degC();
  truth.wanted_degC = wanted_of_chamber(w);
  return truth;
}

std::optional<double> Judge::wanted_of_chamber(const Watched& w) const {
  if (w.chamber == nullptr) return std::nullopt;
  if (w.chamber->imposed) return w.chamber->wanted.running ? std::optional{w.chamber->wanted.setpoint_degC} : std::nullopt;
  const sim::ChamberAir& air = bench_.world().chamber(w.chamber->index);
  return air.is_running() ? std::optional{air.setpoint_degC()} : std::nullopt;
}

void Judge::begin_clock(Watched& w, const DrawnFault& fault, TimePoint now) {
  const MenuEntry& entry = *menu_entry(fault.name);
  if (!is_alone_ || !has_clock(entry.reaction) || w.program == nullptr) return;
  const SafetyLimits& limits = w.program->limits;
  const FaultBounds bounds{.period = period_,
                           .off_period = off_period_,
                           .sensor_period = plan_.sensor_period,
                           .age_limit = age_limit_,
                           .watchdog_delay = plan_.watchdog_delay,
                           .voltage_max_V = limits.voltage_max.value(),
                           .still_Ah = limits.still_share * w.stage->cell().capacity_Ah(),
                           .one_C_A = w.program->nominal_capacity.value(),
                           .alike_by_chance = w.alike_by_chance};
  w.fault_clock.begin(entry.reaction, bounds, truth_of(w, now), fault.gap);
}

void Judge::judge_fault(Watched& w, TimePoint now) {
  if (w.fault_clock.is_looking()) look_by_clock(w, now);
  const std::optional<double> wanted_degC = wanted_of_chamber(w);
  if (wanted_degC != w.wanted_degC) {
    w.wanted_degC = wanted_degC;
    w.wanted_since = now;
  }
  if (w.fault_clock.is_running()) clock_runs_ = true;
}

void Judge::look_by_clock(Watched& w, TimePoint now) {
  if (!w.fault_clock.look(truth_of(w, now), way_to_off(w, w.taken_by_fault))) return;
  const FaultClock::Answer& late = *w.fault_clock.answer();
  const MenuEntry& entry = *menu_entry(plan_.faults.front().name);
  complain("A6", w.name,
           fmt::format("{} ({}): after {:.3f} s it is still energised, allowed are {:.3f} s", entry.name, entry.what,
                       to_seconds(late.flowed), to_seconds(late.deadline)),
           now);
}

std::vector<Judge::AfterFault> Judge::answers() const {
  std::vector<AfterFault> all;
  for (const Watched& w : channels_) {
    const std::optional<FaultClock::Answer>& answer = w.fault_clock.answer();
    if (answer) all.push_back({w.name, answer->flowed, 0.0, 0.0, answer->deadline, true});
  }
  return all;
}

void Judge::judge_limits(const Watched& w, TimePoint now) {
  if ((w.ever_taken & takes::cell) != 0 || is_nobodys(w)) return;
  const sim::StageExtremes& met = w.stage->extremes();
  const SafetyLimits& limits = w.program->limits;  // the cell files set them 50 mV outside the cell's window
  const double voltage_max = limits.voltage_max.value() + voltage_resolution_V;
  const double voltage_min = limits.voltage_min.value() - under_voltage_V;
  if (!(met.voltage_max_V <= voltage_max))
    complain("I5", w.name, fmt::format("the cell was at {:.4f} V, allowed are {:.4f} V", met.voltage_max_V, voltage_max), now);
  if (!(met.voltage_min_V >= voltage_min))
    complain("I5", w.name, fmt::format("the cell was at {:.4f} V, allowed are {:.4f} V", met.voltage_min_V, voltage_min), now);
  if (!(met.soc_max <= soc_max))
    complain("I5", w.name, fmt::format("the cell was at {:.2f} % of its charge", 100 * met.soc_max), now);
  if ((w.ever_taken & (takes::chamber_obeys | takes::logger_truth)) != 0) return;
  const double hottest = limits.cell_temperature_max.value() + over_temperature_K;
  if (w.has_temperature && !(met.surface_max_degC <= hottest))
    complain("I5", w.name, fmt::format("the cell was at {:.2f} degC, allowed are {:.2f}", met.surface_max_degC, hottest), now);
}

/// What must not last, each by its clock: by far the most looks find nothing of it, and nothing that has begun.
Judge::Conditions Judge::conditions_of(const Watched& w, unsigned taken, TimePoint now) const {
  using enum HazardClock;
  const SafetyLimits& limits = w.program->limits;
  const double current_A = w.stage->cell_current_A();
  const double tip_degC = w.thermocouple->reading_degC().value_or(0.0);
  const bool is_blind = (taken & takes::cycler_truth) != 0;
  const bool feels_nothing = !w.has_temperature || (taken & takes::logger_truth) != 0;
  const bool is_charging = current_A > 0;
  // In a rest readings come, and may be missing, less often: a current there is judged by the last clock.
  const bool is_unwanted = !w.is_output_wanted || w.has_ended;
  const bool is_measured = w.has_begun && !is_unwanted;
  const auto since_began = [&](const std::optional<TimePoint>& at) { return now - at.value_or(w.switched); };
  const double most_A = (is_charging ? limits.charge_current_max : limits.discharge_current_max).value();
  Conditions is_bad{};
  const auto set = [&is_bad](HazardClock clock, bool bad) { is_bad[static_cast<std::size_t>(clock)] = bad; };
  set(stale_voltage, is_measured && since_began(w.voltage_at) > age_limit_);
  set(stale_temperature, is_measured && w.has_temperature && since_began(w.temperature_at) > temperature_age_limit_ + period_);
  set(over_voltage, !is_blind && !(w.stage->cell_voltage_V() <= limits.voltage_max.value()));
  set(over_current, !is_blind && !(std::abs(current_A) <= most_A));
  set(wrong_direction, !is_blind && w.is_output_wanted && current_A * w.direction < -flows_A);
  set(over_temperature, !feels_nothing && tip_degC > limits.cell_temperature_max.value());
  set(cold_charging, !feels_nothing && is_charging && tip_degC < limits.charge_temperature_min.value());
  set(gas, is_alone_ && w.smelled_cell && is_gassed(*w.smelled_cell));
  set(no_command, !is_blind && is_unwanted && !is_nobodys(w));
  return is_bad;
}

bool Judge::is_gassed(std::size_t cell) const {
  const sim::CellLife* const life = bench_.world().life(cell);
  return life != nullptr && life->gas_ppm().value_or(0.0) > gas_max_ppm + gas_digit_ppm;
}

void Judge::judge_clocks(Watched& w, unsigned taken, TimePoint now) {
  const Conditions is_bad = conditions_of(w, taken, now);
  if (is_bad == Conditions{} && w.clocks_running == 0) return;
  const std::optional<Duration> way = way_to_off(w, taken);
  if (!way) return;
  const bool is_link_bad = (taken & takes::cycler_link) != 0 || !plan_.network.empty();
  const bool is_logger_bad = (taken & takes::logger_link) != 0 || !plan_.network.empty();
  // A measurement may take a third of the age limit: what came in meanwhile is judged after it.
  const Duration blocked = is_link_bad ? age_limit_ / 3 : Duration{};
  const Duration seen = (is_link_bad ? age_limit_ + blocked : 2 * period_) + exchange + *way;
  const Duration felt = (is_logger_bad ? temperature_age_limit_ : 2 * plan_.sensor_period) + period_ + blocked + exchange + *way;
  const Duration smelled = gas_hold + 2 * plan_.sensor_period + exchange + *way;
  const std::array<Duration, hazard_clock_count> deadlines{blocked + period_ + exchange + *way,
                                                           blocked + 2 * period_ + exchange + *way,
                                                           seen,
                                                           seen,
                                                           settling + seen,
                                                           felt,
                                                           felt,
                                                           settling + 2 * off_period_ + blocked + exchange + *way,
                                                           smelled};
  for (std::size_t i = 0; i < hazard_clock_count; ++i) judge_clock(w, static_cast<HazardClock>(i), is_bad[i], deadlines[i], now);
}

void Judge::judge_clock(Watched& w, HazardClock which, bool is_bad, Duration deadline, TimePoint now) {
  const auto index = static_cast<std::size_t>(which);
  Clock& clock = w.clocks[index];
  if (!is_bad) {
    w.clocks_running -= clock.since ? 1 : 0;
    clock.since.reset();
    return;
  }
  clock_runs_ = true;
  if (!clock.since) {
    clock.since = now;
    ++w.clocks_running;
    ++reactions_[index].count;
  }
  const Duration lasts = now - *clock.since;
  if (lasts > reactions_[index].worst) {
    reactions_[index].worst = lasts;
    reactions_[index].deadline = deadline;
  }
  if (lasts > deadline) {
    complain(std::string(clock_invariants[index]), w.name,
             fmt::format("{}: {:.3f} A still flow after {:.3f} s, allowed are {:.3f} s", clock_names[index],
                         w.stage->cell_current_A(), to_seconds(lasts), to_seconds(deadline)),
             now);
  }
}

void Judge::judge_liveness(Watched& w, TimePoint now) {
  if (w.has_ended || faults_in_force_ > 0 || !plan_.network.empty()) return;
  const TimePoint from = std::max(quiet_since_, w.last_sample);
  if (now - from <= alive_again) return;
  complain("I6", w.name,
           w.has_begun ? "60 s without faults, and it neither measures nor has ended" : "60 s, and it has not begun", now);
}

// ---- what the rig says ----------------------------------------------------------------------------------------------

void Judge::sample(const ChannelView& view, TimePoint now) {
  for (Watched& w : channels_) {
    if (w.name != view.channel) continue;
    const Reading& voltage = view.observation[Measurand::voltage];
    const Reading& temperature = view.observation[Measurand::cell_temperature];
    w.voltage_at = voltage.at;
    if (temperature.quality != Quality::missing) w.temperature_at = temperature.at;
    w.last_sample = now;
    w.has_begun = true;
    const Step* const step = view.state != nullptr && view.state->pc < w.program->code.size()
                                 ? std::get_if<Step>(&w.program->code[view.state->pc])
                                 : nullptr;
    const bool is_active = view.phase == Phase::applying || view.phase == Phase::running;
    w.is_output_wanted = is_active && step != nullptr && step->setpoint.has_value();
    w.direction = step == nullptr                               ? 0
                  : step->direction == StepDirection::charge    ? 1
                  : step->direction == StepDirection::discharge ? -1
                                                                : 0;
    // What was measured before the last set-point was acknowledged told of the one before.
    const bool is_of_now = step != nullptr && voltage.at > view.state->step.started && voltage.at > view.state->step.begun;
    if (is_of_now) judge_reading(w, view.observation, taken_lately(w, now), now);
    return;
  }
}

void Judge::judge_reading(const Watched& w, const Observation& observation, unsigned taken, TimePoint now) {
  const bool is_on = w.stage->output_on() && w.stage->contactor_closed();
  if (is_on != w.was_on) return;  // switched while the reading was on its way
  if (!plan_.network.empty() || now - std::max(w.switched, w.jumped) < after_switching) return;
  const Reading& voltage = observation[Measurand::voltage];
  const Reading& current = observation[Measurand::current];
  // The next stair of a ramp is given while its answer is on the way, perhaps just now.
  const bool is_of_this_command = voltage.at > w.commanded && w.stage->last_command() == w.command;
  const Reading& temperature = observation[Measurand::cell_temperature];
  if (is_of_this_command && (taken & (takes::cycler_truth | takes::cell)) == 0) {
    const double true_V = w.stage->terminal_voltage_V();
    const double true_A = w.stage->current_A();
    if (voltage.usable() && !(std::abs(voltage.value - true_V) <= reading_V))
      complain("I0", w.name, fmt::format("{:.4f} V were read, {:.4f} V are true", voltage.value, true_V), now);
    if (current.usable() && !(std::abs(current.value - true_A) <= reading_A + reading_share * std::abs(true_A)))
      complain("I0", w.name, fmt::format("{:.4f} A were read, {:.4f} A are true", current.value, true_A), now);
  }
  const std::optional<double> tip_degC = w.thermocouple->reading_degC();
  // A cell that vented warms for longer than anybody remembers: a reading is some seconds old.
  const bool is_felt = (taken & (takes::logger_truth | takes::cell)) == 0 && (w.ever_taken & takes::cool_cell) == 0;
  if (is_felt && temperature.usable() && tip_degC && !(std::abs(temperature.value - *tip_degC) <= reading_K)) {
    complain("I0", w.name, fmt::format("{:.2f} degC were read, {:.2f} degC are true", temperature.value, *tip_degC), now);
  }
}

void Judge::message(std::string_view channel, db::Severity severity, std::string_view text, TimePoint now) {
  trace_.add(to_ns(now));
  trace_.add(text);
  if (severity != db::Severity::trip) return;
  for (Watched& w : channels_) {
    if (w.name != channel || w.is_tripped) continue;
    w.is_tripped = true;
    w.tripped_at = now;
  }
}

void Judge::ended(const std::string& channel, std::string_view status, TimePoint now) {
  trace_.add(to_ns(now));
  for (Watched& w : channels_) {
    if (w.name != channel) continue;
    w.has_ended = true;
    w.is_over_in_order = status != to_string(Outcome::tripped) && status != to_string(Outcome::instrument_failure);
  }
}

void Judge::complain(const std::string& invariant, const std::string& channel, const std::string& what, TimePoint now) {
  if (violation_) return;
  violation_ = Violation{invariant, channel, what, now, bench_.truth_json()};
}

std::vector<Judge::AfterFault> Judge::after_fault(bool by_age) const {
  std::vector<AfterFault> all;
  for (const Watched& w : channels_) {
    if (!w.fault_began || !w.flowed_at_fault) continue;
    const unsigned taken = w.taken_by_fault;
    const bool is_felt = (taken & (takes::logger_link | takes::logger_truth)) != 0;
    const bool is_chamber = (taken & ~takes::contactor) == takes::chamber_link;
    const Duration limit = is_chamber ? chamber_age_limit_ : is_felt ? temperature_age_limit_ : age_limit_;
    const Duration period = is_felt || is_chamber ? plan_.sensor_period : period_;
    // The measurement that is under way when the fault comes is the first of two.
    const Duration seen = by_age ? limit + age_limit_ / 3 + period_ + period : 2 * period;
    const std::optional<Duration> way = way_to_off(w, taken);
    all.push_back({w.name, std::max<Duration>(w.last_flow - *w.fault_began, Duration{}),
                   (w.moved_Ah - w.moved_at_fault_Ah) / w.stage->cell().capacity_Ah(),
                   w.program == nullptr ? 0.0 : aged * w.program->limits.still_share, seen + exchange + way.value_or(Duration{}),
                   way.has_value()});
  }
  return all;
}

}  // namespace cellrig::swarm
