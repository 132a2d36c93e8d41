// The look right before an OFF.
#pragma once

#include "controller/async/time_source.hpp"
#include "controller/runtime/output_found.hpp"
#include "drivers/instruments/cycler.hpp"

namespace cellrig {

/// One measurement, the only question that every make answers; it feeds the watchdog, and OFF has to follow at once. OFF is late by at most
/// 0.2 s.
[[nodiscard]] Task<OutputFound> find_output(TimeSource& time, Cycler& cycler);

}  // namespace cellrig
