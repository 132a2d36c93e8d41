// What `check` may know of a channel, from the bench file and the model files alone.
#pragma once

#include "controller/runtime/config.hpp"
#include "profiles/check.hpp"

namespace cellrig::cli {

[[nodiscard]] CheckContext check_context(const BenchConfig& bench, const ChannelConfig& channel, const std::string& profile_file);

}  // namespace cellrig::cli
