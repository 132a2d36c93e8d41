// What was to be done, in the words of BattINFO's test-protocol record: for readers who do not know our profiles.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "controller/engine/program.hpp"

namespace cellrig {

/// method, record, safety and notes of a test-protocol record. Currents and powers are magnitudes, the direction says the rest.
/// What the record has no word for (ends by temperature, energy or a sensor, conditions together, decisions between steps) is in the
/// description of its step, or in the notes: nothing is left out silently.
[[nodiscard]] boost::json::object protocol_record(const Program& program);

/// What a record keeps of a run's program.
struct RecordedProtocol {
  const std::string& profile_text;
  const std::string& profile_name;
  const std::string& cell_text;
  const std::string& cell_name;
  const std::string& parameters_text;
  const std::string& program_hash;
  bool is_imported = false;
};

/// Of a row of runs (db::RunRow, which this room does not know); it must outlive the answer.
template <class RunRow>
[[nodiscard]] RecordedProtocol recorded_protocol(const RunRow& row) {
  return {.profile_text = row.profile_text,
          .profile_name = row.profile_name,
          .cell_text = row.cell_text,
          .cell_name = row.cell_name,
          .parameters_text = row.parameters_text,
          .program_hash = row.program_hash,
          .is_imported = row.time_source == "imported"};
}

/// The same of what a run did, from the texts in its record. Where they are no program of this version (a profile that came from elsewhere, an
/// imported run), only notes that say so: another program than the one that ran is never shown.
[[nodiscard]] boost::json::object protocol_record(const RecordedProtocol& run);
[[nodiscard]] std::string protocol_record_text(const RecordedProtocol& run);

}  // namespace cellrig
