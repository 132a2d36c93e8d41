#include "sim/faults/catalogue.hpp"

#include <algorithm>

#include "controller/base/config_error.hpp"

namespace cellrig::sim::faults {
namespace {

using enum Where;

// Numbers and order are those of the catalogue of faults (safety reference, section A6).
constexpr NumberedFault numbered[] = {
    {"F01", "a reply is lost once", "drop", "", ""},
    {"F02", "replies are lost for ever", "drop", "count=for_ever", ""},
    {"F03", "replies are delayed by 10 to 400 ms", "delay", "delay_ms=400 least_ms=10 count=for_ever", "extra_latency"},
    {"F04", "a reply comes after its deadline", "delay", "delay_ms=3000 overtaken=true", ""},
    {"F05", "a reply comes twice", "duplicate", "", ""},
    {"F06", "two replies change places", "reorder", "", ""},
    {"F07", "a reply is cut short, then silence", "truncate", "bytes=1", ""},
    {"F08", "garbage instead of a reply, or a length of 0xFFFF", "rubbish", "", "mutate garble"},
    {"F09", "wrong unit, function or byte count", "mutate", "field=unit", ""},
    {"F10", "a Modbus exception", "exception", "code=6", ""},
    {"F11", "half-open connection: the peer lost its power", "half_open", "for_s=20", ""},
    {"F12", "reset, refused, closed", "reset", "", "close refuse"},
    {"F13", "connections are accepted, nobody answers", "accept_only", "for_s=20", ""},
    {"F14", "one byte every 200 ms", "drip", "gap_ms=200", ""},
    {"F15", "noise on the line, or two masters", "noise", "bytes=4", "collision garble"},
    {"F16", "another scale, word or byte order", "scale", "factor=10", "swap_words swap_bytes identity"},
    {"F17", "numbers in another format", "number_format", "form=9.91E37", "nan"},
    {"F18", "a command is lost silently; the error queue overflows", "lose_request", "which=sets", "error_flood"},
    {"F19", "the instrument reboots", "reboot", "", ""},
    {"F20", "somebody pressed LOCAL", "local", "", ""},
    {"F21", "the voltage stands still", "freeze", "quantity=voltage", ""},
    {"F22", "the temperature stands still", "thermocouple_stuck", "", "freeze"},
    {"F23", "the current has the wrong sign", "negate_current", "", ""},
    {"F24", "+30 mV on the voltage, +1 % on the current", "miscalibrated", "offset_V=0.03 current_gain_pct=1",
     "voltage_offset temperature_offset"},
    {"F25", "readings end at full scale", "saturate", "voltage_V=3 current_A=1", ""},
    {"F26", "a spike of 10 V, a burst of noise", "spike", "offset_V=10", "noise_burst"},
    {"F27", "the output does not turn off", "ignore_off", "", "contactor_welded clear_watchdog"},
    {"F28", "the output turns on by itself, or the wrong channel obeys", "output_on", "current_A=1 voltage_V=4.2",
     "wrong_channel_obeys"},
    {"F29", "the regulated voltage overshoots or oscillates", "cv_oscillation", "amplitude_V=0.05 period_s=2", "cv_overshoot"},
    {"F30", "the instrument protects itself", "trip", "cause=over_voltage", ""},
    {"F31", "the chamber runs away", "chamber_stuck", "temperature_degC=90", ""},
    {"F32", "the chamber never reaches its set point", "chamber_stuck", "", ""},
    {"F33", "the chamber is there and the cell is not", "extra_heat", "power_W=2", ""},
    {"F34", "door or interlock open", "interlock_open", "", ""},
    {"F35", "sensor open, shorted, out of range", "thermocouple_open", "", "thermocouple_stuck nan"},
    {"F36", "the instrument's clock jumps or stops", "clock_jump", "offset_s=3600", "clock_stop"},
    {"F37", "the controller is killed", "kill", "", "", controller},
    {"F38", "power loss", "power_loss", "unsynced=some", "", controller},
    {"F39", "the disk is full", "disk_full", "", "", controller},
    {"F40", "the disk is slow or fails", "slow_disk", "sync_s=5", "", controller},
    {"F41", "the wall clock jumps by an hour", "wall_clock_step", "step_s=3600", "", controller},
    {"F42", "the controller is suspended", "suspend", "for_s=2", "", controller},
    {"F43", "a second controller", "second_controller", "", "", controller},
    {"F44", "the controller is late for everything", "starve", "delay_ms=50", "", controller},
    {"F45", "hard internal short", "internal_short", "ohm=0.05", ""},
    {"F46", "soft short that grows", "soft_short", "ohm=1000 end_ohm=10 over_s=3600", ""},
    {"F47", "venting: gas, pressure, heat", "venting", "gas_ppm=2000 pressure_MPa=0.2 rise_K=30", ""},
    {"F48", "open circuit", "open_circuit", "", ""},
    {"F49", "not the declared cell; reversed; too full or too empty", "cell_differs", "capacity_fraction=0.7 resistance_factor=2",
     "cell_state reversed_cell cell_swapped"},
};

/// Keys by which a target may be called.
std::vector<std::string> aim_keys(Aim aim) {
  switch (aim) {
    case Aim::nothing: return {};
    case Aim::port:
    case Aim::modbus_port:
    case Aim::line_port: return {"target", "instrument", "port"};
    case Aim::instrument:
    case Aim::cycler:
    case Aim::clock: return {"target", "instrument"};
    case Aim::channel: return {"target", "channel"};
    case Aim::chamber: return {"target", "chamber"};
    case Aim::interlock: return {"target", "interlock"};
  }
  return {};
}

std::vector<std::string> cyclers_of(SimulatedBench& bench) {
  std::vector<std::string> names;
  for (const SimulatedChannel& channel : bench.channels()) {
    if (channel.cycler_instrument) names.push_back(*channel.cycler_instrument);
  }
  return names.empty() ? bench.instrument_names() : names;
}

}  // namespace

std::span<const NumberedFault> numbered_faults() { return numbered; }

const NumberedFault* numbered_fault(std::string_view number) {
  if (number.size() != 3 || (number[0] != 'F' && number[0] != 'f')) return nullptr;
  for (const NumberedFault& fault : numbered) {
    if (fault.number.substr(1) == number.substr(1)) return &fault;
  }
  return nullptr;
}

const std::vector<const Kind*>& all_kinds() {
  static const std::vector<const Kind*> all = [] {
    std::vector<const Kind*> kinds;
    for (const auto* family :
         {&wire_kinds(), &drawing_kinds(), &instrument_kinds(), &output_kinds(), &world_kinds(), &cell_kinds(), &host_kinds()}) {
      for (const Kind& kind : *family) kinds.push_back(&kind);
    }
    return kinds;
  }();
  return all;
}

const Kind* kind_named(std::string_view name) {
  const auto found =
      std::find_if(all_kinds().begin(), all_kinds().end(), [name](const Kind* kind) { return kind->name == name; });
  return found == all_kinds().end() ? nullptr : *found;
}

std::vector<std::string> keys_of(const Kind& kind) {
  std::vector<std::string> keys = aim_keys(kind.aim);
  keys.insert(keys.end(), kind.keys.begin(), kind.keys.end());
  keys.emplace_back("at_s");
  if (kind.is_state && kind.family != Family::wire) {
    keys.emplace_back("on");
    keys.emplace_back("for_s");
  }
  return keys;
}

std::vector<std::string> targets_of(SimulatedBench& bench, const Kind& kind) {
  std::vector<std::string> names;
  switch (kind.aim) {
    case Aim::nothing: break;
    case Aim::port:
    case Aim::modbus_port:
    case Aim::line_port:
      for (const BenchPort& port : bench.ports()) {
        const bool is_modbus = port.wire->framing() == Framing::modbus_tcp || port.wire->framing() == Framing::modbus_rtu;
        const bool is_meant = kind.aim == Aim::port || (kind.aim == Aim::modbus_port) == is_modbus;
        if (is_meant) names.push_back(port.wire->name());
      }
      break;
    case Aim::instrument:
      names = cyclers_of(bench);
      for (const std::string& name : bench.instrument_names()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
      break;
    case Aim::cycler: names = cyclers_of(bench); break;
    case Aim::clock:
      for (const std::string& name : bench.instrument_names()) {
        if (bench.instrument(name)->has_clock()) names.push_back(name);
      }
      break;
    case Aim::channel: names = channel_names(bench); break;
    case Aim::chamber:
      for (const SimulatedChamber& chamber : bench.chambers()) names.push_back(chamber.name);
      break;
    case Aim::interlock:
      for (const Interlock& interlock : bench.interlocks()) names.push_back(interlock.name);
      break;
  }
  return names;
}

Result<FaultOrder> by_name(SimulatedBench& bench, const FaultOrder& order) {
  const NumberedFault* const fault = numbered_fault(order.kind);
  if (fault == nullptr) return order;
  Result<FaultOrder> named = parse_fault_order(std::string(fault->kind) + ' ' + std::string(fault->keys));
  if (!named) return named;
  for (const auto& [key, value] : order.fields) {
    const auto same = [&key = key](const auto& field) { return field.first == key; };
    std::erase_if(named->fields, same);
    named->fields.emplace_back(key, value);
  }
  const Kind* const kind = kind_named(named->kind);
  const std::vector<std::string> keys = aim_keys(kind->aim);
  const bool is_aimed =
      std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return named->find(key) != nullptr; });
  if (is_aimed || kind->aim == Aim::nothing) return named;
  const std::vector<std::string> targets = targets_of(bench, *kind);
  if (!targets.empty()) named->fields.emplace_back("target", targets.front());
  return named;
}

}  // namespace cellrig::sim::faults
