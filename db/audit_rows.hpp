// What the audit trail says of a run by itself. Private to the recorder.
#pragma once

#include <optional>
#include <string>

#include "db/record.hpp"

namespace cellrig::db {

/// In whose name a run's rows are written.
struct Actor {
  std::string operator_name;
  std::string origin;
};

[[nodiscard]] AuditRow audit_of_begin(RunKey run, const RunRow& row);
[[nodiscard]] AuditRow audit_of_end(const RunEndRow& end, const Actor& actor);
/// A trip and a stop; nothing for other events.
[[nodiscard]] std::optional<AuditRow> audit_of_event(const EventRow& event, const Actor& actor);
[[nodiscard]] AuditRow audit_of_acknowledgement(const AcknowledgementRow& row, const std::string& origin);
[[nodiscard]] AuditRow audit_of_proof(const ProofRow& row, const std::string& origin);

}  // namespace cellrig::db
