// cellrig: runs test profiles on battery cells.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "controller/base/config_error.hpp"
#include "controller/cli/usage.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/base/version.hpp"

namespace cellrig::cli {
namespace {

ExitCode run_main(int argc, char** argv) {
  CLI::App app{
      "cellrig runs test profiles on battery cells: it drives cyclers and chambers, guards the cell, records every sample.\n"
      "Exit codes: 0 passed, 1 criterion not met, 2 bad usage or input, 3 safety trip, 4 instrument or link failed,\n"
      "5 record not kept, 130/143 stopped by SIGINT/SIGTERM.",
      "cellrig"};
  app.set_version_flag("--version", std::string("cellrig ") + version);
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default();
  Action action;
  add_check(app, action);
  add_rehearse(app, action);
  add_run(app, action);
  add_off(app, action);
  add_serve(app, action);
  add_doctor(app, action);
  add_runs(app, action);
  add_show(app, action);
  add_cycles(app, action);
  add_compare(app, action);
  add_report(app, action);
  add_export(app, action);
  add_import(app, action);
  add_verify(app, action);
  add_db(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    app.exit(help);
    return ExitCode::passed;
  } catch (const CLI::CallForAllHelp& help) {
    app.exit(help);
    return ExitCode::passed;
  } catch (const CLI::CallForVersion& asked) {
    app.exit(asked);
    return ExitCode::passed;
  } catch (const CLI::ParseError& error) {
    report_usage_error(app, error, argc, argv);
    return ExitCode::bad_input;
  }
  return action();
}

}  // namespace
}  // namespace cellrig::cli

int main(int argc, char** argv) {
  // A full disk and a reader of our output that went away are errors to be handled, not reasons to die with current flowing.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return static_cast<int>(cellrig::cli::run_main(argc, argv));
  } catch (const cellrig::ConfigError& error) {
    std::fprintf(stderr, "cellrig: %s\n", error.what());  // does not throw when nobody reads
    return static_cast<int>(cellrig::cli::ExitCode::bad_input);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cellrig: %s\n", error.what());
    return static_cast<int>(cellrig::cli::ExitCode::instrument_failed);
  }
}
