#include "controller/cli/files/catalogue.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "controller/cli/files/added_cell.hpp"
#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/files/settings.hpp"
#include "db/sha256.hpp"
#include "profiles/cell.hpp"
#include "profiles/check.hpp"
#include "profiles/estimate.hpp"
#include "profiles/reader.hpp"
#include "profiles/unit_suffix.hpp"

namespace cellrig::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* reference_cell = "lg-m50";  // for how long a profile takes, when nobody has said which cell

template <class M>
api::Decoded<M> made(M value) {
  return api::Decoded<M>{boost::system::in_place_value, std::move(value)};
}
template <class M>
api::Decoded<M> refused(api::ErrorDetail error) {
  return api::Decoded<M>{boost::system::in_place_error, std::move(error)};
}

api::ErrorDetail not_listed(const std::string& what, const std::string& name, std::vector<std::string> known) {
  api::ErrorDetail error{
      .code = "not_found", .message = "no " + what + " '" + name + "'" + suggestion(name, known), .where = what};
  if (std::string nearest = nearest_word(name, known); !nearest.empty()) error.nearest = std::move(nearest);
  return error;
}
api::ErrorDetail not_listed(const std::string& what, const std::string& name, const std::map<std::string, std::string>& files) {
  std::vector<std::string> known;
  for (const auto& [other, file] : files) known.push_back(other);
  return not_listed(what, name, std::move(known));
}

fs::file_time_type changed_at(const std::string& file) {
  std::error_code error;
  const fs::file_time_type time = fs::last_write_time(file, error);
  return error ? fs::file_time_type::min() : time;
}

/// Where a file lies on this machine is nobody's business.
api::FindingView finding_of(api::FindingSeverity severity, const SourcePlace& place, const std::string& text) {
  return {.severity = severity,
          .file = fs::path{place.file}.filename().string(),
          .line = place.line,
          .column = place.column,
          .text = text};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

api::ProfileView read_profile_view(const std::string& name, const std::string& file,
                                   const std::optional<std::string>& cell_file) {
  api::ProfileView view{.name = name, .title = name, .group = fs::path{file}.parent_path().filename().string()};
  try {
    const Profile profile = read_profile_file(file);
    view.title = profile.name;
    view.purpose = profile.description;
    view.source = lines_of(profile.source);
    for (const ParameterSpec& parameter : profile.parameters) {
      const Unit unit = unit_of_name(parameter.name);
      view.parameters.push_back({.name = parameter.name,
                                 .default_value = parameter.default_value.text,
                                 .min = parameter.min ? parameter.min->text : "",
                                 .max = parameter.max ? parameter.max->text : "",
                                 .unit = unit == Unit::none ? std::string{} : std::string{to_string(unit)},
                                 .text = parameter.description});
    }
    if (cell_file) view.expected_duration_s = to_seconds(estimate_duration(compile(profile, read_cell_file(*cell_file))));
  } catch (const ConfigError& error) {
    // It is shown with what is wrong: a file of somebody's own, or one that needs another cell.
    if (view.purpose.empty()) view.purpose = error.what();
  }
  return view;
}

api::CellView read_cell_view(const std::string& name, const std::string& file) {
  api::CellView view{.name = name, .title = name};
  try {
    const Cell cell = read_cell_file(file);
    view.title = cell.name;
    view.text = cell.description;
    view.source = cell.source;
    view.nominal_capacity_Ah = cell.nominal_capacity.value();
    view.voltage_min_V = cell.voltage_min.value();
    view.voltage_max_V = cell.voltage_max.value();
    view.charge_rate_max_C = cell.charge_rate_max_C;
    view.discharge_rate_max_C = cell.discharge_rate_max_C;
    view.cell_temperature_min_degC = cell.limits.cell_temperature_min.value();
    view.cell_temperature_max_degC = cell.limits.cell_temperature_max.value();
    view.classification = cell.classification;
  } catch (const ConfigError& error) {
    view.text = error.what();
  }
  return view;
}

std::string text_of_file(const std::string& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// What becomes an argument of a program is looked at first, though no shell reads it.
bool is_parameter_name(const std::string& name) {
  constexpr std::size_t length_max = 80;
  return !name.empty() && name.size() <= length_max &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
}

}  // namespace

BenchCatalogue::BenchCatalogue(BenchConfig bench, Library library, std::string program, std::string own_cells)
    : bench_{std::move(bench)}, library_{std::move(library)}, program_{std::move(program)}, own_cells_{std::move(own_cells)} {}

const api::ProfileView& BenchCatalogue::view_of_profile(const std::string& name, const std::string& file) {
  SeenFile<api::ProfileView>& seen = profiles_[name];
  const fs::file_time_type changed = changed_at(file);
  if (seen.view.name.empty() || seen.changed != changed)
    seen = {changed, read_profile_view(name, file, library_.cell_file(reference_cell))};
  return seen.view;
}

const api::CellView& BenchCatalogue::view_of_cell(const std::string& name, const std::string& file) {
  SeenFile<api::CellView>& seen = cells_[name];
  const fs::file_time_type changed = changed_at(file);
  if (seen.view.name.empty() || seen.changed != changed) seen = {changed, read_cell_view(name, file)};
  return seen.view;
}

std::vector<api::ProfileView> BenchCatalogue::profiles() {
  std::vector<api::ProfileView> views;
  for (const auto& [name, file] : library_.profiles()) views.push_back(view_of_profile(name, file));
  return views;
}

api::Decoded<api::ProfileView> BenchCatalogue::profile(const std::string& name) {
  const std::optional<std::string> file = library_.profile_file(name);
  if (!file) return refused<api::ProfileView>(not_listed("profile", name, library_.profiles()));
  return made(view_of_profile(name, *file));
}

std::vector<api::CellView> BenchCatalogue::cells() {
  std::vector<api::CellView> views;
  for (const auto& [name, file] : library_.cells()) views.push_back(view_of_cell(name, file));
  return views;
}

api::Decoded<api::CellView> BenchCatalogue::cell(const std::string& name) {
  const std::optional<std::string> file = library_.cell_file(name);
  if (!file) return refused<api::CellView>(not_listed("cell", name, library_.cells()));
  return made(view_of_cell(name, *file));
}

/// A name means one cell for ever: runs of the record have it, and whoever chose it yesterday means the same today.
api::Decoded<api::AddedCell> BenchCatalogue::add_cell(const api::CellFileOrder& order) {
  using Added = api::AddedCell;
  const std::string objection = why_no_cell_name(order.name);
  if (!objection.empty()) return refused<Added>({.code = "bad_input", .message = objection, .where = "name"});
  const std::string kept = kept_cell_text(order.name, order.text);
  try {
    (void)read_cell(order.text, order.name);
    (void)read_cell(kept, order.name);
  } catch (const ConfigError& error) {
    return refused<Added>({.code = "bad_input", .message = error.message(), .where = to_string(error.place())});
  }
  const std::optional<std::string> known = library_.cell_file(order.name);
  const std::string known_text = known ? text_of_file(*known) : "";
  if (known && known_text != kept && known_text != order.text) {
    return refused<Added>({.code = "exists",
                           .message = "there is another cell '" + order.name + "' already: give this one a name of its own",
                           .where = "name"});
  }
  const std::string problem = known ? "" : keep_cell_file(own_cells_, kept);
  if (!problem.empty()) return refused<Added>({.code = "not_kept", .message = "the cell file could not be kept: " + problem});
  const api::Decoded<api::CellView> view = cell(order.name);
  if (!view) return refused<Added>(view.error());
  const bool is_added = !known || fs::path{*known}.parent_path() == own_cells_;
  return made(Added{*view, !known, db::sha256_hex(known ? known_text : kept), is_added});
}

api::Decoded<api::CheckReport> BenchCatalogue::check(const api::CheckOrder& order) {
  const std::optional<std::string> profile_file = library_.profile_file(order.profile);
  if (!profile_file) return refused<api::CheckReport>(not_listed("profile", order.profile, library_.profiles()));
  const std::optional<std::string> cell_file = library_.cell_file(order.cell);
  if (!cell_file) return refused<api::CheckReport>(not_listed("cell", order.cell, library_.cells()));
  std::vector<std::string> channels;
  for (const ChannelConfig& channel : bench_.channels) channels.push_back(channel.name);
  if (!order.channel.empty() && std::find(channels.begin(), channels.end(), order.channel) == channels.end())
    return refused<api::CheckReport>(not_listed("channel", order.channel, channels));
  api::CheckReport report{.profile = order.profile, .cell = order.cell};
  try {
    const Program program = compile_program(*profile_file, *cell_file, order.parameters);
    CheckContext context{.file = *profile_file};
    if (!order.channel.empty()) context = check_context(bench_, bench_.channel(order.channel), *profile_file);
    const std::vector<Finding> findings = cellrig::check(program, context);
    for (const Finding& finding : findings) {
      const bool is_error = finding.severity == Severity::error;
      report.findings.push_back(
          finding_of(is_error ? api::FindingSeverity::error : api::FindingSeverity::warning, finding.place, finding.message));
    }
    report.is_accepted = !has_errors(findings);
    report.program_hash = program.hash;
    report.expected_duration_s = to_seconds(estimate_duration(program));
  } catch (const ConfigError& error) {
    report.findings.push_back(finding_of(api::FindingSeverity::error, error.place(), error.message()));
  }
  return made(std::move(report));
}

api::Decoded<std::vector<std::string>> BenchCatalogue::rehearsal_command(const api::CheckOrder& order) {
  using Command = std::vector<std::string>;
  const api::Decoded<api::CheckReport> report = check(order);
  if (!report) return refused<Command>(report.error());
  if (!report->is_accepted) {
    api::ErrorDetail error{.code = "refused", .message = "the profile is refused"};
    for (const api::FindingView& finding : report->findings) {
      if (finding.severity == api::FindingSeverity::error) error.message = finding.text;
    }
    return refused<Command>(std::move(error));
  }
  const std::string channel = order.channel.empty() ? bench_.channels.front().name : order.channel;
  Command command{program_,
                  "rehearse",
                  *library_.profile_file(order.profile),
                  "--cell",
                  *library_.cell_file(order.cell),
                  "--bench",
                  bench_.file,
                  "--channel",
                  channel,
                  "--json",
                  "--curve",
                  "--progress",
                  "--quiet"};
  for (const auto& [name, value] : order.parameters) {
    if (!is_parameter_name(name))
      return refused<Command>({.code = "bad_input", .message = "this is no parameter's name", .where = "parameters"});
    command.push_back("--set=" + name + "=" + value);
  }
  return made(std::move(command));
}

std::string cells_beside(const std::string& database) { return database + ".cells"; }

std::string this_program() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return error ? std::string{"cellrig"} : program.string();
}

}  // namespace cellrig::cli
