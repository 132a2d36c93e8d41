#include "db/sqlite.hpp"

#include <cstring>
#include <limits>

namespace cellrig::db {

namespace {

struct Meaning {
  Fault fault;
  std::string_view text;
};

Meaning meaning(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL: return {Fault::device_fault, "the disk, or the space allowed for the record, is full"};
    case SQLITE_IOERR: return {Fault::device_fault, "the disk reports an error"};
    case SQLITE_CORRUPT: return {Fault::malformed, "the database file is damaged"};
    case SQLITE_NOTADB: return {Fault::malformed, "the file is not an SQLite database"};
    case SQLITE_READONLY: return {Fault::refused, "the database cannot be written"};
    case SQLITE_CANTOPEN: return {Fault::refused, "the file cannot be opened"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {Fault::busy, "another program is writing into the database"};
    case SQLITE_NOMEM: return {Fault::device_fault, "out of memory"};
    default: return {Fault::refused, "refused"};
  }
}

void take_row(sqlite3_context* context, int count, sqlite3_value** values) {
  auto* const taker = count > 0 ? static_cast<RowTaker*>(sqlite3_value_pointer(values[0], taker_type)) : nullptr;
  if (taker == nullptr) {
    sqlite3_result_error(context, "take() without its taker", -1);
    return;
  }
  taker->take({values + 1, static_cast<std::size_t>(count) - 1});
}

int define_take(sqlite3* handle) {
  constexpr int any_number = -1;
  const auto nothing = [](sqlite3_context* context) { sqlite3_result_null(context); };
  return sqlite3_create_function_v2(handle, "take", any_number, SQLITE_UTF8 | SQLITE_DIRECTONLY, nullptr, nullptr, take_row,
                                    nothing, nullptr);
}

/// A path inside a file: URI: everything but the harmless characters as %XX.
std::string uri_path(const std::string& path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_harmless =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::strchr("/._-~", c) != nullptr;
    if (is_harmless && c != '\0') {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

int open_handle(const std::string& path, OpenMode mode, sqlite3** handle) {
  constexpr int common = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case OpenMode::write:
      return sqlite3_open_v2(path.c_str(), handle, common | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    case OpenMode::read: return sqlite3_open_v2(path.c_str(), handle, common | SQLITE_OPEN_READONLY, nullptr);
    case OpenMode::immutable:
      return sqlite3_open_v2(("file:" + uri_path(path) + "?immutable=1").c_str(), handle,
                             common | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  }
  return SQLITE_MISUSE;
}

}  // namespace

Error sqlite_error(sqlite3* connection, int code, std::string_view doing) {
  const Meaning m = meaning(code);
  std::string what{doing};
  what += ": ";
  what += m.text;
  what += " (SQLite ";
  what += std::to_string(code);
  what += ": ";
  what += connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  const int system = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  const bool is_io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_FULL;
  if (is_io && system != 0) {
    what += "; ";
    what += std::strerror(system);
  }
  what += ")";
  return fail(m.fault, std::move(what));
}

Result<bool> Statement::step(std::string_view doing) {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    return false;
  }
  Error error = sqlite_error(connection_, code, doing);  // before the reset, which may change the message
  sqlite3_reset(handle_.get());
  return error;
}

Result<void> Statement::run(std::string_view doing) {
  const Result<bool> row = step(doing);
  if (!row) return row.error();
  if (*row) sqlite3_reset(handle_.get());
  return {};
}

double Statement::real_or_nan(int column) const {
  const double value = real(column);  // NULL is 0 to it: of all other values nobody need ask
  return value == 0.0 && is_null(column) ? std::numeric_limits<double>::quiet_NaN() : value;
}

std::string Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(handle_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::span<const std::byte> Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::optional<double> Statement::optional_real(int column) const {
  if (is_null(column)) return std::nullopt;
  return real(column);
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

Result<Connection> Connection::open(const std::string& path, OpenMode mode) {
  sqlite3* handle = nullptr;
  const int code = open_handle(path, mode, &handle);
  Connection connection;
  connection.handle_.reset(handle);  // SQLite hands out a handle even when opening failed
  if (code != SQLITE_OK) return sqlite_error(handle, code, "opening " + path);
  if (const int defined = define_take(handle); defined != SQLITE_OK) return sqlite_error(handle, defined, "opening " + path);
  if (mode != OpenMode::write) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, static_cast<int*>(nullptr));
  }
  constexpr int busy_timeout_ms = 5000;
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  return connection;
}

Result<void> Connection::execute(const std::string& sql, std::string_view doing) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(handle_.get(), code, doing);
  return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    return sqlite_error(handle_.get(), code, "preparing \"" + std::string(sql.substr(0, 60)) + "\"");
  }
  return Statement{handle_.get(), statement};
}

Result<std::optional<std::int64_t>> Connection::query_integer(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = statement->step("reading");
  if (!row) return row.error();
  if (!*row) return std::optional<std::int64_t>{};
  return statement->optional_integer(0);
}

Result<std::string> Connection::query_text(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = statement->step("reading");
  if (!row) return row.error();
  if (!*row) return std::string{};
  return statement->text(0);
}

}  // namespace cellrig::db
