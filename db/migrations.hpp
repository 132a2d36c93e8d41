// Brings a database to this program's schema, in numbered steps, or says why it cannot.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "db/sqlite.hpp"

namespace cellrig::db {

/// One numbered step: takes a database from version - 1 to version.
struct Migration {
  int version = 0;
  std::string_view sql;
};

/// "CRIG": written into the file's header, so that a foreign SQLite database is recognised before it is touched.
inline constexpr std::int64_t application_id = 0x43524947;

/// schema.sql, put into the program at build time (embed_text.cmake).
[[nodiscard]] std::string_view schema_text();
[[nodiscard]] std::span<const Migration> migrations();
[[nodiscard]] int schema_version();

/// Each migration is one transaction. Refuses a newer schema and a database that is not ours. `path` is for the messages.
[[nodiscard]] Result<void> migrate(Connection& connection, std::span<const Migration> steps, const std::string& path);

/// For readers, which may not migrate: this program must be able to read it as it is.
[[nodiscard]] Result<void> require_schema(Connection& connection, int version, const std::string& path);

}  // namespace cellrig::db
