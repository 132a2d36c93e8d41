// The contract of Cycler, measure(): stamped in the middle, right in sign and size, and never an old or half answer.
#include <cmath>

#include "tests/contract/cycler_contract.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

class CyclerMeasure : public CyclerContract {
 protected:
  void expect_true_voltage(const CyclerReadings& readings, double offset_V = 0.0) {
    const CyclerCapabilities& can = cycler().capabilities();
    ASSERT_EQ(readings.voltage.quality, Quality::good);
    const double bound = can.voltage_accuracy.bound_at(readings.voltage.value) + can.voltage_resolution.value();
    EXPECT_NEAR(readings.voltage.value, truth().terminal_voltage_V + offset_V, bound);
  }
  void expect_true_current(const CyclerReadings& readings) {
    const CyclerCapabilities& can = cycler().capabilities();
    ASSERT_EQ(readings.current.quality, Quality::good);
    const double bound = can.current_accuracy.bound_at(readings.current.value) + can.current_resolution.value();
    EXPECT_NEAR(readings.current.value, truth().current_A, bound);
  }
  /// Shifts what the instrument measures, so that an answer says to which question it belongs.
  void set_offset_V(double offset_V) { rig().fault("voltage_offset " + instrument() + " offset_V=" + std::to_string(offset_V)); }
};

TEST_P(CyclerMeasure, is_stamped_at_the_middle_of_its_exchange) {
  ASSERT_TRUE(measure());  // connects
  for (int i = 0; i < 3; ++i) {
    const TimePoint asked = rig().time().now();
    const Result<CyclerReadings> readings = measure();
    ASSERT_TRUE(readings);
    const TimePoint answered = rig().time().now();
    ASSERT_GT(answered, asked);
    EXPECT_EQ(readings->voltage.at, midpoint(asked, answered));
    EXPECT_EQ(readings->current.at, midpoint(asked, answered));
    rig().pass(100ms);
  }
}

// The reading is as young as the exchange that brought it, however long an exchange before it had hung in the same call.
TEST_P(CyclerMeasure, after_a_lost_link_is_stamped_in_the_exchange_that_brought_it) {
  ASSERT_TRUE(measure());
  rig().fault("delay " + main_port() + " count=1 delay_ms=400");
  rig().fault("close " + main_port() + " count=1");
  const TimePoint asked = rig().time().now();
  const Result<CyclerReadings> readings = measure();
  if (!readings) return;  // a driver need not ask again by itself
  EXPECT_GT(to_seconds(readings->voltage.at - asked), 0.4);
  EXPECT_GT(to_seconds(readings->current.at - asked), 0.4);
}

TEST_P(CyclerMeasure, shows_a_resting_cell_with_the_output_off) {
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  expect_true_voltage(*readings);
  expect_true_current(*readings);
  EXPECT_LT(std::abs(readings->current.value), cycler().off_current_threshold().value());
  EXPECT_FALSE(readings->output_on);
  EXPECT_EQ(readings->regulation, Regulation::off);
  EXPECT_FALSE(readings->tripped);
}

TEST_P(CyclerMeasure, shows_charging_as_positive) {
  energise(charge(2.0_A));
  rig().pass(1s);
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_GT(readings->current.value, 1.9);
  EXPECT_GT(truth().current_A, 1.9);
  expect_true_voltage(*readings);
  expect_true_current(*readings);
  EXPECT_TRUE(readings->output_on);
  EXPECT_TRUE(readings->remote);
  EXPECT_FALSE(readings->tripped);
  EXPECT_EQ(readings->regulation, Regulation::constant_current);
}

TEST_P(CyclerMeasure, shows_discharging_as_negative) {
  energise(discharge(2.0_A));
  rig().pass(1s);
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_LT(readings->current.value, -1.9);
  EXPECT_LT(truth().current_A, -1.9);
  expect_true_voltage(*readings);
  expect_true_current(*readings);
  EXPECT_EQ(readings->regulation, Regulation::constant_current);
}

TEST_P(CyclerMeasure, a_failed_exchange_yields_no_sample_and_the_next_one_is_fresh) {
  ASSERT_NO_FATAL_FAILURE(energise());
  double offset_V = 0.0;
  for (const char* const fault : {"drop", "garble", "truncate", "close", "delay", "overtaken"}) {
    SCOPED_TRACE(fault);
    const std::string kind = fault == std::string("overtaken") ? "delay" : fault;
    const std::string more = fault == std::string("garble")     ? " bytes=40"
                             : fault == std::string("truncate") ? " bytes=4"
                             : fault == std::string("delay")    ? " delay_ms=300"
                             : kind == "delay"                  ? " delay_ms=300 overtaken=true"
                                                                : "";
    rig().fault(kind + " " + main_port() + " count=for_ever" + more);
    const TimePoint asked = rig().time().now();
    EXPECT_FALSE(measure(200ms));
    EXPECT_LE(rig().time().now(), asked + 200ms);
    rig().clear_faults();
    offset_V += 0.1;
    set_offset_V(offset_V);
    const TimePoint asked_again = rig().time().now();
    const Result<CyclerReadings> readings = measure();
    ASSERT_TRUE(readings) << readings.error().what;
    EXPECT_GT(readings->voltage.at, asked_again);
    expect_true_voltage(*readings, offset_V);
    expect_true_current(*readings);
    rig().pass(500ms);  // whatever is late arrives
    const Result<CyclerReadings> later = measure();
    ASSERT_TRUE(later) << later.error().what;
    expect_true_voltage(*later, offset_V);
  }
}

// The reply arrives before, at and after the deadline, and while the next question is under way.
TEST_P(CyclerMeasure, a_late_reply_is_never_the_answer_to_the_next_question) {
  ASSERT_TRUE(measure());
  for (int delay_ms = 1; delay_ms <= 120; delay_ms += 7) {
    SCOPED_TRACE(delay_ms);
    const double old_V = 0.1 * (delay_ms % 3);
    const double new_V = old_V + 0.5;
    set_offset_V(old_V);
    rig().fault("delay " + main_port() + " count=1 overtaken=true delay_ms=" + std::to_string(delay_ms));
    const Result<CyclerReadings> first = measure(50ms);
    if (first) expect_true_voltage(*first, old_V);
    set_offset_V(new_V);
    const Result<CyclerReadings> second = measure();
    ASSERT_TRUE(second) << second.error().what;
    expect_true_voltage(*second, new_V);
    rig().pass(200ms);
    rig().clear_faults();
  }
}

TEST_P(CyclerMeasure, a_doubled_reply_answers_one_question_only) {
  ASSERT_TRUE(measure());
  rig().fault("duplicate " + main_port() + " count=1");
  const Result<CyclerReadings> doubled = measure();
  if (doubled) expect_true_voltage(*doubled);
  set_offset_V(0.4);
  const Result<CyclerReadings> next = measure();
  if (next) expect_true_voltage(*next, 0.4);
  const Result<CyclerReadings> last = measure();
  ASSERT_TRUE(last) << last.error().what;
  expect_true_voltage(*last, 0.4);
}

TEST_P(CyclerMeasure, on_a_dead_link_fails_by_its_deadline_and_heals_by_itself) {
  ASSERT_NO_FATAL_FAILURE(energise());
  for (const char* const fault : {"refuse", "accept_only"}) {
    SCOPED_TRACE(fault);
    rig().fault(fault + (" " + instrument()));
    const TimePoint asked = rig().time().now();
    EXPECT_FALSE(measure(300ms));
    EXPECT_LE(rig().time().now(), asked + 300ms);
    rig().clear_faults();
    const Result<CyclerReadings> readings = measure();
    ASSERT_TRUE(readings) << readings.error().what;
    expect_true_voltage(*readings);
    EXPECT_TRUE(readings->output_on);
  }
}

TEST_P(CyclerMeasure, what_is_no_number_is_bad_and_not_a_value) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("nan " + instrument());
  Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_EQ(readings->voltage.quality, Quality::bad);
  EXPECT_EQ(readings->current.quality, Quality::bad);
  EXPECT_FALSE(readings->voltage.usable());
  EXPECT_FALSE(readings->current.usable());
  rig().fault("nan " + instrument() + " on=false");
  readings = measure();
  ASSERT_TRUE(readings);
  expect_true_voltage(*readings);
}

TEST_P(CyclerMeasure, identifies_the_instrument_and_refuses_another) {
  const Result<InstrumentIdentity> identity = rig().call(cycler().identify(in(plenty)));
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_FALSE(identity->serial.empty());
  EXPECT_FALSE(identity->firmware.empty());
  rig().fault("identity " + instrument() + " text=Acme,Supply-2000,1,1.0");
  const Result<InstrumentIdentity> other = rig().call(cycler().identify(in(plenty)));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::refused);
}

INSTANTIATE_TEST_SUITE_P(EveryCycler, CyclerMeasure, every_cycler, case_name);

}  // namespace
}  // namespace cellrig::test
