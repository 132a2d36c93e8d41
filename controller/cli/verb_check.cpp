// cellrig check: everything that can be known of a profile without running it.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "controller/cli/bench_context.hpp"
#include "controller/cli/json_text.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/settings.hpp"
#include "controller/cli/verbs.hpp"
#include "profiles/describe.hpp"
#include "profiles/estimate.hpp"

namespace cellrig::cli {
namespace {

struct CheckOptions {
  std::string profile;
  std::string cell = "lg-m50";
  std::string bench;
  std::string channel;
  std::vector<std::string> settings;
  bool json = false;
};

ExitCode run_check(const CheckOptions& options) {
  const std::string profile_file = find_profile(options.profile);
  const Program program = compile_program(profile_file, find_cell(options.cell), parse_settings(options.settings));
  CheckContext context{.file = profile_file};
  if (!options.bench.empty()) {
    const BenchConfig bench = load_bench(find_bench(options.bench));
    context =
        check_context(bench, options.channel.empty() ? bench.channels.front() : bench.channel(options.channel), profile_file);
  }
  const std::vector<Finding> findings = check(program, context);
  if (options.json) {
    boost::json::array list;
    for (const Finding& f : findings) {
      list.push_back(boost::json::object{{"severity", f.severity == Severity::error ? "error" : "warning"},
                                         {"file", f.place.file},
                                         {"line", f.place.line},
                                         {"message", f.message}});
    }
    print_json({{"profile", program.name},
                {"cell", program.cell_name},
                {"program_hash", program.hash},
                {"expected_duration_s", to_seconds(estimate_duration(program))},
                {"accepted", !has_errors(findings)},
                {"findings", std::move(list)}});
  } else {
    fmt::print("{}", describe(program));
    for (const Finding& f : findings) fmt::print(stderr, "{}\n", to_string(f));
    if (!has_errors(findings))
      fmt::print("\naccepted{}\n", options.bench.empty() ? " (no bench given: what it can do was not judged)" : "");
  }
  return has_errors(findings) ? ExitCode::bad_input : ExitCode::passed;
}

}  // namespace

void add_check(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("check", "judge a profile for a cell, and a bench, without running anything");
  const auto options = std::make_shared<CheckOptions>();
  verb->add_option("profile", options->profile, "a profile file, or the name of one that comes with cellrig")->required();
  verb->add_option("--cell", options->cell, "a cell file, or the name of one that comes with cellrig");
  verb->add_option("--bench", options->bench, "a bench file: also judge whether this bench can do it");
  verb->add_option("--channel", options->channel, "the channel of the bench (the first one if not given)");
  verb->add_option("--set", options->settings, "parameter=value of the profile; may be given several times");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_check(*options); }; });
}

}  // namespace cellrig::cli
