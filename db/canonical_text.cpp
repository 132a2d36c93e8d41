#include "db/canonical_text.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace cellrig::db {

namespace {

/// Text keeps its length before it, so that no two different rows can be written alike.
void append_bytes(std::string& line, char kind, std::string_view bytes) {
  line += kind;
  line += std::to_string(bytes.size());
  line += ':';
  line += bytes;
}

}  // namespace

void append_canonical(std::string& line, sqlite3_stmt* row, int column) {
  std::array<char, 32> digits{};
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL: line += '-'; break;
    case SQLITE_INTEGER: {
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), sqlite3_column_int64(row, column));
      line.append(digits.data(), end.ptr);
      break;
    }
    case SQLITE_FLOAT: {
      // + 0.0: a negative zero is stored as the integer 0 or as a REAL, depending on the column.
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), sqlite3_column_double(row, column) + 0.0);
      line.append(digits.data(), end.ptr);
      break;
    }
    default: {
      const char kind = sqlite3_column_type(row, column) == SQLITE_TEXT ? 't' : 'b';
      const void* data = sqlite3_column_blob(row, column);
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
      append_bytes(line, kind, data == nullptr ? std::string_view{} : std::string_view{static_cast<const char*>(data), size});
    }
  }
}

void append_canonical_columns(std::string& line, sqlite3_stmt* row, int first, int end) {
  for (int column = first; column < end; ++column) {
    if (column > first) line += '|';
    append_canonical(line, row, column);
  }
}

}  // namespace cellrig::db
