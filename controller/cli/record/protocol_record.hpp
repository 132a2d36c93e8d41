// What was to be done, in the words of BattINFO's test-protocol record: for readers who do not know our profiles.
#pragma once

#include <boost/json/object.hpp>

#include "controller/engine/program.hpp"
#include "db/reader.hpp"

namespace cellrig::cli {

/// method, record, safety and notes of a test-protocol record. Currents and powers are magnitudes, the direction says the rest.
/// What the record has no word for (ends by temperature, energy or a sensor, conditions together, decisions between steps) is in the
/// description of its step, or in the notes: nothing is left out silently.
[[nodiscard]] boost::json::object protocol_record(const Program& program);

/// The same of what a run did, from the texts in its record. Where they are no program of this version (a profile that came from elsewhere, an
/// imported run), only notes that say so: another program than the one that ran is never shown.
[[nodiscard]] boost::json::object protocol_record(const db::RunInfo& run);

}  // namespace cellrig::cli
