#include "controller/cli/run/run_start.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "controller/base/resources.hpp"
#include "controller/cli/run/alarm_memory.hpp"
#include "controller/cli/run/run_session.hpp"
#include "controller/cli/files/settings.hpp"
#include "db/reader.hpp"
#include "drivers/models/model_file.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

std::string how_to_prove(const RunOptions& options, const BenchConfig& bench) {
  std::string command = "cellrig doctor --bench " + bench.file;
  if (!options.ready_file.empty()) command += " --simulator " + options.ready_file;
  for (const std::string& cell : options.cells) command += " --cell " + cell;
  if (options.cells.empty()) command += " --cell FILE";
  return command + " --prove-watchdogs --db " + options.database + " --operator NAME";
}

Result<std::vector<db::ProofRow>> proofs_in(const std::string& database, const InstrumentIdentity& identity) {
  Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  if (!reader) return reader.error();
  return (*reader)->proofs(identity.model, identity.serial, identity.firmware);
}

}  // namespace

void refuse_unacknowledged_trip(const std::string& database, const std::string& channel, const std::string& cell_name,
                                const std::string& cell_id, const std::vector<db::RunKey>& acknowledged) {
  Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  const Result<std::vector<db::RunKey>> trips =
      reader ? (*reader)->unacknowledged_trips(channel, cell_name, cell_id) : Result<std::vector<db::RunKey>>{reader.error()};
  if (!trips) throw ConfigError{SourcePlace{database}, trips.error().what};
  const auto trip = std::find_if(trips->begin(), trips->end(), [&acknowledged](db::RunKey run) {
    return std::find(acknowledged.begin(), acknowledged.end(), run) == acknowledged.end();
  });
  if (trip == trips->end()) return;
  throw ConfigError{
      SourcePlace{database},
      fmt::format("channel {}: a safety trip ended run {} and nobody has acknowledged it. Look at the cell (cellrig "
                  "show {} --db {}), then: cellrig db acknowledge --db {} --run {} --operator NAME --reason TEXT",
                  channel, *trip, *trip, database, database, *trip)};
}

void refuse_unacknowledged_heat(const std::string& database, const std::string& channel) {
  Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  const Result<std::optional<std::string>> heat =
      reader ? (*reader)->unacknowledged_heat(channel) : Result<std::optional<std::string>>{reader.error()};
  if (!heat) throw ConfigError{SourcePlace{database}, heat.error().what};
  if (!*heat) return;
  throw ConfigError{SourcePlace{database},
                    fmt::format("channel {}: {}, while no run was there, and nobody has acknowledged it. Look at the cell, then: "
                                "cellrig db acknowledge --db {} --channel {} --operator NAME --reason TEXT",
                                channel, **heat, database, channel)};
}

void set_start_rules(BenchRunOptions& into, const RunOptions& options, const BenchConfig& bench, const Rig& rig) {
  into.is_simulated = rig.is_simulated();
  into.judge_calibration = rig.time_name() == "real";
  into.firmware_seen = [](const std::string& model) { return load_firmware_seen(find_model(model)); };
  if (options.simulated) return;  // its instruments are new ones each time
  into.proof_rule = rig.is_simulated() && !options.require_proofs ? ProofRule::remark : ProofRule::require;
  into.how_to_prove = how_to_prove(options, bench);
  into.remember_alarms = [database = options.database, &bench](const AlarmWire& wire) {
    return alarm_memory_in(database, bench, wire);
  };
  into.proofs = [database = options.database](const InstrumentIdentity& identity) { return proofs_in(database, identity); };
}

void require_channels_of_expected_charges(const RunOptions& options, const BenchConfig& bench) {
  for (const std::string& text : options.expected_charges) {
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) (void)bench.channel(text.substr(0, equals));
  }
}

std::optional<ExpectedCharge> expected_charge_of(const RunOptions& options, const std::string& channel,
                                                 const std::string& cell_file) {
  const std::string text = choose_for(options.expected_charges, channel, "");
  if (text.empty()) return std::nullopt;
  std::optional<OpenCircuitTable> table = read_open_circuit_table(read_text_file(cell_file), cell_file);
  if (!table) {
    throw ConfigError{SourcePlace{cell_file},
                      "--expect-soc " + text +
                          ": this cell file has no model: tables: open_circuit_voltage_V, so the state of charge is unknown"};
  }
  return parse_expected_charge(text, std::move(*table));
}

}  // namespace cellrig::cli
