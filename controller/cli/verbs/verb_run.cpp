// cellrig run: profiles on the channels of a bench, in the foreground.
#include <memory>

#include "controller/cli/run/run_session.hpp"
#include "controller/cli/verbs.hpp"

namespace cellrig::cli {

void add_run(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("run", "run profiles on the channels of a bench, in the foreground");
  const auto options = std::make_shared<RunOptions>();
  verb->add_option("profile", options->profile, "a profile file, or the name of one that comes with cellrig");
  verb->add_option("--bench", options->bench, "the bench file; with --simulated one that comes with cellrig will do");
  verb->add_option("--channel", options->channels,
                   "NAME, or NAME=PROFILE for a profile of its own; may be given several times. Default: the first channel");
  verb->add_option("--cell", options->cells,
                   "the cell file or name, for all channels, or CHANNEL=CELL; default on a simulated bench: the cell it holds");
  verb->add_option("--cell-id", options->cell_ids, "serial number of the cell, or CHANNEL=ID");
  verb->add_option("--expect-soc", options->expected_charges,
                   "the state of charge the cell should have, in percent: 40..60, 50, or CHANNEL=40..60; another one is refused");
  verb->add_option("--set", options->settings, "parameter=value, or CHANNEL:parameter=value; may be given several times");
  verb->add_option("--db", options->database, "the database; made when it does not exist");
  verb->add_option_function<std::string>(
          "--resume", [options](const std::string& runs) { options->resume = runs == "{}" ? "" : runs; },
          "go on with run RUN of the database (several: 3,4), or with the last one of each --channel. What was tested comes from "
          "the "
          "record")
      ->expected(0, 1)
      ->type_name("RUN");
  verb->add_option("--resume-by", options->resume_by,
                   "how to go on in the step that was interrupted; default: as the profile says")
      ->check(CLI::IsMember({"resume", "redo_step", "skip_step", "stop"}));
  verb->add_option(
      "--accept-changed", options->accept_changed,
      "go on although cycler, channel or cell label are not those the run began with; the reason goes into the record");
  verb->add_option(
          "--without-rehearsal", options->without_rehearsal,
          "start on a real bench although the profile trips in a rehearsal on the cell's model, or without one; the reason "
          "goes into the record")
      ->type_name("REASON");
  verb->add_flag("--expect", options->expect,
                 "on a simulated bench: rehearse first, on the cell as its file says it, and watch for divergences from that; "
                 "on a real bench this is always done");
  verb->add_option("--wait-for-cycler-s", options->wait_for_cycler_s,
                   "with --resume: how long to wait for a cycler that cannot be reached yet, as after a loss of power; default "
                   "60, 0: not at all")
      ->check(CLI::Range(0.0, 600.0));
  verb->add_option("--operator", options->operator_name, "who runs this; default: the login name");
  verb->add_option("--time", options->time, "real, lockstep or virtual; default: real, virtual with --simulated")
      ->check(CLI::IsMember({"real", "lockstep", "virtual"}));
  verb->add_flag("--simulated", options->simulated, "a simulated bench in this process: no second program, no hardware");
  verb->add_option("--simulator", options->ready_file, "the ready file of a running cellrig-sim: use its addresses");
  verb->add_option("--seed", options->seed, "of the simulated bench");
  verb->add_option("--faults", options->fault_file, "a file with orders for faults of the simulated bench, at their instants");
  verb->add_option("--control-period-s", options->control_period_s,
                   "time between measurements with the output on; default 0.1 real, 1 otherwise")
      ->check(CLI::Range(0.01, 60.0));
  verb->add_option("--disk-reserve-MiB", options->disk_reserve_MiB, "stop, orderly, before less than this is free");
  // For tests: the group without a name is not shown by --help.
  verb->add_flag("--require-proofs", options->require_proofs, "hold a simulator to the rules of a real bench")->group("");
  verb->add_flag("--json", options->json, "one JSON document on standard output at the end");
  verb->add_flag("--quiet", options->quiet, "no progress; alarms are still shown");
  verb->callback([options, &chosen] { chosen = [options] { return run_profiles(*options); }; });
}

}  // namespace cellrig::cli
