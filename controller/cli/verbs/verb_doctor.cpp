// cellrig doctor: who is there, how quickly they answer, whether protections are held, and whether watchdogs fire.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <boost/json/array.hpp>
#include <csignal>
#include <memory>

#include "controller/base/resources.hpp"
#include "controller/base/text.hpp"
#include "controller/cli/bench/doctor_record.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/run/progress.hpp"
#include "controller/cli/run/run_start.hpp"
#include "controller/cli/bench/rig.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/cli/text/table.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/doctor.hpp"
#include "profiles/cell.hpp"

namespace cellrig::cli {
namespace {

struct DoctorVerbOptions {
  std::string bench;
  std::vector<std::string> channels;
  std::vector<std::string> cells;
  std::string time;
  std::string ready_file;
  std::string database;
  std::string operator_name;
  std::uint64_t seed = 1;
  bool simulated = false;
  bool prove_watchdogs = false;
  bool acknowledge_trips = false;
  bool json = false;
  bool quiet = false;
};

std::string_view word_of(DoctorVerdict verdict) {
  switch (verdict) {
    case DoctorVerdict::good: return "good";
    case DoctorVerdict::notice: return "notice";
    case DoctorVerdict::failed: return "FAILED";
    case DoctorVerdict::not_done: return "not done";
  }
  return "";
}

std::vector<std::string> channels_of(const DoctorVerbOptions& options, const BenchConfig& bench) {
  std::vector<std::string> channels = options.channels;
  for (const std::string& name : channels) (void)bench.channel(name);
  if (channels.empty()) {
    for (const ChannelConfig& channel : bench.channels) channels.push_back(channel.name);
  }
  return channels;
}

/// Whose instruments are made. While a cycler on a serial line is not spoken to, the other units of its line are, also those of channels
/// that nobody named. Making them sends nothing.
std::vector<std::string> channels_to_make(const std::vector<std::string>& channels, const BenchConfig& bench) {
  const bool any_on_a_line = std::any_of(channels.begin(), channels.end(), [&bench](const std::string& name) {
    return !serial_lines_of(bench.instruments.at(bench.channel(name).cycler)).empty();
  });
  return any_on_a_line ? std::vector<std::string>{} : channels;
}

DoctorCells read_cells(const DoctorVerbOptions& options, const std::vector<std::string>& channels) {
  DoctorCells cells;
  for (const std::string& name : channels) {
    const std::string file = choose_for(options.cells, name, "");
    if (file.empty()) continue;
    const Cell cell = read_cell_file(find_cell(file));
    cells.limits[name] = cell.limits;
    cells.capacities[name] = cell.nominal_capacity;
    if (cell.pressed_area_cm2) cells.pressed_areas_cm2[name] = *cell.pressed_area_cm2;
  }
  return cells;
}

DoctorOptions doctor_options(const DoctorVerbOptions& options, const std::vector<std::string>& channels, bool simulated) {
  DoctorOptions chosen{.prove_watchdogs = options.prove_watchdogs,
                       .acknowledge_trips = options.acknowledge_trips,
                       .keeps_record = !options.database.empty(),
                       .take_leases = !simulated,
                       .lease_directory = Lease::default_directory()};
  chosen.read_cells = [&options, channels] { return read_cells(options, channels); };
  const bool all_known = std::none_of(channels.begin(), channels.end(), [&options](const std::string& name) {
    return choose_for(options.cells, name, "").empty();
  });
  if (options.prove_watchdogs && !all_known) {
    throw ConfigError{SourcePlace{},
                      "--prove-watchdogs lets current flow: give --cell FILE, or --cell CHANNEL=FILE for each channel"};
  }
  return chosen;
}

/// Runs on this bench rely on what the record says, so that it has to be kept, and in somebody's name.
void require_record(const DoctorVerbOptions& options) {
  if (options.acknowledge_trips && is_blank(options.operator_name))
    throw ConfigError{SourcePlace{}, "--acknowledge needs --operator NAME: who has seen why they tripped?"};
  if (options.database.empty()) {
    if (options.acknowledge_trips && !options.simulated)
      throw ConfigError{SourcePlace{}, "--acknowledge needs --db FILE: what was latched, and who cleared it, is kept"};
    if (options.prove_watchdogs && !options.simulated)
      throw ConfigError{SourcePlace{},
                        "--prove-watchdogs needs --db FILE --operator NAME: `run` starts only with watchdogs that "
                        "this database has seen fire"};
    if (!options.operator_name.empty() && !options.acknowledge_trips)
      throw ConfigError{SourcePlace{}, "--operator belongs to --db FILE"};
    return;
  }
  if (!options.prove_watchdogs && !options.acknowledge_trips)
    throw ConfigError{SourcePlace{}, "--db keeps what --prove-watchdogs and --acknowledge do: give one of them"};
  if (is_blank(options.operator_name)) throw ConfigError{SourcePlace{}, "--db needs --operator NAME: who does this?"};
}

/// In a trial current flows: never through a cell whose trip nobody has looked at.
void require_acknowledged(const DoctorVerbOptions& options, const std::vector<std::string>& channels) {
  if (!options.prove_watchdogs || options.database.empty() || options.simulated) return;
  for (const std::string& channel : channels) {
    refuse_unacknowledged_trip(options.database, channel, "", "");
    refuse_unacknowledged_heat(options.database, channel);
  }
}

void print_table(const Doctor& doctor) {
  Table table{{"who", "what", "verdict", "found"}};
  for (const DoctorCheck& check : doctor.checks())
    table.add({check.instrument, check.what, std::string(word_of(check.verdict)), check.text});
  fmt::print("{}", table.text());
}

void print_document(const Doctor& doctor, const BenchConfig& bench, const Rig& rig, ExitCode code) {
  boost::json::array checks, trips, proofs;
  for (const DoctorCheck& c : doctor.checks()) {
    checks.push_back(
        boost::json::object{{"instrument", c.instrument}, {"what", c.what}, {"verdict", word_of(c.verdict)}, {"text", c.text}});
  }
  for (const RoundTrips& t : doctor.round_trips()) {
    trips.push_back(boost::json::object{{"instrument", t.instrument},
                                        {"count", t.count},
                                        {"failed", t.failed},
                                        {"shortest_s", to_seconds(t.shortest)},
                                        {"median_s", to_seconds(t.median)},
                                        {"longest_s", to_seconds(t.longest)}});
  }
  for (const WatchdogProof& p : doctor.proofs()) {
    proofs.push_back(boost::json::object{{"channel", p.channel},
                                         {"instrument", p.instrument},
                                         {"model", p.identity.model},
                                         {"serial", p.identity.serial},
                                         {"firmware", p.identity.firmware},
                                         {"delay_s", to_seconds(p.delay)},
                                         {"silence_s", to_seconds(p.silence)},
                                         {"fed_by_measuring", p.fed_by_measuring},
                                         {"off_within_s", to_seconds(p.off_within)},
                                         {"fired", p.fired}});
  }
  print_json({{"bench", bench.name},
              {"simulated", rig.is_simulated()},
              {"exit_code", static_cast<int>(code)},
              {"checks", std::move(checks)},
              {"round_trips", std::move(trips)},
              {"watchdogs", std::move(proofs)}});
}

/// The first signal ends what is under way; the outputs are switched off before the program ends.
class Signals {
 public:
  Signals(TimeSource& time, Doctor& doctor) : set_{time.context(), SIGINT, SIGTERM, SIGHUP}, doctor_{doctor} { wait(); }
  [[nodiscard]] int caught() const { return caught_; }

 private:
  void wait() {
    set_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      caught_ = number;
      doctor_.stop();
      wait();
    });
  }
  boost::asio::signal_set set_;
  Doctor& doctor_;
  int caught_ = 0;
};

ExitCode code_of(const Doctor& doctor, const DoctorRecord& record, int signal) {
  // An output that may be on comes first.
  if (!record.failure().empty() && !doctor.failed_to_switch_off()) return ExitCode::record_failed;
  if (doctor.found_failure()) return ExitCode::instrument_failed;
  if (signal == SIGINT) return ExitCode::interrupted;
  return signal != 0 ? ExitCode::terminated : ExitCode::passed;
}

/// Something failed and the doctor's tasks are gone, with whatever they were doing to an output. New connections, OFF, and only then
/// the message about what it was.
void switch_off_after_failure(Doctor& doctor, const BenchConfig& bench, BenchInstruments& instruments, Rig& rig,
                              Progress& progress) noexcept {
  try {
    doctor.abandon();
    if (doctor.ours().empty()) return;
    instruments = make_instruments(rig.time(), bench, doctor.ours(), rig.links());
    BenchOff off{rig.time(), bench, instruments, progress, BenchOffOptions{.channel = ChannelOptions{}, .take_leases = false}};
    run_to_end(rig.time(), off.run(doctor.ours(), std::vector<std::string>{}));
    for (const std::string& problem : off.problems()) progress.message("cellrig", db::Severity::alarm, problem);
  } catch (const std::exception& error) {
    progress.message("cellrig", db::Severity::alarm, std::string("OFF after a failure: ") + error.what());
  }
}

ExitCode run_doctor(const DoctorVerbOptions& options) {
  require_record(options);
  BenchConfig bench = load_bench(find_bench(options.bench));
  const std::unique_ptr<Rig> rig = make_rig(RigChoice{options.time, options.ready_file, options.simulated, options.seed}, bench);
  const std::vector<std::string> channels = channels_of(options, bench);
  DoctorOptions chosen = doctor_options(options, channels, options.simulated);
  DoctorRecord record{rig->time(), DoctorRecordOptions{.database = options.database,
                                                       .operator_name = options.operator_name,
                                                       .bench = bench.name,
                                                       .is_simulated = rig->is_simulated(),
                                                       .is_real_time = rig->time_name() == "real"}};
  Progress progress{options.quiet};
  Doctor* doctor_here = nullptr;
  bool was_kept = false;
  const auto keep_what_was_found = [&] {
    was_kept = true;
    const FoundOutputs found{
        &bench, options.database, rig->time_name(), doctor_here->found(), doctor_here->maybe_on(), rig->time().utc_now()};
    if (found.are_news() && !options.simulated) record.keep(found, progress);
  };
  chosen.after_off = [&] {
    const Result<void> opened = record.open();
    was_kept = true;                    // or cannot be: said once
    if (opened) keep_what_was_found();  // before anything is refused: nobody can see it any more
    if (opened) require_acknowledged(options, channels);
    return opened;
  };
  BenchInstruments instruments = make_instruments(rig->time(), bench, channels_to_make(channels, bench), rig->links());
  Doctor doctor{rig->time(), bench, instruments, progress, chosen};
  doctor_here = &doctor;
  ExitCode code = ExitCode::passed;
  {
    const Signals signals{rig->time(), doctor};
    try {
      run_to_end(rig->time(), doctor.run(channels));
    } catch (...) {
      switch_off_after_failure(doctor, bench, instruments, *rig, progress);
      if (!was_kept && record.open()) keep_what_was_found();
      record.write(doctor);
      throw;
    }
    if (!was_kept && record.open()) keep_what_was_found();  // an OFF that failed ended it before the database was opened
    record.write(doctor);
    code = code_of(doctor, record, signals.caught());
  }
  if (!record.failure().empty()) fmt::print(stderr, "cellrig: {}: {}\n", options.database, record.failure());
  if (options.json) {
    print_document(doctor, bench, *rig, code);
  } else {
    print_table(doctor);
    if (rig->is_simulated()) fmt::print("SIMULATED bench: this says nothing about real instruments\n");
  }
  return code;
}

}  // namespace

void add_doctor(CLI::App& app, Action& chosen) {
  CLI::App* const verb =
      app.add_subcommand("doctor", "look at every instrument of a bench: identity, round trips, protections, watchdogs");
  const auto options = std::make_shared<DoctorVerbOptions>();
  verb->add_option("--bench", options->bench, "the bench file")->required();
  verb->add_option("--channel", options->channels, "only these channels; default all");
  verb->add_option(
      "--cell", options->cells,
      "the cell that is connected, for all channels, or CHANNEL=CELL: also programs protections and reads them back");
  verb->add_flag(
      "--prove-watchdogs", options->prove_watchdogs,
      "also let a small current flow out of each cell, keep silent, and see the watchdog end it (about 15 s a channel)");
  verb->add_flag("--acknowledge", options->acknowledge_trips,
                 "clear what the cyclers' own protections and watchdogs have latched, silence the siren, and let the next start "
                 "switch exhausts and fans off: you have seen why they tripped; needs --db and --operator");
  verb->add_option("--db", options->database,
                   "the database that remembers what watchdogs were seen to do, and who cleared what; needed with "
                   "--prove-watchdogs and --acknowledge");
  verb->add_option("--operator", options->operator_name, "who does this; needed with --db");
  verb->add_option("--simulator", options->ready_file, "the ready file of a running cellrig-sim: use its addresses");
  verb->add_flag("--simulated", options->simulated, "a simulated bench in this process");
  verb->add_option("--time", options->time, "real, lockstep or virtual; default: real, virtual with --simulated")
      ->check(CLI::IsMember({"real", "lockstep", "virtual"}));
  verb->add_option("--seed", options->seed, "of the simulated bench");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--quiet", options->quiet, "no progress; alarms are still shown");
  verb->callback([options, &chosen] { chosen = [options] { return run_doctor(*options); }; });
}

}  // namespace cellrig::cli
