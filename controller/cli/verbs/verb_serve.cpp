// cellrig serve: holds a bench for clients, until it is told to end.
#include <fmt/format.h>

#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "controller/api/access.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/serve/serve_session.hpp"
#include "controller/cli/verbs.hpp"

namespace cellrig::cli {

/// The password comes from standard input: a command line can be read by others.
ExitCode print_account(const std::string& name, const std::string& role) {
  const std::map<std::string, api::Role> roles{
      {"viewer", api::Role::viewer}, {"operator", api::Role::operates}, {"engineer", api::Role::engineer}};
  const auto known = roles.find(role);
  if (known == roles.end())
    throw ConfigError{SourcePlace{},
                      "--make-account: no role '" + role + "'" + suggestion(role, {"viewer", "operator", "engineer"})};
  std::string password;
  std::getline(std::cin, password);
  if (password.empty()) throw ConfigError{SourcePlace{}, "--make-account: write the password to standard input"};
  fmt::print("{}\n", api::account_line(name, known->second, password));
  return ExitCode::passed;
}

void add_serve(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand(
      "serve", "hold a bench: channels are started, watched and stopped by clients, one by one, while the others go on");
  const auto options = std::make_shared<ServeOptions>();
  verb->add_option("--bench", options->bench, "the bench file; with --simulated one that comes with cellrig will do");
  verb->add_option("--db", options->database, "the database; made when it does not exist");
  verb->add_flag(
      "--simulated", options->simulated,
      "a simulated bench in this process, in real time: no second program, no hardware. Without --bench a run begins on "
      "its first channel");
  verb->add_flag("--idle", options->idle, "with --simulated: nothing begins by itself");
  verb->add_option("--simulator", options->simulator, "the ready file of a running cellrig-sim: use its addresses");
  verb->add_option("--listen", options->listen, "address and port of the HTTP interface; port 0: any free one");
  verb->add_option("--token-file", options->token_file,
                   "who knows what is in it may do everything; made when it does not exist. Default: beside the database");
  verb->add_option("--accounts", options->accounts_file, "who else may sign in, and as what");
  verb->add_option("--tls-certificate", options->certificate_file, "PEM; needed for an address that others can reach");
  verb->add_option("--tls-key", options->key_file, "PEM, of the certificate");
  verb->add_option("--make-account", options->make_account,
                   "NAME and ROLE (viewer, operator, engineer): print a line for the accounts file, the password comes from "
                   "standard input")
      ->expected(2)
      ->type_name("NAME ROLE");
  verb->add_option("--ready-file", options->ready_file, "write this file, JSON, once the bench is open");
  verb->add_option("--cells", options->cells,
                   "a folder of cell files that clients may name; several times; those of cellrig always");
  verb->add_option("--profiles", options->profiles,
                   "a folder of profiles that clients may name; several times; those of cellrig always");
  verb->add_option("--start", options->starts, "on a simulated bench: CHANNEL=PROFILE, as the first client would");
  verb->add_option("--seed", options->seed, "of the simulated bench");
  verb->add_option("--faults", options->fault_file, "a file with orders for faults of the simulated bench, at their instants");
  verb->add_option("--control-period-s", options->control_period_s, "time between measurements with the output on; default 0.1")
      ->check(CLI::Range(0.01, 60.0));
  verb->add_option(
          "--wait-for-cycler-s", options->wait_for_cycler_s,
          "how long to wait, before the bench is open, for a cycler whose run is to go on and that cannot be reached yet, as "
          "after a loss of power")
      ->check(CLI::Range(0.0, 90.0));
  verb->add_option("--disk-reserve-MiB", options->disk_reserve_MiB, "stop, orderly, before less than this is free");
  verb->add_flag("--require-proofs", options->require_proofs, "hold a simulator to the rules of a real bench")->group("");
  verb->add_flag("--quiet", options->quiet, "alarms only");
  verb->callback([options, &chosen] {
    chosen = [options] {
      return options->make_account.empty() ? serve_bench(*options)
                                           : print_account(options->make_account[0], options->make_account[1]);
    };
  });
}

}  // namespace cellrig::cli
