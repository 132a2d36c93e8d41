#include "controller/cli/files/export_profile.hpp"

#include <fmt/format.h>

#include <set>

#include "controller/base/resources.hpp"
#include "controller/cli/files/exchange_output.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/files/settings.hpp"
#include "profiles/exchange/pybamm_export.hpp"
#include "profiles/reader.hpp"

namespace cellrig::cli {
namespace {

std::string printable_line(const std::string& text) {
  std::string line;
  for (const char c : text) line += c >= 0x20 && c < 0x7f ? c : '?';
  return line;
}

std::vector<std::string> comments_of(const Program& program, const LossReport& report) {
  std::vector<std::string> comments{printable_line("PyBaMM experiment of the profile '" + program.name + "' for the cell '" +
                                                   program.cell_name + "', made by cellrig export.")};
  for (const Loss& loss : report) {
    if (loss.severity == LossSeverity::note) continue;
    comments.push_back(
        printable_line(fmt::format("{}: line {}: {}: {}", to_string(loss.severity), loss.place.line, loss.word, loss.what)));
  }
  return comments;
}

void print_refusal(const LossReport& refused) {
  std::set<std::string> words;
  for (const Loss& loss : refused) words.insert(loss.word);
  std::string options;
  for (const std::string& word : words) options += " --accept-loss " + word;
  fmt::print(stderr, "cellrig export: what guards the cell would be lost; to have it all the same:{}\n", options);
}

}  // namespace

ExitCode export_profile(const ExportProfileOptions& options) {
  require_safety_loss_words(options.accepted_losses);
  const std::string file = find_profile(options.profile);
  const Profile profile = read_profile_file(file);
  const Program program = compile_program(file, find_cell(options.cell), parse_settings(options.settings));
  const PybammExport exported = export_pybamm(profile, program);
  const LossReport refused = refused_losses(exported.report, options.accepted_losses);
  const std::string text = write_pybamm(exported.experiment, comments_of(program, exported.report));
  if (!options.json) print_losses(exported.report, options.quiet);
  if (refused.empty() && !(options.json && options.output.empty())) write_exchange_text(text, options.output, options.overwrite);
  if (options.json) {
    boost::json::array strings;
    for (const std::string& string : pybamm_strings(exported.experiment)) strings.emplace_back(string);
    boost::json::object document{{"profile", program.name},
                                 {"cell", program.cell_name},
                                 {"program_hash", program.hash},
                                 {"accepted", refused.empty()},
                                 {"losses", losses_json(exported.report)}};
    if (refused.empty()) {
      document["strings"] = std::move(strings);
      document["experiment"] = text;
      document["output"] = options.output;
    }
    print_json(std::move(document));
  }
  if (refused.empty()) return ExitCode::passed;
  print_refusal(refused);
  return ExitCode::bad_input;
}

}  // namespace cellrig::cli
