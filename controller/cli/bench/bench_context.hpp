// What `check` may know of a channel, from the bench file and the model files alone.
#pragma once

#include "controller/runtime/config.hpp"
#include "profiles/check.hpp"

namespace cellrig::cli {

/// Throws at the input's place unless it exists and measures this.
void require_quantity(const LoggerCapabilities& logger, const InputRef& input, InputQuantity quantity);

[[nodiscard]] CheckContext check_context(const BenchConfig& bench, const ChannelConfig& channel, const std::string& profile_file);

}  // namespace cellrig::cli
