// What tests of the bench as a service share: two channels in an oven with an exhaust, and a siren.
#pragma once

#include <string>

namespace cellrig::test {

inline const std::string half_rate_charge =
    "profile: Charge\nformat: 1\nrecord: {every_s: 1}\nsteps:\n"
    "  - cc_charge: {rate_C: 0.5, until: voltage_V >= 4.2, at_most_h: 4, on_interruption: resume}\n";

/// `oven_more`: further keys of the chamber, ", setpoint_max_degC: 60".
inline std::string oven_for_two(const std::string& oven_more = "") {
  return "bench: b\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  psb2: {model: ea-psb-10060-60, modbus: \"192.0.2.11:502\", scpi: \"192.0.2.11:5025\"}\n"
         "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
         "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "  vents: {model: adam-6060, modbus: \"192.0.2.18:502\"}\n"
         "siren: {relays: vents, output: 5}\n"
         "chambers:\n  oven: {instrument: f4t, exhaust: {relays: vents, output: 2}" +
         oven_more +
         "}\n"
         "channels:\n"
         "  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, chamber: oven}\n"
         "  ch2: {cycler: psb2, cell_temperature: {logger: adam, input: 1}, chamber: oven}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n    ch2: {file: lg-m50, soc_pct: 40}\n"
         "  room_temperature_degC: 25\n";
}

}  // namespace cellrig::test
