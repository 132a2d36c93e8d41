// Power stages that do what nobody asked for, or not what somebody asked for.
#include <algorithm>

#include "controller/base/config_error.hpp"
#include "sim/faults/kind.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr double voltage_max_V = 1000.0;
constexpr double current_max_A = 1e5;
constexpr double period_min_s = 0.05;
constexpr double period_max_s = 3600.0;

/// F28: an event. The next command that differs from the one before, or OFF, takes the output back.
Result<void> output_on(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  PowerStage& stage = c.bench.world().stage(channel->cell);
  RegulatorCommand command = stage.last_command();
  command.on = true;
  command.voltage_V = c.fields.number("voltage_V", 4.2, 0.0, voltage_max_V);
  command.source_current_max_A = command.sink_current_max_A = c.fields.number("current_A", 1.0, 0.0, current_max_A);
  command.source_power_max_W = command.sink_power_max_W = RegulatorCommand{}.source_power_max_W;
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  stage.command(c.now, command);
  return Result<void>{};
}

/// F28: this channel's output obeys what another one is told, besides what it is told itself.
Result<void> wrong_channel_obeys(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const std::string* const name = c.fields.text("follows");
  SimulatedChannel* const other = name == nullptr ? nullptr : c.bench.channel(*name);
  if (on && (other == nullptr || other == channel)) {
    return refuse("wrong_channel_obeys: 'follows' names the other channel" +
                  suggestion(name == nullptr ? "" : *name, channel_names(c.bench)));
  }
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  PowerStage& own = c.bench.world().stage(channel->cell);
  for (SimulatedChannel& leader : c.bench.channels()) {
    PowerStage& stage = c.bench.world().stage(leader.cell);
    if (stage.follower() == &own) stage.set_follower(nullptr);
  }
  if (on) c.bench.world().stage(other->cell).set_follower(&own);
  return Result<void>{};
}

/// F29: the regulated voltage is off by so much.
Result<void> cv_overshoot(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double offset_V = c.fields.number("offset_V", 0.1, -voltage_max_V, voltage_max_V);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  c.bench.world().stage(channel->cell).set_voltage_error(c.now, on ? offset_V : 0.0);
  return Result<void>{};
}

struct Oscillation {
  SimulatedBench* bench;
  std::size_t cell;
  std::uint64_t number;
  double error_V;
  Duration half_period;
};

void swing(const Oscillation& present, TimePoint now) {
  if (!present.bench->fault_log().has(present.number)) return;
  present.bench->world().stage(present.cell).set_voltage_error(now, present.error_V);
  Oscillation next = present;
  next.error_V = -next.error_V;
  present.bench->schedule(now + next.half_period, [next](TimePoint then) { swing(next, then); });
}

/// F29: it is off by so much, up and down in turns: the loop is not stable.
Result<void> cv_oscillation(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double amplitude_V = c.fields.number("amplitude_V", 0.05, 0.0, voltage_max_V);
  const Duration period = from_seconds(c.fields.number("period_s", 2.0, period_min_s, period_max_s));
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  if (on) {
    swing({&c.bench, channel->cell, c.number, amplitude_V, period / 2}, c.now);
  } else {
    c.bench.world().stage(channel->cell).set_voltage_error(c.now, 0.0);
  }
  return Result<void>{};
}

}  // namespace

void clear_outputs(SimulatedBench& bench, TimePoint now) {
  for (const SimulatedChannel& channel : bench.channels()) {
    PowerStage& stage = bench.world().stage(channel.cell);
    stage.set_follower(nullptr);
    if (stage.voltage_error_V() != 0.0) stage.set_voltage_error(now, 0.0);
  }
}

const std::vector<Kind>& output_kinds() {
  constexpr Family family = Family::instrument;
  static const std::vector<Kind> all{
      {"output_on", family, Aim::channel, {"current_A", "voltage_V"}, output_on, false},
      {"wrong_channel_obeys", family, Aim::channel, {"follows"}, wrong_channel_obeys, true, Drawn::never},
      {"cv_overshoot", family, Aim::channel, {"offset_V"}, cv_overshoot, true, Drawn::always, {{"offset_V", 0.01, 0.3}}},
      {"cv_oscillation",
       family,
       Aim::channel,
       {"amplitude_V", "period_s"},
       cv_oscillation,
       true,
       Drawn::always,
       {{"period_s", 0.2, 20.0}}},
  };
  return all;
}

}  // namespace cellrig::sim::faults
