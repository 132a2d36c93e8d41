// Reads messages from parsed JSON. Private to the codec.
#pragma once

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "controller/api/messages_codec.hpp"
#include "controller/api/messages_shapes.hpp"
#include "controller/api/messages_words.hpp"
#include "controller/base/config_error.hpp"

namespace cellrig::api {

/// Stops at the first fault.
class MessageReader {
 public:
  explicit MessageReader(UnknownFields unknown) : unknown_{unknown} {}
  [[nodiscard]] const std::optional<ErrorDetail>& fault() const { return fault_; }

  bool read(const boost::json::value& json, bool& value) {
    if (!json.is_bool()) return wrong_type(json, "true or false");
    value = json.get_bool();
    return true;
  }
  bool read(const boost::json::value& json, std::string& value);
  bool read(const boost::json::value& json, UtcTime& value);
  bool read(const boost::json::value& json, std::int64_t& value);
  bool read(const boost::json::value& json, double& value);
  bool read(const boost::json::value& json, Parameters& parameters);

  template <class E>
  requires std::is_enum_v<E>
  bool read(const boost::json::value& json, E& value) {
    const std::vector<std::string> known(Words<E>::list.begin(), Words<E>::list.end());
    if (!json.is_string()) return wrong_type(json, "one of the words" + suggestion("", known));
    const std::string_view given{json.get_string().data(), json.get_string().size()};
    const auto found = std::find(Words<E>::list.begin(), Words<E>::list.end(), given);
    if (found == Words<E>::list.end()) return unknown_word(given, known);
    value = static_cast<E>(found - Words<E>::list.begin());
    return true;
  }
  template <class T>
  bool read(const boost::json::value& json, std::optional<T>& value) {
    if (json.is_null()) {
      value.reset();
      return true;
    }
    return read(json, value.emplace());
  }
  template <class T>
  bool read(const boost::json::value& json, std::vector<T>& list) {
    if (!json.is_array()) return wrong_type(json, "a list");
    const boost::json::array& array = json.get_array();
    list.assign(array.size(), T{});
    for (std::size_t i = 0; i < array.size(); ++i) {
      if constexpr (std::is_same_v<T, double>) {
        if (array[i].is_null()) {  // of a column: not measured
          list[i] = std::numeric_limits<double>::quiet_NaN();
          continue;
        }
      }
      const Within within{*this, "[" + std::to_string(i) + "]"};
      if (!read(array[i], list[i])) return false;
    }
    return true;
  }
  template <class T>
  bool read(const boost::json::value& json, std::map<std::string, T>& map) {
    if (!json.is_object()) return wrong_type(json, "an object");
    map.clear();
    for (const auto& entry : json.get_object()) {
      const std::string key{entry.key()};
      const Within within{*this, "." + key};
      if (!read(entry.value(), map[key])) return false;
    }
    return true;
  }
  template <class M>
  requires requires { Shape<M>::fields; }
  bool read(const boost::json::value& json, M& message) {
    if (!json.is_object()) return wrong_type(json, "an object");
    const boost::json::object& object = json.get_object();
    const auto read_all = [&](const auto&... field) { return (read_field(object, message, field) && ...); };
    if (!knows_all<M>(object)) return false;
    return std::apply(read_all, Shape<M>::fields);
  }

 private:
  /// Alive while a part is read: where errors are.
  class Within {
   public:
    Within(MessageReader& reader, const std::string& part) : reader_{reader}, length_{reader.where_.size()} {
      reader_.where_ += reader_.where_.empty() && part.front() == '.' ? part.substr(1) : part;
    }
    ~Within() { reader_.where_.resize(length_); }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

   private:
    MessageReader& reader_;
    std::size_t length_;
  };

  template <class M, class T>
  bool read_field(const boost::json::object& object, M& message, const Field<M, T>& field) {
    const boost::json::value* const json = object.if_contains(boost::json::string_view{field.name.data(), field.name.size()});
    const Within within{*this, "." + std::string{field.name}};
    if (json != nullptr) return read(*json, message.*field.member);
    return !field.is_required || missing_field(field.name);
  }
  template <class M>
  bool knows_all(const boost::json::object& object) {
    if (unknown_ == UnknownFields::ignored) return true;
    std::vector<std::string> known;
    std::apply([&](const auto&... field) { (known.emplace_back(field.name), ...); }, Shape<M>::fields);
    for (const auto& entry : object) {
      const std::string key{entry.key()};
      if (std::find(known.begin(), known.end(), key) == known.end()) return unknown_field(key, known);
    }
    return true;
  }

  bool wrong_type(const boost::json::value& json, const std::string& wanted);
  bool missing_field(std::string_view name);
  bool unknown_field(const std::string& key, const std::vector<std::string>& known);
  bool unknown_word(std::string_view given, const std::vector<std::string>& known);
  bool fail(ErrorDetail fault);

  UnknownFields unknown_;
  std::string where_;
  std::optional<ErrorDetail> fault_;
};

}  // namespace cellrig::api
