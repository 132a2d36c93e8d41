#include "controller/runtime/bench_off.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace cellrig {
namespace {
constexpr Duration chamber_timeout = std::chrono::seconds{5};
/// OFF is late by at most this, and only where somebody must know whether a dead process left the output on.
constexpr Duration look_timeout = std::chrono::milliseconds{200};
/// Of a cycler that is waited for: every way to OFF was tried, and nothing of ours has reached it.
constexpr Duration patient_look_timeout = std::chrono::seconds{2};
constexpr Duration between_patient_looks = std::chrono::milliseconds{500};
/// Long enough to be heard on another way than that of the look, and too short to be the first to be heard.
constexpr Duration brief_off_timeout = std::chrono::milliseconds{20};
}  // namespace

BenchOff::BenchOff(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, RunListener& listener,
                   BenchOffOptions options)
    : time_{time}, bench_{bench}, instruments_{instruments}, listener_{listener}, options_{std::move(options)} {}

bool BenchOff::is_ours(const std::string& name, const std::string& instrument) {
  if (!options_.take_leases) return true;
  for (const std::string& wire : leased_wires_of(bench_.instruments.at(instrument))) {
    if (leased_.contains(wire)) continue;
    Result<Lease> lease = take_lease_of(instrument, wire, options_.lease_directory);
    if (!lease && lease.error().fault == Fault::busy) {
      problems_.push_back(name + ": " + lease.error().what + " (cellrig off --force turns it off all the same)");
      found_busy_ = true;
      return false;
    }
    if (!lease) {  // nobody is known to have it: OFF does not wait for a file
      problems_.push_back(name + ": " + lease.error().what + " (OFF was sent all the same)");
      continue;
    }
    leases_.push_back(std::move(*lease));
    leased_.insert(wire);
  }
  return true;
}

Task<void> BenchOff::run(std::vector<std::string> channels, std::vector<std::string> chambers) {
  TaskGroup all{time_};
  make_alarms(channels, chambers);
  ChannelOptions options = options_.channel;
  options.watchdog_delay = bench_.watchdog_delay;
  for (const std::string& name : channels) {
    const ChannelConfig& channel = bench_.channel(name);
    if (!is_ours(name, channel.cycler)) continue;
    runners_.push_back(
        std::make_unique<ChannelRunner>(time_, parts_of(channel, instruments_), nothing_, options, recorder_, listener_));
    runners_.back()->set_bell(alarms_.get());
    all.spawn(channel_off(*runners_.back(), *instruments_.cyclers.at(channel.cycler)));
  }
  for (const std::string& name : chambers) {
    const std::string& instrument = bench_.chamber(name)->instrument;
    const auto made = instruments_.chambers.find(instrument);
    if (made != instruments_.chambers.end() && is_ours(name, instrument)) all.spawn(chamber_off(name, *made->second));
  }
  co_await all.wait();
  co_await alarms_->finish();
}

void BenchOff::make_alarms(std::vector<std::string> channels, const std::vector<std::string>& chambers) {
  for (const ChannelConfig& channel : bench_.channels) {
    if (std::find(chambers.begin(), chambers.end(), channel.chamber) != chambers.end()) channels.push_back(channel.name);
  }
  const auto tell = [this](const AlarmWire& wire, db::Severity severity, const std::string&, const std::string& text) {
    listener_.message(wire.name(), severity, text);
  };
  alarms_ = std::make_unique<BenchAlarms>(time_, bench_, channels, instruments_, tell);
}

/// A measurement is the only question that every make answers; it feeds the watchdog, and OFF follows at once.
Task<void> BenchOff::look(const std::string& channel, Cycler& cycler, Duration timeout) {
  const Deadline deadline{time_.now() + timeout};
  const Result<CyclerReadings> readings = co_await cycler.measure(deadline);
  OutputFound& found = found_[channel];
  if (!readings) co_return;
  // An output that is off by its status alone may be a status that is wrong.
  found.is_known = readings->current.usable() || readings->output_on;
  if (readings->current.usable()) found.current = Amps{readings->current.value};
  // Whatever the status says: what flows is on.
  found.is_on = readings->output_on || !(std::abs(found.current.value()) <= cycler.off_current_threshold().value());
}

Task<void> BenchOff::look_at_contactor(const std::string& channel) {
  const std::optional<InputRef>& contactor = bench_.channel(channel).contactor;
  if (!contactor) co_return;
  const Deadline deadline{time_.now() + look_timeout};
  const Result<bool> closed = co_await instruments_.relays.at(contactor->instrument)->state(contactor->index, deadline);
  if (closed) found_[channel].contactor_was_closed = *closed;
}

/// Until it is there, or nobody wants to wait any longer. What the last look saw stands in found_.
Task<void> BenchOff::reach(const std::string& channel, Cycler& cycler) {
  const TimePoint began = time_.now();
  listener_.message(
      channel, db::Severity::alarm,
      fmt::format("the cycler cannot be reached, and nobody knows whether its output is on: it has no power yet, perhaps; "
                  "waiting up to {:.0f} s for it",
                  to_seconds(options_.patience->at_most)));
  while (!options_.patience->is_given_up() && time_.now() - began < options_.patience->at_most) {
    co_await look_at_contactor(channel);
    if (found_[channel].contactor_was_closed.value_or(false)) break;  // its module came late: it is opened now
    co_await look(channel, cycler, patient_look_timeout);
    if (cycler.may_have_heard()) break;
    const Deadline brief{time_.now() + brief_off_timeout};
    const Result<void> off = co_await cycler.output_off(brief);
    if (off || cycler.may_have_heard()) break;  // on another way; how it was before nobody knows
    co_await time_.sleep_for(between_patient_looks);
  }
  listener_.message(channel, db::Severity::alarm,
                    fmt::format("the cycler {} reached after {:.0f} s", cycler.may_have_heard() ? "was" : "was not",
                                to_seconds(time_.now() - began)));
}

/// What a cycler says behind a contactor that we opened is no look at how it was.
Task<void> BenchOff::note_whether_in_reach(ChannelRunner& runner, Cycler& cycler) {
  const std::string& name = runner.name();
  const auto found = found_.find(name);
  if (found == found_.end() || cycler.may_have_heard()) co_return;
  bool is_as_it_was = found->second.contactor_was_closed == false;
  if (!found->second.contactor_was_closed) {
    // It has none, or its module said nothing before; if it does now it may have opened at our word.
    co_await look_at_contactor(name);
    is_as_it_was = !found->second.contactor_was_closed && runner.safe_by() != SafeBy::contactor;
  }
  if (is_as_it_was) out_of_reach_.insert(name);
}

Task<void> BenchOff::channel_off(ChannelRunner& runner, Cycler& cycler) {
  const std::string& name = runner.name();
  TaskGroup contactor_look{time_};  // of this channel: a group has one waiter
  if (options_.patience) {
    co_await reach(name, cycler);
  } else if (options_.look_at.contains(name)) {
    contactor_look.spawn(look_at_contactor(name));  // OFF does not wait for it
    co_await look(name, cycler, look_timeout);
  }
  const Result<void> off = co_await runner.secure();
  co_await contactor_look.wait();
  const auto found = found_.find(name);
  if (found != found_.end() && runner.safe_by() != SafeBy::nothing) found->second.off_at = time_.utc_now();
  if (off) co_return;
  problems_.push_back(off.error().what);
  not_off_[name] = off.error().what;
  if (runner.safe_by() == SafeBy::nothing) maybe_on_.insert(name);
  co_await note_whether_in_reach(runner, cycler);
}

Task<void> BenchOff::chamber_off(std::string name, Chamber& chamber) {
  const Deadline deadline{time_.now() + chamber_timeout};
  const Result<void> stopped = co_await chamber.stop(deadline);
  if (stopped) co_return;
  alarms_->ring("chamber '" + name + "' did not confirm that it stopped");
  problems_.push_back(name + ": the chamber did not confirm that it stopped: " + stopped.error().what);
}

std::vector<std::string> chambers_of_only(const BenchConfig& bench, const std::vector<std::string>& channels) {
  std::vector<std::string> found;
  for (const ChamberConfig& chamber : bench.chambers) {
    const bool all_named = std::all_of(bench.channels.begin(), bench.channels.end(), [&](const ChannelConfig& channel) {
      return channel.chamber != chamber.name || std::find(channels.begin(), channels.end(), channel.name) != channels.end();
    });
    if (all_named) found.push_back(chamber.name);
  }
  return found;
}

}  // namespace cellrig
