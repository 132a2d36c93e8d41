// The interface described for programs: OpenAPI 3.1, made of the routes and the shapes of the messages.
#pragma once

#include <string>

#include "controller/api/exchange.hpp"

namespace cellrig::api {

[[nodiscard]] const std::string& openapi_json();
[[nodiscard]] Response openapi_response();

}  // namespace cellrig::api
