// A plain text table: columns as wide as their widest cell, numbers to the right.
#pragma once

#include <string>
#include <vector>

namespace cellrig::cli {

class Table {
 public:
  /// A heading that starts with '>' makes a column of numbers: aligned to the right.
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool empty() const { return rows_.empty(); }

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// "3:25:07" from seconds.
[[nodiscard]] std::string clock_text(double seconds);

}  // namespace cellrig::cli
