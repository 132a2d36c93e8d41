// What a record keeps of the parameters that were given: "name = value" lines.
#pragma once

#include <map>
#include <string>

namespace cellrig {

[[nodiscard]] std::map<std::string, std::string> parameters_of(const std::string& parameters_text);

}  // namespace cellrig
