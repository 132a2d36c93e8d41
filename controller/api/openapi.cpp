#include "controller/api/openapi.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <type_traits>

#include "controller/api/messages_lists.hpp"
#include "controller/api/messages_shapes.hpp"
#include "controller/api/messages_words.hpp"
#include "controller/api/routes.hpp"

namespace cellrig::api {
namespace {

namespace json = boost::json;

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

json::object reference(std::string_view schema) { return {{"$ref", "#/components/schemas/" + std::string{schema}}}; }
json::object typed(std::string_view type) { return {{"type", type}}; }

template <class T>
json::object schema_of();

template <class T>
json::object schema_of_optional() {
  return {{"anyOf", json::array{schema_of<T>(), typed("null")}}};
}
template <class E>
json::object schema_of_words() {
  json::array words;
  for (const std::string_view one : Words<E>::list) words.emplace_back(one);
  return {{"type", "string"}, {"enum", std::move(words)}};
}

template <class T>
json::object schema_of() {
  if constexpr (IsOptional<T>::value) {
    return schema_of_optional<typename T::value_type>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return typed("boolean");
  } else if constexpr (std::is_same_v<T, std::string>) {
    return typed("string");
  } else if constexpr (std::is_same_v<T, UtcTime>) {
    return {{"type", "string"}, {"format", "date-time"}};
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return typed("integer");
  } else if constexpr (std::is_same_v<T, double>) {
    return typed("number");
  } else if constexpr (std::is_enum_v<T>) {
    return schema_of_words<T>();
  } else if constexpr (std::is_same_v<T, Column>) {
    return {{"type", "array"}, {"items", json::object{{"type", json::array{"number", "null"}}}}};
  } else if constexpr (std::is_same_v<T, Parameters>) {
    return {{"type", "object"}, {"additionalProperties", json::object{{"type", json::array{"string", "number"}}}}};
  } else if constexpr (requires { typename T::mapped_type; }) {
    return {{"type", "object"}, {"additionalProperties", schema_of<typename T::mapped_type>()}};
  } else if constexpr (requires { Shape<T>::fields; }) {
    return reference(Shape<T>::name);
  } else {
    return {{"type", "array"}, {"items", schema_of<typename T::value_type>()}};
  }
}

template <class M>
json::object message_schema() {
  json::object properties;
  json::array required;
  const auto add = [&]<class T>(const Field<M, T>& field) {
    properties[json::string_view{field.name.data(), field.name.size()}] = schema_of<T>();
    if (field.is_required) required.emplace_back(field.name);
  };
  std::apply([&](const auto&... field) { (add(field), ...); }, Shape<M>::fields);
  json::object schema{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

json::object schemas() {
  json::object all;
#define CELLRIG_SCHEMA(M) all[#M] = message_schema<M>();
  CELLRIG_API_MESSAGES(CELLRIG_SCHEMA)
#undef CELLRIG_SCHEMA
  return all;
}

json::object parameter(std::string_view name, std::string_view in, std::string_view type, std::string_view text,
                       bool is_required) {
  return {{"name", name}, {"in", in}, {"required", is_required}, {"description", text}, {"schema", typed(type)}};
}

json::array parameters_of(const Route& route) {
  json::array list;
  std::string_view rest = route.pattern;
  while (rest.find('{') != std::string_view::npos) {
    rest.remove_prefix(rest.find('{') + 1);
    list.push_back(parameter(rest.substr(0, rest.find('}')), "path", "string", "", true));
  }
  for (const QueryParameter& query : route.query) list.push_back(parameter(query.name, "query", query.type, query.text, false));
  if (route.kind == RouteKind::write || route.kind == RouteKind::order)
    list.push_back(parameter("Idempotency-Key", "header", "string",
                             "Any text that is used for this write alone: the same key, the same answer", true));
  if (route.kind == RouteKind::order)
    list.push_back(
        parameter("Fencing-Token", "header", "integer", "The channel's fencing_token; an old one is refused with 409", true));
  return list;
}

json::object content(json::object schema) {
  json::object type;
  type["schema"] = std::move(schema);
  json::object types;
  types["application/json"] = std::move(type);
  return types;
}

json::object responses_of(const Route& route) {
  json::object good{{"description", route.summary}};
  if (!route.response.empty()) {
    json::object schema = reference(route.response);
    if (route.is_list) schema = {{"type", "array"}, {"items", reference(route.response)}};
    good["content"] = content(std::move(schema));
  }
  json::object responses;
  responses[std::to_string(route.status)] = std::move(good);
  responses["default"] = json::object{{"description", "Why it was not done"}, {"content", content(reference("ErrorBody"))}};
  return responses;
}

/// Why a request has not both headers that orders have.
std::string_view why_fewer_headers(const Route& route) {
  if (route.method != "POST") return "";
  switch (route.kind) {
    case RouteKind::stop:
      return ". Never limited, and carried out without any key or token: OFF twice is OFF, and none comes too late";
    case RouteKind::ask: return ". Changes nothing: without a key or a token";
    case RouteKind::write: return ". About no run of a channel: without a Fencing-Token";
    case RouteKind::read:
    case RouteKind::order: return "";
  }
  return "";
}

json::object operation_of(const Route& route) {
  json::object operation{{"operationId", name_of(route.operation)},
                         {"summary", route.summary},
                         {"description", "At least: " + std::string{word(route.role)} + std::string{why_fewer_headers(route)}},
                         {"parameters", parameters_of(route)},
                         {"responses", responses_of(route)}};
  if (route.request.empty()) return operation;
  const bool is_needed = route.kind != RouteKind::stop;
  operation["requestBody"] = json::object{{"required", is_needed}, {"content", content(reference(route.request))}};
  return operation;
}

std::string make_document() {
  json::object paths;
  for (const Route& route : routes()) {
    const std::string method = route.method == "GET" ? "get" : "post";
    json::value& path = paths[api_prefix + std::string{route.pattern}];
    if (!path.is_object()) path = json::object{};
    path.get_object()[method] = operation_of(route);
  }
  json::object security{{"token", json::object{{"type", "http"}, {"scheme", "bearer"}}},
                        {"account", json::object{{"type", "http"}, {"scheme", "basic"}}}};
  json::object any_token, any_account;
  any_token["token"] = json::array{};
  any_account["account"] = json::array{};
  json::object document{{"openapi", "3.1.0"},
                        {"info", json::object{{"title", "cellrig"}, {"version", std::to_string(api_version)}}},
                        {"security", json::array{std::move(any_token), std::move(any_account)}},
                        {"paths", std::move(paths)},
                        {"components", json::object{{"securitySchemes", std::move(security)}, {"schemas", schemas()}}}};
  return json::serialize(document);
}

}  // namespace

const std::string& openapi_json() {
  static const std::string document = make_document();
  return document;
}

Response openapi_response() { return {.status = 200, .body = openapi_json()}; }

}  // namespace cellrig::api
