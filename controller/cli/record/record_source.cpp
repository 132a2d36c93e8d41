#include "controller/cli/record/record_source.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <filesystem>

#include "controller/base/config_error.hpp"

namespace cellrig::cli {

std::unique_ptr<db::Reader> open_record(const std::string& path) {
  if (!std::filesystem::exists(path)) throw ConfigError{SourcePlace{path}, "there is no such database"};
  std::unique_ptr<db::Reader> reader = value_or_throw(db::Reader::open(path), path);
  if (!reader->note().empty()) fmt::print(stderr, "cellrig: {}: {}\n", path, reader->note());
  return reader;
}

std::vector<db::RunInfo> choose_runs(db::Reader& reader, const std::optional<std::int64_t>& run) {
  std::vector<db::RunInfo> runs = value_or_throw(reader.runs(), reader.path());
  if (!run) return runs;
  std::vector<std::string> known;
  for (const db::RunInfo& info : runs) {
    if (info.run == *run) return {info};
    known.push_back(std::to_string(info.run));
  }
  throw ConfigError{SourcePlace{reader.path()},
                    "there is no run " + std::to_string(*run) + suggestion(std::to_string(*run), known)};
}

void throw_record_error(const std::string& path, const Error& error) { throw ConfigError{SourcePlace{path}, error.what}; }

std::string status_text(const db::RunInfo& info) {
  const std::string_view mark = db::mark_of(info.origin);
  return mark.empty() ? info.status : fmt::format("{}, {}", info.status, mark);
}

std::string utc_text(UtcTime time) {
  const std::time_t seconds = time.ns_since_epoch / 1'000'000'000;
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(seconds));
}

}  // namespace cellrig::cli
