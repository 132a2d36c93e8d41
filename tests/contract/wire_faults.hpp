// F01 to F17 as orders, and how a call may fail meanwhile. One table for all instruments.
#pragma once

#include <algorithm>
#include <vector>

#include "controller/base/result.hpp"

namespace cellrig::test {

struct WireFault {
  const char* name;
  const char* order;           ///< without its target
  std::vector<Fault> allowed;  ///< how a measurement may fail
  bool must_fail = true;       ///< at least one of those that are made meanwhile
  /// What is allowed in addition on a serial line. There a late or doubled reply is not lost with the connection: it lies before or
  /// behind the next one. And what comes slowly, by the fault or because there is much of it, keeps the line busy.
  std::vector<Fault> allowed_on_a_line{};
};

inline const std::vector<WireFault>& wire_faults() {
  using enum Fault;
  static const std::vector<WireFault> all{
      {"F01_lost_once", "F01", {timeout}, false},
      {"F02_lost_for_ever", "F02", {timeout}},
      // On a line the others wait for it, so its model file says how long (EA: 300 ms) until it is silent.
      {"F03_jitter", "F03", {}, false, {timeout}},
      {"F04_late", "F04 delay_ms=700 count=4", {timeout}, true, {malformed}},
      {"F04_late_in_order", "delay delay_ms=700 count=4", {timeout}, true, {malformed}},
      {"F04_very_late", "delay delay_ms=1000 count=2", {timeout}, true, {malformed}},
      {"F04_later_than_any_silence", "delay delay_ms=1900 count=1", {timeout}, true, {malformed}},
      {"F05_twice", "F05 count=for_ever", {malformed, link_lost, timeout}, false},
      {"F06_changed_places", "F06 count=for_ever", {timeout}, true, {malformed}},
      {"F07_one_byte", "F07 count=for_ever", {timeout, malformed}},
      {"F07_eight_bytes", "F07 bytes=8 count=for_ever", {timeout, malformed}},
      {"F08_rubbish", "F08 count=for_ever", {malformed, timeout}},
      {"F11_half_open", "F11 for_s=2", {timeout, link_lost}},
      {"F12_reset", "F12 count=for_ever", {link_lost}},
      {"F12_closed", "close count=for_ever", {link_lost}},
      {"F12_refused", "refuse for_s=2", {link_lost, timeout}},
      {"F13_accepted_only", "F13 for_s=2", {timeout}},
      {"F14_drip", "F14 count=for_ever", {timeout, malformed}},
      {"F15_noise", "F15 count=for_ever", {malformed, timeout}},
      {"F15_collision", "collision bytes=6 count=for_ever", {malformed, timeout}},
  };
  return all;
}

inline const std::vector<WireFault>& modbus_faults() {
  using enum Fault;
  static const std::vector<WireFault> all{
      {"F09_unit", "F09 count=for_ever", {malformed}},
      {"F09_function", "mutate field=function count=for_ever", {malformed, timeout}},
      {"F09_byte_count", "mutate field=byte_count count=for_ever", {malformed, timeout}},
  };
  return all;
}

/// Of the header, which Modbus RTU does not have.
inline const std::vector<WireFault>& modbus_tcp_faults() {
  using enum Fault;
  static const std::vector<WireFault> all{
      {"F08_length", "mutate field=length value=65535 count=for_ever", {malformed, timeout}},
      {"F09_protocol", "mutate field=protocol count=for_ever", {malformed, timeout}},
      {"F09_transaction", "mutate field=transaction count=for_ever", {malformed, timeout}},
  };
  return all;
}

/// Of the checksum, which Modbus TCP does not have.
inline const std::vector<WireFault>& modbus_rtu_faults() {
  using enum Fault;
  static const std::vector<WireFault> all{
      {"F08_checksum", "mutate field=crc count=for_ever", {malformed}},
      {"F08_checksum_of_zeros", "mutate field=crc value=0 count=for_ever", {malformed}},
  };
  return all;
}

inline const std::vector<WireFault>& line_faults() {
  using enum Fault;
  static const std::vector<WireFault> all{
      {"F17_nan", "F17 count=for_ever", {malformed, device_fault}},
      {"F17_infinity", "F17 form=9.9E37 count=for_ever", {malformed, device_fault}},
      {"F17_comma", "F17 form=comma count=for_ever", {malformed}},
      {"F17_word", "F17 form=OVLD count=for_ever", {malformed, device_fault}},
      {"F17_nothing", "F17 form=empty count=for_ever", {malformed}},
      {"F17_endless", "F17 form=10kB count=for_ever", {malformed}, true, {timeout}},
  };
  return all;
}

[[nodiscard]] inline bool is_allowed(const WireFault& fault, Fault seen, bool is_on_a_line) {
  const auto has = [seen](const std::vector<Fault>& some) { return std::count(some.begin(), some.end(), seen) > 0; };
  return has(fault.allowed) || (is_on_a_line && has(fault.allowed_on_a_line));
}

}  // namespace cellrig::test
