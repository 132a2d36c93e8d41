// cellrig-swarm: whole runs in virtual time, drawn from seeds, judged by the simulated truth.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstdio>
#include <exception>

#include "controller/base/config_error.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/usage.hpp"
#include "tests/swarm/campaign.hpp"
#include "tests/swarm/fault_menu.hpp"

namespace cellrig::swarm {
namespace {

constexpr int clean = 0, broken = 1, bad_usage = 2;
constexpr std::uint64_t further_seeds_max = 100;  ///< of a matrix, for a deadline that nothing was held against

struct Arguments {
  std::string seeds = "1..20";
  std::optional<std::uint64_t> seed;
  std::string fault, family, make, pace, recorder = "counting";
  double period_ms = 0, at_least_hours = 0;
  bool stop_at_first = false, yardstick = false, json = false, minimise = false, matrix = false, quiet = false, verbose = false,
       list = false;
};

struct SeedRange {
  std::uint64_t first = 0, last = 0;
};

[[noreturn]] void refuse(const std::string& what) { throw ConfigError{SourcePlace{}, what}; }

std::uint64_t number_of(std::string_view word, const std::string& all) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size() || word.empty()) refuse("--seeds " + all + ": write FIRST..LAST");
  return number;
}

SeedRange range_of(const Arguments& arguments) {
  if (arguments.seed) return {*arguments.seed, *arguments.seed};
  const std::string& text = arguments.seeds;
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) refuse("--seeds " + text + ": write FIRST..LAST");
  const SeedRange range{number_of(std::string_view{text}.substr(0, dots), text),
                        number_of(std::string_view{text}.substr(dots + 2), text)};
  if (range.last < range.first) refuse("--seeds " + text + ": the last is smaller than the first");
  return range;
}

std::size_t position(const std::string& option, const std::string& word, const std::vector<std::string>& words) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) refuse(option + ": unknown '" + word + "'" + suggestion(word, words));
  return static_cast<std::size_t>(found - words.begin());
}

PlanOptions plan_options(const Arguments& arguments) {
  PlanOptions options;
  if (!arguments.family.empty()) options.family = static_cast<Family>(position("--family", arguments.family, family_words()));
  if (!arguments.pace.empty()) options.pace = static_cast<Pace>(position("--pace", arguments.pace, pace_words()));
  if (!arguments.make.empty()) options.make = static_cast<Make>(position("--make", arguments.make, make_words()));
  if (!arguments.fault.empty()) {
    const MenuEntry* const entry = menu_entry(arguments.fault);
    std::vector<std::string> names;
    for (const MenuEntry& known : fault_menu()) names.emplace_back(known.name);
    if (entry == nullptr) refuse("--fault: unknown '" + arguments.fault + "'" + suggestion(arguments.fault, names));
    options.fault = std::string(entry->name);
  }
  if (arguments.period_ms != 0 && !(arguments.period_ms >= 10 && arguments.period_ms <= 2000))
    refuse(fmt::format("--period-ms {:g}: from 10 to 2000", arguments.period_ms));
  if (arguments.period_ms > 0) options.control_period = from_seconds(arguments.period_ms / 1000);
  return options;
}

boost::json::object json_of(const Failure& failure) {
  const Violation& v = failure.violation;
  boost::json::object object;
  object["seed"] = failure.job.seed;
  object["invariant"] = v.invariant;
  object["channel"] = v.channel;
  object["at_s"] = to_seconds(v.at.time_since_epoch());
  object["what"] = v.what;
  object["truth"] = v.truth;
  object["plan"] = describe(failure.plan);
  return object;
}

boost::json::array json_of(const std::map<std::string, FaultTally>& by_fault) {
  boost::json::array rows;
  for (const auto& [name, tally] : by_fault) {
    boost::json::object row;
    row["fault"] = name;
    row["runs"] = tally.runs;
    row["broken"] = tally.violations;
    boost::json::object endings;
    for (const auto& [ending, number] : tally.endings) endings[ending] = number;
    row["channels_ended"] = std::move(endings);
    if (tally.worst) {
      row["worst_off_s"] = to_seconds(tally.worst->flowed);
      row["allowed_s"] = to_seconds(tally.worst->deadline);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

boost::json::object json_of(const Tally& tally) {
  boost::json::object object;
  object["runs"] = tally.runs;
  object["channel_hours"] = tally.channel_hours;
  object["cpu_s"] = tally.cpu_s;
  object["channel_hours_per_cpu_s"] = tally.channel_hours / std::max(tally.cpu_s, 1e-9);
  if (tally.yardstick.cpu_s > 0) object["yardstick_channel_hours_per_cpu_s"] = tally.yardstick.hours_per_cpu_s();
  boost::json::object paces;
  for (const auto& [pace, t] : tally.by_pace) {
    boost::json::object row;
    row["runs"] = t.runs;
    row["channels"] = t.channels;
    row["faults"] = t.faults;
    row["channel_hours"] = t.channel_hours;
    row["cpu_s"] = t.cpu_s;
    paces[to_string(pace)] = std::move(row);
  }
  object["paces"] = std::move(paces);
  object["samples"] = tally.samples;
  object["trace"] = fmt::format("{:016x}", tally.trace_hash);
  boost::json::object endings;
  for (const auto& [name, number] : tally.endings) endings[name] = number;
  object["channels_ended"] = std::move(endings);
  boost::json::array hazards;
  for (const auto& [name, reaction] : tally.reactions) {
    boost::json::object row;
    row["hazard"] = name;
    row["times"] = reaction.count;
    row["worst_s"] = to_seconds(reaction.worst);
    row["allowed_s"] = to_seconds(reaction.deadline);
    hazards.push_back(std::move(row));
  }
  object["hazards"] = std::move(hazards);
  object["single_faults"] = json_of(tally.by_fault);
  boost::json::array failures;
  for (const Failure& failure : tally.failures) failures.push_back(json_of(failure));
  object["broken"] = std::move(failures);
  return object;
}

void print(const Tally& tally, const Arguments& arguments) {
  if (arguments.json) {
    cli::print_json(json_of(tally));
    return;
  }
  for (const Failure& failure : tally.failures) fmt::print("{}\n", text_of(failure));
  if (arguments.matrix) fmt::print("{}\n", matrix_table_of(tally));
  fmt::print("{}\n{}\n{}", table_of(tally), pace_table_of(tally), summary_of(tally));
}

void print_run(const Plan& plan, const RunReport& report) {
  fmt::print("{}", describe(plan));
  for (const auto& [channel, outcome] : report.outcomes)
    fmt::print("  {}: {}: {}\n", channel, to_string(outcome), report.reasons.at(channel));
  fmt::print("  {:.2f} channel-hours, trace {:016x}{}\n", report.channel_hours, report.trace_hash,
             report.violation ? ", BROKEN" : "");
}

int run_main(const Arguments& arguments) {
  if (arguments.list) {
    for (const MenuEntry& entry : fault_menu()) fmt::print("{:<8} {}\n", entry.name, entry.what);
    return clean;
  }
  const PlanOptions options = plan_options(arguments);
  const SeedRange range = range_of(arguments);
  CampaignOptions campaign{
      .stop_at_first = arguments.stop_at_first, .has_yardstick = arguments.yardstick, .quiet = arguments.quiet || arguments.json};
  campaign.recording =
      position("--recorder", arguments.recorder, {"counting", "sqlite"}) == 0 ? Recording::counting : Recording::sqlite;
  if ((arguments.verbose || arguments.seed) && !arguments.json) campaign.after_each = print_run;
  std::vector<Job> jobs;
  if (arguments.matrix) {
    jobs = matrix_jobs(range.first, range.last - range.first + 1, options);
    campaign.further_seeds_max = further_seeds_max;
  } else {
    for (std::uint64_t seed = range.first;; ++seed) {
      jobs.push_back({seed, options});
      if (seed == range.last) break;
    }
  }
  const Tally tally = run_campaign(jobs, campaign);
  print(tally, arguments);
  const std::vector<std::string> undrawn = arguments.matrix && arguments.fault.empty() && arguments.family.empty()
                                               ? faults_without_a_run(tally)
                                               : std::vector<std::string>{};
  if (!undrawn.empty()) {
    fmt::print(stderr, "no bench that was drawn has a place for: {}\n", fmt::join(undrawn, ", "));
    return broken;
  }
  const std::vector<std::string> unjudged =
      arguments.matrix && tally.failures.empty() ? deadlines_without_a_run(tally) : std::vector<std::string>{};
  if (!unjudged.empty()) {
    fmt::print(stderr, "nothing was held against the deadline of: {}\n", fmt::join(unjudged, ", "));
    return broken;
  }
  if (!(tally.channel_hours >= arguments.at_least_hours)) {
    fmt::print(stderr, "{:.1f} channel-hours, {:g} were asked for\n", tally.channel_hours, arguments.at_least_hours);
    return broken;
  }
  if (tally.failures.empty()) return clean;
  if (arguments.minimise) {
    const Failure& first = tally.failures.front();
    const Plan smaller = minimise(first.plan, first.violation, campaign.recording);
    fmt::print(stderr, "still broken without the rest:\n{}", describe(smaller));
  }
  return broken;
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{
      "cellrig-swarm runs whole benches in virtual time: bench, profile and faults are drawn from a seed, and after every event "
      "the\n"
      "simulated truth is asked whether the rig keeps its promises. Exit codes: 0 clean, 1 a broken invariant, 2 bad usage.",
      "cellrig-swarm"};
  app.option_defaults()->always_capture_default();
  Arguments arguments;
  app.add_option("--seeds", arguments.seeds, "FIRST..LAST");
  app.add_option("--seed", arguments.seed, "one seed, told in detail");
  app.add_option("--fault", arguments.fault, "this fault alone: a name of --list-faults");
  app.add_option("--family", arguments.family, "fast-charge, cold-weather, cycle-life or courses; drawn otherwise");
  app.add_option("--make", arguments.make, "of the first channel: ea, n6900 or itech; drawn otherwise");
  app.add_option("--pace", arguments.pace, "promise (100 ms), usual (1 s) or long (days); drawn otherwise");
  app.add_option("--recorder", arguments.recorder, "counting, or sqlite: everything recorded and read back");
  app.add_option("--period-ms", arguments.period_ms, "control period, in place of the pace's");
  app.add_option("--at-least-hours", arguments.at_least_hours, "of all channels together: fewer are exit code 1");
  app.add_flag("--matrix", arguments.matrix, "every fault alone, in every family, with every seed");
  app.add_flag("--stop-at-first", arguments.stop_at_first, "end with the first broken invariant");
  app.add_flag("--yardstick", arguments.yardstick, "measure a healthy channel besides, to compare the speed with");
  app.add_flag("--minimise", arguments.minimise, "take faults away from the first broken run while it still breaks");
  app.add_flag("--json", arguments.json, "one JSON document on standard output");
  app.add_flag("--quiet", arguments.quiet, "no progress");
  app.add_flag("--verbose", arguments.verbose, "tell each run");
  app.add_flag("--list-faults", arguments.list, "the faults it can order");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    app.exit(help);
    return clean;
  } catch (const CLI::ParseError& error) {
    cli::report_usage_error(app, error, argc, argv);
    return bad_usage;
  }
  return run_main(arguments);
}

}  // namespace
}  // namespace cellrig::swarm

int main(int argc, char** argv) {
  try {
    return cellrig::swarm::parse_and_run(argc, argv);
  } catch (const cellrig::ConfigError& error) {
    std::fprintf(stderr, "cellrig-swarm: %s\n", error.what());
    return cellrig::swarm::bad_usage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cellrig-swarm: %s\n", error.what());
    return cellrig::swarm::broken;
  }
}
