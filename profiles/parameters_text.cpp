#include "profiles/parameters_text.hpp"

#include <algorithm>

namespace cellrig {

std::map<std::string, std::string> parameters_of(const std::string& parameters_text) {
  constexpr std::string_view equals = " = ";
  std::map<std::string, std::string> parameters;
  for (std::size_t at = 0; at < parameters_text.size();) {
    const std::size_t end = std::min(parameters_text.find('\n', at), parameters_text.size());
    const std::string line = parameters_text.substr(at, end - at);
    if (const std::size_t found = line.find(equals); found != std::string::npos)
      parameters[line.substr(0, found)] = line.substr(found + equals.size());
    at = end + 1;
  }
  return parameters;
}

}  // namespace cellrig
