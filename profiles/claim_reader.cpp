#include <algorithm>

#include "profiles/claim.hpp"
#include "profiles/claim_parts.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

const std::vector<std::string>& levels() {
  static const std::vector<std::string> words{"cell", "pack", "vehicle", "programme"};
  return words;
}

std::vector<std::string> read_sources(const YamlEntry& entry) {
  std::vector<std::string> sources;
  if (!entry.value.is_sequence()) return {claim_text(entry)};
  for (const YamlNode& line : entry.value.items()) sources.push_back(as_text(line, entry.key));
  if (sources.empty()) throw ConfigError{entry.place, "'source' is empty: who said it, and where?"};
  return sources;
}

ClaimRun read_run(const YamlEntry& entry) {
  const YamlMap map{
      entry.value, "run '" + entry.key + "'", {"profile", "cell", "channel", "bench", "start_soc_pct", "set", "short"}};
  ClaimRun run;
  run.name = entry.key;
  run.place = entry.place;
  run.profile = claim_text(map.required("profile"));
  run.cell = claim_text(map.required("cell"));
  run.channel = map.text_or("channel", "");
  run.bench = map.text_or("bench", "");
  if (const YamlEntry* const soc = map.find("start_soc_pct")) {
    run.start_soc_pct = as_number(soc->value, "start_soc_pct");
    if (!(*run.start_soc_pct >= 0.0 && *run.start_soc_pct <= 100.0))
      throw ConfigError{soc->value.place(), "'start_soc_pct' is 0 to 100"};
  }
  if (const YamlEntry* const set = map.find("set")) run.settings = claim_settings(*set);
  if (const YamlEntry* const shortened = map.find("short")) run.short_settings = claim_settings(*shortened);
  return run;
}

void require_known_runs(const Claim& claim) {
  std::vector<std::string> known;
  for (const ClaimRun& run : claim.runs) known.push_back(run.name);
  for (const ClaimStatement& statement : claim.statements) {
    for (const std::string* const name : {&statement.run, &statement.against, &statement.cold}) {
      if (!name->empty() && claim.run(*name) == nullptr)
        throw ConfigError{statement.place,
                          "statement '" + statement.id + "': unknown run '" + *name + "'" + suggestion(*name, known)};
    }
  }
}

}  // namespace

const std::string& claim_text(const YamlEntry& entry) {
  const std::string& text = as_text(entry.value, entry.key);
  if (text.empty()) throw ConfigError{entry.value.place(), "'" + entry.key + "' is empty"};
  if (text.size() > claim_text_length_max)
    throw ConfigError{entry.value.place(),
                      "'" + entry.key + "' has more than " + std::to_string(claim_text_length_max) + " characters"};
  return text;
}

std::map<std::string, std::string> claim_settings(const YamlEntry& entry) {
  if (!entry.value.is_map()) throw ConfigError{entry.place, "'" + entry.key + "' is a map: parameter: value"};
  std::map<std::string, std::string> settings;
  for (const YamlEntry& setting : entry.value.entries()) settings[setting.key] = as_text(setting.value, setting.key);
  return settings;
}

const ClaimRun* Claim::run(std::string_view run_name) const {
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const ClaimRun& r) { return r.name == run_name; });
  return found == runs.end() ? nullptr : &*found;
}

Claim read_claim(std::string_view text, const std::string& file) {
  const YamlNode root = read_yaml(text, file);
  const YamlMap map{root,
                    "claim",
                    {"claim", "format", "by", "level", "source", "date", "description", "bench", "cells", "conditions", "chosen",
                     "runs", "statements"}};
  const YamlEntry& format = map.required("format");
  if (as_integer(format.value, "format") != claim_format)
    throw ConfigError{format.value.place(), "format " + std::to_string(claim_format) + " is the only one there is"};
  Claim claim;
  claim.file = file;
  claim.name = std::filesystem::path{file}.stem().string();
  claim.title = claim_text(map.required("claim"));
  claim.by = claim_text(map.required("by"));
  claim.level = claim_word(map.required("level"), levels());
  claim.sources = read_sources(map.required("source"));
  claim.date = claim_text(map.required("date"));
  claim.description = claim_text(map.required("description"));
  claim.bench = map.text_or("bench", "claims");
  const std::int64_t cells = map.integer_or("cells", 1);
  if (cells < 1 || cells > claim_cells_max)
    throw ConfigError{map.required("cells").value.place(), "'cells' is 1 to " + std::to_string(claim_cells_max)};
  claim.cells = static_cast<int>(cells);
  if (const YamlEntry* const runs = map.find("runs")) {
    if (!runs->value.is_map()) throw ConfigError{runs->place, "'runs' is a map: a name for each"};
    if (runs->value.entries().size() > claim_runs_max)
      throw ConfigError{runs->place, "more than " + std::to_string(claim_runs_max) + " runs"};
    for (const YamlEntry& run : runs->value.entries()) claim.runs.push_back(read_run(run));
  }
  const YamlEntry& statements = map.required("statements");
  if (!statements.value.is_map() || statements.value.entries().empty())
    throw ConfigError{statements.place, "'statements' is a map: a name for each, at least one"};
  if (statements.value.entries().size() > claim_statements_max)
    throw ConfigError{statements.place, "more than " + std::to_string(claim_statements_max) + " statements"};
  const ClaimCircumstances common{map.find("conditions"), map.find("chosen")};
  for (const YamlEntry& statement : statements.value.entries())
    claim.statements.push_back(read_claim_statement(statement, common));
  require_known_runs(claim);
  return claim;
}

Claim read_claim_file(const std::filesystem::path& path) { return read_claim(read_text_file(path), path.string()); }

}  // namespace cellrig
