// A cell that is no longer in the circuit: seen in two polls, and told apart from a taper, a false reading and a new command.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr Duration poll = 100ms;

/// A command that is in force and a current that flows, past the settling time.
Supervised flowing(double current_A, double voltage_V = 3.7) {
  Supervised cell;
  cell.command(current_A > 0 ? +1 : -1);
  cell.observation.output_on = true;
  for (int n = 0; n < 40; ++n) {
    cell.set(Measurand::voltage, voltage_V + 0.0001 * n);
    cell.set(Measurand::current, current_A);
    EXPECT_FALSE(cell.check_after(poll));
  }
  return cell;
}

const std::optional<TripCause>& poll_with(Supervised& cell, double current_A, double voltage_V) {
  cell.set(Measurand::voltage, voltage_V);
  cell.set(Measurand::current, current_A);
  return cell.check_after(poll);
}

TEST(SupervisorCircuit, a_current_that_is_gone_for_two_polls_trips_and_is_told_with_its_bound) {
  for (const double current_A : {5.0, -5.0}) {
    Supervised cell = flowing(current_A);
    const double compliance_V = current_A > 0 ? 4.19 : 2.52;
    EXPECT_FALSE(poll_with(cell, 0.0, compliance_V));
    EXPECT_TRUE(cell.supervisor.is_in_doubt()) << "no step may end by this voltage";
    const auto& cause = poll_with(cell, 0.0, compliance_V);
    ASSERT_TRUE(cause);
    EXPECT_EQ(cause->hazard, Hazard::open_circuit);
    EXPECT_EQ(cause->measurand, Measurand::current);
    EXPECT_EQ(cause->value, 0.0);
    EXPECT_NEAR(cause->limit, 0.1 * current_A, 1e-9);
    EXPECT_EQ(cause->at, cell.now);
    EXPECT_EQ(describe(*cause), current_A > 0 ? "the circuit of the cell is open: current_A 0.0000 below 0.5000"
                                              : "the circuit of the cell is open: current_A 0.0000 above -0.5000");
    EXPECT_FALSE(is_thermal(cause->hazard));
    EXPECT_FALSE(is_instrument_failure(cause->hazard));
  }
}

// In a CV phase the voltage does not move at all.
TEST(SupervisorCircuit, an_open_circuit_at_the_regulated_voltage_trips_too) {
  Supervised cell = flowing(2.0, 4.19);
  EXPECT_FALSE(poll_with(cell, 0.0, 4.194));
  EXPECT_TRUE(poll_with(cell, 0.0, 4.194));
}

TEST(SupervisorCircuit, a_tenth_of_the_current_is_none_and_more_is_some) {
  Supervised less = flowing(5.0);
  EXPECT_FALSE(poll_with(less, 0.5, 3.7));
  EXPECT_TRUE(poll_with(less, 0.5, 3.71));
  Supervised more = flowing(5.0);
  for (int n = 0; n < 20; ++n) EXPECT_FALSE(poll_with(more, std::nextafter(0.5, 1.0), 3.7 + 0.001 * n)) << n;
  EXPECT_FALSE(more.supervisor.is_in_doubt());
}

TEST(SupervisorCircuit, one_false_reading_is_a_doubt_that_the_next_one_ends) {
  Supervised cell = flowing(5.0);
  for (int n = 0; n < 10; ++n) {
    EXPECT_FALSE(poll_with(cell, 0.0, 3.7));
    EXPECT_TRUE(cell.supervisor.is_in_doubt());
    EXPECT_FALSE(poll_with(cell, 5.0, 3.701));
    EXPECT_FALSE(cell.supervisor.is_in_doubt());
  }
}

TEST(SupervisorCircuit, a_taper_to_nothing_passes_and_raises_no_doubt) {
  for (const Duration period : {Duration{100ms}, Duration{1s}}) {
    for (const double time_constant_s : {3.0, 60.0, 600.0}) {
      Supervised cell = flowing(5.0, 4.19);
      for (double seconds = 0; seconds < 8 * time_constant_s; seconds += to_seconds(period)) {
        cell.set(Measurand::current, 5.0 * std::exp(-seconds / time_constant_s));
        ASSERT_FALSE(cell.check_after(period)) << time_constant_s << " s, at " << seconds;
        ASSERT_FALSE(cell.supervisor.is_in_doubt());
      }
    }
  }
}

TEST(SupervisorCircuit, a_new_command_is_a_new_beginning) {
  Supervised cell = flowing(5.0);
  cell.command_off();
  cell.observation.output_on = false;
  for (int n = 0; n < 30; ++n) ASSERT_FALSE(poll_with(cell, 0.0, 3.6));
  Supervised pulse = flowing(5.0);
  pulse.command(-1);
  EXPECT_FALSE(poll_with(pulse, 0.0, 3.65)) << "on its way from one current to the other";
  EXPECT_FALSE(poll_with(pulse, 0.0, 3.65));
  EXPECT_FALSE(poll_with(pulse, -5.0, 3.6));
  EXPECT_FALSE(pulse.supervisor.is_in_doubt());
}

TEST(SupervisorCircuit, a_current_that_was_hardly_more_than_noise_is_not_missed) {
  Supervised cell = flowing(0.19);  // four times the noise of 0.05 A is 0.2 A
  for (int n = 0; n < 20; ++n) EXPECT_FALSE(poll_with(cell, 0.0, 3.7 + 0.001 * n));
}

TEST(SupervisorCircuit, what_is_seen_after_a_gap_tells_nothing_of_before) {
  Supervised cell = flowing(5.0);
  cell.now += 3s + 1ms;
  for (int n = 0; n < 5; ++n) EXPECT_FALSE(poll_with(cell, 0.0, 3.7 + 0.001 * n));
}

TEST(SupervisorCircuit, the_same_sample_shown_twice_is_one_poll) {
  Supervised cell = flowing(5.0);
  EXPECT_FALSE(poll_with(cell, 0.0, 4.19));
  for (int n = 0; n < 10; ++n) EXPECT_FALSE(cell.check()) << "a logger's reading came between";
  EXPECT_TRUE(poll_with(cell, 0.0, 4.19));
}

/// From a rest at 3.7 V: what comes after the command, and after how long it trips; nothing: not within ten seconds.
std::optional<Duration> after_the_command(double voltage_V, double current_A, Duration flows_after = 1h) {
  Supervised cell;
  cell.command_off();
  for (int n = 0; n < 10; ++n) EXPECT_FALSE(poll_with(cell, 0.0, 3.7));
  cell.command(+1);
  cell.observation.output_on = true;
  for (Duration after = poll; after < 10s; after += poll) {
    if (poll_with(cell, after > flows_after ? 5.0 : current_A, voltage_V + 1e-4 * to_seconds(after))) return after;
    const bool is_doubtful = std::abs(voltage_V - 3.7) > 0.5 && current_A <= 0.05;
    if (after < std::min<Duration>(2s, flows_after)) {
      EXPECT_EQ(cell.supervisor.is_in_doubt(), is_doubtful) << to_seconds(after);
    }
  }
  return std::nullopt;
}

TEST(SupervisorCircuit, a_command_that_moves_the_voltage_far_and_no_current_trips_when_it_has_settled) {
  // 0.1 mV of drift each second: within the limit of 4.2 V.
  EXPECT_EQ(after_the_command(2.9, 0.0), Duration{2s});
  EXPECT_EQ(after_the_command(2.9, 0.05), Duration{2s});
  EXPECT_EQ(after_the_command(2.9, 0.06), std::nullopt) << "more than noise";
}

/// A command from a rest at 3.7 V; current flows for so long and is gone. After how long it trips, and whether a step could have ended.
struct EarlyGap {
  std::optional<Duration> tripped_after;
  bool was_always_in_doubt = true;
};
EarlyGap gone_after(Duration flows, Duration period, double voltage_V, Regulation after = Regulation::constant_voltage) {
  Supervised cell;
  cell.command_off();
  for (int n = 0; n < 10; ++n) EXPECT_FALSE(poll_with(cell, 0.0, 3.7));
  cell.command(+1);
  cell.observation.output_on = true;
  EarlyGap found;
  for (Duration elapsed = period; elapsed < 20s; elapsed += period) {
    const bool is_there = elapsed <= flows;
    cell.observation.regulation = is_there ? Regulation::constant_current : after;
    cell.set(Measurand::voltage, is_there ? 3.85 : voltage_V + 1e-4 * to_seconds(elapsed));
    cell.set(Measurand::current, is_there ? 5.0 : 0.0);
    if (cell.check_after(period)) {
      found.tripped_after = elapsed;
      return found;
    }
    if (!is_there) found.was_always_in_doubt = found.was_always_in_doubt && cell.supervisor.is_in_doubt();
  }
  return found;
}

// A crimp that opens when the current begins: before anything has settled, and at any period.
TEST(SupervisorCircuit, a_current_that_goes_in_the_settling_time_is_missed_from_its_first_poll) {
  const EarlyGap soon = gone_after(500ms, poll, 4.19);
  EXPECT_EQ(soon.tripped_after, Duration{2s});
  EXPECT_TRUE(soon.was_always_in_doubt) << "no step may end by this voltage";
  const EarlyGap slow = gone_after(1s, 1s, 4.19);
  EXPECT_EQ(slow.tripped_after, Duration{3s}) << "two polls";
  EXPECT_TRUE(slow.was_always_in_doubt);
  EXPECT_EQ(gone_after(500ms, poll, 3.86).tripped_after, std::nullopt) << "a full cell takes none, and its voltage stays";
}

// LFP after 2C: the voltage comes back by itself, and C/50 is less than the noise.
TEST(SupervisorCircuit, a_small_set_point_after_a_load_is_no_open_circuit) {
  Supervised cell;
  cell.command(-1);
  cell.observation.output_on = true;
  for (int n = 0; n < 40; ++n) EXPECT_FALSE(poll_with(cell, -5.0, 2.9 - 0.0001 * n));
  cell.command(+1);
  for (int n = 0; n < 100; ++n) EXPECT_FALSE(poll_with(cell, 0.04, 3.3 + 0.003 * n)) << n;
}

TEST(SupervisorCircuit, a_full_cell_that_takes_no_current_and_an_output_that_starts_slowly_pass) {
  EXPECT_EQ(after_the_command(3.75, 0.0), std::nullopt) << "the cell is where the set-point is";
  EXPECT_EQ(after_the_command(2.9, 0.0, 1500ms), std::nullopt);
}

}  // namespace
}  // namespace cellrig
