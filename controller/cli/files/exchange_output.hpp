// What import and the export of a profile share: where their text goes, and how they tell what was lost.
#pragma once

#include <boost/json/array.hpp>
#include <string>

#include "profiles/exchange/loss.hpp"

namespace cellrig::cli {

/// To the file, or to standard output when `path` is empty. ConfigError for a file that exists, unless `overwrite`, and for one
/// that cannot be written.
void write_exchange_text(const std::string& text, const std::string& path, bool overwrite);

/// One line each on standard error; notes are left out when `quiet`.
void print_losses(const LossReport& report, bool quiet);

/// [{severity, word, file, line, column, message}]
[[nodiscard]] boost::json::array losses_json(const LossReport& report);

}  // namespace cellrig::cli
