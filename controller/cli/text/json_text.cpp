#include "controller/cli/text/json_text.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace cellrig::cli {

void print_json(boost::json::object document) {
  boost::json::object whole;
  whole["schema_version"] = json_schema_version;
  for (auto& [key, value] : document) whole[key] = std::move(value);
  fmt::print("{}\n", boost::json::serialize(whole));
}

}  // namespace cellrig::cli
