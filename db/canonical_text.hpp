// Values of a row as text that reads back exactly and that no two different rows share. Private to db/.
#pragma once

#include <string>

#include "db/sqlite.hpp"

namespace cellrig::db {

/// NULL "-", integers and reals in decimal, text "t5:hello", blobs "b2:..": the length stands before the bytes. A negative zero is
/// written as zero: SQLite stores it as the integer 0 or as a REAL, depending on the column.
void append_canonical(std::string& line, sqlite3_stmt* row, int column);

/// Columns from `first` to before `end`, with '|' between them.
void append_canonical_columns(std::string& line, sqlite3_stmt* row, int first, int end);

}  // namespace cellrig::db
