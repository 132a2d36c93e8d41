// A record that could not be kept cannot say so in itself: a file beside it does, until the next writer has put it in.
#pragma once

#include <optional>
#include <string>

#include "db/record.hpp"

namespace cellrig::db {

/// `database` + ".failed". When it can: the disk may refuse this too.
void write_failure_note(const std::string& database, const std::string& what) noexcept;
/// What the last writer left: as an event of the bench, at the time at which the note was written.
[[nodiscard]] std::optional<EventRow> read_failure_note(const std::string& database);
/// Once its event is committed.
void remove_failure_note(const std::string& database) noexcept;

}  // namespace cellrig::db
