#include "controller/cli/record/run_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <map>

#include "controller/base/config_error.hpp"
#include "controller/cli/record/record_source.hpp"

namespace cellrig::cli {
namespace {

const std::vector<std::string> run_statuses{"running", "interrupted",        "completed",      "failed",  "tripped",
                                            "stopped", "instrument failure", "record failure", "imported"};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_part_of(const std::string& part, const std::string& whole) { return lower(whole).find(lower(part)) != std::string::npos; }

/// Nanoseconds since 1970 of "2026-11-30" or "2026-11-30T14:05" (or with a blank for the T).
std::int64_t utc_ns_of_text(const std::string& text, const char* option) {
  std::tm utc{};
  int read = 0;
  const int fields = std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &read);
  bool is_good = fields == 3 && read == 10;
  if (is_good && text.size() > 10) {
    int more = 0;
    is_good = (text[10] == 'T' || text[10] == ' ') &&
              std::sscanf(text.c_str() + 11, "%2d:%2d%n", &utc.tm_hour, &utc.tm_min, &more) == 2 && more == 5 &&
              text.size() == 16;
  }
  is_good = is_good && utc.tm_mon >= 1 && utc.tm_mon <= 12 && utc.tm_mday >= 1 && utc.tm_mday <= 31 && utc.tm_hour < 24 &&
            utc.tm_min < 60;
  if (!is_good)
    throw ConfigError{SourcePlace{}, fmt::format("{}: '{}' is no date such as 2026-11-30 or 2026-11-30T14:05", option, text)};
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  return static_cast<std::int64_t>(timegm(&utc)) * 1'000'000'000;
}

std::int64_t addressed_number(const std::string& text) {
  std::int64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) {
    throw ConfigError{SourcePlace{},
                      fmt::format("'{}' is no run: give a number, or FILE:NUMBER for one of another database", text)};
  }
  return number;
}

}  // namespace

void add_filter_options(CLI::App& verb, RunFilter& filter) {
  verb.add_option("--cell", filter.cell, "only cells whose name or specimen contains this");
  verb.add_option("--profile", filter.profile, "only profiles whose name contains this");
  verb.add_option("--channel", filter.channel, "only this channel");
  verb.add_option("--status", filter.status, "only runs with this status: running, interrupted, completed, failed, tripped, ...");
  verb.add_option("--operator", filter.operator_name, "only operators whose name contains this");
  verb.add_option("--since", filter.since, "only runs that started then or later: 2026-11-30, 2026-11-30T14:05 (UTC)");
  verb.add_option("--until", filter.until, "only runs that started before this");
  verb.add_option("--limit", filter.limit, "only the newest so many; 0: all");
}

std::vector<db::RunInfo> filtered(std::vector<db::RunInfo> runs, const RunFilter& filter) {
  if (!filter.status.empty() && std::find(run_statuses.begin(), run_statuses.end(), filter.status) == run_statuses.end()) {
    throw ConfigError{SourcePlace{},
                      "--status: there is no status '" + filter.status + "'" + suggestion(filter.status, run_statuses)};
  }
  std::optional<std::int64_t> since, until;
  if (!filter.since.empty()) since = utc_ns_of_text(filter.since, "--since");
  if (!filter.until.empty()) until = utc_ns_of_text(filter.until, "--until");
  std::erase_if(runs, [&](const db::RunInfo& info) {
    const db::RunRow& row = info.row;
    const bool is_cell = is_part_of(filter.cell, row.cell_name) || is_part_of(filter.cell, row.cell_id);
    const bool is_in_time =
        (!since || row.started_at.ns_since_epoch >= *since) && (!until || row.started_at.ns_since_epoch < *until);
    return !is_cell || !is_in_time || !is_part_of(filter.profile, row.profile_name) ||
           !is_part_of(filter.operator_name, row.operator_name) || (!filter.channel.empty() && row.channel != filter.channel) ||
           (!filter.status.empty() && info.status != filter.status);
  });
  if (filter.limit > 0 && runs.size() > filter.limit) {
    runs.erase(runs.begin(), runs.end() - static_cast<std::ptrdiff_t>(filter.limit));
  }
  return runs;
}

RunAddress run_address(const std::string& text, const std::string& database) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {database, addressed_number(text)};
  if (colon == 0) (void)addressed_number(text);  // no file: refused
  return {text.substr(0, colon), addressed_number(text.substr(colon + 1))};
}

std::vector<OpenRun> open_runs(const std::vector<std::string>& addresses, const std::string& database, const RunFilter& filter) {
  std::map<std::string, std::shared_ptr<db::Reader>> readers;
  const auto reader_of = [&readers](const std::string& path) {
    std::shared_ptr<db::Reader>& reader = readers[path];
    if (reader == nullptr) reader = open_record(path);
    return reader;
  };
  std::vector<OpenRun> out;
  if (addresses.empty()) {
    const std::shared_ptr<db::Reader> reader = reader_of(database);
    for (db::RunInfo& info : filtered(choose_runs(*reader, std::nullopt), filter)) {
      const std::string name = std::to_string(info.run);
      out.push_back({reader, std::move(info), name});
    }
    return out;
  }
  for (const std::string& address : addresses) {
    const RunAddress parsed = run_address(address, database);
    const std::shared_ptr<db::Reader> reader = reader_of(parsed.database);
    out.push_back({reader, choose_runs(*reader, parsed.run).front(), address});
  }
  return out;
}

}  // namespace cellrig::cli
