#include "profiles/drive_table.hpp"

#include <algorithm>

#include "controller/base/config_error.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

constexpr double table_seconds_max = 7.0 * 86400.0;

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

class TableReader {
 public:
  explicit TableReader(const std::string& file) { table_.file = file; }

  void line(std::string_view raw) {
    ++line_;
    const std::string_view text = without_blanks(raw);
    if (text.empty() || text.front() == '#') return;
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos || text.find(',', comma + 1) != std::string_view::npos)
      fail(1, "expected two values with a comma between them, found '" + std::string{text.substr(0, 60)} + "'");
    const std::string_view first = without_blanks(text.substr(0, comma)), second = without_blanks(text.substr(comma + 1));
    if (table_.column.empty()) return header(first, second);
    row(first, second, static_cast<int>(comma) + 2);
  }

  DriveTable take() {
    if (table_.column.empty()) fail(0, "is empty: the first line must be 'time_s,current_A' (or power_W, or rate_C)");
    if (table_.points.size() < 2) fail(0, "needs at least two rows: the last one says when the table ends");
    table_.period = table_.points.back().at;
    table_.points.pop_back();
    table_.lines.pop_back();
    return std::move(table_);
  }

 private:
  [[noreturn]] void fail(int column, const std::string& message) const {
    throw ConfigError{SourcePlace{table_.file, column == 0 ? 0 : line_, column}, message};
  }

  void header(std::string_view first, std::string_view second) {
    if (first != "time_s") fail(1, "the first column must be 'time_s', found '" + std::string{first} + "'");
    const std::vector<std::string> columns{"current_A", "power_W", "rate_C"};
    const std::string column{second};
    if (std::find(columns.begin(), columns.end(), column) == columns.end())
      fail(1, "unknown column '" + column + "'" + suggestion(column, columns));
    table_.column = column;
  }

  void row(std::string_view first, std::string_view second, int second_column) {
    if (table_.points.size() >= course_points_max) fail(1, "more than " + std::to_string(course_points_max) + " rows");
    const double seconds = parse_number(first, SourcePlace{table_.file, line_, 1});
    const double value = parse_number(second, SourcePlace{table_.file, line_, second_column});
    if (table_.points.empty() && seconds != 0.0) fail(1, "the first row must be at 0 s");
    if (!(seconds >= 0.0 && seconds <= table_seconds_max)) fail(1, "a table lasts at most seven days");
    const Duration at = from_seconds(seconds);
    if (!table_.points.empty() && at <= table_.points.back().at) fail(1, "the times must grow from row to row");
    if (!table_.points.empty() && at < table_.points.back().at + std::chrono::milliseconds{100})
      fail(1, "rows less than 0.1 s apart: no cycler follows them");
    table_.points.push_back({at, value});
    table_.lines.push_back(line_);
  }

  DriveTable table_;
  int line_ = 0;
};

}  // namespace

DriveTable read_drive_table(std::string_view text, const std::string& file) {
  TableReader reader{file};
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    reader.line(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return reader.take();
}

}  // namespace cellrig
