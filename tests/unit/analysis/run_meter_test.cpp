#include "db/analysis/run_meter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>

namespace cellrig::db {
namespace {

/// Steps through a meter, row by row.
class MeterRig {
 public:
  explicit MeterRig(double nominal_Ah = 5) : meter(nominal_Ah) {}

  struct Plan {
    std::string type = "CC_CHG";
    double to_s = 100, every_s = 0.1;
    std::function<double(double)> voltage_V = [](double) { return 3.7; };
    std::function<double(double)> current_A = [](double) { return 0.0; };
    std::function<bool(double)> is_cv = [](double) { return false; };
    std::function<double(double)> temperature_degC = [](double) { return 25.0; };
    std::optional<double> pressure_MPa;
    std::int64_t step_id = 0;
  };

  std::vector<Metric> step(const Plan& plan) {
    StepRow row;
    row.step = ++key;
    row.cycle = cycle;
    row.in_cycle = true;
    row.type = plan.type;
    row.step_id = plan.step_id;
    row.started_test_time_ns = now_ns;
    meter.begin_step(row);
    double charge_Ah = 0;
    const auto count = static_cast<int>(plan.to_s / plan.every_s + 0.5);
    for (int i = 0; i <= count; ++i) {
      const double t = i * plan.every_s;
      SampleRow s{.step = key, .test_time_ns = now_ns + static_cast<std::int64_t>(std::llround(t * 1e9))};
      s.voltage_V = plan.voltage_V(t);
      s.current_A = plan.current_A(t);
      if (plan.type != "REST") s.flags |= sample_flag::output_on;
      if (plan.is_cv(t)) s.flags |= sample_flag::constant_voltage;
      if (i > 0) charge_Ah += plan.every_s / 3600 * std::max(0.0, 0.5 * (s.current_A + plan.current_A(t - plan.every_s)));
      s.charge_Ah = charge_Ah;
      s.cell_temperature_degC = plan.temperature_degC(t);
      s.ambient_temperature_degC = 20;
      meter.add(s);
    }
    if (plan.pressure_MPa) meter.add(AuxRow{key, now_ns, stack_pressure_quantity, *plan.pressure_MPa});
    now_ns += static_cast<std::int64_t>(plan.to_s * 1e9);
    return meter.end_step(StepEndRow{.step = key, .ended_test_time_ns = now_ns});
  }

  RunMeter meter;
  StepKey key = 0;
  std::int64_t cycle = 1;
  std::int64_t now_ns = 0;
};

std::optional<double> value_of(const std::vector<Metric>& metrics, Figure figure, double at = 0) {
  for (const Metric& m : metrics) {
    if (m.figure == figure && std::abs(m.at - at) < 1e-9) return m.value;
  }
  return std::nullopt;
}

// 20 mOhm and 10 mOhm with 5 s, out of a rest at 3.7 V.
TEST(RunMeter, resistance_at_stated_times_is_that_of_the_circuit) {
  MeterRig rig;
  rig.step({.type = "REST"});
  const auto out = rig.step({.type = "CC_DCH",
                             .to_s = 30,
                             .every_s = 0.05,
                             .voltage_V = [](double t) { return 3.7 - 5 * (0.02 + 0.01 * (1 - std::exp(-t / 5))); },
                             .current_A = [](double) { return -5.0; }});
  for (const double at : {0.1, 1.0, 10.0, 30.0}) {
    EXPECT_NEAR(value_of(out, Figure::dc_resistance_ohm, at).value(), 0.02 + 0.01 * (1 - std::exp(-at / 5)), 1e-6) << at;
  }
  EXPECT_FALSE(value_of(out, Figure::dc_resistance_ohm, 60));
  EXPECT_FALSE(value_of(out, Figure::relaxation_V, 1));
}

TEST(RunMeter, gives_no_resistance_where_none_can_be_known) {
  MeterRig rig;
  rig.step({.type = "REST"});
  const auto limited = rig.step({.to_s = 10, .current_A = [](double) { return 5.0; }, .is_cv = [](double t) { return t > 0.5; }});
  EXPECT_TRUE(value_of(limited, Figure::dc_resistance_ohm, 0.1));
  EXPECT_FALSE(value_of(limited, Figure::dc_resistance_ohm, 1)) << "the voltage limit reduced the current";
  const auto after_current = rig.step({.to_s = 10, .current_A = [](double) { return 2.0; }});
  EXPECT_FALSE(value_of(after_current, Figure::dc_resistance_ohm, 1)) << "it did not begin at rest";
  rig.step({.type = "REST"});
  const auto course = rig.step({.to_s = 10, .current_A = [](double t) { return 5 * std::sin(t); }});
  EXPECT_FALSE(value_of(course, Figure::dc_resistance_ohm, 2)) << "a course of currents is no pulse";
  rig.step({.type = "REST"});
  const auto faint = rig.step({.to_s = 10, .current_A = [](double) { return 0.05; }});
  EXPECT_FALSE(value_of(faint, Figure::dc_resistance_ohm, 1)) << "1 % of the capacity an hour is no pulse";
}

TEST(RunMeter, relaxation_counts_from_the_last_voltage_under_current) {
  MeterRig rig;
  rig.step({.to_s = 10, .voltage_V = [](double) { return 4.2; }, .current_A = [](double) { return 5.0; }});
  const auto out = rig.step({.type = "REST", .to_s = 700, .voltage_V = [](double t) { return 4.1 + 0.05 * std::exp(-t / 60); }});
  EXPECT_NEAR(value_of(out, Figure::relaxation_V, 60).value(), 4.1 + 0.05 * std::exp(-1) - 4.2, 1e-6);
  EXPECT_NEAR(value_of(out, Figure::relaxation_V, 600).value(), -0.1, 1e-4);
  EXPECT_FALSE(value_of(out, Figure::relaxation_V, 3600));
  const auto second = rig.step({.type = "REST", .to_s = 10});
  EXPECT_FALSE(value_of(second, Figure::relaxation_V, 1)) << "nothing relaxes after a rest";
}

TEST(RunMeter, shares_of_constant_voltage_and_temperatures) {
  MeterRig rig;
  const auto out = rig.step({.to_s = 3600,
                             .every_s = 1,
                             .voltage_V = [](double) { return 4.0; },
                             .current_A = [](double t) { return t <= 3000 ? 3.0 : 3.0 * (3600 - t) / 600; },
                             .is_cv = [](double t) { return t > 3000; },
                             .temperature_degC = [](double t) { return 25 + t / 360; }});
  EXPECT_NEAR(value_of(out, Figure::cv_charge_share).value(), 0.25 / 2.75, 1e-9);
  EXPECT_NEAR(value_of(out, Figure::cv_time_s).value(), 600, 1e-9);
  EXPECT_NEAR(value_of(out, Figure::mean_voltage_V).value(), 4.0, 1e-12);
  EXPECT_NEAR(value_of(out, Figure::cell_temperature_mean_degC).value(), 30, 1e-9);
  EXPECT_NEAR(value_of(out, Figure::temperature_rise_K).value(), 10, 1e-9);
}

TEST(RunMeter, of_a_cycle) {
  MeterRig rig;
  // 5 Ah at 5 A, in two steps with ten minutes between them: the pause counts.
  rig.step({.to_s = 1800, .every_s = 1, .current_A = [](double) { return 5.0; }, .pressure_MPa = 0.50});
  rig.step({.type = "REST", .to_s = 600, .every_s = 1});
  rig.step({.to_s = 1800, .every_s = 1, .current_A = [](double) { return 5.0; }, .pressure_MPa = 0.62});
  rig.step({.type = "CC_DCH", .to_s = 3600, .every_s = 1, .current_A = [](double) { return -4.9; }, .pressure_MPa = 0.51});
  const CycleRow first{.cycle = 1, .charge_Ah = 5, .discharge_Ah = 4.9, .charge_Wh = 20, .discharge_Wh = 18.62};
  const auto out = rig.meter.end_cycle(first);
  EXPECT_NEAR(value_of(out, Figure::charge_time_to_share_s, 0.25).value(), 900, 1e-6);
  EXPECT_NEAR(value_of(out, Figure::charge_time_to_share_s, 0.75).value(), 2700 + 600, 1e-6);
  EXPECT_FALSE(value_of(out, Figure::charge_time_to_share_s, 1.05));
  EXPECT_NEAR(value_of(out, Figure::voltage_efficiency).value(), 3.8 / 4.0, 1e-12);
  EXPECT_NEAR(value_of(out, Figure::voltage_hysteresis_V).value(), 0.2, 1e-12);
  EXPECT_NEAR(value_of(out, Figure::breathing_MPa).value(), 0.12, 1e-12);
  EXPECT_NEAR(value_of(out, Figure::charge_end_pressure_MPa).value(), 0.62, 1e-12);
  EXPECT_FALSE(value_of(out, Figure::pressure_drift_MPa)) << "there is no cycle before";
  EXPECT_NEAR(value_of(out, Figure::ambient_temperature_mean_degC).value(), 20, 1e-12);
  rig.cycle = 2;
  rig.step({.type = "CC_DCH", .to_s = 60, .current_A = [](double) { return -4.9; }, .pressure_MPa = 0.54});
  const auto second = rig.meter.end_cycle({.cycle = 2, .discharge_Ah = 0.08});
  EXPECT_NEAR(value_of(second, Figure::pressure_drift_MPa).value(), 0.03, 1e-12);
  EXPECT_FALSE(value_of(second, Figure::coulombic_efficiency));
}

// A dendrite that touches: the voltage stops rising and jumps down while current flows in.
TEST(RunMeter, sees_a_soft_short_in_the_charge) {
  const auto score = [](const std::function<double(double)>& voltage_V) {
    MeterRig rig;
    rig.step({.to_s = 3600, .every_s = 1, .voltage_V = voltage_V, .current_A = [](double) { return 5.0; }});
    rig.step({.type = "CC_DCH", .to_s = 3600, .every_s = 1, .current_A = [](double) { return -5.0; }});
    return value_of(rig.meter.end_cycle({.cycle = 1, .charge_Ah = 5, .discharge_Ah = 5}), Figure::soft_short_score).value();
  };
  EXPECT_EQ(score([](double t) { return 3.3 + 0.9 * t / 3600 + 0.001 * std::sin(t); }), 0) << "a healthy charge with noise";
  EXPECT_EQ(score([](double t) { return 3.3 + 0.9 * std::min(t, 1800.0) / 3600; }), 1) << "half of it without a rise";
  EXPECT_NEAR(score([](double t) { return 3.3 + 0.9 * t / 3600 - (t >= 2000 && t < 2010 ? 0.0153 : 0.0); }), 0.5, 0.01)
      << "one fall of 15 mV";
}

/// Cycles of an hour's charge at 5 A, a rest, and a discharge at 5 A from 4.2 V by a resistance, of which each cycle is told.
class SignsRig {
 public:
  struct CyclePlan {
    double charge_Ah = 5, discharge_Ah = 5;
    double milliohm = 20;
    double rest_s = 60, rest_V_per_day = 0;
    double temperature_degC = 25;
    std::function<double(double)> charge_V = [](double t) { return 3.3 + 0.9 * t / 3600; };
    bool is_discharged_first = false;
  };
  std::vector<Metric> cycle(const CyclePlan& plan) {
    const auto temperature = [&](double) { return plan.temperature_degC; };
    const auto discharge = [&] {
      rig_.step({.type = "CC_DCH",
                 .to_s = 60,
                 .every_s = 1,
                 .voltage_V = [&](double) { return 4.2 - 5e-3 * plan.milliohm; },
                 .current_A = [](double) { return -5.0; },
                 .temperature_degC = temperature,
                 .step_id = 3});
    };
    if (plan.is_discharged_first) discharge();
    rig_.step({.to_s = 3600,
               .every_s = 1,
               .voltage_V = plan.charge_V,
               .current_A = [](double) { return 5.0; },
               .temperature_degC = temperature,
               .step_id = 1});
    rig_.step({.type = "REST",
               .to_s = plan.rest_s,
               .every_s = 60,
               .voltage_V =
                   [&](double t) {
                     const double relaxed_V = 4.2 + 0.05 * std::exp(-t / 7200);
                     return plan.rest_V_per_day != 0 ? relaxed_V + plan.rest_V_per_day * t / 86400 : 4.2;
                   },
               .temperature_degC = temperature,
               .step_id = 2});
    if (!plan.is_discharged_first) discharge();
    const CycleRow row{.cycle = rig_.cycle, .charge_Ah = plan.charge_Ah, .discharge_Ah = plan.discharge_Ah};
    ++rig_.cycle;
    return rig_.meter.end_cycle(row);
  }

 private:
  MeterRig rig_;
};
double score_of(const std::vector<Metric>& figures) { return value_of(figures, Figure::soft_short_score_of_all_signs).value(); }

// What a short took from the charge is put in again: 5.15 Ah after 5 Ah came out.
TEST(RunMeter, sees_a_charge_that_overruns_the_discharge_before_it) {
  SignsRig rig;
  const auto first = rig.cycle({.charge_Ah = 3});
  EXPECT_FALSE(value_of(first, Figure::charge_overrun)) << "nobody knows what went out before";
  EXPECT_EQ(score_of(first), 0);
  const auto second = rig.cycle({.charge_Ah = 5.15, .discharge_Ah = 5.1});
  EXPECT_NEAR(value_of(second, Figure::charge_overrun).value(), 1.03, 1e-12);
  EXPECT_NEAR(score_of(second), 0.5, 1e-9);
  EXPECT_EQ(value_of(second, Figure::soft_short_score).value(), 0) << "the older figure stays what it was";
  const auto third = rig.cycle({.charge_Ah = 5.05, .discharge_Ah = 5, .is_discharged_first = true});
  EXPECT_NEAR(value_of(third, Figure::charge_overrun).value(), 1.01, 1e-12) << "its own discharge came before the charge";
  EXPECT_EQ(score_of(third), 0);
}

// 4 mV/s for twenty seconds, in which no two rows are 5 mV apart.
TEST(RunMeter, sees_a_voltage_that_falls_slowly_in_a_charge) {
  SignsRig rig;
  const auto healthy = rig.cycle({});
  EXPECT_NEAR(value_of(healthy, Figure::charge_slope_least_V_per_s).value(), 0.9 / 3600, 1e-9);
  const auto falling =
      rig.cycle({.charge_V = [](double t) { return 3.3 + 0.9 * t / 3600 - 0.00425 * std::clamp(t - 1000, 0.0, 20.0); }});
  EXPECT_NEAR(value_of(falling, Figure::charge_slope_least_V_per_s).value(), -0.004, 1e-9);
  EXPECT_EQ(value_of(falling, Figure::soft_short_score).value(), 0);
  EXPECT_NEAR(score_of(falling), 0.5, 1e-6);
}

// 20 mOhm, then 15: three quarters of the median, half way from 0.9 to 0.6. Warmer cells have less resistance: that is no sign.
TEST(RunMeter, sees_a_resistance_that_falls_from_one_cycle_to_the_next) {
  SignsRig rig;
  for (const double mohm : {20.0, 20.2, 19.8})
    EXPECT_FALSE(value_of(rig.cycle({.milliohm = mohm}), Figure::resistance_ratio_least));
  EXPECT_FALSE(value_of(rig.cycle({.milliohm = 12, .temperature_degC = 45}), Figure::resistance_ratio_least));
  const auto fallen = rig.cycle({.milliohm = 15});
  EXPECT_NEAR(value_of(fallen, Figure::resistance_ratio_least).value(), 0.75, 1e-9);
  EXPECT_NEAR(score_of(fallen), 0.5, 1e-6);
  EXPECT_NEAR(value_of(rig.cycle({.milliohm = 20}), Figure::resistance_ratio_least).value(), 20.0 / 19.9, 1e-9)
      << "the median of 20, 20.2, 19.8 and 15";
}

// A rest of a day: 30 mV a day are half way from 10 to 50. What relaxes in two hours is gone in its second half (a few tenths of a mV a day are left).
TEST(RunMeter, sees_a_voltage_that_falls_in_a_day_of_rest) {
  SignsRig rig;
  const auto day = rig.cycle({.rest_s = 86400, .rest_V_per_day = -0.03});
  EXPECT_NEAR(value_of(day, Figure::rest_slope_V_per_day).value(), -0.03, 1e-3);
  EXPECT_NEAR(score_of(day), 0.5, 0.03);
  EXPECT_FALSE(value_of(rig.cycle({.rest_s = 4 * 3600, .rest_V_per_day = -0.03}), Figure::rest_slope_V_per_day));
}

// Rows that belong to no open step are none of its business.
TEST(RunMeter, passes_over_rows_of_other_steps_and_of_what_was_not_measured) {
  RunMeter meter(5);
  meter.begin_step(StepRow{.step = 1, .type = "REST"});
  meter.add(SampleRow{.step = 2, .voltage_V = 9});
  meter.add(SampleRow{.step = 1, .voltage_V = std::nan("")});
  EXPECT_TRUE(meter.end_step(StepEndRow{.step = 1}).empty());
  EXPECT_TRUE(meter.end_step(StepEndRow{.step = 7}).empty());
}

}  // namespace
}  // namespace cellrig::db
