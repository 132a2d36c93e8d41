#include "db/migrations.hpp"

#include <array>

namespace cellrig::db {

namespace {

struct Identity {
  std::int64_t application = 0;
  int version = 0;
  bool is_empty = false;
};

Result<Identity> identity(Connection& connection) {
  const Result<std::optional<std::int64_t>> application = connection.query_integer("PRAGMA application_id");
  if (!application) return application.error();
  const Result<std::optional<std::int64_t>> version = connection.query_integer("PRAGMA user_version");
  if (!version) return version.error();
  const Result<std::optional<std::int64_t>> tables = connection.query_integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  return Identity{application->value_or(0), static_cast<int>(version->value_or(0)), tables->value_or(0) == 0};
}

Error newer(const std::string& path, int found, int known) {
  return fail(Fault::refused, path + " was written by a newer cellrig (schema " + std::to_string(found) +
                                  "; this program knows up to " + std::to_string(known) + "): use that program");
}

Error foreign(const std::string& path) {
  return fail(Fault::malformed, path + " is an SQLite database, but not a cellrig record");
}

}  // namespace

std::span<const Migration> migrations() {
  static const std::array<Migration, 1> all{{{1, schema_text()}}};
  return all;
}

int schema_version() { return migrations().back().version; }

Result<void> migrate(Connection& connection, std::span<const Migration> steps, const std::string& path) {
  const Result<Identity> found = identity(connection);
  if (!found) return found.error();
  if (found->application != application_id && !(found->application == 0 && found->is_empty)) return foreign(path);
  if (found->version > steps.back().version) return newer(path, found->version, steps.back().version);
  for (const Migration& step : steps) {
    if (step.version <= found->version) continue;
    // One transaction: a process that dies here leaves the former version whole.
    const std::string sql = "BEGIN IMMEDIATE;\n" + std::string(step.sql) +
                            "\nPRAGMA application_id = " + std::to_string(application_id) +
                            ";\nPRAGMA user_version = " + std::to_string(step.version) + ";\nCOMMIT;";
    const std::string doing = path + ": migrating to schema " + std::to_string(step.version);
    const Result<void> done = connection.execute(sql, doing);
    if (!done) {
      if (sqlite3_get_autocommit(connection.handle()) == 0) {
        (void)connection.execute("ROLLBACK", doing);  // the first error is the one worth telling
      }
      return done.error();
    }
  }
  return {};
}

Result<void> require_schema(Connection& connection, int version, const std::string& path) {
  const Result<Identity> found = identity(connection);
  if (!found) return found.error();
  if (found->application != application_id) {
    if (found->application == 0 && found->is_empty) return fail(Fault::malformed, path + " is empty: no record in it");
    return foreign(path);
  }
  if (found->version > version) return newer(path, found->version, version);
  if (found->version < version) {
    return fail(Fault::refused, path + " has the older schema " + std::to_string(found->version) +
                                    ": open it once for writing, which migrates it");
  }
  return {};
}

}  // namespace cellrig::db
