// cellrig rehearse: what a profile will do, before a cell is connected.
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <memory>

#include "controller/base/resources.hpp"
#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/rehearsal/rehearsal_progress.hpp"
#include "controller/cli/rehearsal/rehearsal_report.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/cli/verbs.hpp"
#include "profiles/describe.hpp"

namespace cellrig::cli {
namespace {

struct RehearseOptions {
  std::string profile;
  std::string cell = "lg-m50";
  std::string bench = "demo";
  std::string channel;
  std::vector<std::string> settings;
  std::optional<double> soc_pct;
  double control_period_s = 0.0;
  std::string page;
  bool json = false, quiet = false, curve = false, progress = false;
};

std::atomic<int> interrupted_by{0};
extern "C" void remember_interruption(int number) { interrupted_by = number; }

ExitCode code_of(const Rehearsal& rehearsal) {
  switch (rehearsal.outcome) {
    case Outcome::completed: return rehearsal.criteria_met ? ExitCode::passed : ExitCode::not_passed;
    case Outcome::tripped: return ExitCode::safety_trip;
    case Outcome::stopped: return interrupted_by == SIGTERM ? ExitCode::terminated : ExitCode::interrupted;
    case Outcome::failed: return ExitCode::not_passed;
    default: return ExitCode::instrument_failed;
  }
}

void write_page(const std::string& path, const std::string& page) {
  std::ofstream file{path, std::ios::binary};
  file << page;
  file.flush();
  if (!file) throw ConfigError{SourcePlace{path}, "the page cannot be written there"};
}

ExitCode run_rehearse(const RehearseOptions& options) {
  const std::string profile_file = find_profile(options.profile);
  const std::string cell_file = find_cell(options.cell);
  const Program program = compile_program(profile_file, cell_file, parse_settings(options.settings));
  RehearsalRequest request{.program = &program, .bench = load_bench(find_bench(options.bench)), .channel = options.channel};
  const ChannelConfig& channel =
      options.channel.empty() ? request.bench.channels.front() : request.bench.channel(options.channel);
  request.channel = channel.name;
  request.cell_file = cell_file;
  request.soc_pct = options.soc_pct;
  if (options.control_period_s > 0) request.control_period = from_seconds(options.control_period_s);
  const std::vector<Finding> findings = check(program, check_context(request.bench, channel, profile_file));
  for (const Finding& f : findings) {
    if (f.severity == Severity::error || !options.quiet) fmt::print(stderr, "{}\n", to_string(f));
  }
  if (has_errors(findings)) return ExitCode::bad_input;

  std::signal(SIGINT, remember_interruption);
  std::signal(SIGTERM, remember_interruption);
  Rehearsal rehearsal;
  {
    using Form = RehearsalProgress::Form;
    RehearsalProgress progress{program, options.progress ? Form::lines : options.quiet ? Form::none : Form::drawn};
    rehearsal = rehearse(request, [&progress](const ChannelView& view) {
      (void)progress.look(view);
      return interrupted_by == 0;
    });
  }
  if (options.json) {
    boost::json::object document = rehearsal_json(program, rehearsal);
    if (options.curve) document["curve"] = curve_json(rehearsal);
    print_json(std::move(document));
  } else {
    fmt::print("{}", rehearsal_text(program, rehearsal));
  }
  if (!options.page.empty()) {
    write_page(options.page, rehearsal_page(program, rehearsal));
    if (!options.json) fmt::print("\nplot: {}\n", options.page);
  }
  return code_of(rehearsal);
}

}  // namespace

void add_rehearse(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand(
      "rehearse", "run a profile in virtual time on the cell's model: how long, how warm, how near to each limit");
  const auto options = std::make_shared<RehearseOptions>();
  verb->add_option("profile", options->profile, "a profile file, or the name of one that comes with cellrig")->required();
  verb->add_option("--cell", options->cell, "a cell file with a model, or the name of one that comes with cellrig");
  verb->add_option("--bench", options->bench,
                   "a bench file, or the name of one that comes with cellrig; nothing of it is touched");
  verb->add_option("--channel", options->channel, "the channel of the bench (the first one if not given)");
  verb->add_option("--set", options->settings, "parameter=value of the profile; may be given several times");
  verb->add_option("--start-soc", options->soc_pct,
                   "state of charge of the cell at the start in percent; default: the bench's, or 50")
      ->check(CLI::Range(0.0, 100.0));
  verb->add_option("--html", options->page, "write a page with the plot of what to expect to this file");
  verb->add_option("--control-period-s", options->control_period_s,
                   "time between measurements; default 1, for tests of months half the watchdog's time")
      ->check(CLI::Range(0.01, 60.0));
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--curve", options->curve, "with --json: also the curves, two points for each of up to 2000 pieces");
  verb->add_flag("--progress", options->progress, "lines 'progress 0.43' on standard error, for a program that listens");
  verb->add_flag("--quiet", options->quiet, "no progress and no warnings of the check");
  verb->callback([options, &chosen] { chosen = [options] { return run_rehearse(*options); }; });
}

}  // namespace cellrig::cli
