// Faults of the wires: what happens to requests, replies and connections.
#include <algorithm>

#include "controller/base/config_error.hpp"
#include "sim/faults/kind.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr double bytes_max = 10'000.0;
constexpr double commands_max = 1000.0;
constexpr double exception_code_max = 11.0;
constexpr double drip_gap_ms = 200.0;

enum class Language : unsigned char { modbus, lines };

/// What is spoken on the wires a fault can act on; empty: anything.
std::optional<Language> language_for(std::string_view kind) {
  for (const char* const modbus : {"mutate", "exception", "swap_words", "swap_bytes"}) {
    if (kind == modbus) return Language::modbus;
  }
  if (kind == "number_format" || kind == "error_flood") return Language::lines;
  return std::nullopt;
}

bool speaks(const Wire& wire, Language language) {
  const bool is_modbus = wire.framing() == Framing::modbus_tcp || wire.framing() == Framing::modbus_rtu;
  return is_modbus == (language == Language::modbus);
}

Result<std::vector<Wire*>> wires_of(const Context& c) {
  const std::string target = target_of(c);
  const std::optional<Language> language = language_for(c.order.kind);
  std::vector<Wire*> wires;
  std::vector<std::string> known = c.bench.instrument_names();
  bool is_found = false;
  for (const BenchPort& port : c.bench.ports()) {
    known.push_back(port.wire->name());
    if (target != port.instrument && target != port.wire->name()) continue;
    is_found = true;
    if (!language || speaks(*port.wire, *language)) wires.push_back(port.wire);
  }
  if (!is_found) return unknown_target(c, "instrument or port", known);
  if (wires.empty()) {
    const char* const name = *language == Language::modbus ? "Modbus" : "a language of lines (SCPI)";
    return refuse(c.order.kind + ": '" + target + "' does not speak " + name);
  }
  return wires;
}

/// An order that can do nothing where it is aimed is refused: a header is only in Modbus TCP, a CRC only in RTU.
Result<void> keep_those_with_field(const Context& c, ModbusField field, std::vector<Wire*>& wires) {
  std::erase_if(wires, [field](const Wire* wire) {
    const ModbusWrap wrap = wire->framing() == Framing::modbus_rtu ? ModbusWrap::rtu : ModbusWrap::tcp;
    return !wraps_have_field(wrap, field);
  });
  if (!wires.empty()) return Result<void>{};
  const std::string name{modbus_field_names.at(static_cast<std::size_t>(field))};
  const char* const language = field == ModbusField::crc ? "Modbus TCP" : "Modbus RTU";
  return refuse(c.order.kind + ": " + language + " has no " + name + "; choose another field");
}

void read_details(const Context& c, WireFault& fault) {
  Fields& fields = c.fields;
  fault.delay = from_seconds(fields.number("delay_ms", 0.0, 0.0, seconds_max) / 1000.0);
  if (fields.has("least_ms")) {
    fault.delay_least = from_seconds(fields.number("least_ms", 0.0, 0.0, seconds_max) / 1000.0);
    if (*fault.delay_least > fault.delay) fields.complain("delay: 'least_ms' is more than 'delay_ms'");
  }
  fault.overtaken = fields.flag("overtaken", false);
  fault.field = static_cast<ModbusField>(fields.choice("field", static_cast<std::size_t>(ModbusField::unit), modbus_field_names));
  if (fields.has("value")) fault.value = static_cast<std::uint32_t>(fields.number("value", 0.0, 0.0, 65535.0));
  fault.form =
      static_cast<NumberForm>(fields.choice("form", static_cast<std::size_t>(NumberForm::nan_number), number_form_names));
  fault.scope = static_cast<RequestScope>(fields.choice("which", 0, request_scope_names));
  const auto bytes_of = [&](std::uint32_t fallback) {
    return static_cast<std::uint32_t>(fields.number("bytes", fallback, 0.0, bytes_max));
  };
  switch (fault.kind) {
    case WireFaultKind::delay:
      if (!fields.has("delay_ms")) fields.complain("delay: 'delay_ms' is missing");
      break;
    case WireFaultKind::drip:
      fault.delay = from_seconds(fields.number("gap_ms", drip_gap_ms, 0.001, seconds_max) / 1000.0);
      break;
    case WireFaultKind::exception:
      fault.value = static_cast<std::uint32_t>(fields.number("code", 6.0, 1.0, exception_code_max));
      break;
    case WireFaultKind::error_flood:
      fault.bytes = static_cast<std::uint32_t>(fields.number("commands", 30.0, 1.0, commands_max));
      break;
    case WireFaultKind::noise:
    case WireFaultKind::collision: fault.bytes = std::max(bytes_of(4), 1U); break;
    default: fault.bytes = bytes_of(1); break;
  }
}

Result<void> wire_fault(const Context& c) {
  const auto name = std::find(wire_fault_names.begin(), wire_fault_names.end(), c.order.kind);
  WireFault fault;
  fault.kind = static_cast<WireFaultKind>(name - wire_fault_names.begin());
  fault.skip = c.fields.whole("skip", 0);
  fault.rate = c.fields.number("rate", 1.0, 0.0, 1.0);
  const std::string* const count = c.fields.text("count");
  // A rate means a state of the network, not one event.
  if ((count != nullptr && *count == "for_ever") || (count == nullptr && c.fields.has("rate"))) {
    fault.count.reset();
  } else {
    fault.count = c.fields.whole("count", 1);
  }
  read_details(c, fault);
  if (c.fields.has("for_s")) fault.until = c.now + from_seconds(c.fields.number("for_s", 0.0, 0.0, seconds_max));
  Result<std::vector<Wire*>> wires = wires_of(c);
  if (!wires) return wires.error();
  if (fault.kind == WireFaultKind::mutate) {
    if (const Result<void> kept = keep_those_with_field(c, fault.field, *wires); !kept) return kept;
  }
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  for (Wire* const wire : *wires) {
    wire->add_fault(c.now, fault);
    if (fault.kind != WireFaultKind::half_open || fault.until == TimePoint::max()) continue;
    c.bench.schedule(fault.until, [wire](TimePoint then) { wire->end_half_open(then); });
  }
  return Result<void>{};
}

}  // namespace

const std::vector<Kind>& wire_kinds() {
  const auto with = [](std::initializer_list<const char*> more) {
    std::vector<std::string> keys{"skip", "count", "rate", "for_s"};
    keys.insert(keys.end(), more.begin(), more.end());
    return keys;
  };
  const auto words = [](std::string_view key, const auto& names) {
    return DrawnWord{key, std::vector<std::string_view>(names.begin(), names.end())};
  };
  static const std::vector<std::string> state{"for_s"};
  using enum Aim;
  static const std::vector<Kind> all{
      {"drop", Family::wire, port, with({}), wire_fault},
      {"delay",
       Family::wire,
       port,
       with({"delay_ms", "least_ms", "overtaken"}),
       wire_fault,
       true,
       Drawn::always,
       {{"delay_ms", 5.0, 5000.0}}},
      {"garble", Family::wire, port, with({"bytes"}), wire_fault, true, Drawn::always, {{"bytes", 1.0, 8.0}}},
      {"truncate", Family::wire, port, with({"bytes"}), wire_fault, true, Drawn::always, {{"bytes", 1.0, 8.0}}},
      {"duplicate", Family::wire, port, with({}), wire_fault},
      {"close", Family::wire, port, with({}), wire_fault},
      {"refuse", Family::wire, port, state, wire_fault},
      {"accept_only", Family::wire, port, state, wire_fault},
      {"reorder", Family::wire, port, with({}), wire_fault},
      {"reset", Family::wire, port, with({}), wire_fault},
      {"half_open", Family::wire, port, state, wire_fault},
      {"drip", Family::wire, port, with({"gap_ms"}), wire_fault, true, Drawn::always, {{"gap_ms", 1.0, 500.0}}},
      {"rubbish", Family::wire, port, with({}), wire_fault},
      {"noise", Family::wire, port, with({"bytes"}), wire_fault, true, Drawn::always, {{"bytes", 1.0, 20.0}}},
      {"collision", Family::wire, port, with({"bytes"}), wire_fault, true, Drawn::always, {{"bytes", 1.0, 20.0}}},
      {"mutate",
       Family::wire,
       modbus_port,
       with({"field", "value"}),
       wire_fault,
       true,
       Drawn::always,
       {},
       {words("field", modbus_field_names)}},
      {"swap_words", Family::wire, modbus_port, with({}), wire_fault},
      {"swap_bytes", Family::wire, modbus_port, with({}), wire_fault},
      {"number_format",
       Family::wire,
       line_port,
       with({"form"}),
       wire_fault,
       true,
       Drawn::always,
       {},
       {words("form", number_form_names)}},
      {"exception", Family::wire, modbus_port, with({"code"}), wire_fault, true, Drawn::always, {{"code", 1.0, 11.0}}},
      {"lose_request",
       Family::wire,
       port,
       with({"which"}),
       wire_fault,
       true,
       Drawn::always,
       {},
       {words("which", request_scope_names)}},
      {"error_flood", Family::wire, line_port, with({"commands"}), wire_fault},
  };
  return all;
}

}  // namespace cellrig::sim::faults
