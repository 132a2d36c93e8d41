#include "sim/instruments/keysight_n6900_parameters.hpp"

#include <cmath>

#include "sim/instruments/scpi_text.hpp"

namespace cellrig::sim {
namespace {

using Kind = N6900ParameterTraits::Kind;
using P = N6900Parameter;

constexpr double largest = 1e30;

// Initial values as recorded on the real unit (instruments reference 2.4, [V]). Lists of keywords are only complete where
// section 2.3 names them; ranges of what the reference doesn't bound are unverified.
constexpr std::array<N6900ParameterTraits, n6900_parameter_count> table{{
    {.kind = Kind::number, .initial = 0.08, .low = 0.08, .high = 81.6, .unit = "V"},
    {.kind = Kind::number, .initial = 0.0, .low = -12.75, .high = 25.5, .unit = "A"},
    {.kind = Kind::number, .initial = 0.255, .low = 0.026, .high = 25.5, .unit = "A"},
    {.kind = Kind::number, .initial = -2.55, .low = -12.75, .high = -0.026, .unit = "A"},
    {.kind = Kind::number, .initial = 81.6, .low = 0.08, .high = 81.6, .unit = "V"},
    {.kind = Kind::slew, .initial = n6900_infinite, .low = 0.0, .high = n6900_infinite},
    {.kind = Kind::slew, .initial = n6900_infinite, .low = 0.0, .high = n6900_infinite},
    {.kind = Kind::boolean, .initial = 1},
    {.kind = Kind::boolean, .initial = 1},
    {.kind = Kind::keyword, .initial = 0, .keywords = "FIXed|STEP|LIST|ARB"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "FIXed|STEP|LIST|ARB"},
    {.kind = Kind::number, .initial = 96.0, .low = 0.0, .high = 96.0, .unit = "V"},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::number, .initial = 0.02, .low = 0.0, .high = 0.255, .unit = "S"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "SCHange|CCTRans"},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::number, .initial = 0.0, .low = 0.0, .high = largest, .unit = "OHM"},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::keyword, .initial = 0, .keywords = "LOWZ|HIGHZ"},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::keyword, .initial = 0, .keywords = "NONE|EXPR1|EXPR2|EXPR3|EXPR4|EXPR5|EXPR6|EXPR7|EXPR8"},
    {.kind = Kind::keyword, .initial = 2, .keywords = "LATChing|LIVE|OFF"},
    {.kind = Kind::number, .initial = 0.0, .low = 0.0, .high = 1.023, .unit = "S"},
    {.kind = Kind::number, .initial = 0.0, .low = 0.0, .high = 1.023, .unit = "S"},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::boolean, .initial = 1},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::integer, .initial = 60, .low = 1, .high = 3600, .unit = "S"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "RST|RCL0"},
    {.kind = Kind::number, .initial = 51.0, .read_only = true},
    {.kind = Kind::boolean, .initial = 1},
    {.kind = Kind::boolean, .initial = 1},
    {.kind = Kind::number, .initial = 81.6, .low = 0.0, .high = 81.6, .unit = "V"},
    {.kind = Kind::number, .initial = 25.5, .low = 0.0, .high = 25.5, .unit = "A"},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::boolean, .initial = 1},
    {.kind = Kind::keyword, .initial = 0, .keywords = "ASCii|REAL"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "NORMal|SWAPped"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "BUS|IMMediate|EXTernal"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "BUS|IMMediate|EXTernal"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "BUS|IMMediate|EXTernal"},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::integer, .initial = 0, .low = 0, .high = 127},
    {.kind = Kind::boolean, .initial = 0},
    {.kind = Kind::integer, .initial = 63, .read_only = true},
    {.kind = Kind::boolean, .initial = 1},
    {.kind = Kind::keyword, .initial = 0, .keywords = "METER_VI|METER_VP|METER_VIP"},
    {.kind = Kind::keyword, .initial = 0, .keywords = "LOCal|REMote|RWLock"},
    {.kind = Kind::integer, .initial = 5002, .read_only = true},
    {.kind = Kind::integer, .initial = 60, .read_only = true},
    {.kind = Kind::number, .initial = 27.0, .read_only = true},
}};

constexpr std::array<N6900ParameterPattern, n6900_pattern_count> patterns{{
    {"[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", P::voltage},
    {"[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]", P::current},
    {"[SOURce:]CURRent:LIMit[:POSitive][:IMMediate][:AMPLitude]", P::current_limit},
    {"[SOURce:]CURRent:LIMit:NEGative[:IMMediate][:AMPLitude]", P::current_limit_negative},
    {"[SOURce:]VOLTage:LIMit[:POSitive][:IMMediate][:AMPLitude]", P::voltage_limit},
    {"[SOURce:]VOLTage:SLEW[:IMMediate]", P::voltage_slew},
    {"[SOURce:]CURRent:SLEW[:IMMediate]", P::current_slew},
    {"[SOURce:]VOLTage:SLEW:MAXimum", P::voltage_slew_max},
    {"[SOURce:]CURRent:SLEW:MAXimum", P::current_slew_max},
    {"[SOURce:]VOLTage:MODE", P::voltage_mode},
    {"[SOURce:]CURRent:MODE", P::current_mode},
    {"[SOURce:]VOLTage:PROTection[:LEVel]", P::voltage_protection},
    {"[SOURce:]CURRent:PROTection:STATe", P::current_protection_state},
    {"[SOURce:]CURRent:PROTection:DELay[:TIME]", P::protection_delay},
    {"OUTPut:PROTection:DELay", P::protection_delay},  // the same parameter [V]
    {"[SOURce:]CURRent:PROTection:DELay:STARt", P::protection_delay_start},
    {"[SOURce:]CURRent:SHARing[:STATe]", P::current_sharing},
    {"[SOURce:]RESistance[:LEVel][:IMMediate][:AMPLitude]", P::resistance},
    {"[SOURce:]RESistance:STATe", P::resistance_state},
    {"OUTPut:PROTection:MODE", P::protection_mode},
    {"OUTPut:PROTection:COUPle", P::protection_coupling},
    {"OUTPut:PROTection:USER[:STATe]", P::user_protection},
    {"OUTPut:PROTection:USER:SOURce", P::user_protection_source},
    {"OUTPut:INHibit:MODE", P::inhibit_mode},
    {"OUTPut:DELay:RISE", P::delay_rise},
    {"OUTPut:DELay:FALL", P::delay_fall},
    {"OUTPut:COUPle[:STATe]", P::output_coupling},
    {"OUTPut:RELay:LOCK", P::relay_lock},
    {"OUTPut:PROTection:WDOG[:STATe]", P::watchdog},
    {"OUTPut:PROTection:WDOG:DELay", P::watchdog_delay},
    {"OUTPut:PON:STATe", P::power_on_state},
    {"OUTPut:PROTection:TEMPerature:MARGin", P::temperature_margin},
    {"SENSe:FUNCtion:VOLTage", P::sense_voltage},
    {"SENSe:FUNCtion:CURRent", P::sense_current},
    {"SENSe:VOLTage[:DC]:RANGe[:UPPer]", P::voltage_range},
    {"SENSe:CURRent[:DC]:RANGe[:UPPer]", P::current_range},
    {"SENSe:CURRent[:DC]:RANGe:AUTO", P::current_range_auto},
    {"SENSe:FAULt:STATe", P::sense_fault},
    {"FORMat[:DATA]", P::format},
    {"FORMat:BORDer", P::byte_order},
    {"TRIGger:TRANsient:SOURce", P::transient_source},
    {"TRIGger:ACQuire:SOURce", P::acquire_source},
    {"TRIGger:ARB:SOURce", P::arb_source},
    {"STEP:TOUTput", P::step_trigger_out},
    {"DIGital:OUTPut:DATA", P::digital_output},
    {"DIGital:TOUTput:BUS[:ENABle]", P::digital_bus_trigger},
    {"DIGital:INPut:DATA", P::digital_input},
    {"DISPlay[:WINDow][:STATe]", P::display},
    {"DISPlay[:WINDow]:VIEW", P::display_view},
    {"SYSTem:COMMunicate:RLSTate", P::remote_state},
    {"SYSTem:COMMunicate:TCPip:CONTrol", P::control_port},
    {"SYSTem:LFRequency", P::line_frequency},
    {"SYSTem:TEMPerature:AMBient", P::ambient_temperature},
}};

/// Calls visit(place, form) for each form until it returns true.
template <class Visit>
void for_each_keyword(std::string_view keywords, Visit visit) {
  for (int place = 0; !keywords.empty(); ++place) {
    const std::size_t end = keywords.find('|');
    if (visit(place, keywords.substr(0, end))) return;
    keywords.remove_prefix(end == std::string_view::npos ? keywords.size() : end + 1);
  }
}

}  // namespace

const N6900ParameterTraits& traits_of(N6900Parameter parameter) { return table[index_of(parameter)]; }

const std::array<N6900ParameterPattern, n6900_pattern_count>& n6900_parameter_patterns() { return patterns; }

int find_keyword(std::string_view keywords, std::string_view text) {
  int found = -1;
  for_each_keyword(keywords, [&](int place, std::string_view form) {
    if (!matches_keyword(text, form)) return false;
    found = place;
    return true;
  });
  return found;
}

void append_value(std::string& out, N6900ParameterTraits::Kind kind, std::string_view keywords, double value) {
  switch (kind) {
    case Kind::number: return append_nr3(out, value);
    case Kind::slew:
      if (value < n6900_infinite) return append_nr3(out, value);
      out += "9.9E37";
      return;
    case Kind::integer: return append_nr1_signed(out, std::lround(value));
    case Kind::boolean: return out.push_back(value != 0 ? '1' : '0');
    case Kind::keyword:
      for_each_keyword(keywords, [&](int place, std::string_view form) {
        if (place != static_cast<int>(value)) return false;
        for (const char c : form) {
          if (!(c >= 'a' && c <= 'z')) out.push_back(c);
        }
        return true;
      });
      return;
  }
}

}  // namespace cellrig::sim
