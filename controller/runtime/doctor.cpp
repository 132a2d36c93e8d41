#include "controller/runtime/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/constants.hpp"
#include "controller/runtime/protections.hpp"

namespace cellrig {
namespace {

constexpr Duration exchange_timeout = std::chrono::seconds{2};
constexpr int exchange_count = 20;
/// A cycler is asked once in a control period, and other things happen in it, too.
constexpr double share_of_period_max = 0.5;
/// Readings count as old after a second or three periods; no measurement may outlast a third of that.
constexpr Duration sensor_exchange_max = std::chrono::milliseconds{333};
/// A contact that is silent for 0.2 s counts as open.
constexpr Duration interlock_exchange_max = std::chrono::milliseconds{100};

double to_ms(Duration duration) { return 1e3 * to_seconds(duration); }

std::string full_text_of(const InstrumentIdentity& identity) {
  std::string text = identity.maker.empty() ? identity.model : identity.maker + " " + identity.model;
  if (!identity.serial.empty()) text += ", serial " + identity.serial;
  if (!identity.firmware.empty()) text += ", firmware " + identity.firmware;
  return text;
}

}  // namespace

Doctor::Doctor(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, RunListener& listener,
               DoctorOptions options)
    : time_{time}, bench_{bench}, instruments_{instruments}, listener_{listener}, options_{std::move(options)}, tasks_{time} {}

void Doctor::add(const std::string& instrument, const std::string& what, DoctorVerdict verdict, std::string text) {
  checks_.push_back(DoctorCheck{instrument, what, verdict, std::move(text)});
}

bool Doctor::found_failure() const {
  return std::any_of(checks_.begin(), checks_.end(), [](const DoctorCheck& c) { return c.verdict == DoctorVerdict::failed; });
}

void Doctor::stop() {
  stopped_ = true;
  if (trial_) trial_->stop();
}

void Doctor::abandon() {
  stopped_ = true;
  trial_.reset();
  guard_.reset();
}

bool Doctor::lease(const std::string& instrument) {
  return lease(instrument, leased_wires_of(bench_.instruments.at(instrument)));
}

/// Of what is beside a cycler. Over TCP it serves several processes, unless one of them has its address; a serial line has one owner.
bool Doctor::lease_lines(const std::string& instrument) {
  const InstrumentConfig& config = bench_.instruments.at(instrument);
  if (!lease(instrument, serial_lines_of(config))) return false;
  for (const std::string& wire : leased_wires_of(config)) {
    if (!options_.take_leases || leased_.contains(wire)) continue;
    const Result<Lease> free = take_lease_of(instrument, wire, options_.lease_directory);  // and given back at once
    if (free) continue;
    add(instrument, "lease", DoctorVerdict::not_done, free.error().what + ": left alone");
    return false;
  }
  return true;
}

bool Doctor::lease(const std::string& instrument, const std::vector<std::string>& wires) {
  if (!options_.take_leases) return true;
  for (const std::string& wire : wires) {
    if (leased_.contains(wire)) continue;
    Result<Lease> taken = take_lease_of(instrument, wire, options_.lease_directory);
    if (!taken) {
      add(instrument, "lease", DoctorVerdict::not_done, taken.error().what + ": left alone");
      return false;
    }
    leases_.push_back(std::move(*taken));
    leased_.insert(wire);
  }
  return true;
}

/// It was to be off before: what flowed is for somebody to explain.
void Doctor::tell_off(const std::string& channel) {
  const OutputFound& found = found_[channel];
  if (!found.is_known || !found.is_on) return add(channel, "OFF", DoctorVerdict::good, "confirmed by the instrument");
  add(channel, "OFF", DoctorVerdict::notice,
      fmt::format("confirmed by the instrument; before it the output was on, with {:+.3f} A", found.current.value()));
}

Task<void> Doctor::run(std::vector<std::string> channels) {
  for (const std::string& name : channels) {
    const ChannelConfig& channel = bench_.channel(name);
    if (!lease(channel.cycler)) continue;
    // Its contactor may be on a line that a run of another channel keeps busy.
    if (!channel.contactor || lease_lines(channel.contactor->instrument)) ours_.push_back(name);
  }
  ChannelOptions channel_options;
  BenchOffOptions how{.channel = channel_options, .look_at = {ours_.begin(), ours_.end()}, .take_leases = false};
  BenchOff off{time_, bench_, instruments_, listener_, std::move(how)};
  const std::vector<std::string> no_chambers;
  co_await off.run(ours_, no_chambers);
  found_ = off.found();
  maybe_on_ = off.maybe_on();
  is_all_off_ = off.problems().empty();
  for (const std::string& problem : off.problems()) add("bench", "OFF", DoctorVerdict::failed, problem);
  if (!off.problems().empty()) co_return;  // an output that cannot be switched off is all there is to say
  for (const std::string& name : ours_) tell_off(name);
  if (options_.read_cells) cells_ = options_.read_cells();
  if (options_.after_off) {
    const Result<void> ready = options_.after_off();
    if (!ready) {
      add("record", "database", DoctorVerdict::failed, ready.error().what);
      co_return;
    }
  }
  for (const std::string& name : ours_) {
    const ChannelConfig& channel = bench_.channel(name);
    co_await look_at_channel(channel);
  }
  co_await look_at_others(ours_);
  for (const std::string& name : ours_) {
    const std::optional<InputRef>& contactor = bench_.channel(name).contactor;
    if (contactor && !stopped_) co_await look_at_contactor(contactor->instrument, contactor->index);
  }
  co_await look_at_alarms();
}

bool Doctor::identified(const std::string& name, const Result<InstrumentIdentity>& identity) {
  if (!identity) {
    add(name, "identity", DoctorVerdict::failed, std::string(to_string(identity.error().fault)) + ": " + identity.error().what);
    return false;
  }
  identities_[name] = *identity;
  add(name, "identity", DoctorVerdict::good, full_text_of(*identity));
  return true;
}

Task<void> Doctor::look_at_channel(const ChannelConfig& channel) {
  if (stopped_) co_return;
  Cycler& cycler = *instruments_.cyclers.at(channel.cycler);
  const Deadline deadline{time_.now() + command_timeout};
  const Result<InstrumentIdentity> identity = co_await cycler.identify(deadline);
  if (!identified(channel.cycler, identity)) co_return;
  const Question ask = [&cycler](Deadline until) -> Task<Result<void>> {
    const Result<CyclerReadings> readings = co_await cycler.measure(until);
    if (!readings) co_return readings.error();
    co_return Result<void>{};
  };
  const Duration longest = from_seconds(share_of_period_max * to_seconds(options_.control_period));
  co_await time_exchanges(channel.cycler, ask, longest);
  if (options_.acknowledge_trips) co_await acknowledge(channel);
  const auto limits = cells_.limits.find(channel.name);
  if (limits == cells_.limits.end()) {
    add(channel.cycler, "protections", DoctorVerdict::not_done, "which cell is connected? give --cell");
    co_return;
  }
  co_await try_protections(channel, limits->second);
  if (!stopped_) co_await try_watchdog(channel, limits->second);
}

Task<void> Doctor::time_exchanges(std::string name, Question ask, Duration longest) {
  std::vector<Duration> durations;
  std::string failure;
  for (int i = 0; i < exchange_count && !stopped_; ++i) {
    const TimePoint asked = time_.now();
    const Deadline deadline{asked + exchange_timeout};
    const Result<void> answered = co_await ask(deadline);
    if (answered) {
      durations.push_back(time_.now() - asked);
    } else {
      failure = answered.error().what;
    }
  }
  std::sort(durations.begin(), durations.end());
  const int failed = exchange_count - static_cast<int>(durations.size());
  if (durations.empty()) {
    add(name, "round trip", DoctorVerdict::failed, "no exchange succeeded: " + failure);
    co_return;
  }
  const RoundTrips trips{name, exchange_count, failed, durations.front(), durations[durations.size() / 2], durations.back()};
  round_trips_.push_back(trips);
  std::string text =
      fmt::format("{:.2f} ms ({:.2f} to {:.2f} ms)", to_ms(trips.median), to_ms(trips.shortest), to_ms(trips.longest));
  DoctorVerdict verdict = DoctorVerdict::good;
  if (failed > 0) {
    text += fmt::format("; {} of {} failed: {}", failed, exchange_count, failure);
    verdict = DoctorVerdict::failed;
  } else if (trips.longest > longest) {
    text += fmt::format("; more than {:.0f} ms: readings will be late", to_ms(longest));
    verdict = DoctorVerdict::notice;
  }
  add(name, "round trip", verdict, text);
}

Task<void> Doctor::acknowledge(const ChannelConfig& channel) {
  Cycler& cycler = *instruments_.cyclers.at(channel.cycler);
  const Deadline deadline{time_.now() + command_timeout};
  Result<void> done = co_await cycler.acknowledge_trip(deadline);
  if (done) done = co_await cycler.release(deadline);
  const std::string text = done ? "no protection and no watchdog is latched any more" : done.error().what;
  add(channel.cycler, "acknowledged", done ? DoctorVerdict::good : DoctorVerdict::failed, text);
  acknowledged_.push_back({channel.name, channel.cycler, identities_.at(channel.cycler), done.has_value(), text});
}

/// Programmed with the output off and read back, as a run does it, and given back.
Task<void> Doctor::try_protections(const ChannelConfig& channel, const SafetyLimits& of_cell) {
  const SafetyLimits limits = tighter(of_cell, channel.limits);
  Cycler& cycler = *instruments_.cyclers.at(channel.cycler);
  const Deadline deadline{time_.now() + command_timeout};
  const Protections guards = protections_for(limits, cycler.capabilities(), bench_.watchdog_delay);
  const Result<void> armed = co_await cycler.arm(guards, deadline);
  if (!armed) {
    add(channel.cycler, "protections", DoctorVerdict::failed, armed.error().what);
    co_return;
  }
  add(channel.cycler, "protections", DoctorVerdict::good,
      fmt::format("programmed and read back: {:.3f} to {:.3f} V, +{:.2f} A, -{:.2f} A, watchdog {:g} s",
                  guards.under_voltage.value(), guards.over_voltage.value(), guards.charge_current_max.value(),
                  guards.discharge_current_max.value(), to_seconds(guards.watchdog_delay)));
  const Deadline release_deadline{time_.now() + command_timeout};
  const Result<void> released = co_await cycler.release(release_deadline);
  if (!released) add(channel.cycler, "release", DoctorVerdict::failed, released.error().what);
}

Task<void> Doctor::try_watchdog(const ChannelConfig& channel, const SafetyLimits& limits) {
  const Cycler& cycler = *instruments_.cyclers.at(channel.cycler);
  if (!cycler.capabilities().has_watchdog) {
    const bool is_accepted = !channel.accept_without_watchdog.empty();
    add(channel.cycler, "watchdog", is_accepted ? DoctorVerdict::notice : DoctorVerdict::failed,
        is_accepted ? "this model has none; accepted: " + channel.accept_without_watchdog
                    : "this model has none, and the bench file has no accept_without_watchdog: reason");
    co_return;
  }
  if (!options_.prove_watchdogs) {
    add(channel.cycler, "watchdog", DoctorVerdict::not_done, "programmed and read back, not seen to fire: --prove-watchdogs");
    co_return;
  }
  Result<WatchdogProof> proof = co_await guarded_trial(channel, limits);
  if (!proof) {
    add(channel.cycler, "watchdog", proof.error().fault == Fault::interrupted ? DoctorVerdict::not_done : DoctorVerdict::failed,
        proof.error().what);
    co_return;
  }
  proof->instrument = channel.cycler;
  proof->identity = identities_.at(channel.cycler);
  proofs_.push_back(*proof);
  add(channel.cycler, "OFF", DoctorVerdict::good,
      fmt::format("confirmed {:.1f} ms after the command, while current flowed", to_ms(proof->off_within)));
  add(channel.cycler, "watchdog", proof->fired ? DoctorVerdict::good : DoctorVerdict::failed,
      proof->fired ? fmt::format("fired: output on while measured, off after {:.1f} s of silence (programmed: {:g} s)",
                                 to_seconds(proof->silence), to_seconds(proof->delay))
                   : fmt::format("DID NOT FIRE: the output was still on after {:.1f} s of silence (programmed: {:g} s)",
                                 to_seconds(proof->silence), to_seconds(proof->delay)));
}

/// No current without a look at contacts and limits, and none for longer than they are good.
Task<Result<WatchdogProof>> Doctor::guarded_trial(const ChannelConfig& channel, const SafetyLimits& limits) {
  TrialGuardOptions guarded{.limits = tighter(limits, channel.limits), .stack_area_cm2 = channel.stack_area_cm2};
  guarded.neighbour_period = options_.control_period;
  const auto area = cells_.pressed_areas_cm2.find(channel.name);
  if (!guarded.stack_area_cm2 && area != cells_.pressed_areas_cm2.end()) guarded.stack_area_cm2 = area->second;
  if (!channel.cell_temperature) {
    listener_.message(channel.name, db::Severity::warning, "no thermocouple on the cell: nothing guards its temperature");
  }
  guard_ = std::make_unique<TrialGuard>(time_, channel, bench_, instruments_, guarded);
  for (const std::string& name : guard_->watched()) {
    if (!lease_lines(name))
      co_return fail(Fault::refused, channel.name + ": a contact or limit cannot be looked at: another process has " + name);
  }
  const Result<void> clear = co_await guard_->look();
  if (!clear) co_return clear.error();
  const WatchdogTrialOptions trial{tighter(limits, channel.limits), cells_.capacities.at(channel.name), bench_.watchdog_delay};
  trial_ = std::make_unique<WatchdogTrial>(time_, parts_of(channel, instruments_), trial, listener_);
  if (stopped_) trial_->stop();
  tasks_.spawn(guard_->run([this, name = channel.name](const Error& finding) {
    listener_.message(name, db::Severity::alarm, finding.what);
    trial_->end(finding);
  }));
  Result<WatchdogProof> proof = co_await trial_->run();
  guard_->stop();
  co_await tasks_.wait();
  trial_.reset();
  guard_.reset();
  co_return proof;
}

Task<void> Doctor::look_at_others(const std::vector<std::string>& channels) {
  std::map<std::string, std::set<int>> loggers, contacts;  // the inputs that a run would ask for
  std::set<std::string> chambers;
  for (const std::string& name : channels) {
    const ChannelConfig& channel = bench_.channel(name);
    for (const std::optional<InputRef>& input :
         {channel.cell_temperature, channel.ambient_temperature, channel.voltage, channel.stack_force, channel.gas}) {
      if (input) loggers[input->instrument].insert(input->index);
    }
    for (const InputRef& input : channel.interlocks) contacts[input.instrument].insert(input.index);
    if (const ChamberConfig* const chamber = bench_.chamber(channel.chamber)) chambers.insert(chamber->instrument);
  }
  for (const auto& [name, inputs] : loggers) {
    if (!stopped_ && lease_lines(name)) co_await look_at_logger(name, inputs);
  }
  for (const auto& [name, inputs] : contacts) {
    if (!stopped_ && lease_lines(name)) co_await look_at_contacts(name, inputs);
  }
  for (const std::string& name : chambers) {
    if (!stopped_ && lease(name)) co_await look_at_chamber(name, *instruments_.chambers.at(name));
  }
}

Task<void> Doctor::look_at_logger(const std::string& name, const std::set<int>& inputs) {
  Logger& logger = *instruments_.loggers.at(name);
  const Deadline deadline{time_.now() + command_timeout};
  const Result<InstrumentIdentity> identity = co_await logger.identify(deadline);
  if (!identified(name, identity)) co_return;
  const std::vector<int> wanted(inputs.begin(), inputs.end());
  std::vector<Reading> readings(wanted.size());
  const Question ask = [&logger, &wanted, &readings](Deadline until) -> Task<Result<void>> {
    return logger.measure_inputs(wanted, readings, until);
  };
  co_await time_exchanges(name, ask, sensor_exchange_max);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (readings[i].quality != Quality::bad) continue;
    add(name, "readings", DoctorVerdict::failed, fmt::format("input {} gives no number: is its sensor open?", wanted[i]));
  }
}

Task<void> Doctor::look_at_contacts(const std::string& name, const std::set<int>& inputs) {
  Contacts& contacts = *instruments_.contacts.at(name);
  const auto closed = std::make_unique<bool[]>(static_cast<std::size_t>(*inputs.rbegin()) + 1);
  const std::span<bool> all{closed.get(), static_cast<std::size_t>(*inputs.rbegin()) + 1};
  bool answered = false;
  const Question ask = [&contacts, &answered, all](Deadline until) -> Task<Result<void>> {
    const Result<void> done = co_await contacts.read(all, until);
    answered = answered || done;
    co_return done;
  };
  co_await time_exchanges(name, ask, interlock_exchange_max);
  if (!answered) co_return;
  std::string open;
  for (const int input : inputs) {
    if (!closed[static_cast<std::size_t>(input)]) open += fmt::format("{}{} is open", open.empty() ? "" : ", ", input);
  }
  add(name, "contacts", open.empty() ? DoctorVerdict::good : DoctorVerdict::failed, open.empty() ? "all closed" : open);
}

/// It is open already, by OFF or by the trial: told so once more, and read back from the module itself.
Task<void> Doctor::look_at_contactor(const std::string& name, int output) {
  const Deadline deadline{time_.now() + command_timeout};
  const Result<void> opened = co_await instruments_.relays.at(name)->set(output, false, deadline);
  add(name, "contactor", opened ? DoctorVerdict::good : DoctorVerdict::failed,
      opened ? fmt::format("output {} is open, read back", output) : opened.error().what);
}

Task<void> Doctor::look_at_chamber(const std::string& name, Chamber& chamber) {
  const Deadline deadline{time_.now() + command_timeout};
  const Result<InstrumentIdentity> identity = co_await chamber.identify(deadline);
  if (!identified(name, identity)) co_return;
  ChamberReadings latest;
  const Question ask = [&chamber, &latest](Deadline until) -> Task<Result<void>> {
    const Result<ChamberReadings> readings = co_await chamber.measure(until);
    if (!readings) co_return readings.error();
    latest = *readings;
    co_return Result<void>{};
  };
  co_await time_exchanges(name, ask, sensor_exchange_max);
  if (!latest.temperature.usable()) co_return;
  add(name, "state", latest.alarm ? DoctorVerdict::failed : DoctorVerdict::good,
      fmt::format("{:.1f} degC, set point {:.1f} degC, {}{}", latest.temperature.value, latest.setpoint.value(),
                  latest.running ? "running" : "stopped", latest.alarm ? ", ALARM" : ""));
}

}  // namespace cellrig
