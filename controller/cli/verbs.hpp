// The verbs of cellrig, one file each. A verb adds its options to the parser and returns what runs it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "controller/cli/exit_code.hpp"

namespace cellrig::cli {

using Action = std::function<ExitCode()>;

/// Each registers a subcommand of `app`; the action is stored in `chosen` when the command line names the verb.
void add_check(CLI::App& app, Action& chosen);
void add_rehearse(CLI::App& app, Action& chosen);
void add_run(CLI::App& app, Action& chosen);
void add_off(CLI::App& app, Action& chosen);
void add_serve(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);
void add_runs(CLI::App& app, Action& chosen);
void add_show(CLI::App& app, Action& chosen);
void add_cycles(CLI::App& app, Action& chosen);
void add_compare(CLI::App& app, Action& chosen);
void add_report(CLI::App& app, Action& chosen);
void add_export(CLI::App& app, Action& chosen);
void add_import(CLI::App& app, Action& chosen);
void add_db(CLI::App& app, Action& chosen);
void add_verify(CLI::App& app, Action& chosen);

}  // namespace cellrig::cli
