// What the verbs that read a record share: which database, which run.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "db/reader.hpp"

namespace cellrig::cli {

inline constexpr const char* default_database = "cellrig.db";

/// ConfigError when it cannot be read. A note of the reader goes to standard error.
[[nodiscard]] std::unique_ptr<db::Reader> open_record(const std::string& path);

/// The runs asked for: one by number (ConfigError with the nearest number when there is none), or all.
[[nodiscard]] std::vector<db::RunInfo> choose_runs(db::Reader& reader, const std::optional<std::int64_t>& run);

/// The value, or a ConfigError that names the file.
template <class T>
[[nodiscard]] T value_or_throw(Result<T> result, const std::string& path);

[[noreturn]] void throw_record_error(const std::string& path, const Error& error);

template <class T>
T value_or_throw(Result<T> result, const std::string& path) {
  if (!result) throw_record_error(path, result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// "completed"; "completed, SIMULATED": no status is printed without it.
[[nodiscard]] std::string status_text(const db::RunInfo& info);

/// "2026-11-22 14:05:09" (UTC)
[[nodiscard]] std::string utc_text(UtcTime time);

}  // namespace cellrig::cli
