// cellrig import: a foreign description of a test becomes a profile; foreign measurements become a run that can be reviewed.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "controller/base/config_error.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/files/exchange_output.hpp"
#include "controller/cli/record/import_data.hpp"
#include "controller/cli/text/json_text.hpp"
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
  DataImport data;
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

/// By the file's name, when nobody says: measurements are CSV, experiments are not.
std::string kind_of(const ImportOptions& options) {
  if (!options.from.empty()) return options.from;
  return options.file.ends_with(".csv") ? "bdf" : "pybamm";
}

ExitCode run_import_of_kind(ImportOptions options) {
  if (kind_of(options) == "pybamm") return run_import(options);
  for (const auto& [word, is_given] :
       {std::pair{"--output", !options.output.empty()}, std::pair{"--name", !options.name.empty()}}) {
    if (is_given)
      throw ConfigError{SourcePlace{}, std::string("import: ") + word + " belongs to an experiment; measurements go into --db"};
  }
  options.data.file = options.file;
  options.data.cell_name = options.cell;
  options.data.json = options.json;
  options.data.quiet = options.quiet;
  return import_data(options.data);
}

}  // namespace

void add_import(CLI::App& app, Action& chosen) {
  CLI::App* const verb =
      app.add_subcommand("import", "make a profile of a PyBaMM experiment, or a run of measurements in Battery Data Format");
  const auto options = std::make_shared<ImportOptions>();
  verb->add_option(
          "file", options->file,
          "pybamm: a Python list of strings and tuples, or a text file with one string a line; bdf: a CSV file with a header")
      ->required();
  verb->add_option("--from", options->from, "what it is: pybamm or bdf; by the file's name if not given: .csv is bdf")
      ->check(CLI::IsMember({"pybamm", "bdf"}));
  verb->add_option("--output,-o", options->output, "the profile; standard output if not given");
  verb->add_option("--cell", options->cell,
                   "pybamm: judge the profile for this cell, as `cellrig check` does, and write none that it cannot run; bdf: "
                   "which kind of cell it "
                   "was");
  verb->add_option("--name", options->name, "pybamm: of the profile; the file's own if not given");
  verb->add_option("--db", options->data.database, "bdf: the database that gets the run");
  verb->add_option("--cell-id", options->data.cell_id, "bdf: the specimen; by the file's name if not given");
  verb->add_option("--capacity", options->data.nominal_capacity_Ah,
                   "bdf: nominal capacity in Ah; 0: the greatest discharge of a cycle")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--operator", options->data.operator_name, "bdf: who imports it");
  verb->add_flag("--overwrite", options->overwrite, "replace a file that exists");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--quiet", options->quiet, "leave out the notes on what was decided");
  verb->callback([options, &chosen] { chosen = [options] { return run_import_of_kind(*options); }; });
}

}  // namespace cellrig::cli
