// Alters a record behind its writer's back, as an SQLite shell would.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "db/sqlite.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db::test {

struct Column {
  std::string name;
  bool is_key = false;
};

struct TableShape {
  std::string name;
  std::vector<Column> columns;
  bool has_rowid = true;
  std::int64_t rows = 0;
};

inline Connection open_to_alter(const std::string& path) {
  Connection connection = must(Connection::open(path, OpenMode::write));
  must(connection.execute("PRAGMA synchronous = OFF", "test"));  // a thousand syncs take long
  return connection;
}

/// Every table of the record with its columns, by SQLite's own word.
inline std::vector<TableShape> tables_of(const std::string& path) {
  Connection connection = open_to_alter(path);
  std::vector<TableShape> tables;
  Statement list =
      must(connection.prepare("SELECT name, sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                              "'sqlite%' ORDER BY name"));
  while (must(list.step("test"))) tables.push_back({list.text(0), {}, !list.boolean(1)});
  for (TableShape& table : tables) {
    Statement info = must(connection.prepare("SELECT name, pk FROM pragma_table_info('" + table.name + "')"));
    while (must(info.step("test"))) table.columns.push_back({info.text(0), info.integer(1) > 0});
    table.rows = must(connection.query_integer("SELECT count(*) FROM " + table.name)).value_or(0);
  }
  return tables;
}

/// "the k-th row of the table", as a condition.
inline std::string row_number(const TableShape& table, std::int64_t k) {
  std::string key = "rowid";
  if (!table.has_rowid) {
    key = "(";
    for (const Column& column : table.columns) {
      if (column.is_key) key += (key.size() > 1 ? ", " : "") + column.name;
    }
    key += ")";
  }
  const std::string bare = key.front() == '(' ? key.substr(1, key.size() - 2) : key;
  return key + " = (SELECT " + bare + " FROM " + table.name + " ORDER BY " + bare + " LIMIT 1 OFFSET " + std::to_string(k) + ")";
}

/// Changes one bit of one value (NULL becomes a value). False: SQLite does not let it be changed, or keeps it as it was.
inline bool flip_bit(Connection& connection, const TableShape& table, const std::string& column, std::int64_t row, unsigned bit) {
  const std::string where = " WHERE " + row_number(table, row);
  std::string update = "UPDATE " + table.name + " SET " + column + " = ?" + where;
  Statement read = must(connection.prepare("SELECT " + column + " FROM " + table.name + where));
  if (!must(read.step("test"))) return false;
  const int type = sqlite3_column_type(read.handle(), 0);
  const std::int64_t integer = read.integer(0);
  const double real = read.real(0);
  std::string bytes =
      type == SQLITE_BLOB ? std::string(reinterpret_cast<const char*>(read.blob(0).data()), read.blob(0).size()) : read.text(0);
  read.reset();
  Statement write = must(connection.prepare(update));
  if (type == SQLITE_NULL) {
    write.bind_all(std::int64_t{1});
  } else if (type == SQLITE_INTEGER) {
    write.bind_all(integer ^ (std::int64_t{1} << (bit % 40)));
  } else if (type == SQLITE_FLOAT) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &real, sizeof bits);
    bits ^= std::uint64_t{1} << (bit % 52);
    double other = 0;
    std::memcpy(&other, &bits, sizeof other);
    write.bind_all(other);
  } else {
    if (bytes.empty())
      bytes = "x";
    else
      bytes[bit / 7 % bytes.size()] = static_cast<char>(bytes[bit / 7 % bytes.size()] ^ (1 << (bit % 5)));
    if (type == SQLITE_BLOB) {
      write.bind_all(std::as_bytes(std::span{bytes.data(), bytes.size()}));
    } else {
      write.bind_all(bytes);
    }
  }
  return write.run("test") && sqlite3_changes(connection.handle()) == 1;
}

}  // namespace cellrig::db::test
