// Who and where, for the record.
#pragma once

#include <string>

namespace cellrig::cli {

/// The login of the person, or "uid 1000".
[[nodiscard]] std::string login_name();
[[nodiscard]] std::string host_name();

}  // namespace cellrig::cli
