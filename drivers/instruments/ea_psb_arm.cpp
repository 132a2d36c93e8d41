// EaPsbCycler: protections and watchdog, programmed with the output off and read back; and the orderly end.
#include <array>
#include <cmath>
#include <vector>

#include "drivers/instruments/ea_psb.hpp"
#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace {

using ea_psb::RegisterValue;

constexpr Duration remote_poll = std::chrono::milliseconds{20};  // the owner's read-back lags
/// Public drivers wait so long before they read back what they wrote; how long a unit really needs is unverified.
constexpr Duration readback_lag = std::chrono::milliseconds{50};

struct WordSetting {
  std::string header, word;
};
/// Under-voltage as an alarm, off when remote is left and after power-on, and last the watchdog.
const std::array<WordSetting, 4> word_settings{WordSetting{"SYST:CONF:UVD:ACT", "ALARM"}, WordSetting{"POW:STAG:AFT:REM", "OFF"},
                                               WordSetting{"SYST:CONF:OUTP:REST", "OFF"}, WordSetting{"SYST:COMM:MON:ACT", "ON"}};

std::uint16_t next(std::uint16_t address) { return static_cast<std::uint16_t>(address + 1); }

}  // namespace

Task<Result<void>> EaPsbCycler::arm(const Protections& protections, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  armed_.reset();
  in_force_.reset();
  const Result<ea_psb::ProtectionPlan> plan = ea_psb::plan_protections(protections, model_);
  if (!plan) co_return plan.error();
  const Armed wanted{protections, *plan};
  Result<void> done = co_await require_idle(call);
  if (done) done = co_await take_remote(call);
  if (done) done = co_await program_registers(call, *plan);
  if (done) done = co_await pause(call, readback_lag);
  if (done) done = co_await verify_registers(call, *plan);
  if (done) done = co_await program_scpi(call, *plan);
  if (done) done = co_await pause(call, readback_lag);
  if (done) done = co_await verify_scpi(call, *plan);
  if (done) done = co_await require_idle(call);
  if (!done) co_return done;
  const Result<Status> status = co_await read_status(call);
  if (!status) co_return status.error();
  if (!status->state.remote) co_return refused("remote control was lost while protections were armed");
  armed_ = wanted;
  verify_needed_ = false;
  next_feed_ = time_.now();
  co_return Result<void>{};
}

/// Output off and no alarm left.
Task<Result<void>> EaPsbCycler::require_idle(Call call) {
  const Result<Status> status = co_await read_status(call);
  if (!status) co_return status.error();
  if (status->state.output_on) co_return refused("the output is on; protections are armed with the output off");
  if (status->state.alarm) co_return tripped(status->state, "; a person must acknowledge it");
  co_return Result<void>{};
}

Task<Result<void>> EaPsbCycler::take_remote(Call call) {
  Result<Status> status = co_await read_status(call);
  if (!status) co_return status.error();
  if (status->state.remote) co_return Result<void>{};
  const Result<void> written = co_await write_coil(call, model_.registers.remote_coil, true);
  if (!written && written.error().fault == Fault::refused)
    co_return refused("it does not give remote control; is its panel locked?");
  if (!written) co_return written;
  while (true) {
    status = co_await read_status(call);
    if (!status) co_return status.error();
    if (status->state.remote) co_return Result<void>{};
    const Result<void> paused = co_await pause(call, remote_poll);
    if (!paused) co_return paused;
  }
}

Task<Result<void>> EaPsbCycler::write_if_different(Call call, std::uint16_t address, std::uint16_t raw) {
  std::array<std::uint16_t, 1> held{};
  const Result<void> done = co_await read(call, address, held);
  if (!done || held[0] == raw) co_return done;
  co_return co_await write(call, address, raw);
}

// Limits wear the instrument's memory: only what differs is written. The order matters because the instrument refuses a
// limit that its set value violates and a set value beyond its limit: widen below, set values inside old and new limits,
// then narrow.
Task<Result<void>> EaPsbCycler::program_registers(Call call, const ea_psb::ProtectionPlan& plan) {
  const EaPsbRegisters& map = model_.registers;
  std::array<std::uint16_t, 2> voltage_limits{};
  Result<void> done = co_await read(call, map.voltage_limits, voltage_limits);
  if (!done) co_return done;
  std::vector<RegisterValue> steps;
  if (voltage_limits[1] != plan.voltage_min && voltage_limits[1] != 0) steps.push_back({next(map.voltage_limits), 0});
  steps.push_back({next(map.source_current_limits), 0});
  steps.push_back({next(map.sink_current_limits), 0});
  steps.push_back({set_value_address(ea_psb::sink_current), 0});
  steps.push_back({set_value_address(ea_psb::source_current), 0});
  const RegisterValue voltage_max{map.voltage_limits, plan.voltage_max};
  const RegisterValue voltage_set{set_value_address(ea_psb::voltage), plan.voltage_max};
  const bool widens = voltage_limits[0] < plan.voltage_max;
  steps.push_back(widens ? voltage_max : voltage_set);
  steps.push_back(widens ? voltage_set : voltage_max);
  steps.push_back({next(map.voltage_limits), plan.voltage_min});
  const std::vector<RegisterValue> final_values = ea_psb::registers_of(plan, map);
  for (const RegisterValue value : final_values) steps.push_back(value);
  for (const RegisterValue step : steps) {
    done = co_await write_if_different(call, step.address, step.raw);
    if (!done) co_return done;
  }
  const Result<bool> resistance_mode = co_await read_coil(call, map.resistance_mode_coil);
  if (!resistance_mode) co_return resistance_mode.error();
  if (*resistance_mode) {
    done = co_await write_coil(call, map.resistance_mode_coil, false);
    if (!done) co_return done;
  }
  resistance_mode_ = false;
  co_return Result<void>{};
}

Task<Result<void>> EaPsbCycler::verify_registers(Call call, const ea_psb::ProtectionPlan& plan) {
  const std::vector<RegisterValue> wanted = ea_psb::registers_of(plan, model_.registers);
  std::vector<modbus::RegisterRange> ranges;
  for (const RegisterValue value : wanted) ranges.push_back(modbus::RegisterRange{.address = value.address, .count = 1});
  const std::vector<modbus::RegisterRange> reads = modbus::plan_reads(ranges, 0);
  for (const modbus::RegisterRange range : reads) {
    std::vector<std::uint16_t> held(range.count);
    const Result<void> done = co_await read(call, range.address, held);
    if (!done) co_return done;
    for (const RegisterValue value : wanted) {
      if (value.address < range.address || value.address >= range.address + range.count) continue;
      if (held[static_cast<std::size_t>(value.address - range.address)] == value.raw) continue;
      armed_.reset();
      co_return refused("register " + std::to_string(value.address) + " does not hold the protection it was given");
    }
  }
  const Result<bool> resistance_mode = co_await read_coil(call, model_.registers.resistance_mode_coil);
  if (!resistance_mode) co_return resistance_mode.error();
  resistance_mode_ = *resistance_mode;
  co_return Result<void>{};
}

// Every message ends in a question. A star command neither depends on the position in the command tree nor moves it.
Task<Result<void>> EaPsbCycler::set_word(Call call, const std::string& header, const std::string& word) {
  const std::string question = header + "?";
  const Result<std::string> held = co_await ask(call, question);
  if (!held) co_return held.error();
  if (scpi::equal_ignoring_case(scpi::trimmed(*held), word)) co_return Result<void>{};
  const std::string message = header + " " + word + ";*STB?";
  const Result<std::string> reply = co_await ask(call, message);
  if (!reply) co_return reply.error();
  const Result<int> status = scpi::parse_integer(*reply);
  if (!status) co_return misunderstood(status.error());
  co_return Result<void>{};
}

Task<Result<void>> EaPsbCycler::expect_word(Call call, const std::string& header, const std::string& word) {
  const std::string question = header + "?";
  const Result<std::string> held = co_await ask(call, question);
  if (!held) co_return held.error();
  if (scpi::equal_ignoring_case(scpi::trimmed(*held), word)) co_return Result<void>{};
  armed_.reset();
  co_return refused(header + " is '" + *held + "' and not " + word);
}

Task<Result<void>> EaPsbCycler::set_number(Call call, const NumberSetting& setting) {
  const std::string message = setting.header + " " + scpi::format_number(setting.value, setting.digits) + ";*STB?";
  const Result<std::string> reply = co_await ask(call, message);
  if (!reply) co_return reply.error();
  const Result<int> status = scpi::parse_integer(*reply);
  if (!status) co_return misunderstood(status.error());
  co_return Result<void>{};
}

Task<Result<void>> EaPsbCycler::expect_number(Call call, const NumberSetting& setting) {
  const std::string question = setting.header + "?";
  const Result<std::string> held = co_await ask(call, question);
  if (!held) co_return held.error();
  const Result<double> value = scpi::parse_setting(*held, setting.unit);
  if (!value) co_return misunderstood(value.error());
  if (std::abs(*value - setting.value) <= setting.tolerance) co_return Result<void>{};
  armed_.reset();
  co_return refused(setting.header + " is " + *held + " and not " + scpi::format_number(setting.value, setting.digits));
}

/// Replies show two decimals, and values are rounded to counts: half of the last decimal and one count is equal.
std::array<EaPsbCycler::NumberSetting, 3> EaPsbCycler::number_settings(const ea_psb::ProtectionPlan& plan) const {
  constexpr double shown = 0.0051;
  return {
      NumberSetting{"SYST:CONF:UVD", "V", plan.under_voltage_V, 3, shown + model_.capabilities.voltage_resolution.value()},
      NumberSetting{"SINK:CURR:PROT", "A", plan.sink_over_current_A, 3, shown + model_.capabilities.current_resolution.value()},
      NumberSetting{"SYST:COMM:MON:TIME", "s", static_cast<double>(plan.watchdog_s), 0, 0.0}};
}

Task<Result<void>> EaPsbCycler::program_scpi(Call call, const ea_psb::ProtectionPlan& plan) {
  const std::array<NumberSetting, 3> numbers = number_settings(plan);
  for (const NumberSetting& setting : numbers) {
    const Result<void> done = co_await set_number(call, setting);
    if (!done) co_return done;
  }
  for (const WordSetting& setting : word_settings) {
    const Result<void> done = co_await set_word(call, setting.header, setting.word);
    if (!done) co_return done;
  }
  co_return Result<void>{};
}

Task<Result<void>> EaPsbCycler::verify_scpi(Call call, const ea_psb::ProtectionPlan& plan) {
  const std::array<NumberSetting, 3> numbers = number_settings(plan);
  for (const NumberSetting& setting : numbers) {
    const Result<void> done = co_await expect_number(call, setting);
    if (!done) co_return done;
  }
  for (const WordSetting& setting : word_settings) {
    const Result<void> done = co_await expect_word(call, setting.header, setting.word);
    if (!done) co_return done;
  }
  co_return Result<void>{};
}

Task<Result<void>> EaPsbCycler::verify_armed(Call call) {
  const ea_psb::ProtectionPlan plan = armed_->plan;
  Result<void> done = co_await verify_registers(call, plan);
  if (done) done = co_await verify_scpi(call, plan);
  if (done) verify_needed_ = false;
  co_return done;
}

Task<Result<void>> EaPsbCycler::acknowledge_trip(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  armed_.reset();
  Result<Status> status = co_await read_status(call);
  if (!status) co_return status.error();
  if (status->state.output_on) co_return refused("the output is on");
  if (!status->state.alarm) co_return Result<void>{};
  Result<void> done = co_await take_remote(call);
  if (done) done = co_await write_coil(call, model_.registers.acknowledge_coil, true);
  if (!done) co_return done;
  status = co_await read_status(call);
  if (!status) co_return status.error();
  if (!status->state.alarm) co_return Result<void>{};
  co_return tripped(status->state, "; it persists");
}

Task<Result<void>> EaPsbCycler::release(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  Result<Status> status = co_await read_status(call);
  if (!status) co_return status.error();
  if (status->state.output_on) co_return refused("the output is on; it is released with the output off");
  armed_.reset();
  if (!status->state.remote) {
    hang_up();
    co_return Result<void>{};
  }
  const std::string watchdog = "SYST:COMM:MON:ACT";
  const std::string off = "OFF";
  Result<void> done = co_await set_word(call, watchdog, off);
  if (done) done = co_await expect_word(call, watchdog, off);
  if (done) done = co_await write_coil(call, model_.registers.remote_coil, false);
  while (done) {
    status = co_await read_status(call);
    if (!status) co_return status.error();
    if (!status->state.remote) break;
    done = co_await pause(call, remote_poll);
  }
  if (!done) co_return done;
  hang_up();
  co_return done;
}

// Nothing is in flight: this only closes what others may want to open.
void EaPsbCycler::hang_up() noexcept {
  bus_->cut();
  scpi_.cut();
}

}  // namespace cellrig
