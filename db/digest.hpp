// "Same record": two databases that tell the same story have the same digest.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "controller/base/result.hpp"

namespace cellrig::db {

/// A canonical text of everything in the record, table by table, row by row, in the order of the keys. Left out is what
/// belongs to the host or the program and not to the test: host, software_version, equipment addresses (ports of a simulated
/// bench), from where an action of the audit trail came, synchronous, where rows lie in the file, and with that the hash chain, whose
/// blocks end where the host's disk made commits end. UTC is kept: in virtual time it is as repeatable as the rest.
/// Numbers are written so that they read back exactly. One read transaction: for a record that nobody writes any more.
[[nodiscard]] Result<void> canonical_dump(const std::string& path, const std::function<void(std::string_view)>& sink);

/// SHA-256 of the canonical dump, in hexadecimal.
[[nodiscard]] Result<std::string> record_digest(const std::string& path);

}  // namespace cellrig::db
