// What a database knows of the outputs that runs switch on.
#pragma once

#include <string>

#include "controller/runtime/alarm_output.hpp"

namespace cellrig::cli {

[[nodiscard]] Result<AlarmMemory> alarm_memory_in(const std::string& database, const BenchConfig& bench, const AlarmWire& wire);

}  // namespace cellrig::cli
