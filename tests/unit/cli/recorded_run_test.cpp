// What the instruments of a recorded run promise.
#include "controller/cli/verify/recorded_run.hpp"

#include <gtest/gtest.h>

namespace cellrig::cli {
namespace {

// 50 cm2 are 5000 mm2, and a newton on a square millimetre is a megapascal.
TEST(RecordedRun, a_load_cell_promises_a_pressure_over_the_pressed_area) {
  Accuracy force;
  force.gain_fraction = 0.01;
  force.offset = 100.0;
  force.up_to = 25'000.0;
  force.finer_count = 1;
  force.finer[0] = {.up_to = 5'000.0, .gain_fraction = 0.005, .offset = 20.0};
  const Accuracy pressure = pressure_of_force(force, 50.0);
  EXPECT_DOUBLE_EQ(pressure.gain_fraction, 0.01);
  EXPECT_DOUBLE_EQ(pressure.offset, 0.02);
  EXPECT_DOUBLE_EQ(pressure.up_to, 5.0);
  EXPECT_DOUBLE_EQ(pressure.finer[0].up_to, 1.0);
  EXPECT_DOUBLE_EQ(pressure.finer[0].gain_fraction, 0.005);
  EXPECT_DOUBLE_EQ(pressure.finer[0].offset, 0.004);
  EXPECT_DOUBLE_EQ(pressure.bound_at(0.8), 0.005 * 0.8 + 0.004);
  EXPECT_DOUBLE_EQ(pressure.bound_at(4.0), 0.01 * 4.0 + 0.02);
}

}  // namespace
}  // namespace cellrig::cli
