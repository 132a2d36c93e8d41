// cellrig off: every output of a bench off, verified. Needs no profile and no database.
#include <fmt/format.h>

#include <memory>

#include "controller/cli/progress.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/rig.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/runtime/null_recorder.hpp"

namespace cellrig::cli {
namespace {

struct Options {
  std::string bench;
  std::vector<std::string> channels;
  std::string ready_file;
  bool force = false;
  bool quiet = false;
};

ExitCode run_off(const Options& options) {
  BenchConfig bench = load_bench(find_bench(options.bench));
  const std::unique_ptr<Rig> rig = make_rig(RigChoice{"real", options.ready_file, false, 1}, bench);
  for (const std::string& name : options.channels) (void)bench.channel(name);
  Progress progress{options.quiet};
  BenchInstruments instruments = make_instruments(rig->time(), bench, options.channels, rig->links());
  NullRecorder nothing;
  BenchRunOptions run_options{.take_leases = !options.force, .lease_directory = Lease::default_directory()};
  BenchRun off{rig->time(), bench, instruments, nothing, progress, std::move(run_options)};
  std::vector<std::string> problems;
  const auto body = [](BenchRun* run, const std::vector<std::string>* names, std::vector<std::string>* found,
                       TimeSource* time) -> Task<void> {
    *found = co_await run->all_off(*names, true);
    time->stop();
  };
  rig->time().spawn(body(&off, &options.channels, &problems, &rig->time()));
  rig->time().run();
  for (const std::string& problem : problems) fmt::print(stderr, "cellrig off: {}\n", problem);
  if (problems.empty() && !options.quiet)
    fmt::print("all outputs are off and the chambers stopped, confirmed by the instruments\n");
  return problems.empty() ? ExitCode::passed : ExitCode::instrument_failed;
}

}  // namespace

void add_off(CLI::App& app, Action& chosen) {
  CLI::App* const verb =
      app.add_subcommand("off", "turn every output of a bench off, verified; needs no profile and no database");
  const auto options = std::make_shared<Options>();
  verb->add_option("--bench", options->bench, "the bench file")->required();
  verb->add_option("--channel", options->channels, "only these channels; default all");
  verb->add_option("--simulator", options->ready_file, "the ready file of a running cellrig-sim: use its addresses");
  verb->add_flag("--force", options->force,
                 "also outputs that another process controls: OFF is always safe, and ends its run with a fault");
  verb->add_flag("--quiet", options->quiet, "say nothing when all is off");
  verb->callback([options, &chosen] { chosen = [options] { return run_off(*options); }; });
}

}  // namespace cellrig::cli
