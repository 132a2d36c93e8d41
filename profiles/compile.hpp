// Profile + cell + parameters -> Program: flat instructions with absolute quantities, safe set-points, and a hash.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controller/engine/program.hpp"
#include "profiles/cell.hpp"
#include "profiles/model.hpp"

namespace cellrig {

inline constexpr Duration step_duration_max = std::chrono::hours{24 * 365};
inline constexpr Duration record_interval_max = std::chrono::hours{24};
inline constexpr Duration record_before_max = std::chrono::minutes{2};
inline constexpr Duration record_interval_default = std::chrono::seconds{1};
/// Counted in 64 bits; a pass a second would take 30,000 years.
inline constexpr std::uint64_t loop_times_max = 1'000'000'000'000;

/// `overrides` are the `--set name=value` of the command line. Throws ConfigError; one about an override names "--set name=value"
/// as its place. A program that compiles may still be refused by check().
[[nodiscard]] Program compile(const Profile& profile, const Cell& cell, const std::map<std::string, std::string>& overrides = {});

}  // namespace cellrig
