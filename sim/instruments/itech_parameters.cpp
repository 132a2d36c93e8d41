#include "sim/instruments/itech_parameters.hpp"

namespace cellrig::sim {
namespace {

using Kind = ItechParameterTraits::Kind;
using P = ItechParameter;

constexpr double delay_max_s = 60.0;       // [V]
constexpr double slew_max = 1e6;           // unverified
constexpr double watchdog_delay_s = 60.0;  // [V]

}  // namespace

// Defaults but those of the watchdog and the priority are unverified: limits at a tenth, protections wide open and switched off.
ItechTraits traits_for(const ItechRatings& r) {
  const ItechParameterTraits flag{.kind = Kind::flag};
  const ItechParameterTraits delay{.kind = Kind::other, .initial = 1.0, .high = delay_max_s};
  const ItechParameterTraits slew{.kind = Kind::other, .initial = 1.0, .low = 0.001, .high = slew_max};
  const ItechParameterTraits ramp{.kind = Kind::other, .high = delay_max_s};
  ItechTraits traits{};
  const auto put = [&traits](P parameter, const ItechParameterTraits& of) { traits[index_of(parameter)] = of; };
  put(P::voltage, {.kind = Kind::volts, .high = r.voltage_V});
  put(P::current, {.kind = Kind::amps, .low = -r.current_A, .high = r.current_A});
  put(P::current_limit, {.kind = Kind::amps, .initial = 0.1 * r.current_A, .high = r.current_A});
  put(P::current_limit_negative, {.kind = Kind::amps, .initial = -0.1 * r.current_A, .low = -r.current_A});
  put(P::voltage_limit_high, {.kind = Kind::volts, .initial = r.voltage_V, .high = r.voltage_V});
  put(P::voltage_limit_low, {.kind = Kind::volts, .high = r.voltage_V});
  put(P::power_limit, {.kind = Kind::other, .initial = r.power_W, .low = 1.0, .high = r.power_W});
  put(P::power_limit_negative, {.kind = Kind::other, .initial = -r.power_W, .low = -r.power_W, .high = -1.0});
  for (const P p : {P::voltage_slew_up, P::voltage_slew_down, P::current_slew_up, P::current_slew_down}) put(p, slew);
  put(P::over_voltage, {.kind = Kind::volts, .initial = r.over_voltage_max_V, .high = r.over_voltage_max_V});
  put(P::over_current, {.kind = Kind::amps, .initial = r.over_current_max_A, .high = r.over_current_max_A});
  put(P::over_power, {.kind = Kind::other, .initial = 1.05 * r.power_W, .high = 1.05 * r.power_W});
  put(P::under_voltage, {.kind = Kind::volts, .high = r.voltage_V});
  put(P::under_current, {.kind = Kind::amps, .high = r.current_A});
  for (const P p :
       {P::over_voltage_state, P::over_current_state, P::over_power_state, P::under_voltage_state, P::under_current_state}) {
    put(p, flag);
  }
  for (const P p :
       {P::over_voltage_delay, P::over_current_delay, P::over_power_delay, P::under_voltage_delay, P::under_current_delay}) {
    put(p, delay);
  }
  put(P::under_voltage_warm, delay);
  put(P::watchdog, flag);
  put(P::watchdog_delay, {.kind = Kind::integer, .initial = watchdog_delay_s, .low = 1, .high = 3600});
  put(P::delay_rise, ramp);
  put(P::delay_fall, ramp);
  put(P::inhibit_mode, {.kind = Kind::keyword, .keywords = "LIVE|LATCh"});
  put(P::power_on_state, {.kind = Kind::keyword, .keywords = "RST|LAST_ON|LAST_OFF"});
  put(P::remote_sense, flag);
  put(P::averaging, {.kind = Kind::integer, .initial = 1, .low = 1, .high = 16});
  put(P::function_mode, {.kind = Kind::keyword, .keywords = "FIXed|LIST|BATTery|SOLar|CARProfile"});
  return traits;
}

const std::vector<ItechParameterPattern>& itech_parameter_patterns() {
  static const std::vector<ItechParameterPattern> patterns{
      {"[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", P::voltage},
      {"[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]", P::current},
      {"[SOURce:]CURRent:LIMit[:POSitive]", P::current_limit},
      {"[SOURce:]CURRent:LIMit:NEGative", P::current_limit_negative},
      {"[SOURce:]VOLTage:LIMit[:HIGH]", P::voltage_limit_high},
      {"[SOURce:]VOLTage:LIMit:LOW", P::voltage_limit_low},
      {"[SOURce:]VOLTage:LIMit:NEGative", P::voltage_limit_low},
      {"[SOURce:]POWer:LIMit[:POSitive]", P::power_limit},
      {"[SOURce:]POWer:LIMit:NEGative", P::power_limit_negative},
      {"[SOURce:]VOLTage:SLEW:POSitive", P::voltage_slew_up},
      {"[SOURce:]VOLTage:SLEW:NEGative", P::voltage_slew_down},
      {"[SOURce:]CURRent:SLEW:POSitive", P::current_slew_up},
      {"[SOURce:]CURRent:SLEW:NEGative", P::current_slew_down},
      {"[SOURce:]VOLTage:PROTection[:LEVel]", P::over_voltage},
      {"[SOURce:]VOLTage:PROTection:STATe", P::over_voltage_state},
      {"[SOURce:]VOLTage:PROTection:DELay", P::over_voltage_delay},
      {"[SOURce:]CURRent:PROTection[:LEVel]", P::over_current},
      {"[SOURce:]CURRent:PROTection:STATe", P::over_current_state},
      {"[SOURce:]CURRent:PROTection:DELay", P::over_current_delay},
      {"[SOURce:]POWer:PROTection[:LEVel]", P::over_power},
      {"[SOURce:]POWer:PROTection:STATe", P::over_power_state},
      {"[SOURce:]POWer:PROTection:DELay", P::over_power_delay},
      {"[SOURce:]VOLTage:UNDer:PROTection[:LEVel]", P::under_voltage},
      {"[SOURce:]VOLTage:UNDer:PROTection:STATe", P::under_voltage_state},
      {"[SOURce:]VOLTage:UNDer:PROTection:DELay", P::under_voltage_delay},
      {"[SOURce:]VOLTage:UNDer:PROTection:WARM", P::under_voltage_warm},
      {"[SOURce:]CURRent:UNDer:PROTection[:LEVel]", P::under_current},
      {"[SOURce:]CURRent:UNDer:PROTection:STATe", P::under_current_state},
      {"[SOURce:]CURRent:UNDer:PROTection:DELay", P::under_current_delay},
      {"OUTPut:PROTection:WDOG[:STATe]", P::watchdog},
      {"OUTPut:PROTection:WDOG:DELay", P::watchdog_delay},
      {"OUTPut:DELay:RISE", P::delay_rise},
      {"OUTPut:DELay:FALL", P::delay_fall},
      {"OUTPut:INHibit:MODE", P::inhibit_mode},
      {"OUTPut:PON:STATe", P::power_on_state},
      {"SENSe[:STATe]", P::remote_sense},
      {"SENSe:ACQuire:POINts", P::averaging},
      {"[SOURce:]FUNCtion:MODE", P::function_mode},
  };
  return patterns;
}

}  // namespace cellrig::sim
