// Columns as wide as their widest cell, for what people read.
#pragma once

#include <string>
#include <vector>

namespace cellrig {

/// One line per row, each row with as many cells as the first.
[[nodiscard]] std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace cellrig
