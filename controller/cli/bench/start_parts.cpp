#include "controller/cli/bench/start_parts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/base/config_error.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/rehearsal/rehearsal.hpp"
#include "controller/cli/rehearsal/rehearsal_report.hpp"
#include "controller/cli/run/resume_plan.hpp"
#include "controller/base/version.hpp"
#include "controller/runtime/bench_off.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

constexpr Duration real_period_on = std::chrono::milliseconds{100};
constexpr Duration real_period_max = std::chrono::milliseconds{500};
constexpr Duration real_period_off = std::chrono::seconds{1};
constexpr Duration real_sensor_period = std::chrono::milliseconds{500};
constexpr Duration simulated_period = std::chrono::seconds{1};
constexpr Duration simulated_long_rest_period = std::chrono::seconds{10};

/// The nearest of all approaches, as a share of the room there is for its quantity: "cell_temperature_max_degC: 5.84 degC are left in 'fast charge'".
std::string nearest_limit(const Program& program, const Rehearsal& rehearsal) {
  const Approach* nearest = nullptr;
  const auto share = [](const Approach& a) { return a.margin / std::max(a.room, 1e-9); };
  for (const Approach& a : rehearsal.approaches) {
    if (a.is_known && (nearest == nullptr || share(a) < share(*nearest))) nearest = &a;
  }
  if (nearest == nullptr) return "no limit was approached";
  return fmt::format("{}: {:.3g} {} are left in '{}'", nearest->limit, nearest->margin, nearest->unit,
                     step_at(program, nearest->instruction).name);
}

/// A simulated cell has the charge that its bench file says, and a person who says --expect-soc knows it as well as that. Otherwise the rehearsal
/// began at half by guess, and nothing is said of voltages until the cell has been full or empty.
std::optional<double> start_tolerance_pct(const StartRehearsal& order) {
  constexpr double told_within_pct = 10.0;
  if (order.expected_charge) return (order.expected_charge->max_pct - order.expected_charge->min_pct) / 2 + told_within_pct;
  return order.is_simulated ? std::optional{told_within_pct} : std::nullopt;
}

[[noreturn]] void refuse_rehearsed(const StartRehearsal& order, const Rehearsal& rehearsal) {
  const std::string how = rehearsal.samples == 0                  ? "does not start"
                          : rehearsal.outcome == Outcome::tripped ? "trips"
                          : rehearsal.outcome == Outcome::failed  ? "asks for a current that is not allowed"
                                                                  : "is broken off";
  throw ConfigError{SourcePlace{order.profile_file},
                    fmt::format("channel {}: in a rehearsal on the model of {}, from {:.0f} %, it {}: {}. cellrig rehearse shows "
                                "where; --without-rehearsal REASON goes on all the same",
                                order.channel, order.program.cell_name, rehearsal.soc_pct, how, rehearsal.reason)};
}

}  // namespace

ChannelOptions channel_options_of(const BenchConfig& bench, const std::string& time_name, double control_period_s) {
  const bool real = time_name == "real";
  ChannelOptions o;
  o.control_period = control_period_s > 0
                         ? from_seconds(control_period_s)
                         : std::min<Duration>(real ? real_period_on : simulated_period, bench.watchdog_delay / 2);
  o.control_period_off = real ? real_period_off : simulated_period;
  o.control_period_long_rest = real ? real_period_off : simulated_long_rest_period;
  o.sensor_period = real ? real_sensor_period : simulated_period;
  o.resume_point_interval = resume_point_interval_of(time_name);
  return o;
}

/// The watchdog is fed by measurements, and a supervisor that looks rarely reacts late.
void require_sensible_periods(const BenchConfig& bench, const std::string& time_name, const ChannelOptions& periods) {
  if (periods.control_period > bench.watchdog_delay / 2) {
    throw ConfigError{SourcePlace{},
                      fmt::format("--control-period-s {:g} is more than half the watchdog's {:g} s (watchdog_s in {})",
                                  to_seconds(periods.control_period), to_seconds(bench.watchdog_delay), bench.file)};
  }
  if (time_name == "real" && periods.control_period > real_period_max) {
    throw ConfigError{
        SourcePlace{},
        fmt::format("--control-period-s {:g} is more than half the shortest reaction time of 1 s: at most {:g} in real time",
                    to_seconds(periods.control_period), to_seconds(real_period_max))};
  }
}

db::RunRow run_row_of(const NewRun& run) {
  db::RunRow row;
  row.cell_name = run.program.cell_name;
  row.cell_id = run.cell_id;
  row.cell_text = read_text_file(run.cell_file);
  row.profile_name = run.program.name;
  row.profile_text = run.program.source_text;
  row.program_hash = run.program.hash;
  row.parameters_text = run.program.parameters_text;
  row.bench_text = run.bench.text;
  row.operator_name = run.operator_name;
  row.time_source = run.time_name;
  row.seed = run.seed;
  row.control_period = run.control_period;
  row.software_version = version;
  row.host = host_name();
  row.nominal_capacity_Ah = run.program.nominal_capacity.value();
  return row;
}

Rehearsed rehearse_start(const StartRehearsal& order) {
  RehearsalRequest request{.program = &order.program,
                           .bench = order.bench,
                           .channel = order.channel,
                           .cell_file = order.cell_file,
                           .seed = order.seed};
  if (order.expected_charge) request.soc_pct = (order.expected_charge->min_pct + order.expected_charge->max_pct) / 2;
  order.say(db::Severity::info, "rehearsing the profile first, with the outputs off (cellrig rehearse shows more)");
  bool is_given_up = false;
  Rehearsal rehearsal;
  try {
    rehearsal = rehearse(request, [&](const ChannelView& view) {
      is_given_up = is_given_up || !order.goes_on(view);
      return !is_given_up;
    });
  } catch (const ConfigError& error) {
    throw ConfigError{SourcePlace{order.cell_file}, std::string("channel ") + order.channel + ": it cannot be rehearsed (" +
                                                        error.what() + "). --without-rehearsal REASON goes on without"};
  }
  if (is_given_up) return {};
  const bool was_refused =
      std::any_of(rehearsal.steps.begin(), rehearsal.steps.end(), [](const auto& s) { return s.was_refused; });
  if (was_refused || (rehearsal.outcome != Outcome::completed && rehearsal.outcome != Outcome::failed))
    refuse_rehearsed(order, rehearsal);
  if (rehearsal.outcome != Outcome::completed)
    order.say(db::Severity::warning, "the rehearsal ended otherwise: " + verdict(rehearsal));
  for (const std::string& remark : remarks(order.program, rehearsal))
    order.say(db::Severity::warning, "in the rehearsal: " + remark);
  const std::string summary = fmt::format("{}, {}, from {:.0f} %; {}", verdict(rehearsal), duration_text(rehearsal.seconds),
                                          rehearsal.soc_pct, nearest_limit(order.program, rehearsal));
  order.say(db::Severity::info, "rehearsed: " + summary);
  rehearsal.expected.start_tolerance_pct = start_tolerance_pct(order);
  return {summary, std::make_shared<const ExpectedCurves>(std::move(rehearsal.expected))};
}

void switch_off_anew(Rig& rig, const BenchConfig& bench, const std::vector<std::string>& channels,
                     const std::vector<std::string>& chambers, const ChannelOptions& options, BenchInstruments& instruments,
                     RunListener& listener) noexcept {
  try {
    instruments = make_instruments(rig.time(), bench, channels, rig.links());
    BenchOff off{rig.time(), bench, instruments, listener, BenchOffOptions{.channel = options, .take_leases = false}};
    run_to_end(rig.time(), off.run(channels, chambers));
    for (const std::string& problem : off.problems()) listener.message("cellrig", db::Severity::alarm, problem);
  } catch (const std::exception& error) {
    try {
      listener.message("cellrig", db::Severity::alarm, std::string("OFF after a failure: ") + error.what());
    } catch (...) {  // nobody hears it
    }
  }
}

}  // namespace cellrig::cli
