#pragma once

#include <CLI/CLI.hpp>

namespace cellrig::cli {

/// "cellrig: unknown option '--bensh', did you mean '--bench'?" on standard error.
void report_usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv);

}  // namespace cellrig::cli
