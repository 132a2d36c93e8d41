#include "controller/cli/verify/run_evidence.hpp"

#include <fmt/format.h>

#include "controller/base/resources.hpp"
#include "profiles/cell.hpp"
#include "profiles/reader.hpp"
#include "profiles/parameters_text.hpp"

namespace cellrig::cli {
namespace {

Program program_of(const ClaimRun& claimed, const db::RunRow& recorded, bool shortened) {
  Settings settings = claimed.settings;
  if (shortened) {
    for (const auto& [name, value] : claimed.short_settings) settings[name] = value;
  }
  return compile(read_profile_file(find_profile(claimed.profile)), read_cell(recorded.cell_text, "the recorded cell"), settings);
}

std::string difference_of(const Program& wanted, const db::RunRow& recorded) {
  if (wanted.name != recorded.profile_name)
    return fmt::format("it is of profile '{}', the claim's is '{}'", recorded.profile_name, wanted.name);
  const Settings is = parameters_of(recorded.parameters_text), should = parameters_of(wanted.parameters_text);
  for (const auto& [name, value] : should) {
    const auto found = is.find(name);
    if (found == is.end()) return fmt::format("its parameter {} is not given, the claim's is {}", name, value);
    if (found->second != value) return fmt::format("its parameter {} is {}, the claim's is {}", name, found->second, value);
  }
  if (wanted.source_text != recorded.profile_text)
    return fmt::format("its profile '{}' is another version than the one that comes with this program", recorded.profile_name);
  return "its compiled program differs from the claim's";
}

}  // namespace

RunMatch match_run(const ClaimRun& claimed, const db::RunRow& recorded) {
  try {
    const Program whole = program_of(claimed, recorded, false);
    if (whole.hash == recorded.program_hash) return {};
    if (!claimed.short_settings.empty() && program_of(claimed, recorded, true).hash == recorded.program_hash)
      return {.is_shortened = true};
    return {.difference = difference_of(whole, recorded)};
  } catch (const ConfigError& error) {
    return {.difference = std::string{"the claim's profile does not fit its cell: "} + error.what()};
  }
}

}  // namespace cellrig::cli
