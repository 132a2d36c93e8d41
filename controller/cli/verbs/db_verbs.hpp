// The words under `cellrig db` that have a file of their own.
#pragma once

#include "controller/cli/verbs.hpp"

namespace cellrig::cli {

void add_db_verify(CLI::App& db, Action& chosen);
void add_db_anchor(CLI::App& db, Action& chosen);

}  // namespace cellrig::cli
