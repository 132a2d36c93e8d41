// The rules of BattINFO's records, written from their schemas (battery-data-format, ontology 1.3.0) and not from our exporter.
#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <string>
#include <vector>

namespace cellrig::db::test {

/// Says what is wrong, one sentence each. Empty: nothing.
class BattinfoRules {
 public:
  using Words = std::vector<std::string>;

  /// What we add for our own readers (`more`) is known, and nothing else is.
  [[nodiscard]] static Words broken_in_protocol(const boost::json::value& record, const Words& more) {
    BattinfoRules rules;
    Words known{"schema_version", "test_spec", "provenance", "artifacts", "conditions", "method", "notes", "record", "safety"};
    known.insert(known.end(), more.begin(), more.end());
    const boost::json::object& protocol = rules.object(record, "protocol", {"schema_version", "test_spec", "provenance"}, known);
    rules.object(rules.at(protocol, "test_spec"), "test_spec", {"id", "name", "kind"}, {"id", "name", "kind"});
    rules.provenance(rules.at(protocol, "provenance"));
    for (const boost::json::value& artifact : rules.list(protocol, "artifacts")) rules.artifact(artifact);
    rules.steps(rules.list(protocol, "method"), "method");
    for (const boost::json::value& note : rules.list(protocol, "notes")) rules.expect(note.is_string(), "a note is no text");
    if (protocol.contains("record")) {
      for (const auto& [key, value] : rules.object(protocol.at("record"), "record", {}, {"time_s", "voltage_V", "current_mA"}))
        rules.expect(value.is_number() && value.to_number<double>() > 0, "record." + std::string(key) + " is not above 0");
    }
    if (protocol.contains("safety")) {
      const Words limits{"max_voltage_V",    "min_voltage_V", "max_current_mA",       "min_current_mA",
                         "max_capacity_mAh", "delay_s",       "max_temperature_degC", "min_temperature_degC"};
      for (const auto& [key, value] : rules.object(protocol.at("safety"), "safety", {}, limits))
        rules.expect(value.is_number(), "safety." + std::string(key) + " is no number");
    }
    return rules.broken_;
  }

 private:
  void expect(bool holds, const std::string& sentence) {
    if (!holds) broken_.push_back(sentence);
  }

  const boost::json::object& object(const boost::json::value& value, const std::string& what, const Words& required,
                                    const Words& known) {
    static const boost::json::object nothing;
    expect(value.is_object(), what + " is no object");
    if (!value.is_object()) return nothing;
    for (const std::string& key : required) expect(value.as_object().contains(key), what + " has no " + key);
    for (const auto& [key, ignored] : value.as_object())
      expect(std::find(known.begin(), known.end(), std::string(key)) != known.end(), what + " may have no " + std::string(key));
    return value.as_object();
  }
  const boost::json::value& at(const boost::json::object& object, const char* key) {
    static const boost::json::value nothing;
    return object.contains(key) ? object.at(key) : nothing;
  }
  const boost::json::array& list(const boost::json::object& object, const char* key) {
    static const boost::json::array none;
    if (!object.contains(key)) return none;
    expect(object.at(key).is_array(), std::string(key) + " is no list");
    return object.at(key).is_array() ? object.at(key).as_array() : none;
  }
  void one_of(const boost::json::object& object, const char* key, const Words& words, const std::string& what) {
    if (!object.contains(key)) return;
    const bool is_known = object.at(key).is_string() &&
                          std::find(words.begin(), words.end(), std::string(object.at(key).as_string())) != words.end();
    expect(is_known, what + "." + key + " cannot be " + boost::json::serialize(object.at(key)));
  }

  void provenance(const boost::json::value& value) {
    const boost::json::object& p = object(value, "provenance", {"source_type", "retrieved_at"},
                                          {"source_type", "retrieved_at", "comment", "workflow_version"});
    one_of(p, "source_type", {"manual", "lab", "simulation", "import", "other"}, "provenance");
    expect(at(p, "retrieved_at").is_int64() && at(p, "retrieved_at").as_int64() >= 0, "retrieved_at is no whole second");
  }

  void artifact(const boost::json::value& value) {
    const boost::json::object& a =
        object(value, "artifact", {"role", "format", "locator"}, {"role", "format", "locator", "sha256", "media_type"});
    one_of(a, "role", {"source_protocol", "executed_protocol", "vendor_export", "simulation_input", "other"}, "artifact");
    if (!a.contains("sha256")) return;
    const std::string hash(a.at("sha256").as_string());
    expect(hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == std::string::npos, "sha256 is none: " + hash);
  }

  void quantity(const boost::json::value& value, const std::string& what) {
    const boost::json::object& q = object(value, what, {"unit"}, {"value", "min_value", "max_value", "unit"});
    expect(q.contains("value") || q.contains("min_value") || q.contains("max_value"), what + " has no value");
    expect(at(q, "unit").is_string() && !at(q, "unit").as_string().empty(), what + " has no unit");
    for (const char* const key : {"value", "min_value", "max_value"}) {
      if (q.contains(key)) expect(q.at(key).is_number() && std::isfinite(q.at(key).to_number<double>()), what + " is no number");
    }
  }

  void termination(const boost::json::value& value, const std::string& what) {
    const boost::json::object& t = object(value, what, {"quantity", "value", "unit"}, {"quantity", "value", "unit", "direction"});
    one_of(t, "quantity", {"voltage", "current", "c_rate", "capacity", "duration"}, what);
    one_of(t, "direction", {"below", "above", "elapsed"}, what);
    expect(at(t, "value").is_number(), what + " has no number");
  }

  void steps(const boost::json::array& list_of_steps, const std::string& where) {
    std::size_t number = 0;
    for (const boost::json::value& value : list_of_steps) {
      const std::string what = where + "[" + std::to_string(number++) + "]";
      const boost::json::object& step = object(value, what, {"mode"},
                                               {"mode", "direction", "count", "description", "duration", "period", "setpoints",
                                                "steps", "tags", "temperature", "termination"});
      one_of(step, "mode", {"cc", "cv", "cccv", "cp", "cr", "rest", "eis", "scan", "group"}, what);
      one_of(step, "direction", {"charge", "discharge", "hold", "rest", "none"}, what);
      if (step.contains("count"))
        expect(step.at("count").is_number() && step.at("count").to_number<std::int64_t>() >= 1, what + ".count is below 1");
      for (const char* const key : {"duration", "temperature"}) {
        if (step.contains(key)) quantity(step.at(key), what + "." + key);
      }
      if (step.contains("setpoints")) {
        expect(step.at("setpoints").is_object(), what + ".setpoints is no object");
        for (const auto& [name, setpoint] : step.at("setpoints").as_object()) quantity(setpoint, what + "." + std::string(name));
      }
      for (const boost::json::value& tag : list(step, "tags")) expect(tag.is_string(), what + ": a tag is no text");
      for (const boost::json::value& end : list(step, "termination")) termination(end, what + ".termination");
      expect(!step.contains("description") || step.at("description").is_string(), what + ".description is no text");
      steps(list(step, "steps"), what + ".steps");
    }
  }

  Words broken_;
};

}  // namespace cellrig::db::test
