// `expect:`, how far a run of the profile may be from its rehearsal.
#pragma once

#include <string>

#include "profiles/model.hpp"

namespace cellrig {

struct YamlEntry;

/// ConfigError for unknown keys and words.
[[nodiscard]] ExpectSpec read_expect(const YamlEntry& entry);

/// The defaults for what is not given. ConfigError with the place of a number that makes no band.
[[nodiscard]] Expectation expectation_of(const ExpectSpec& spec, const Names& names);

/// For the canonical text: nothing when all of it is as when it is not given, so that older programs keep their hash.
[[nodiscard]] std::string canonical_text(const Expectation& expectation);

}  // namespace cellrig
