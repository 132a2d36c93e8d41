// cellrig check: everything that can be known of a profile without running it.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <set>

#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/runtime/chamber_rules.hpp"
#include "profiles/accuracy.hpp"
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
  std::vector<std::string> beside;  ///< CHANNEL=PROFILE
  bool json = false;
};

boost::json::array json_of(const std::vector<Finding>& findings) {
  boost::json::array list;
  for (const Finding& f : findings) {
    list.push_back(boost::json::object{{"severity", f.severity == Severity::error ? "error" : "warning"},
                                       {"file", f.place.file},
                                       {"line", f.place.line},
                                       {"column", f.place.column},
                                       {"message", f.message}});
  }
  return list;
}

boost::json::value json_of(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? boost::json::value(*value) : boost::json::value{};
}

boost::json::array json_of(const std::vector<AccuracyRow>& rows) {
  boost::json::array list;
  for (const AccuracyRow& row : rows) {
    boost::json::array steps;
    for (const AccuracyStep& step : row.steps) {
      steps.push_back(boost::json::object{{"name", step.name}, {"line", step.source.line}, {"column", step.source.column}});
    }
    list.push_back(boost::json::object{{"steps", std::move(steps)},
                                       {"use", to_string(row.use)},
                                       {"instrument", row.instrument},
                                       {"subject", row.subject},
                                       {"unit", row.unit},
                                       {"value", json_of(row.value)},
                                       {"uncertainty", row.uncertainty},
                                       {"compared_with", json_of(row.compared_with)},
                                       {"compared_to", row.compared_to},
                                       {"share", json_of(row.share())},
                                       {"advice", row.advice},
                                       {"is_unverified", row.is_unverified},
                                       {"severity", !row.severity                      ? boost::json::value{}
                                                    : *row.severity == Severity::error ? boost::json::value("error")
                                                                                       : boost::json::value("warning")}});
  }
  return list;
}

/// What else will be in this chamber: as a start of all of them would judge it, which this says long before.
class Neighbours {
 public:
  Neighbours(const CheckOptions& options, const BenchConfig& bench, const ChannelConfig& channel, const Program& program)
      : bench_{bench}, channel_{channel} {
    guests_.push_back({&channel, &program});
    for (const std::string& text : options.beside) {
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos || equals == 0)
        throw ConfigError{SourcePlace{}, "--beside " + text + ": write channel=profile"};
      const ChannelConfig& other = bench.channel(text.substr(0, equals));
      if (is_guest(other)) throw ConfigError{SourcePlace{}, "--beside " + text + ": a profile for this channel is given already"};
      programs_.push_back(
          std::make_unique<Program>(compile_program(find_profile(text.substr(equals + 1)), find_cell(options.cell), {})));
      guests_.push_back({&other, programs_.back().get()});
    }
  }

  [[nodiscard]] std::vector<Finding> findings(const std::string& profile_file) const {
    std::vector<Finding> found;
    std::map<std::string, Accuracy> accuracy;
    for (const ChamberGuest& guest : guests_) {
      const CheckContext context = check_context(bench_, *guest.channel, profile_file);
      if (context.chamber) accuracy[guest.channel->chamber] = context.chamber->temperature_accuracy;
    }
    for (const ChamberRuling& said : judge_chambers(bench_, guests_, accuracy)) {
      // Of a channel alone check() has said it, with the place in the profile.
      if (guests_.size() < 2) break;
      const bool is_refused = said.ruling.kind == Ruling::Kind::refused;
      found.push_back({is_refused ? Severity::error : Severity::warning, SourcePlace{}, said.ruling.text});
    }
    if (std::string text = unknown_neighbours(); !text.empty())
      found.push_back({Severity::warning, SourcePlace{}, std::move(text)});
    return found;
  }

 private:
  [[nodiscard]] bool is_guest(const ChannelConfig& channel) const {
    return std::any_of(guests_.begin(), guests_.end(),
                       [&channel](const ChamberGuest& guest) { return guest.channel->name == channel.name; });
  }

  /// Channels of the same chamber that no profile is given for.
  [[nodiscard]] std::string unknown_neighbours() const {
    std::set<double> asked;
    for (const Instruction& instruction : guests_.front().program->code) {
      const Step* const step = std::get_if<Step>(&instruction);
      if (step != nullptr && step->chamber_temperature) asked.insert(step->chamber_temperature->value());
    }
    std::vector<std::string> names;
    for (const ChannelConfig& other : bench_.channels) {
      if (!channel_.chamber.empty() && other.chamber == channel_.chamber && !is_guest(other)) names.push_back(other.name);
    }
    if (names.empty() || asked.empty()) return {};
    return fmt::format(
        "{} shares chamber '{}' with {}: while another profile there holds another temperature than {} degC, this one "
        "waits with its output off; --beside {}=PROFILE judges both",
        channel_.name, channel_.chamber, fmt::join(names, ", "), fmt::join(asked, ", "), names.front());
  }

  const BenchConfig& bench_;
  const ChannelConfig& channel_;
  std::vector<std::unique_ptr<Program>> programs_;
  std::vector<ChamberGuest> guests_;
};

ExitCode run_check(const CheckOptions& options) {
  const std::string profile_file = find_profile(options.profile);
  const Program program = compile_program(profile_file, find_cell(options.cell), parse_settings(options.settings));
  CheckContext context{.file = profile_file};
  std::vector<Finding> beside;
  if (!options.beside.empty() && options.bench.empty())
    throw ConfigError{SourcePlace{}, "--beside needs --bench: it says which channels share a chamber"};
  if (!options.bench.empty()) {
    const BenchConfig bench = load_bench(find_bench(options.bench));
    const ChannelConfig& channel = options.channel.empty() ? bench.channels.front() : bench.channel(options.channel);
    context = check_context(bench, channel, profile_file);
    beside = Neighbours{options, bench, channel, program}.findings(profile_file);
  }
  std::vector<Finding> findings = check(program, context);
  findings.insert(findings.end(), beside.begin(), beside.end());
  const std::vector<AccuracyRow> rows = accuracy_rows(program, context);
  if (options.json) {
    print_json({{"profile", program.name},
                {"cell", program.cell_name},
                {"program_hash", program.hash},
                {"expected_duration_s", to_seconds(estimate_duration(program))},
                {"accepted", !has_errors(findings)},
                {"findings", json_of(findings)},
                {"instruments", json_of(rows)}});
  } else {
    fmt::print("{}", describe(program));
    if (!rows.empty()) fmt::print("\n{}", describe(rows));
    std::fflush(stdout);  // both streams may go to one file
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
  verb->add_option("--beside", options->beside,
                   "CHANNEL=PROFILE that will run at the same time, with a cell of the same kind: judges the chamber they share");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_check(*options); }; });
}

}  // namespace cellrig::cli
