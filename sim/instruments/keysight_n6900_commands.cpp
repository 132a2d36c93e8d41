// The commands of the N6900 that do more than remember a value.
#include <algorithm>
#include <cmath>

#include "sim/instruments/keysight_n6900_errors.hpp"
#include "sim/instruments/keysight_n6900_scpi.hpp"

namespace cellrig::sim {
namespace {

constexpr std::uint8_t of_voltage = 0;
constexpr std::uint8_t of_current = 1;
constexpr std::uint8_t of_power = 2;
constexpr std::string_view threshold_functions = "VOLTage|CURRent|POWer|AHOur|WHOur";
constexpr std::string_view threshold_operations = "GT|LT";
constexpr std::uint8_t text_version = 0;
constexpr std::uint8_t text_date = 1;
constexpr std::uint8_t text_time = 2;
constexpr std::uint8_t text_signal = 3;

// Which part of a status register, and of which one: the suffix of QUES tells QUES from QUES2.
constexpr std::uint8_t register_questionable = 8;
enum StatusPart : std::uint8_t { condition, event, enable, positive, negative };

}  // namespace

// Short forms are the reference's; long forms where it gives none are the usual words of the maker ([R]).
const KeysightN6900::ScpiSide::Row KeysightN6900::ScpiSide::rows[] = {
    {"*IDN", &ScpiSide::identify, 0, Row::Form::query},
    {"*RST", &ScpiSide::reset, 0, Row::Form::set},
    {"*CLS", &ScpiSide::clear_status, 0, Row::Form::set},
    {"*OPC", &ScpiSide::operation_complete},
    {"*TST", &ScpiSide::self_test, 0, Row::Form::query},
    {"*STB", &ScpiSide::status_byte, 0, Row::Form::query},
    {"*ESR", &ScpiSide::event_status, 0, Row::Form::query},
    {"*ESE", &ScpiSide::enable_mask, 0},
    {"*SRE", &ScpiSide::enable_mask, 1},
    {"*WAI", &ScpiSide::nothing, 0, Row::Form::set},
    {"*TRG", &ScpiSide::nothing, 0, Row::Form::set},
    {"*SAV", &ScpiSide::save_recall, 0, Row::Form::set},
    {"*RCL", &ScpiSide::save_recall, 1, Row::Form::set},
    {"*LRN", &ScpiSide::learn, 0, Row::Form::query},
    {"*OPT", &ScpiSide::options, 0, Row::Form::query},
    {"[SOURce:]FUNCtion", &ScpiSide::priority},
    {"OUTPut[:STATe]", &ScpiSide::output},
    {"OUTPut:PROTection:CLEar", &ScpiSide::clear_protection, 0, Row::Form::set},
    {"MEASure[:SCALar]:VOLTage[:DC]", &ScpiSide::measure, of_voltage, Row::Form::query},
    {"MEASure[:SCALar]:VOLTage:ACDC", &ScpiSide::measure, of_voltage, Row::Form::query},
    {"MEASure[:SCALar]:VOLTage:MAXimum", &ScpiSide::measure, of_voltage, Row::Form::query},
    {"MEASure[:SCALar]:VOLTage:MINimum", &ScpiSide::measure, of_voltage, Row::Form::query},
    {"MEASure[:SCALar]:VOLTage:HIGH", &ScpiSide::measure, of_voltage, Row::Form::query},
    {"MEASure[:SCALar]:VOLTage:LOW", &ScpiSide::measure, of_voltage, Row::Form::query},
    {"MEASure[:SCALar]:CURRent[:DC]", &ScpiSide::measure, of_current, Row::Form::query},
    {"MEASure[:SCALar]:CURRent:ACDC", &ScpiSide::measure, of_current, Row::Form::query},
    {"MEASure[:SCALar]:CURRent:MAXimum", &ScpiSide::measure, of_current, Row::Form::query},
    {"MEASure[:SCALar]:CURRent:MINimum", &ScpiSide::measure, of_current, Row::Form::query},
    {"MEASure[:SCALar]:CURRent:HIGH", &ScpiSide::measure, of_current, Row::Form::query},
    {"MEASure[:SCALar]:CURRent:LOW", &ScpiSide::measure, of_current, Row::Form::query},
    {"MEASure[:SCALar]:POWer[:DC]", &ScpiSide::measure, of_power, Row::Form::query},
    {"MEASure[:SCALar]:POWer:MAXimum", &ScpiSide::measure, of_power, Row::Form::query},
    {"MEASure[:SCALar]:POWer:MINimum", &ScpiSide::measure, of_power, Row::Form::query},
    {"FETCh[:SCALar]:VOLTage[:DC]", &ScpiSide::fetch, of_voltage, Row::Form::query},
    {"FETCh[:SCALar]:CURRent[:DC]", &ScpiSide::fetch, of_current, Row::Form::query},
    {"FETCh[:SCALar]:POWer[:DC]", &ScpiSide::fetch, of_power, Row::Form::query},
    {"FETCh[:SCALar]:AHOur", &ScpiSide::fetch_counter, 0, Row::Form::query},
    {"FETCh[:SCALar]:WHOur", &ScpiSide::fetch_counter, 1, Row::Form::query},
    {"SENSe:AHOur:RESet", &ScpiSide::reset_counter, 0, Row::Form::set},
    {"SENSe:WHOur:RESet", &ScpiSide::reset_counter, 1, Row::Form::set},
    {"SENSe:SWEep:NPLCycles", &ScpiSide::power_line_cycles},
    {"SENSe:THReshold#:FUNCtion", &ScpiSide::threshold_function},
    {"SENSe:THReshold#:OPERation", &ScpiSide::threshold_operation},
    {"SENSe:THReshold#:VOLTage[:LEVel]", &ScpiSide::threshold_level, 0},
    {"SENSe:THReshold#:CURRent[:LEVel]", &ScpiSide::threshold_level, 1},
    {"SENSe:THReshold#:POWer[:LEVel]", &ScpiSide::threshold_level, 2},
    {"SENSe:THReshold#:AHOur[:LEVel]", &ScpiSide::threshold_level, 3},
    {"SENSe:THReshold#:WHOur[:LEVel]", &ScpiSide::threshold_level, 4},
    {"SYSTem:ERRor[:NEXT]", &ScpiSide::next_error, 0, Row::Form::query},
    {"SYSTem:VERSion", &ScpiSide::fixed_text, text_version, Row::Form::query},
    {"SYSTem:DATE", &ScpiSide::fixed_text, text_date, Row::Form::query},
    {"SYSTem:TIME", &ScpiSide::fixed_text, text_time, Row::Form::query},
    {"SYSTem:SIGNal:DEFine", &ScpiSide::fixed_text, text_signal, Row::Form::set},
    {"STATus:PRESet", &ScpiSide::status_preset, 0, Row::Form::set},
    {"STATus:OPERation[:EVENt]", &ScpiSide::status_register, StatusPart::event, Row::Form::query},
    {"STATus:OPERation:CONDition", &ScpiSide::status_register, StatusPart::condition, Row::Form::query},
    {"STATus:OPERation:ENABle", &ScpiSide::status_register, StatusPart::enable},
    {"STATus:OPERation:PTRansition", &ScpiSide::status_register, StatusPart::positive},
    {"STATus:OPERation:NTRansition", &ScpiSide::status_register, StatusPart::negative},
    {"STATus:QUEStionable#[:EVENt]", &ScpiSide::status_register, register_questionable + StatusPart::event, Row::Form::query},
    {"STATus:QUEStionable#:CONDition", &ScpiSide::status_register, register_questionable + StatusPart::condition,
     Row::Form::query},
    {"STATus:QUEStionable#:ENABle", &ScpiSide::status_register, register_questionable + StatusPart::enable},
    {"STATus:QUEStionable#:PTRansition", &ScpiSide::status_register, register_questionable + StatusPart::positive},
    {"STATus:QUEStionable#:NTRansition", &ScpiSide::status_register, register_questionable + StatusPart::negative},
    // Absent without options: +302 and silence [V].
    {"SENSe:ELOG:FUNCtion:VOLTage", &ScpiSide::not_installed},
    {"SENSe:ELOG:FUNCtion:CURRent", &ScpiSide::not_installed},
    {"SENSe:ELOG:PERiod", &ScpiSide::not_installed},
    {"SENSe:SWEep:TINTerval", &ScpiSide::not_installed},
    {"SENSe:SWEep:POINts", &ScpiSide::not_installed},
    {"FETCh:ARRay:VOLTage[:DC]", &ScpiSide::not_installed},
    {"FETCh:ARRay:CURRent[:DC]", &ScpiSide::not_installed},
    {"FETCh:ARRay:POWer[:DC]", &ScpiSide::not_installed},
    {"FETCh:ELOG", &ScpiSide::not_installed},
    {"INITiate[:IMMediate]:ELOG", &ScpiSide::not_installed},
    {"TRIGger:ELOG[:IMMediate]", &ScpiSide::not_installed},
    {"TRIGger:ELOG:SOURce", &ScpiSide::not_installed},
    {"ABORt:ELOG", &ScpiSide::not_installed},
    {"[SOURce:]LIST:COUNt", &ScpiSide::not_installed},
    {"[SOURce:]LIST:DWELl", &ScpiSide::not_installed},
    {"[SOURce:]LIST:VOLTage[:LEVel]", &ScpiSide::not_installed},
    {"[SOURce:]LIST:CURRent[:LEVel]", &ScpiSide::not_installed},
    {"SYSTem:BBR:MEMory", &ScpiSide::not_installed},
    {"SYSTem:BBR", &ScpiSide::not_installed},
};

std::span<const KeysightN6900::ScpiSide::Row> KeysightN6900::ScpiSide::all_rows() { return rows; }

/// The commands of `rows` come first, the parameters after them.
const ScpiTree& KeysightN6900::ScpiSide::tree() {
  static const ScpiTree built = [] {
    std::vector<ScpiPattern> patterns;
    for (const Row& row : all_rows()) patterns.push_back({row.pattern, static_cast<std::uint16_t>(patterns.size())});
    for (const N6900ParameterPattern& row : n6900_parameter_patterns()) {
      patterns.push_back({row.pattern, static_cast<std::uint16_t>(patterns.size())});
    }
    return ScpiTree{patterns};
  }();
  return built;
}

void KeysightN6900::ScpiSide::identify(Call& call) {
  call.connection.output += device_.faults_.identity ? *device_.faults_.identity : device_.config_.identity;
}

void KeysightN6900::ScpiSide::reset(Call& call) { device_.reset(call.now); }

/// The error queue is the connection's, the event registers are the device's [V for the queue].
void KeysightN6900::ScpiSide::clear_status(Call& call) {
  call.connection.errors.clear();
  device_.event_status_ = 0;
  device_.operation_.event = device_.questionable_.event = device_.questionable2_.event = 0;
}

void KeysightN6900::ScpiSide::operation_complete(Call& call) {
  if (call.query) {
    call.connection.output.push_back('1');
  } else {
    device_.event_status_ |= 1U;
  }
}

void KeysightN6900::ScpiSide::self_test(Call& call) {
  call.connection.output += "+0";
  call.takes += device_.config_.self_test_time;
}

void KeysightN6900::ScpiSide::status_byte(Call& call) {
  unsigned status = 0;
  if (!call.connection.errors.empty()) status |= 1U << 2U;
  if ((device_.questionable_.event & device_.questionable_.enable) != 0) status |= 1U << 3U;
  if ((device_.event_status_ & device_.event_status_enable_) != 0) status |= 1U << 5U;
  if ((device_.operation_.event & device_.operation_.enable) != 0) status |= 1U << 7U;
  if ((status & device_.service_request_enable_) != 0) status |= 1U << 6U;
  append_nr1_signed(call.connection.output, static_cast<long>(status));
}

void KeysightN6900::ScpiSide::event_status(Call& call) {
  append_nr1_signed(call.connection.output, device_.event_status_);
  device_.event_status_ = 0;
}

void KeysightN6900::ScpiSide::enable_mask(Call& call) {
  std::uint16_t& mask = call.argument == 0 ? device_.event_status_enable_ : device_.service_request_enable_;
  if (call.query) return append_nr1_signed(call.connection.output, mask);
  if (const auto value = number_argument(call, 0, 255, {})) mask = static_cast<std::uint16_t>(std::lround(*value));
}

/// Recalling an empty memory gives the defaults; the output stays off after either way of it (unverified).
void KeysightN6900::ScpiSide::save_recall(Call& call) {
  const auto value = number_argument(call, 0, static_cast<double>(device_.saved_.size() - 1), {});
  if (!value) return;
  std::optional<Settings>& memory = device_.saved_[static_cast<std::size_t>(std::lround(*value))];
  if (call.argument == 0) {
    memory = device_.settings_;
    return;
  }
  device_.settings_ = memory ? *memory : device_.defaults();
  device_.switch_output(call.now, false);
}

/// As recorded, in lower case and with the long spellings [V]. What else a unit lists that is set otherwise is not known.
void KeysightN6900::ScpiSide::learn(Call& call) {
  std::string& out = call.connection.output;
  const auto number = [&](std::string_view name, N6900Parameter parameter) {
    out.append(name).append(std::to_string(std::lround(device_.value(parameter))));
  };
  out += "*rst";
  number(";:outp:prot:coup ", N6900Parameter::protection_coupling);
  number(";:dig:outp:data ", N6900Parameter::digital_output);
  number(";:dig:tout:bus ", N6900Parameter::digital_bus_trigger);
  number(";:outp:prot:wdog:stat ", N6900Parameter::watchdog);
  number(";:outp:prot:wdog:delay ", N6900Parameter::watchdog_delay);
}

void KeysightN6900::ScpiSide::options(Call& call) { call.connection.output.push_back('0'); }

void KeysightN6900::ScpiSide::nothing(Call&) {}

void KeysightN6900::ScpiSide::priority(Call& call) {
  constexpr std::string_view modes = "VOLTage|CURRent";
  if (call.query) {
    return append_value(call.connection.output, N6900ParameterTraits::Kind::keyword, modes,
                        device_.settings_.current_priority ? 1 : 0);
  }
  const std::string_view text = only_argument(call);
  if (text.empty()) return;
  const int mode = find_keyword(modes, text);
  if (mode < 0) return fail(call, n6900_error::illegal_parameter);
  device_.set_priority(call.now, mode == 1);
}

/// While a protection is latched the output stays off; which error tells so is unverified.
void KeysightN6900::ScpiSide::output(Call& call) {
  if (call.query) return call.connection.output.push_back(device_.stage_.output_on() ? '1' : '0');
  const auto on = bool_argument(call);
  if (!on) return;
  if (*on && device_.latched_ != 0) return fail(call, n6900_error::conflicting_settings);
  if (!*on && device_.faults_.ignore_off) return;
  if (*on != device_.output_on_) call.takes += device_.config_.output_switch_time;
  device_.switch_output(call.now, *on);
  device_.observe(call.now);
}

void KeysightN6900::ScpiSide::clear_protection(Call& call) { device_.clear_protection(call.now); }

void KeysightN6900::ScpiSide::measure(Call& call) {
  device_.acquire();
  call.takes += device_.acquisition_time();
  fetch(call);
}

/// Before the first acquisition there is nothing to fetch: silence [V]; the error is the standard's.
void KeysightN6900::ScpiSide::fetch(Call& call) {
  if (!device_.acquired_) return fail(call, n6900_error::stale);
  const Readings& readings = *device_.acquired_;
  const std::array<double, 3> values{readings.voltage_V, readings.current_A, readings.power_W};
  append_nr3(call.connection.output, values[call.argument]);
}

void KeysightN6900::ScpiSide::fetch_counter(Call& call) {
  append_nr3(call.connection.output, call.argument == 0 ? device_.counter_.charge_Ah() : device_.counter_.energy_Wh());
}

void KeysightN6900::ScpiSide::reset_counter(Call& call) {
  if (call.argument == 0) {
    device_.counter_.set_charge(0.0);
  } else {
    device_.counter_.set_energy(0.0);
  }
}

/// Whole samples of 5.12 us: 1 is read back as +9.999360E-01 [V]. The minimum is unverified: one sample.
void KeysightN6900::ScpiSide::power_line_cycles(Call& call) {
  constexpr double cycles_max = 100.0;
  const double samples_per_cycle = 1.0 / device_.value(N6900Parameter::line_frequency) / n6900_sample_period_s;
  if (call.query) return append_nr3(call.connection.output, device_.settings_.measurement_points / samples_per_cycle);
  const auto cycles = number_argument(call, 1.0 / samples_per_cycle, cycles_max, {});
  if (cycles) device_.settings_.measurement_points = std::max(1.0, std::round(*cycles * samples_per_cycle));
}

void KeysightN6900::ScpiSide::threshold_function(Call& call) {
  if (call.suffix > device_.settings_.thresholds.size()) return fail(call, n6900_error::suffix_out_of_range);
  double& function = device_.settings_.thresholds[call.suffix - 1U].function;
  if (call.query) return append_value(call.connection.output, N6900ParameterTraits::Kind::keyword, threshold_functions, function);
  const std::string_view text = only_argument(call);
  if (text.empty()) return;
  const int place = find_keyword(threshold_functions, text);
  if (place < 0) return fail(call, n6900_error::illegal_parameter);
  function = place;
}

void KeysightN6900::ScpiSide::threshold_operation(Call& call) {
  if (call.suffix > device_.settings_.thresholds.size()) return fail(call, n6900_error::suffix_out_of_range);
  double& operation = device_.settings_.thresholds[call.suffix - 1U].operation;
  if (call.query)
    return append_value(call.connection.output, N6900ParameterTraits::Kind::keyword, threshold_operations, operation);
  const std::string_view text = only_argument(call);
  if (text.empty()) return;
  const int place = find_keyword(threshold_operations, text);
  if (place < 0) return fail(call, n6900_error::illegal_parameter);
  operation = place;
}

void KeysightN6900::ScpiSide::threshold_level(Call& call) {
  if (call.suffix > device_.settings_.thresholds.size()) return fail(call, n6900_error::suffix_out_of_range);
  double& level = device_.settings_.thresholds[call.suffix - 1U].level[call.argument];
  if (call.query) return append_nr3(call.connection.output, level);
  constexpr double any = 1e30;
  if (const auto value = number_argument(call, -any, any, {})) level = *value;
}

/// `+0,"No error"` when there is none; other errors with their sign [V].
void KeysightN6900::ScpiSide::next_error(Call& call) {
  const ScpiError error = call.connection.errors.pop();
  append_nr1_signed(call.connection.output, error.code);
  call.connection.output.append(",\"").append(error.text).push_back('"');
}

void KeysightN6900::ScpiSide::fixed_text(Call& call) {
  switch (call.argument) {
    case text_version: call.connection.output += "1995.0"; return;
    case text_date: call.connection.output += device_.config_.date; return;
    case text_time: call.connection.output += device_.config_.time; return;
    default: return;  // the definition of a signal expression is accepted and not modelled
  }
}

void KeysightN6900::ScpiSide::status_register(Call& call) {
  StatusRegister* which = &device_.operation_;
  std::uint8_t part = call.argument;
  if (part >= register_questionable) {
    if (call.suffix > 2) return fail(call, n6900_error::suffix_out_of_range);
    which = call.suffix == 2 ? &device_.questionable2_ : &device_.questionable_;
    part = static_cast<std::uint8_t>(part - register_questionable);
  }
  std::uint16_t& value = part == condition  ? which->condition
                         : part == event    ? which->event
                         : part == enable   ? which->enable
                         : part == positive ? which->positive
                                            : which->negative;
  if (call.query) {
    append_nr1_signed(call.connection.output, value);
    if (part == event) value = 0;  // read and clear [V]
    return;
  }
  if (const auto mask = number_argument(call, 0, 65535, {})) value = static_cast<std::uint16_t>(std::lround(*mask));
}

void KeysightN6900::ScpiSide::status_preset(Call&) {
  device_.operation_.enable = device_.questionable_.enable = device_.questionable2_.enable = 0;
  device_.operation_.negative = device_.questionable_.negative = device_.questionable2_.negative = 0;
  device_.operation_.positive = 511;
  device_.questionable_.positive = 16383;
  device_.questionable2_.positive = 127;
}

void KeysightN6900::ScpiSide::not_installed(Call& call) { fail(call, n6900_error::not_installed); }

}  // namespace cellrig::sim
