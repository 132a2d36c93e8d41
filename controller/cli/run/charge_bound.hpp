// What charged a cell at most, where nobody can read what was commanded.
#pragma once

#include "controller/runtime/config.hpp"
#include "controller/runtime/resume.hpp"

namespace cellrig::cli {

/// No run commands more: the limit of its channel, else of its cell, as its record has them; else what its cycler can at all, by the bench it
/// began with, and where that cannot be read either by the greatest of `now`, the bench that closes it. Throws where `now` has a cycler
/// that nobody knows.
[[nodiscard]] Amps charge_current_max_of(const Interrupted& run, const BenchConfig& now);

}  // namespace cellrig::cli
