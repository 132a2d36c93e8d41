// A connection and a prepared statement of SQLite, as values that close themselves and report errors as Results.
// Private to db/: nobody else includes sqlite3.h.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "controller/base/result.hpp"

namespace cellrig::db {

inline constexpr const char* taker_type = "cellrig::db::RowTaker";

/// Takes rows inside SQLite: "SELECT take(?1, a, b) FROM t" with bind_taker(1, taker) calls it for each row of t and gives one row, a NULL.
/// Whoever reads many rows of few columns does so in two thirds of the time of a statement's own rows. In which order they come SQLite does
/// not promise: who needs it takes the rowid, too.
class RowTaker {
 public:
  virtual ~RowTaker() = default;
  /// The values behind the first one, valid during the call. It must not throw.
  virtual void take(std::span<sqlite3_value* const> values) noexcept = 0;
};

/// "storing samples: the disk, or the space allowed for the record, is full (SQLite 13: database or disk is full)".
[[nodiscard]] Error sqlite_error(sqlite3* connection, int code, std::string_view doing);

class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* connection, sqlite3_stmt* handle) : connection_(connection), handle_(handle) {}

  void bind(int index, std::nullptr_t) { sqlite3_bind_null(handle_.get(), index); }
  void bind(int index, std::int64_t value) { sqlite3_bind_int64(handle_.get(), index, value); }
  void bind(int index, bool value) { sqlite3_bind_int(handle_.get(), index, value ? 1 : 0); }
  void bind(int index, double value) { sqlite3_bind_double(handle_.get(), index, value); }  ///< NaN is stored as NULL
  void bind(int index, std::string_view value) {
    // A null pointer would be stored as NULL; an empty text is not "unknown".
    sqlite3_bind_text(handle_.get(), index, value.data() != nullptr ? value.data() : "", static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
  }
  void bind(int index, const std::string& value) { bind(index, std::string_view{value}); }
  void bind(int index, std::span<const std::byte> value) {
    if (value.empty()) {
      sqlite3_bind_zeroblob(handle_.get(), index, 0);
    } else {
      sqlite3_bind_blob(handle_.get(), index, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    }
  }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind(index, nullptr);
    }
  }
  /// Binds 1, 2, 3, ... in order.
  template <class... Values>
  void bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
  }

  /// It must outlive the statement's next step.
  void bind_taker(int index, RowTaker& taker) { sqlite3_bind_pointer(handle_.get(), index, &taker, taker_type, nullptr); }

  /// True: a row can be read. False: done. After false or an error the statement is reset and ready for the next binding.
  [[nodiscard]] Result<bool> step(std::string_view doing);
  /// For statements without rows.
  [[nodiscard]] Result<void> run(std::string_view doing);
  /// Ends the read transaction that an unfinished SELECT holds open.
  void reset() { sqlite3_reset(handle_.get()); }

  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  [[nodiscard]] bool boolean(int column) const { return integer(column) != 0; }
  [[nodiscard]] double real(int column) const { return sqlite3_column_double(handle_.get(), column); }
  [[nodiscard]] double real_or_nan(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::span<const std::byte> blob(int column) const;
  [[nodiscard]] std::optional<double> optional_real(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
  [[nodiscard]] sqlite3_stmt* handle() const { return handle_.get(); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  sqlite3* connection_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

enum class OpenMode : unsigned char {
  write,      ///< creates the file when it is missing
  read,       ///< never writes a row, never checkpoints
  immutable,  ///< a file in a place that cannot be written: ignores a write-ahead log beside it
};

/// One thread at a time (opened without SQLite's own mutex).
class Connection {
 public:
  [[nodiscard]] static Result<Connection> open(const std::string& path, OpenMode mode);

  [[nodiscard]] Result<void> execute(const std::string& sql, std::string_view doing);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// The first column of the first row; none when there is no row or it is NULL.
  [[nodiscard]] Result<std::optional<std::int64_t>> query_integer(std::string_view sql);
  [[nodiscard]] Result<std::string> query_text(std::string_view sql);
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace cellrig::db
