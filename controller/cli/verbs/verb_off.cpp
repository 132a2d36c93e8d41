// cellrig off: every output of a bench off, verified. Needs no profile and no database.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <memory>

#include "controller/base/resources.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/run/progress.hpp"
#include "controller/cli/run/unseen_output.hpp"
#include "controller/cli/bench/rig.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/runtime/bench_off.hpp"
#include "db/recorder.hpp"

namespace cellrig::cli {
namespace {

struct OffOptions {
  std::string bench;
  std::vector<std::string> channels;
  std::string ready_file;
  std::string database;
  std::string operator_name;
  bool force = false;
  bool quiet = false;
};

std::vector<std::string> channel_names(const BenchConfig& bench) {
  std::vector<std::string> names;
  for (const ChannelConfig& channel : bench.channels) names.push_back(channel.name);
  return names;
}

void print_done(const BenchConfig& bench, const std::vector<std::string>& channels, const std::vector<std::string>& chambers) {
  fmt::print("off, confirmed by the instruments: {}\n", fmt::join(channels, ", "));
  if (!chambers.empty()) fmt::print("stopped, confirmed by the instruments: {}\n", fmt::join(chambers, ", "));
  for (const ChamberConfig& chamber : bench.chambers) {
    const bool is_stopped = std::find(chambers.begin(), chambers.end(), chamber.name) != chambers.end();
    if (!is_stopped) fmt::print("left as it is, for the other channels in it: {}\n", chamber.name);
  }
}

/// The next look finds it off.
void say_found(const FoundOutputs& found) {
  for (const auto& [channel, output] : found.found) {
    if (output.is_known && output.is_on)
      fmt::print(stderr, "cellrig off: {} was on, with {:+.3f} A\n", channel, output.current.value());
  }
}

/// After OFF, which waits for no database. What cannot be written is said, and changes nothing about OFF.
void record_off(const OffOptions& options, TimeSource& time, const std::vector<std::string>& channels,
                const std::vector<std::string>& problems, const FoundOutputs& found, RunListener& listener) {
  if (options.database.empty()) return;
  Result<std::unique_ptr<db::Recorder>> recorder = db::Recorder::open({.path = options.database});
  Result<void> done = recorder ? Result<void>{} : Result<void>{recorder.error()};
  if (recorder) {
    const boost::json::object detail{{"bench", options.bench},
                                     {"channels", boost::json::array(channels.begin(), channels.end())},
                                     {"force", options.force},
                                     {"confirmed", problems.empty()}};
    (*recorder)->audit(db::AuditRow{.utc = time.utc_now(),
                                    .operator_name = options.operator_name.empty() ? login_name() : options.operator_name,
                                    .origin = host_name(),
                                    .verb = "off",
                                    .action = problems.empty() ? "outputs off" : "outputs not confirmed off",
                                    .reason = fmt::format("{}", fmt::join(problems, "; ")),
                                    .detail = boost::json::serialize(detail)});
    done = found.are_news() ? keep_what_was_found(found, {}, **recorder, listener) : Result<void>{};
    const Result<void> closed = (*recorder)->close();
    if (done) done = closed;
  }
  if (!done) fmt::print(stderr, "cellrig off: not in the audit trail of {}: {}\n", options.database, done.error().what);
}

ExitCode run_off(const OffOptions& options) {
  BenchConfig bench = load_bench(find_bench(options.bench));
  const std::unique_ptr<Rig> rig = make_rig(RigChoice{"real", options.ready_file, false, 1}, bench);
  for (const std::string& name : options.channels) (void)bench.channel(name);
  Progress progress{options.quiet};
  const std::vector<std::string> channels = options.channels.empty() ? channel_names(bench) : options.channels;
  BenchInstruments instruments = make_instruments(rig->time(), bench, channels, rig->links());
  BenchOffOptions off_options{.take_leases = !options.force, .lease_directory = Lease::default_directory()};
  off_options.look_at.insert(channels.begin(), channels.end());
  BenchOff off{rig->time(), bench, instruments, progress, std::move(off_options)};
  const std::vector<std::string> chambers = chambers_of_only(bench, channels);
  run_to_end(rig->time(), off.run(channels, chambers));
  for (const std::string& problem : off.problems()) fmt::print(stderr, "cellrig off: {}\n", problem);
  const FoundOutputs found{&bench, options.database, "real", off.found(), off.maybe_on(), rig->time().utc_now()};
  say_found(found);
  record_off(options, rig->time(), channels, off.problems(), found, progress);
  if (off.problems().empty() && !options.quiet) print_done(bench, channels, chambers);
  return off.problems().empty() ? ExitCode::passed : ExitCode::instrument_failed;
}

}  // namespace

void add_off(CLI::App& app, Action& chosen) {
  CLI::App* const verb =
      app.add_subcommand("off", "turn every output of a bench off, verified; needs no profile and no database");
  const auto options = std::make_shared<OffOptions>();
  verb->add_option("--bench", options->bench, "the bench file")->required();
  verb->add_option("--channel", options->channels, "only these channels; default all");
  verb->add_option("--simulator", options->ready_file, "the ready file of a running cellrig-sim: use its addresses");
  verb->add_flag("--force", options->force,
                 "also outputs that another process controls: OFF is always safe, and ends its run with a fault");
  verb->add_option("--db", options->database,
                   "write it into this database's audit trail, afterwards, and what was on for a run that goes on");
  verb->add_option("--operator", options->operator_name, "who does this, for the audit trail; default: the login name");
  verb->add_flag("--quiet", options->quiet, "say nothing when all is off");
  verb->callback([options, &chosen] { chosen = [options] { return run_off(*options); }; });
}

}  // namespace cellrig::cli
