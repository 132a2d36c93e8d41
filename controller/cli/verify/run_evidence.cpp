#include "controller/cli/verify/run_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>

#include "controller/base/resources.hpp"
#include "profiles/cell.hpp"
#include "profiles/reader.hpp"

namespace cellrig::cli {
namespace {

/// Where cellrig-sim listens. An instrument behind a tunnel looks the same: it counts as simulated, too.
bool is_of_this_computer(const std::string& address) {
  constexpr std::array<std::string_view, 6> places{"127.", "localhost", "[::1]", "::1", "/dev/pts/", "/tmp/"};
  return std::any_of(places.begin(), places.end(), [&](std::string_view place) {
    const std::size_t at = address.find(place);
    const bool is_start = at == 0 || (at != std::string::npos && address[at - 1] == '/') ||
                          (at != std::string::npos && std::string_view{address}.substr(0, at).ends_with(' ')) ||
                          (at != std::string::npos && address[at - 1] == ':');
    return is_start;
  });
}

/// The serial numbers that the simulator's cyclers show unless told otherwise.
bool is_simulators(const std::string& serial) {
  constexpr std::array<std::string_view, 5> known{"1234560001", "1234560002", "800821020000000001", "800821020000000002",
                                                  "MY63000121"};
  return std::find(known.begin(), known.end(), serial) != known.end();
}

bool says_real(const std::string& detail) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(detail, error);
  if (error || !parsed.is_object()) return false;
  const boost::json::value* const word = parsed.as_object().if_contains("simulated");
  return word != nullptr && word->is_bool() && !word->as_bool();
}

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
  const Settings is = settings_of(recorded.parameters_text), should = settings_of(wanted.parameters_text);
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

bool was_simulated(const db::RunInfo& info, const std::vector<db::AuditRow>& audit) {
  if (info.row.time_source != "real" || info.row.instruments.empty()) return true;
  for (const db::InstrumentRow& instrument : info.row.instruments) {
    if (is_of_this_computer(instrument.address) || is_simulators(instrument.serial)) return true;
  }
  const db::AuditRow* request = nullptr;
  for (const db::AuditRow& row : audit) {
    if (row.action == "run requested") request = &row;
    if (row.run == info.run && row.action == "run begun") break;
  }
  return request == nullptr || !says_real(request->detail);
}

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
