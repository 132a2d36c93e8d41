// F01 to F18 between a real driver and its instrument, in process and over real sockets in lockstep: whatever happens on the wire, no
// value is ever taken for another one, the error says what kind it is, and afterwards the link works again.
#include <algorithm>
#include <vector>

#include "tests/contract/cycler_contract.hpp"
#include "tests/contract/wire_faults.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

class WireFaults : public CyclerContract {
 protected:
  static constexpr Duration patience = 500ms;
  static constexpr Duration line_patience = 60s;
  static constexpr int question_count = 6;
  static constexpr int recovery_count = 4;

  /// Shifts what the instrument measures, so that an answer says to which question it belongs.
  void shift(double offset_V) { rig().fault("voltage_offset " + instrument() + " offset_V=" + std::to_string(offset_V)); }
  void expect_own_values(const CyclerReadings& readings, double offset_V) {
    const CyclerCapabilities& can = cycler().capabilities();
    if (readings.voltage.quality == Quality::good) {
      const double bound = can.voltage_accuracy.bound_at(readings.voltage.value) + can.voltage_resolution.value();
      EXPECT_NEAR(readings.voltage.value, truth().terminal_voltage_V + offset_V, bound);
    }
    if (readings.current.quality == Quality::good) {
      const double bound = can.current_accuracy.bound_at(readings.current.value) + can.current_resolution.value();
      EXPECT_NEAR(readings.current.value, truth().current_A, bound);
    }
  }
  [[nodiscard]] std::string order(const std::string& words) const {
    const std::size_t end = std::min(words.find(' '), words.size());
    return words.substr(0, end) + ' ' + main_port() + words.substr(end);
  }
  /// A bad reading that says so is as good as an error.
  static bool is_good(const Result<CyclerReadings>& readings) {
    return readings && readings->voltage.quality == Quality::good && readings->current.quality == Quality::good;
  }

  void suffer_all(const std::vector<WireFault>& faults) {
    for (const WireFault& fault : faults) {
      SCOPED_TRACE(fault.name);
      suffer(fault);
    }
  }

  void suffer(const WireFault& fault) {
    ASSERT_NO_FATAL_FAILURE(make_world());
    energise(charge(2.0_A));
    rig().pass(1s);
    const Result<CyclerReadings> healthy = measure();
    ASSERT_TRUE(is_good(healthy));
    expect_own_values(*healthy, 0.0);
    rig().fault(order(fault.order));
    int failures = 0;
    for (int i = 1; i <= question_count; ++i) {
      const double offset_V = 0.2 * i;
      shift(offset_V);
      const Result<CyclerReadings> readings = measure(patience);
      if (readings) expect_own_values(*readings, offset_V);
      if (!readings) {
        EXPECT_TRUE(is_allowed(fault, readings.error().fault, is_on_a_line())) << readings.error().what;
      }
      if (!is_good(readings)) ++failures;
      rig().pass(50ms);
    }
    EXPECT_GE(failures, fault.must_fail ? 1 : 0) << "nobody noticed";
    expect_recovery();
  }

  void expect_recovery() {
    rig().clear_faults();
    // Nobody can end what is already on its way on a line: replies of some 15 bytes, every 200 ms one, to each question.
    if (is_on_a_line()) rig().pass(line_patience);
    bool is_well = false;
    for (int i = 0; i < recovery_count && !is_well; ++i) {
      rig().pass(200ms);
      const double offset_V = -0.2 * (i + 1);
      shift(offset_V);
      const Result<CyclerReadings> readings = measure();
      if (readings) expect_own_values(*readings, offset_V);
      is_well = is_good(readings);
    }
    EXPECT_TRUE(is_well) << "the link did not recover";
  }
};

TEST_P(WireFaults, on_any_wire_attribute_no_value_to_another_question) { suffer_all(wire_faults()); }

TEST_P(WireFaults, of_its_own_language_attribute_no_value_to_another_question) {
  if (!is_ea()) return suffer_all(line_faults());
  suffer_all(modbus_faults());
  suffer_all(GetParam().make == Make::ea_psb_rtu ? modbus_rtu_faults() : modbus_tcp_faults());
}

// F10: alive, and said no; or busy, and then asking again later is right.
TEST_P(WireFaults, an_exception_of_any_code_is_an_answer_and_the_link_stays) {
  if (!is_ea()) return;  // the others have no exceptions
  for (int code = 1; code <= 11; ++code) {
    SCOPED_TRACE(code);
    const std::string words = "F10 count=for_ever code=" + std::to_string(code);
    const bool is_busy = code == 5 || code == 6;  // acknowledge, server device busy
    suffer({"F10", words.c_str(), is_busy ? std::vector{Fault::busy} : std::vector{Fault::refused, Fault::device_fault}});
  }
}

// F18: what is lost silently is found when it is read back; what is reported as done is done.
TEST_P(WireFaults, a_lost_command_is_never_reported_as_done) {
  for (int skip = 0; skip < 12; ++skip) {
    SCOPED_TRACE(skip);
    make_world();
    energise(charge(2.0_A));
    rig().fault(order("F18 count=1 skip=" + std::to_string(skip)));
    const Result<void> applied = apply(charge(1.0_A));
    if (applied) {
      rig().pass(1s);
      EXPECT_NEAR(truth().current_A, 1.0, 0.1);
    } else {
      const Fault fault = applied.error().fault;
      EXPECT_TRUE(fault == Fault::refused || fault == Fault::timeout || fault == Fault::malformed || fault == Fault::link_lost)
          << applied.error().what;
    }
    expect_recovery();
  }
}

// F16: a firmware that orders its words in another way is found by whoever asks who is there, not by a charged cell.
TEST_P(WireFaults, swapped_words_are_found_at_connection) {
  if (!is_ea()) return;  // the others speak in decimal numbers
  make_driver();
  rig().fault("swap_words psb1.modbus count=for_ever");
  EXPECT_FALSE(rig().call(cycler().identify(in(plenty))));
  rig().clear_faults();
  make_driver();
  EXPECT_TRUE(rig().call(cycler().identify(in(plenty))));
}

INSTANTIATE_TEST_SUITE_P(All, WireFaults, every_cycler, case_name);

}  // namespace
}  // namespace cellrig::test
