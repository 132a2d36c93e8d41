// Reads the sections of a cell file that switch on slow processes: ageing, plating, shorts, stack pressure, runaway.
#pragma once

#include <string>
#include <vector>

#include "sim/physics/life_parameters.hpp"
#include "sim/strict_yaml.hpp"

namespace cellrig::sim {

/// Keys of `model` that are sections of this kind; each may be missing.
[[nodiscard]] const std::vector<std::string>& life_section_names();
/// @throws ConfigError with file, line and column.
[[nodiscard]] LifeParameters read_life_sections(const StrictYaml& yaml, const YAML::Node& model);
/// The words of a cell file and a bench file for the mode of a stack, in the order of StackMode.
[[nodiscard]] const std::vector<std::string>& stack_mode_words();

}  // namespace cellrig::sim
