// Which runs a verb is about: by what they were, or by number, in one database or several.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/reader.hpp"

namespace cellrig::cli {

/// Empty: any. Texts are parts of what they are compared with, whatever their case.
struct RunFilter {
  std::string cell;  ///< the cell's name or the specimen's
  std::string profile;
  std::string channel;  ///< the whole name
  std::string status;   ///< the whole word
  std::string operator_name;
  std::string since, until;  ///< "2026-11-30" or "2026-11-30T14:05": of the start, UTC
  std::size_t limit = 0;     ///< the newest so many; 0: all
};
void add_filter_options(CLI::App& verb, RunFilter& filter);

/// ConfigError for a status that does not exist or a date that is none.
[[nodiscard]] std::vector<db::RunInfo> filtered(std::vector<db::RunInfo> runs, const RunFilter& filter);

/// "3" of this database, or "other.db:3". ConfigError for what is neither.
struct RunAddress {
  std::string database;
  std::int64_t run = 0;
};
[[nodiscard]] RunAddress run_address(const std::string& text, const std::string& database);

/// A run of a database: "3", or "other.db:3".
struct OpenRun {
  std::shared_ptr<db::Reader> reader;
  db::RunInfo info;
  std::string name;  ///< as it was asked for: "3", "other.db:3"
};
/// ConfigError, with the nearest number, for a run that does not exist. Without addresses: those runs of the database that the filter
/// lets through.
[[nodiscard]] std::vector<OpenRun> open_runs(const std::vector<std::string>& addresses, const std::string& database,
                                             const RunFilter& filter);

}  // namespace cellrig::cli
