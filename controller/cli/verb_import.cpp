// cellrig import: a foreign description of a test becomes a profile.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "controller/base/resources.hpp"
#include "controller/cli/exchange_output.hpp"
#include "controller/cli/json_text.hpp"
#include "controller/cli/verbs.hpp"
#include "profiles/check.hpp"
#include "profiles/compile.hpp"
#include "profiles/exchange/pybamm_import.hpp"
#include "profiles/reader.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

struct ImportOptions {
  std::string file;
  std::string from;
  std::string output;
  std::string cell;
  std::string name;
  bool overwrite = false;
  bool json = false;
  bool quiet = false;
};

/// What the cell says to it. Its places are those of the profile that was made.
std::vector<Finding> judge_for_cell(const std::string& text, const std::string& profile_file, const std::string& cell) {
  const Program program = compile(read_profile(text, profile_file), read_cell_file(find_cell(cell)));
  return check(program, CheckContext{.file = profile_file});
}

void print_import(const ImportOptions& options, const PybammImport& imported, const std::vector<Finding>& findings) {
  boost::json::array list;
  for (const Finding& finding : findings) list.emplace_back(to_string(finding));
  print_json({{"profile", imported.profile_text},
              {"output", options.output},
              {"accepted", !has_errors(findings)},
              {"losses", losses_json(imported.report)},
              {"findings", std::move(list)}});
}

ExitCode run_import(const ImportOptions& options) {
  const PybammExperiment experiment = read_pybamm(read_text_file(options.file, pybamm_bytes_max), options.file);
  const std::string name = options.name.empty() ? std::filesystem::path(options.file).stem().string() : options.name;
  const PybammImport imported = import_pybamm(experiment, name);
  const std::string profile_file = options.output.empty() ? options.file + " (as a profile)" : options.output;
  (void)read_profile(imported.profile_text, profile_file);
  std::vector<Finding> findings;
  if (!options.cell.empty()) findings = judge_for_cell(imported.profile_text, profile_file, options.cell);
  if (!options.json) print_losses(imported.report, options.quiet);
  const bool is_shown = !options.json || !options.output.empty();
  if (is_shown && !has_errors(findings)) write_exchange_text(imported.profile_text, options.output, options.overwrite);
  if (options.json) {
    print_import(options, imported, findings);
  } else {
    for (const Finding& finding : findings) fmt::print(stderr, "{}\n", to_string(finding));
  }
  return has_errors(findings) ? ExitCode::bad_input : ExitCode::passed;
}

}  // namespace

void add_import(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("import", "make a profile of a PyBaMM experiment");
  const auto options = std::make_shared<ImportOptions>();
  verb->add_option("file", options->file, "a Python list of PyBaMM strings and tuples, or a text file with one string a line")
      ->required();
  verb->add_option("--from", options->from, "what it is: pybamm")->required()->check(CLI::IsMember({"pybamm"}));
  verb->add_option("--output,-o", options->output, "the profile; standard output if not given");
  verb->add_option("--cell", options->cell,
                   "judge the profile for this cell, as `cellrig check` does, and write none that it cannot run");
  verb->add_option("--name", options->name, "of the profile; the file's own if not given");
  verb->add_flag("--overwrite", options->overwrite, "replace a file that exists");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--quiet", options->quiet, "leave out the notes on what was decided");
  verb->callback([options, &chosen] { chosen = [options] { return run_import(*options); }; });
}

}  // namespace cellrig::cli
