// One JSON document on standard output, with the schema's version.
#pragma once

#include <boost/json/object.hpp>

namespace cellrig::cli {

inline constexpr int json_schema_version = 1;

/// Adds "schema_version" in front and prints the document on one line.
void print_json(boost::json::object document);

}  // namespace cellrig::cli
