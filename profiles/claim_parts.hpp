// What the readers of claim files share. Private to profiles/claim_*.cpp.
#pragma once

#include "profiles/claim.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {

/// Of the whole claim; a statement may say more. Null: none.
struct ClaimCircumstances {
  const YamlEntry* conditions = nullptr;
  const YamlEntry* chosen = nullptr;
};

/// Not empty, and of bounded length.
[[nodiscard]] const std::string& claim_text(const YamlEntry& entry);
/// One of the words.
[[nodiscard]] const std::string& claim_word(const YamlEntry& entry, const std::vector<std::string>& known);
[[nodiscard]] std::map<std::string, std::string> claim_settings(const YamlEntry& entry);
[[nodiscard]] ClaimStatement read_claim_statement(const YamlEntry& entry, const ClaimCircumstances& common);

}  // namespace cellrig
