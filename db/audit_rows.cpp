#include "db/audit_rows.hpp"

#include <array>
#include <cstdio>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "db/sha256.hpp"

namespace cellrig::db {

namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escaped.data();
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string object(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  std::string out = "{";
  for (const auto& [name, value] : members) {
    if (out.size() > 1) out += ',';
    append_quoted(out, name);
    out += ':';
    append_quoted(out, value);
  }
  return out + "}";
}

std::string seconds_text(Duration duration) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", to_seconds(duration));
  return text.data();
}

}  // namespace

AuditRow audit_of_begin(RunKey run, const RunRow& row) {
  AuditRow audit;
  audit.utc = row.started_at;
  audit.run = run;
  audit.operator_name = row.operator_name;
  audit.origin = row.host;
  audit.verb = "run";
  audit.action = "run begun";
  audit.detail = object({{"channel", row.channel},
                         {"cell", row.cell_name},
                         {"cell_id", row.cell_id},
                         {"cell_sha256", sha256_hex(row.cell_text)},
                         {"profile", row.profile_name},
                         {"profile_sha256", sha256_hex(row.profile_text)},
                         {"program_hash", row.program_hash},
                         {"parameters", row.parameters_text},
                         {"bench_sha256", sha256_hex(row.bench_text)},
                         {"time_source", row.time_source}});
  return audit;
}

AuditRow audit_of_end(const RunEndRow& end, const Actor& actor) {
  AuditRow audit{
      .utc = end.ended_at, .run = end.run, .operator_name = actor.operator_name, .origin = actor.origin, .verb = "run"};
  audit.action = "run ended";
  audit.reason = end.reason;
  audit.detail = object({{"status", end.status}, {"criteria", end.criteria_met ? "met" : "not met"}});
  return audit;
}

std::optional<AuditRow> audit_of_event(const EventRow& event, const Actor& actor) {
  const bool is_trip = event.severity == Severity::trip;
  const bool is_heat = event.kind == heat_after_end_event;
  if (!is_trip && !is_heat && event.kind != "stop") return std::nullopt;
  AuditRow audit{.utc = event.utc, .run = event.run, .operator_name = actor.operator_name, .origin = actor.origin, .verb = "run"};
  audit.action = is_trip ? "trip" : event.kind;
  audit.reason = event.message;
  audit.detail = "{}";
  return audit;
}

AuditRow audit_of_acknowledgement(const AcknowledgementRow& row, const std::string& origin) {
  AuditRow audit{.utc = row.utc, .run = row.run, .operator_name = row.operator_name, .origin = origin};
  audit.verb = "db acknowledge";
  audit.action = "trip acknowledged";
  audit.reason = row.reason;
  audit.detail = "{}";
  return audit;
}

AuditRow audit_of_proof(const ProofRow& row, const std::string& origin) {
  AuditRow audit{.utc = row.utc, .operator_name = row.operator_name, .origin = origin, .verb = "doctor"};
  audit.action = row.fired ? "watchdog proven" : "watchdog did not fire";
  audit.detail = object({{"bench", row.bench},
                         {"channel", row.channel},
                         {"instrument", row.instrument},
                         {"model", row.model},
                         {"serial", row.serial},
                         {"firmware", row.firmware},
                         {"simulated", row.is_simulated ? "yes" : "no"},
                         {"delay_s", seconds_text(row.delay)}});
  return audit;
}

}  // namespace cellrig::db
