#include <array>
#include <cmath>
#include <string>

#include "sim/instruments/ea_psb_ports.hpp"

namespace cellrig::sim {
namespace {

constexpr int commands_per_message_max = 5;  // [V]
constexpr double monitor_time_min_s = 1.0;   // [V]
constexpr double monitor_time_max_s = 36000.0;

constexpr int error_command = -100;
constexpr int error_syntax = -102;
constexpr int error_execution = -200;
constexpr int error_in_local = -201;
constexpr int error_out_of_range = -222;
constexpr int error_too_much_data = -223;
constexpr int error_illegal_parameter = -224;

/// The codes are those of the reference; the texts are the standard's (unverified).
std::string_view text_of(int code) {
  switch (code) {
    case error_command: return "Command error";
    case error_syntax: return "Syntax error";
    case error_execution: return "Execution error";
    case error_in_local: return "Invalid while in local";
    case error_out_of_range: return "Data out of range";
    case error_too_much_data: return "Too much data";
    case error_illegal_parameter: return "Illegal parameter value";
    default: return "Error";
  }
}

std::string_view unit_of(EaQuantity quantity) {
  switch (quantity) {
    case EaQuantity::voltage: return "V";
    case EaQuantity::current: return "A";
    case EaQuantity::power: return "W";
    case EaQuantity::resistance: return "Ohm";  // unverified
  }
  return {};
}

constexpr std::uint8_t arg(EaSetting setting) { return static_cast<std::uint8_t>(setting); }
constexpr std::uint8_t measure_array = 4;
constexpr std::array<std::string_view, 4> action_names{"NONE", "SIGNal", "WARNing", "ALARm"};
constexpr std::array<std::string_view, 4> action_replies{"NONE", "SIGNAL", "WARNING", "ALARM"};
constexpr std::array<std::string_view, 3> speed_names{"SLOW", "NORMal", "FAST"};
constexpr std::array<std::string_view, 3> speed_replies{"SLOW", "NORM", "FAST"};

template <std::size_t N>
std::optional<std::size_t> choice(std::string_view text, const std::array<std::string_view, N>& names) {
  for (std::size_t i = 0; i < N; ++i) {
    if (matches_keyword(text, names[i])) return i;
  }
  return std::nullopt;
}

}  // namespace

// Short forms are the reference's; where it gives no long form, the long form is the usual SCPI word (unverified).
const EaPsb::ScpiSide::Row EaPsb::ScpiSide::rows[] = {
    {"*IDN", &ScpiSide::identify, 0, Row::Form::query},
    {"*CLS", &ScpiSide::clear_status, 0, Row::Form::set},
    {"*RST", &ScpiSide::reset, 0, Row::Form::set},
    {"*STB", &ScpiSide::status_byte, 0, Row::Form::query},
    {"SYSTem:LOCK", &ScpiSide::lock},
    {"SYSTem:LOCK:OWNer", &ScpiSide::lock_owner, 0, Row::Form::query},
    {"OUTPut[:STATe]", &ScpiSide::output},
    {"INPut[:STATe]", &ScpiSide::output},
    {"[SOURce:]VOLTage[:LEVel]", &ScpiSide::setting, arg(EaSetting::voltage)},
    {"[SOURce:]CURRent[:LEVel]", &ScpiSide::setting, arg(EaSetting::source_current)},
    {"[SOURce:]POWer[:LEVel]", &ScpiSide::setting, arg(EaSetting::source_power)},
    {"[SOURce:]RESistance[:LEVel]", &ScpiSide::setting, arg(EaSetting::source_resistance)},
    {"SINK:CURRent[:LEVel]", &ScpiSide::setting, arg(EaSetting::sink_current)},
    {"SINK:POWer[:LEVel]", &ScpiSide::setting, arg(EaSetting::sink_power)},
    {"SINK:RESistance[:LEVel]", &ScpiSide::setting, arg(EaSetting::sink_resistance)},
    {"[SOURce:]VOLTage:PROTection[:LEVel]", &ScpiSide::setting, arg(EaSetting::voltage_protection)},
    {"[SOURce:]CURRent:PROTection[:LEVel]", &ScpiSide::setting, arg(EaSetting::source_current_protection)},
    {"[SOURce:]POWer:PROTection[:LEVel]", &ScpiSide::setting, arg(EaSetting::source_power_protection)},
    {"SINK:CURRent:PROTection[:LEVel]", &ScpiSide::setting, arg(EaSetting::sink_current_protection)},
    {"SINK:POWer:PROTection[:LEVel]", &ScpiSide::setting, arg(EaSetting::sink_power_protection)},
    {"[SOURce:]VOLTage:LIMit:HIGH", &ScpiSide::setting, arg(EaSetting::voltage_limit_max)},
    {"[SOURce:]VOLTage:LIMit:LOW", &ScpiSide::setting, arg(EaSetting::voltage_limit_min)},
    {"[SOURce:]CURRent:LIMit:HIGH", &ScpiSide::setting, arg(EaSetting::source_current_limit_max)},
    {"[SOURce:]CURRent:LIMit:LOW", &ScpiSide::setting, arg(EaSetting::source_current_limit_min)},
    {"[SOURce:]POWer:LIMit:HIGH", &ScpiSide::setting, arg(EaSetting::source_power_limit_max)},
    {"[SOURce:]RESistance:LIMit:HIGH", &ScpiSide::setting, arg(EaSetting::source_resistance_limit_max)},
    {"SINK:CURRent:LIMit:HIGH", &ScpiSide::setting, arg(EaSetting::sink_current_limit_max)},
    {"SINK:CURRent:LIMit:LOW", &ScpiSide::setting, arg(EaSetting::sink_current_limit_min)},
    {"SINK:POWer:LIMit:HIGH", &ScpiSide::setting, arg(EaSetting::sink_power_limit_max)},
    {"SINK:RESistance:LIMit:HIGH", &ScpiSide::setting, arg(EaSetting::sink_resistance_limit_max)},
    {"MEASure[:SCALar]:VOLTage[:DC]", &ScpiSide::measure, 0, Row::Form::query},
    {"MEASure[:SCALar]:CURRent[:DC]", &ScpiSide::measure, 1, Row::Form::query},
    {"MEASure[:SCALar]:POWer[:DC]", &ScpiSide::measure, 2, Row::Form::query},
    {"MEASure[:SCALar]:ARRay", &ScpiSide::measure, measure_array, Row::Form::query},
    {"SYSTem:NOMinal:VOLTage", &ScpiSide::nominal, 0, Row::Form::query},
    {"SYSTem:NOMinal:CURRent", &ScpiSide::nominal, 1, Row::Form::query},
    {"SYSTem:NOMinal:POWer", &ScpiSide::nominal, 2, Row::Form::query},
    {"SYSTem:NOMinal:RESistance:MAXimum", &ScpiSide::nominal, 3, Row::Form::query},
    {"SYSTem:NOMinal:RESistance:MINimum", &ScpiSide::nominal, 4, Row::Form::query},
    {"SYSTem:CONFig:UVD", &ScpiSide::setting, arg(EaSetting::under_voltage_detection)},
    {"SYSTem:CONFig:OVD", &ScpiSide::setting, arg(EaSetting::over_voltage_detection)},
    {"SYSTem:CONFig:UCD", &ScpiSide::setting, arg(EaSetting::under_current_detection)},
    {"SYSTem:CONFig:OCD", &ScpiSide::setting, arg(EaSetting::over_current_detection)},
    {"SYSTem:CONFig:OPD", &ScpiSide::setting, arg(EaSetting::over_power_detection)},
    {"SYSTem:CONFig:UVD:ACTion", &ScpiSide::event_action, 0},
    {"SYSTem:CONFig:OVD:ACTion", &ScpiSide::event_action, 1},
    {"SYSTem:CONFig:UCD:ACTion", &ScpiSide::event_action, 2},
    {"SYSTem:CONFig:OCD:ACTion", &ScpiSide::event_action, 3},
    {"SYSTem:CONFig:OPD:ACTion", &ScpiSide::event_action, 4},
    {"SYSTem:CONFig:MODE", &ScpiSide::mode},
    {"SYSTem:CONFig:OUTPut:RESTore", &ScpiSide::power_on_restore},
    {"SYSTem:CONFig:CONTroller:SPEed", &ScpiSide::speed},
    {"[SOURce:]POWer:STAGe:AFTer:REMote", &ScpiSide::after_remote},
    {"SYSTem:COMMunicate:MONitor:ACTive", &ScpiSide::monitor_active},
    {"SYSTem:COMMunicate:MONitor:TIME", &ScpiSide::monitor_time},
    {"SYSTem:ERRor[:NEXT]", &ScpiSide::next_error, 0, Row::Form::query},
    {"SYSTem:ERRor:ALL", &ScpiSide::all_errors, 0, Row::Form::query},
    {"STATus:QUEStionable[:CONDition]", &ScpiSide::questionable, 0, Row::Form::query},
    {"STATus:OPERation[:CONDition]", &ScpiSide::operation, 0, Row::Form::query},
    {"SYSTem:ALARm:COUNt:OVOLtage", &ScpiSide::alarm_counter, 0, Row::Form::query},
    {"SYSTem:ALARm:COUNt:OCURrent", &ScpiSide::alarm_counter, 1, Row::Form::query},
    {"SYSTem:ALARm:COUNt:OPOWer", &ScpiSide::alarm_counter, 2, Row::Form::query},
    {"SYSTem:ALARm:COUNt:OTEMperature", &ScpiSide::alarm_counter, 3, Row::Form::query},
    {"SYSTem:ALARm:COUNt:PFAil", &ScpiSide::alarm_counter, 4, Row::Form::query},
    {"SYSTem:ALARm:COUNt:SHARe", &ScpiSide::alarm_counter, 7, Row::Form::query},
    {"SYSTem:SINK:ALARm:COUNt:OCURrent", &ScpiSide::alarm_counter, 5, Row::Form::query},
    {"SYSTem:SINK:ALARm:COUNt:OPOWer", &ScpiSide::alarm_counter, 6, Row::Form::query},
};

std::span<const EaPsb::ScpiSide::Row> EaPsb::ScpiSide::all_rows() { return rows; }

const ScpiTree& EaPsb::ScpiSide::tree() {
  static const ScpiTree built = [] {
    std::vector<ScpiPattern> patterns;
    for (const Row& row : all_rows()) patterns.push_back({row.pattern, static_cast<std::uint16_t>(patterns.size())});
    return ScpiTree{patterns};
  }();
  return built;
}

void EaPsb::ScpiSide::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Reply>& replies) {
  device_.traffic(now, true);
  Connection& connection = connections_.at(id);
  while (!bytes.empty()) {
    const auto line = connection.lines.next(bytes);
    if (!line) return;
    std::string out;
    if (line->overflowed) {
      fail(error_too_much_data);
    } else {
      run_message(now, line->text, out);
    }
    if (!out.empty()) out.push_back('\n');
    const bool answered = !out.empty();
    const TimePoint due = connection.busy.finish(now, device_.config_.scpi_latency + device_.extra_latency());
    replies.push_back({.due = due, .bytes = std::move(out), .answered = answered});
  }
}

/// Each unit stands for itself: an error in one doesn't stop the others (unverified). Several replies are joined with ';'
/// on one line (unverified). More than five commands: none is run.
void EaPsb::ScpiSide::run_message(TimePoint now, std::string_view message, std::string& out) {
  ScpiUnit unit;
  int count = 0;
  for (std::string_view rest = message; next_unit(rest, unit);) {
    if (!unit.header.empty()) ++count;
  }
  if (count > commands_per_message_max) return fail(error_too_much_data);
  ScpiTree::Node node = ScpiTree::root;
  while (next_unit(message, unit)) {
    if (unit.header.empty()) continue;
    const ScpiTree::Match match = tree().find(unit.header, node);
    if (match.command == ScpiTree::no_command) {
      fail(error_command);
      continue;
    }
    node = match.parent;
    const Row& row = all_rows()[match.command];
    if ((row.form == Row::Form::query && !unit.query) || (row.form == Row::Form::set && unit.query)) {
      fail(error_command);
      continue;
    }
    if (!unit.query && row.form == Row::Form::both && unit.arguments.empty()) {
      fail(error_syntax);
      continue;
    }
    const std::size_t before = out.size();
    if (before > 0) out.push_back(';');
    const std::size_t start = out.size();
    (this->*row.handler)({.now = now, .argument = row.argument, .query = unit.query, .text = unit.arguments, .out = out});
    if (out.size() == start) out.resize(before);
  }
}

void EaPsb::ScpiSide::fail(int code) { device_.errors_.push({.code = code, .text = text_of(code)}); }

void EaPsb::ScpiSide::refuse(EaRefusal refusal) {
  switch (refusal) {
    case EaRefusal::none: return;
    case EaRefusal::not_in_remote: return fail(error_in_local);
    case EaRefusal::out_of_range: return fail(error_out_of_range);
    case EaRefusal::alarm_active: return fail(error_execution);
  }
}

void EaPsb::ScpiSide::put_quantity(std::string& out, double value, EaQuantity quantity) const {
  int decimals = 2;
  if (quantity == EaQuantity::voltage) decimals = device_.config_.voltage_decimals;
  if (quantity == EaQuantity::current) decimals = device_.config_.current_decimals;
  if (quantity == EaQuantity::power) decimals = device_.config_.power_decimals;
  append_fixed(out, value, decimals);
  out.push_back(' ');
  out.append(unit_of(quantity));
}

/// One of two words, or a boolean; reports what is neither.
std::optional<bool> EaPsb::ScpiSide::switch_argument(const Call& call, std::string_view on, std::string_view off) {
  if (matches_keyword(call.text, on)) return true;
  if (matches_keyword(call.text, off)) return false;
  if (on == "ON") {
    if (const std::optional<bool> number = parse_bool(call.text)) return number;
  }
  fail(error_illegal_parameter);
  return std::nullopt;
}

void EaPsb::ScpiSide::identify(const Call& call) {
  if (device_.faults_.identity) {
    call.out += *device_.faults_.identity;
    return;
  }
  const EaPsbConfig& config = device_.config_;
  for (const std::string_view field : {std::string_view{"EA ELEKTRO-AUTOMATIK"}, std::string_view{config.identity_model},
                                       std::string_view{config.serial_number}, std::string_view{config.firmware}}) {
    call.out.append(field).push_back(',');
  }
  call.out += config.user_text;
}

void EaPsb::ScpiSide::clear_status(const Call&) { device_.errors_.clear(); }

void EaPsb::ScpiSide::reset(const Call& call) { refuse(device_.reset(call.now)); }

/// Bits 2 error queue, 3 questionable, 7 operation [V]; what exactly sets 3 and 7 is unverified: any alarm, any regulation.
void EaPsb::ScpiSide::status_byte(const Call& call) {
  unsigned status = 0;
  if (!device_.errors_.empty()) status |= 1U << 2U;
  if (device_.alarms_ != 0) status |= 1U << 3U;
  if (device_.operation() != 0) status |= 1U << 7U;
  call.out += std::to_string(status);
}

void EaPsb::ScpiSide::lock(const Call& call) {
  if (call.query) {  // the reference has only SYST:LOCK:OWNER?; this one is unverified
    call.out += device_.shown(call.now).remote ? "ON" : "OFF";
  } else if (const auto on = switch_argument(call, "ON", "OFF")) {
    refuse(device_.set_remote(call.now, *on));
  }
}

void EaPsb::ScpiSide::lock_owner(const Call& call) {
  if (device_.faults_.local_control) {
    call.out += "LOCAL";
  } else {
    call.out += device_.shown(call.now).remote ? "REMOTE" : "NONE";
  }
}

void EaPsb::ScpiSide::output(const Call& call) {
  if (call.query) {
    call.out += device_.stage_.output_on() ? "ON" : "OFF";
  } else if (const auto on = switch_argument(call, "ON", "OFF")) {
    refuse(device_.set_output(call.now, *on));
  }
}

void EaPsb::ScpiSide::setting(const Call& call) {
  const auto which = static_cast<EaSetting>(call.argument);
  const EaSettingTraits& traits = traits_of(which);
  if (call.query) {
    const double raw = device_.shown(call.now).raw[call.argument];
    return put_quantity(call.out, raw * device_.nominal(traits.quantity) / ea_full_scale, traits.quantity);
  }
  if (!device_.settings_.remote) return fail(error_in_local);
  std::uint16_t raw = 0;
  if (matches_keyword(call.text, "MAXimum")) {
    raw = traits.upper ? device_.settings_.raw[index_of(*traits.upper)] : traits.raw_max;
  } else if (matches_keyword(call.text, "MINimum")) {
    raw = traits.lower ? device_.settings_.raw[index_of(*traits.lower)] : std::uint16_t{0};
  } else {
    const std::optional<double> number = parse_number(call.text, unit_of(traits.quantity));
    if (!number) return fail(error_syntax);
    if (*number < 0) return fail(error_out_of_range);
    raw = device_.to_raw(traits.quantity, *number);
  }
  refuse(device_.set(call.now, which, raw));
}

void EaPsb::ScpiSide::measure(const Call& call) {
  if (device_.faults_.nan_readings) {
    call.out += "9.91E37";
    return;
  }
  const OutputReading readings = device_.measure();
  const std::array<double, 3> values{readings.voltage_V, readings.current_A, readings.power_W()};
  if (call.argument != measure_array) {
    return put_quantity(call.out, values[call.argument], static_cast<EaQuantity>(call.argument));
  }
  for (std::uint8_t i = 0; i < 3; ++i) {
    if (i > 0) call.out.push_back(',');
    put_quantity(call.out, values[i], static_cast<EaQuantity>(i));
  }
}

/// "60 V" [V]: as many decimals as the number needs.
void EaPsb::ScpiSide::nominal(const Call& call) {
  const EaPsbConfig& config = device_.config_;
  const std::array<double, 5> values{config.nominal_voltage_V, config.nominal_current_A, config.nominal_power_W,
                                     config.resistance_max_ohm, config.resistance_min_ohm};
  const double value = values[call.argument];
  append_fixed(call.out, value, value == std::floor(value) ? 0 : 2);
  call.out.push_back(' ');
  call.out.append(unit_of(call.argument < 3 ? static_cast<EaQuantity>(call.argument) : EaQuantity::resistance));
}

void EaPsb::ScpiSide::event_action(const Call& call) {
  if (call.query) {
    call.out += action_replies[static_cast<std::size_t>(device_.shown(call.now).event_action[call.argument])];
    return;
  }
  const auto action = choice(call.text, action_names);
  if (!action) return fail(error_illegal_parameter);
  refuse(device_.change(
      call.now, [&](EaSettings& settings) { settings.event_action[call.argument] = static_cast<EaEventAction>(*action); }));
}

void EaPsb::ScpiSide::mode(const Call& call) {
  if (call.query) {
    call.out += device_.shown(call.now).resistance_mode ? "UIR" : "UIP";
  } else if (const auto on = switch_argument(call, "UIR", "UIP")) {
    refuse(device_.set_resistance_mode(call.now, *on));
  }
}

void EaPsb::ScpiSide::after_remote(const Call& call) {
  if (call.query) {
    call.out += device_.shown(call.now).output_stays_after_remote ? "AUTO" : "OFF";
  } else if (const auto stays = switch_argument(call, "AUTO", "OFF")) {
    refuse(device_.change(call.now, [&](EaSettings& settings) { settings.output_stays_after_remote = *stays; }));
  }
}

void EaPsb::ScpiSide::power_on_restore(const Call& call) {
  if (call.query) {
    call.out += device_.shown(call.now).output_restored_after_power_on ? "AUTO" : "OFF";
  } else if (const auto restored = switch_argument(call, "AUTO", "OFF")) {
    refuse(device_.change(call.now, [&](EaSettings& settings) { settings.output_restored_after_power_on = *restored; }));
  }
}

void EaPsb::ScpiSide::speed(const Call& call) {
  if (call.query) {
    call.out += speed_replies[static_cast<std::size_t>(device_.shown(call.now).speed)];
    return;
  }
  const auto wanted = choice(call.text, speed_names);
  if (!wanted) return fail(error_illegal_parameter);
  refuse(device_.change(call.now, [&](EaSettings& settings) { settings.speed = static_cast<EaControllerSpeed>(*wanted); }));
}

void EaPsb::ScpiSide::monitor_active(const Call& call) {
  if (call.query) {
    call.out += device_.shown(call.now).monitor_active ? "ON" : "OFF";
  } else if (const auto on = switch_argument(call, "ON", "OFF")) {
    refuse(device_.change(call.now, [&](EaSettings& settings) { settings.monitor_active = *on; }));
  }
}

/// The reply without a unit is unverified.
void EaPsb::ScpiSide::monitor_time(const Call& call) {
  if (call.query) return append_fixed(call.out, device_.shown(call.now).monitor_time_s, 0);
  const std::optional<double> seconds = parse_number(call.text, "s");
  if (!seconds) return fail(error_syntax);
  if (!(*seconds >= monitor_time_min_s && *seconds <= monitor_time_max_s)) return fail(error_out_of_range);
  refuse(device_.change(call.now, [&](EaSettings& settings) { settings.monitor_time_s = std::round(*seconds); }));
}

/// Reading errors also acknowledges the alarms that are no longer present [V].
void EaPsb::ScpiSide::next_error(const Call& call) {
  const ScpiError error = device_.errors_.pop();
  call.out += std::to_string(error.code);
  call.out.append(", \"").append(error.text).push_back('"');
  device_.acknowledge_alarms();
}

void EaPsb::ScpiSide::all_errors(const Call& call) {
  constexpr int entries_max = 5;  // [V]
  for (int i = 0; i < entries_max && (i == 0 || !device_.errors_.empty()); ++i) {
    if (i > 0) call.out += ", ";
    next_error(call);
  }
}

void EaPsb::ScpiSide::questionable(const Call& call) { call.out += std::to_string(device_.questionable(call.now)); }

void EaPsb::ScpiSide::operation(const Call& call) { call.out += std::to_string(device_.operation()); }

void EaPsb::ScpiSide::alarm_counter(const Call& call) {
  const AlarmCounters& counters = device_.counters_;
  const std::array<std::uint16_t, 8> values{counters.over_voltage,     counters.over_current, counters.over_power,
                                            counters.over_temperature, counters.power_fail,   counters.sink_over_current,
                                            counters.sink_over_power,  std::uint16_t{0}};
  call.out += std::to_string(values[call.argument]);
}

}  // namespace cellrig::sim
