#include "sim/instruments/itech_scpi.hpp"

#include <cmath>

namespace cellrig::sim {

// Short forms are the reference's; long forms the usual words ([R]).
const std::vector<Itech::ScpiSide::Row>& Itech::ScpiSide::rows() {
  using enum Row::Form;
  static const std::vector<Row> all{
      {"*IDN", &ScpiSide::identify, query},
      {"*RST", &ScpiSide::reset, set},
      {"*CLS", &ScpiSide::clear_status, set, true},
      {"*OPC", &ScpiSide::operation_complete, both, true},
      {"SYSTem:ERRor[:NEXT]", &ScpiSide::next_error, query},
      {"SYSTem:CLEar", &ScpiSide::clear_status, set, true},
      {"SYSTem:VERSion", &ScpiSide::version, query},
      {"SYSTem:REMote", &ScpiSide::remote, set, true},
      {"SYSTem:RWLock", &ScpiSide::remote, set, true},
      {"SYSTem:LOCal", &ScpiSide::local, set, true},
      {"[SOURce:]FUNCtion", &ScpiSide::priority, both},
      {"[SOURce:]FUNCtion:PRIority", &ScpiSide::priority, both},
      {"OUTPut[:STATe]", &ScpiSide::output, both},
      {"OUTPut:PROTection:CLEar", &ScpiSide::clear_protection, set},
      {"MEASure[:SCALar]", &ScpiSide::measure_all, query},
      {"FETCh[:SCALar]", &ScpiSide::measure_all, query},
      {"MEASure[:SCALar]:VOLTage[:DC]", &ScpiSide::measure_voltage, query},
      {"FETCh[:SCALar]:VOLTage[:DC]", &ScpiSide::measure_voltage, query},
      {"MEASure:REMOte:VOLTage", &ScpiSide::measure_voltage, query},
      {"MEASure[:SCALar]:CURRent[:DC]", &ScpiSide::measure_current, query},
      {"FETCh[:SCALar]:CURRent[:DC]", &ScpiSide::measure_current, query},
      {"MEASure[:SCALar]:POWer[:DC]", &ScpiSide::measure_power, query},
      {"MEASure[:SCALar]:AHOur", &ScpiSide::measure_charge, query},
      {"MEASure[:SCALar]:WHOur", &ScpiSide::measure_energy, query},
      {"STATus:OPERation:CONDition", &ScpiSide::operation_condition, query},
      {"STATus:QUEStionable:CONDition", &ScpiSide::questionable_condition, query},
  };
  return all;
}

/// The commands of rows() come first, the parameters after them.
const ScpiTree& Itech::ScpiSide::built_tree() {
  static const ScpiTree built = [] {
    std::vector<ScpiPattern> patterns;
    for (const Row& row : rows()) patterns.push_back({row.pattern, static_cast<std::uint16_t>(patterns.size())});
    for (const ItechParameterPattern& row : itech_parameter_patterns()) {
      patterns.push_back({row.pattern, static_cast<std::uint16_t>(patterns.size())});
    }
    return ScpiTree{patterns};
  }();
  return built;
}

void Itech::ScpiSide::run(Call& call) {
  const bool is_row = call.command < rows().size();
  const bool taken_in_local = call.query || (is_row && rows()[call.command].in_local);
  if (!call.query) call.settles = device_.config_.command_time;
  if (device_.is_local() && !taken_in_local) return fail(call, scpi_error::command_protected);
  if (!is_row) return parameter(call, itech_parameter_patterns()[call.command - rows().size()].parameter);
  const Row& row = rows()[call.command];
  if ((row.form == Row::Form::query && !call.query) || (row.form == Row::Form::set && call.query)) {
    return fail(call, scpi_error::undefined_header);
  }
  (this->*row.handler)(call);
}

/// The inactive set-point mirrors the limit [V].
double Itech::ScpiSide::shown_value(ItechParameter parameter) const {
  if (parameter == ItechParameter::voltage && device_.current_priority_) return device_.value(ItechParameter::voltage_limit_high);
  if (parameter == ItechParameter::current && !device_.current_priority_) return device_.value(ItechParameter::current_limit);
  return device_.value(parameter);
}

void Itech::ScpiSide::append(std::string& out, const ItechParameterTraits& traits, double value) const {
  using enum ItechParameterTraits::Kind;
  switch (traits.kind) {
    case volts:
    case amps: return append_fixed(out, value, device_.config_.ratings.decimals);
    case other: return append_fixed(out, value, 3);
    case integer: return append_fixed(out, value, 0);
    case flag: return out.push_back(value != 0 ? '1' : '0');
    case keyword: out += keyword_at(traits.keywords, static_cast<int>(value)); return;
  }
}

void Itech::ScpiSide::parameter(Call& call, ItechParameter parameter) {
  using enum ItechParameterTraits::Kind;
  const ItechParameterTraits& traits = traits_[index_of(parameter)];
  if (call.query) {
    if (call.text.empty()) return append(call.out, traits, shown_value(parameter));
    if (matches_keyword(call.text, "MAXimum")) return append(call.out, traits, traits.high);
    if (matches_keyword(call.text, "MINimum")) return append(call.out, traits, traits.low);
    return fail(call, scpi_error::illegal_parameter);
  }
  if (traits.kind == flag) {
    if (const auto on = flag_argument(call)) device_.set(call.now, parameter, *on ? 1.0 : 0.0);
    return;
  }
  if (traits.kind == keyword) {
    const auto place = keyword_argument(call, traits.keywords);
    if (!place) return;
    if (parameter == ItechParameter::function_mode && *place != 0) return fail(call, scpi_error::settings_conflict);
    return device_.set(call.now, parameter, *place);
  }
  const auto value = number_argument(call, {traits.low, traits.high},
                                     traits.kind == volts  ? "V"
                                     : traits.kind == amps ? "A"
                                                           : "");
  if (!value) return;
  const int decimals = traits.kind == integer ? 0 : traits.kind == other ? 3 : device_.config_.ratings.decimals;
  const double steps = std::pow(10.0, decimals);
  device_.set(call.now, parameter, std::round(*value * steps) / steps);
}

void Itech::ScpiSide::identify(Call& call) {
  call.out += device_.faults_.identity ? *device_.faults_.identity : device_.config_.identity;
}

void Itech::ScpiSide::reset(Call& call) { device_.reset(call.now); }
void Itech::ScpiSide::clear_status(Call&) { errors().clear(); }

void Itech::ScpiSide::operation_complete(Call& call) {
  if (call.query) call.out.push_back('1');
}

void Itech::ScpiSide::next_error(Call& call) {
  const ScpiError error = errors().pop();
  call.out += std::to_string(error.code);
  call.out.append(",\"").append(error.code == 0 ? std::string_view{"NO_ERR"} : error.text).push_back('"');
}

void Itech::ScpiSide::version(Call& call) { call.out += "1999.0"; }
void Itech::ScpiSide::remote(Call&) { device_.remote_ = true; }
void Itech::ScpiSide::local(Call&) { device_.remote_ = false; }

void Itech::ScpiSide::priority(Call& call) {
  constexpr std::string_view modes = "VOLTage|CURRent";
  if (call.query) {
    call.out += keyword_at(modes, device_.current_priority_ ? 1 : 0);
    return;
  }
  if (const auto mode = keyword_argument(call, modes)) device_.set_priority(call.now, *mode == 1);
}

/// While a protection is latched the output stays off; which error tells so is unverified.
void Itech::ScpiSide::output(Call& call) {
  if (call.query) return call.out.push_back(device_.stage_.output_on() ? '1' : '0');
  const auto on = flag_argument(call);
  if (!on) return;
  if (*on && device_.questionable(call.now) != 0) return fail(call, scpi_error::settings_conflict);
  if (!*on && device_.faults_.ignore_off) return;
  device_.switch_output(call.now, *on);
  device_.observe(call.now);
}

void Itech::ScpiSide::clear_protection(Call& call) { device_.clear_protection(call.now); }

/// NR2; what is no number is said as SCPI says it.
void Itech::ScpiSide::append_reading(std::string& out, double value, int decimals) const {
  if (std::fabs(value) > 1e30) {
    out += "9.91E37";
  } else {
    append_fixed(out, value, decimals);
  }
}

void Itech::ScpiSide::measure_voltage(Call& call) {
  call.takes += device_.config_.measurement_time;
  append_reading(call.out, device_.measure().voltage_V, device_.config_.ratings.decimals);
}

void Itech::ScpiSide::measure_current(Call& call) {
  call.takes += device_.config_.measurement_time;
  append_reading(call.out, device_.measure().current_A, device_.config_.ratings.decimals);
}

void Itech::ScpiSide::measure_power(Call& call) {
  call.takes += device_.config_.measurement_time;
  const OutputReading readings = device_.measure();
  append_reading(call.out, readings.voltage_V * readings.current_A, 3);
}

void Itech::ScpiSide::measure_charge(Call& call) { append_reading(call.out, device_.counter_.charge_Ah(), 5); }
void Itech::ScpiSide::measure_energy(Call& call) { append_reading(call.out, device_.counter_.energy_Wh(), 5); }

/// V, I, P, Ah, Wh of one acquisition [V].
void Itech::ScpiSide::measure_all(Call& call) {
  call.takes += device_.config_.measurement_time;
  const OutputReading readings = device_.measure();
  const int decimals = device_.config_.ratings.decimals;
  append_reading(call.out, readings.voltage_V, decimals);
  append_reading(call.out += ',', readings.current_A, decimals);
  append_reading(call.out += ',', readings.voltage_V * readings.current_A, 3);
  append_reading(call.out += ',', device_.counter_.charge_Ah(), 5);
  append_reading(call.out += ',', device_.counter_.energy_Wh(), 5);
}

void Itech::ScpiSide::operation_condition(Call& call) { call.out += std::to_string(device_.operation()); }
void Itech::ScpiSide::questionable_condition(Call& call) { call.out += std::to_string(device_.questionable(call.now)); }

}  // namespace cellrig::sim
