#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <ctime>

#include "db/export/bdf.hpp"
#include "db/verify.hpp"

namespace cellrig::db {

namespace {

namespace json = boost::json;

double unix_seconds(UtcTime time) { return static_cast<double>(time.ns_since_epoch) / 1e9; }

/// As BattINFO's enumeration has it.
std::string_view test_status(const RunInfo& run) {
  if (!run.end) return run.status == "running" ? "running" : "aborted";
  return run.end->status == "completed" ? "completed" : "aborted";
}

/// BattINFO's deviation category for our kind of event. What does not fit is "other": better vague than wrong.
std::string_view category(const EventRow& event) {
  const std::string& kind = event.kind;
  const auto has = [&event, &kind](std::string_view word) {
    return kind.find(word) != std::string::npos || event.message.find(word) != std::string::npos;
  };
  if (kind == "deviation") {  // its message begins with the category
    for (const std::string_view word : {"power_outage", "software_error", "operator_intervention", "premature_termination",
                                        "communication_loss", "equipment_failure"}) {
      if (event.message.starts_with(word)) return word;
    }
  }
  if (kind == "stopped") return "operator_intervention";
  if (kind == "divergence") return has("cell_temperature") ? "temperature_excursion" : "out_of_tolerance";
  if (has("link") || has("timeout") || has("no fresh reading")) return "communication_loss";
  if (kind == "instrument") return "equipment_failure";
  if (kind == "step_failed") return "premature_termination";
  if (kind == "trip") return has("temperature") ? "temperature_excursion" : "out_of_tolerance";
  return "other";
}

std::string_view impact(Severity severity) {
  switch (severity) {
    case Severity::info: return "minor";
    case Severity::warning: return "minor";
    case Severity::alarm: return "moderate";
    case Severity::trip: return "major";
  }
  return "moderate";
}

/// The step that ran at this instant, or 0.
std::int64_t step_count_at(const std::vector<StepInfo>& steps, std::int64_t test_time_ns) {
  std::int64_t count = 0;
  for (const StepInfo& step : steps) {
    if (step.row.started_test_time_ns > test_time_ns) break;
    count = step.row.step_count;
  }
  return count;
}

/// What was said of it when it was over; unseen_charge_max_Ah and bounded_by are ours, BattINFO has no word for them.
json::object deviation_record(const DeviationRow& row, const std::vector<StepInfo>& steps) {
  json::object deviation{{"category", row.category},
                         {"description", row.description},
                         {"occurred_at", unix_seconds(row.from_utc)},
                         {"impact", row.unseen_charge_max_Ah.value_or(0) > 0 ? "major" : "moderate"}};
  const std::int64_t step = step_count_at(steps, row.from_test_time_ns);
  if (step > 0) deviation["step_index"] = step;
  if (row.to_utc) deviation["duration_s"] = unix_seconds(*row.to_utc) - unix_seconds(row.from_utc);
  if (row.unseen_charge_max_Ah) deviation["unseen_charge_max_Ah"] = *row.unseen_charge_max_Ah;
  if (!row.bounded_by.empty()) deviation["bounded_by"] = row.bounded_by;
  return deviation;
}

json::array deviations(const std::vector<EventRow>& events, const std::vector<DeviationRow>& recorded,
                       const std::vector<StepInfo>& steps) {
  json::array out;
  for (const DeviationRow& row : recorded) out.push_back(deviation_record(row, steps));
  for (const EventRow& event : events) {
    if (event.severity == Severity::info) continue;
    json::object deviation{{"category", category(event)},
                           {"description", event.message},
                           {"occurred_at", unix_seconds(event.utc)},
                           {"impact", impact(event.severity)}};
    const std::int64_t step = step_count_at(steps, event.test_time_ns);
    if (step > 0) deviation["step_index"] = step;
    out.push_back(std::move(deviation));
  }
  return out;
}

/// Whoever reads the file must not take a simulation, or somebody else's data, for a measurement of this bench.
std::string_view source_type(RunOrigin origin) {
  switch (origin) {
    case RunOrigin::measured: return "measurement";
    case RunOrigin::simulated: return "simulation";
    case RunOrigin::imported: return "import";
  }
  return "simulation";
}

json::object conformance(const RunInfo& run, bool has_deviations) {
  const char* status = !run.end ? "unknown" : has_deviations || run.status != "completed" ? "non-conformant" : "conformant";
  return {{"status", status}};
}

/// "EA PSB 10060"; without a maker no blank in front.
std::string equipment_name(const InstrumentRow& i) { return i.maker.empty() ? i.model : i.maker + " " + i.model; }

json::object test_record(const RunInfo& run, const json::array& deviating, const BdfMetadataOptions& options) {
  const RunRow& row = run.row;
  const std::string id = "run-" + std::to_string(run.run);
  json::object test{{"id", id},
                    {"kind", options.kind},
                    {"name", row.profile_name},
                    {"cell_id", row.cell_id.empty() ? row.cell_name : row.cell_id},
                    {"status", test_status(run)},
                    {"channel_id", row.channel},
                    {"protocol_id", run.profile_sha256},
                    {"protocol_name", row.profile_name},
                    {"started_at", unix_seconds(row.started_at)},
                    {"conformance", conformance(run, !deviating.empty())},
                    {"deviations", deviating}};
  if (run.end) test["ended_at"] = unix_seconds(run.end->ended_at);
  if (!options.data_file.empty()) test["dataset_ids"] = json::array{options.data_file};
  for (const InstrumentRow& instrument : row.instruments) {
    if (instrument.role != "cycler") continue;
    test["equipment_id"] = instrument.serial.empty() ? instrument.name : instrument.serial;
    test["instrument_name"] = equipment_name(instrument);
    break;
  }
  return test;
}

/// In the words of the protocol's record, which knows other sources than the test's.
std::string_view protocol_source_type(RunOrigin origin) { return origin == RunOrigin::measured ? "lab" : source_type(origin); }

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<json::object> protocol_record(const RunInfo& run, UtcTime retrieved, const BdfMetadataOptions& options) {
  const RunRow& row = run.row;
  json::array artifacts;
  const auto add = [&](const char* role, const char* format, const std::string& sha256) {
    if (!is_sha256(sha256)) return;
    artifacts.push_back(json::object{{"role", role},
                                     {"format", format},
                                     {"locator", "run " + std::to_string(run.run) + " of the record"},
                                     {"sha256", sha256}});
  };
  add("source_protocol", "cellrig profile", run.profile_sha256);
  add("executed_protocol", "cellrig program", row.program_hash);
  json::object record{{"schema_version", "1.0.0"},
                      {"test_spec", json::object{{"id", run.profile_sha256}, {"name", row.profile_name}, {"kind", options.kind}}},
                      {"provenance", json::object{{"source_type", protocol_source_type(run.origin)},
                                                  {"retrieved_at", retrieved.ns_since_epoch / 1'000'000'000}}},
                      {"program_hash", row.program_hash},
                      {"parameters", row.parameters_text},
                      {"artifacts", std::move(artifacts)}};
  if (options.protocol.empty()) return record;
  boost::system::error_code error;
  const json::value steps = json::parse(options.protocol, error);
  if (error || !steps.is_object()) return fail(Fault::malformed, "the steps of the protocol are no JSON object");
  for (const char* const key : {"method", "record", "safety", "notes"}) {
    if (steps.as_object().contains(key)) record[key] = steps.at(key);
  }
  return record;
}

json::array equipment_records(const RunRow& row) {
  json::array out;
  for (const InstrumentRow& i : row.instruments) {
    out.push_back(json::object{{"id", i.serial.empty() ? i.name : i.serial},
                               {"equipment_spec_id", equipment_name(i)},
                               {"serial_number", i.serial},
                               {"label", i.name},
                               {"role", i.role},
                               {"firmware", i.firmware},
                               {"status", "active"}});
  }
  return out;
}

/// An integer when the channel's name is a number, as BattINFO wants an index; else 0.
std::int64_t channel_index(const std::string& name) {
  std::int64_t index = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || index > 1'000'000) return 0;
    index = index * 10 + (c - '0');
  }
  return index;
}

}  // namespace

Result<std::string> bdf_metadata(Reader& reader, RunKey key, const BdfMetadataOptions& given) {
  const Result<RunInfo> run = reader.run(key);
  if (!run) return run.error();
  const Result<std::vector<EventRow>> events = reader.events(key);
  if (!events) return events.error();
  const Result<std::vector<StepInfo>> steps = reader.steps(key);
  if (!steps) return steps.error();
  const RunRow& row = run->row;
  BdfMetadataOptions options = given;
  if (options.kind.empty()) {
    const bool has_cycles = std::any_of(steps->begin(), steps->end(), [](const StepInfo& step) { return step.row.in_cycle; });
    options.kind = bdf_kind_of(row, has_cycles);
  }
  UtcTime retrieved = options.exported_at;
  if (retrieved.ns_since_epoch == 0) retrieved = run->end ? run->end->ended_at : row.started_at;
  const Result<std::vector<DeviationRow>> recorded = reader.deviations(key);
  if (!recorded) return recorded.error();
  const Result<Anchor> head = chain_head(reader.path());
  if (!head) return head.error();
  const json::array deviating = deviations(*events, *recorded, *steps);
  Result<json::object> protocol = protocol_record(*run, retrieved, options);
  if (!protocol) return protocol.error();
  json::object test = test_record(*run, deviating, options);
  const json::value equipment_id = test.contains("equipment_id") ? test.at("equipment_id") : json::value("unknown");
  const std::string cell_id = row.cell_id.empty() ? row.cell_name : row.cell_id;
  const json::object document{
      {"schema_version", "1.0.0"},
      {"provenance", json::object{{"source_type", source_type(run->origin)},
                                  {"retrieved_at", unix_seconds(retrieved)},
                                  {"software", "cellrig " + row.software_version},
                                  {"time_source", row.time_source},
                                  {"chain_block", head->block},
                                  {"chain_sha256", head->sha256}}},
      {"test", std::move(test)},
      {"test_protocol", std::move(*protocol)},
      {"cell_instance", json::object{{"id", cell_id},
                                     {"cell_spec_id", row.cell_name},
                                     {"serial_number", row.cell_id},
                                     {"nominal_capacity_Ah", row.nominal_capacity_Ah},
                                     {"cell_spec_sha256", run->cell_sha256}}},
      {"equipment", equipment_records(row)},
      {"channel",
       json::object{
           {"id", row.channel}, {"equipment_id", equipment_id}, {"index", channel_index(row.channel)}, {"label", row.channel}}},
  };
  return json::serialize(document) + "\n";
}

Result<void> export_bdf_metadata(Reader& reader, RunKey run, const BdfMetadataOptions& metadata, const ExportOptions& options) {
  const Result<std::string> text = bdf_metadata(reader, run, metadata);
  if (!text) return text.error();
  Result<TextFile> file = TextFile::create(options);
  if (!file) return file.error();
  file->write(*text);
  return file->finish();
}

}  // namespace cellrig::db
