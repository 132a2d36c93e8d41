// F19 to F36 and F45 to F49: what they do to readings, outputs, chambers and cells.
#include <cmath>

#include "tests/unit/sim_net/fault_witness.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// ---- instruments

void reboots() {
  Witness witness;
  witness.charge();
  witness.order("F19");
  EXPECT_EQ(witness.line(scpi, "SYST:LOCK:OWN?"), "NONE");
  EXPECT_FALSE(witness.stage().output_on());
}

void local_is_pressed() {
  Witness witness;
  witness.line(scpi, "SYST:LOCK ON");
  EXPECT_EQ(witness.line(scpi, "SYST:LOCK:OWN?"), "REMOTE");
  witness.order("F20");
  EXPECT_EQ(witness.line(scpi, "SYST:LOCK:OWN?"), "LOCAL");
  witness.line(scpi, "VOLT 3.3");
  EXPECT_NE(witness.line(scpi, "VOLT?"), "3.30 V");
}

void voltage_alone_stands_still() {
  Witness witness;
  witness.charge();
  witness.pass(60s);
  witness.order("F21");
  const double shown = witness.volts();
  EXPECT_NEAR(shown, witness.truth().voltage_V, 0.01);
  witness.line(scpi, "CURR 2");
  witness.pass(1800s);
  EXPECT_EQ(witness.volts(), shown);
  EXPECT_GT(std::abs(witness.truth().voltage_V - shown), 0.03);
  EXPECT_NEAR(witness.amps(), 2.0, 0.02);  // the current does not
}

void temperature_stands_still() {
  Witness witness;
  const auto shown = [&] { return *witness.bench().thermocouple(witness.bench().channels()[0], false).reading_degC(); };
  const double before = shown();
  witness.order("F22");
  witness.charge(10.0);
  witness.pass(1200s);
  EXPECT_EQ(shown(), before);
  EXPECT_GT(witness.truth().surface_temperature_degC, before + 1.0);
  witness.order("thermocouple_stuck ch1 on=false");
  EXPECT_GT(shown(), before + 1.0);
}

void current_has_the_wrong_sign() {
  Witness witness;
  witness.charge();
  EXPECT_NEAR(witness.amps(), 5.0, 0.02);
  witness.order("F23");
  EXPECT_NEAR(witness.amps(), -5.0, 0.02);
}

void calibration_is_off() {
  Witness witness;
  witness.charge(10.0);
  witness.pass(1s);
  const double offset_V = witness.volts() - witness.truth().voltage_V;
  witness.order("F24");
  EXPECT_NEAR(witness.volts() - witness.truth().voltage_V - offset_V, 0.03, 0.011);
  EXPECT_NEAR(witness.amps(), 10.1, 0.02);
  EXPECT_NEAR(witness.truth().current_A, 10.0, 0.02);
}

void readings_end_at_full_scale() {
  Witness witness;
  witness.charge();
  EXPECT_GT(witness.volts(), 3.2);
  witness.order("F25");
  EXPECT_EQ(witness.volts(), 3.0);
  EXPECT_EQ(witness.amps(), 1.0);
  EXPECT_THAT(witness.refusal("saturate psb1"), HasSubstr("is missing"));
}

void one_reading_jumps() {
  Witness witness;
  const double volts = witness.volts();
  witness.order("F26");
  EXPECT_NEAR(witness.volts(), volts + 10.0, 0.01);
  EXPECT_NEAR(witness.volts(), volts, 0.01);
  witness.order("noise_burst psb1 sigma_V=0.5");
  double least = 1e9, most = -1e9;
  for (int i = 0; i < 30; ++i) {
    const double shown = witness.volts();
    least = std::min(least, shown);
    most = std::max(most, shown);
  }
  EXPECT_GT(most - least, 0.5);
}

void off_is_ignored() {
  Witness witness;
  witness.charge();
  witness.order("F27");
  witness.line(scpi, "OUTP OFF");
  EXPECT_TRUE(witness.stage().output_on());
  EXPECT_GT(witness.truth().current_A, 4.9);
  witness.order("ignore_off psb1 on=false");
  witness.line(scpi, "OUTP OFF");
  EXPECT_FALSE(witness.stage().output_on());
}

void output_turns_on_by_itself() {
  Witness witness;
  witness.line(scpi, "SYST:LOCK ON");
  EXPECT_EQ(witness.truth().current_A, 0.0);
  witness.order("F28");
  EXPECT_NEAR(witness.truth().current_A, 1.0, 0.01);
  EXPECT_EQ(witness.line(scpi, "OUTP?"), "ON");
  witness.line(scpi, "OUTP OFF");
  EXPECT_EQ(witness.truth().current_A, 0.0);
  witness.order("wrong_channel_obeys ch2 follows=ch1");
  EXPECT_EQ(witness.truth(1).current_A, 0.0);
  witness.charge();
  EXPECT_NEAR(witness.truth(1).current_A, 5.0, 0.05);
  witness.line(scpi, "OUTP OFF");
  EXPECT_EQ(witness.truth(1).current_A, 0.0);
  witness.order("wrong_channel_obeys ch2 on=false");
  witness.charge();
  EXPECT_EQ(witness.truth(1).current_A, 0.0);
}

void voltage_oscillates() {
  Witness witness;
  witness.charge(50.0, 3.9);
  witness.pass(60s);
  ASSERT_EQ(witness.stage().mode(), RegulatorMode::constant_voltage);
  EXPECT_NEAR(witness.stage().terminal_voltage_V(), 3.9, 0.01);
  witness.order("F29");
  double least = 1e9, most = -1e9;
  for (int i = 0; i < 40; ++i) {
    witness.pass(250ms);
    least = std::min(least, witness.stage().terminal_voltage_V());
    most = std::max(most, witness.stage().terminal_voltage_V());
  }
  EXPECT_NEAR(most, 3.95, 0.005);
  EXPECT_NEAR(least, 3.85, 0.005);
  witness.order("cv_oscillation ch1 on=false");
  witness.pass(10s);
  EXPECT_NEAR(witness.stage().terminal_voltage_V(), 3.9, 0.01);
  witness.order("cv_overshoot ch1 offset_V=0.08 for_s=5");
  witness.pass(1s);
  EXPECT_NEAR(witness.stage().terminal_voltage_V(), 3.98, 0.01);
  witness.pass(5s);
  EXPECT_NEAR(witness.stage().terminal_voltage_V(), 3.9, 0.01);
}

void protects_itself() {
  Witness witness("three-makes");
  witness.charge();
  EXPECT_EQ(std::lround(witness.number(scpi, "STAT:QUES?")) & 1, 0);
  witness.order("F30");
  EXPECT_FALSE(witness.stage().output_on());
  EXPECT_EQ(std::lround(witness.number(scpi, "STAT:QUES?")) & 1, 1);
  witness.order("trip aps1 cause=over_temperature");
  EXPECT_EQ(std::lround(witness.number("aps1.scpi", "STAT:QUES:COND?")) & 16, 16);
  witness.order("trip itech1 cause=over_current");
  EXPECT_EQ(std::lround(witness.number("itech1.scpi", "STAT:QUES:COND?")) & 2, 2);
  EXPECT_THAT(witness.refusal("trip adam"), HasSubstr("is no cycler"));
}

void chamber_runs_away() {
  Witness witness;
  const double before = witness.world().chamber(0).air_temperature_degC();
  witness.pass(3600s);
  EXPECT_NEAR(witness.world().chamber(0).air_temperature_degC(), before, 3.0);
  witness.order("F31");
  witness.pass(3600s);
  EXPECT_NEAR(witness.world().chamber(0).air_temperature_degC(), 90.0, 1.0);
}

void chamber_stays_where_it_is() {
  Witness witness;
  const double before = witness.world().chamber(0).air_temperature_degC();
  witness.order("F32");
  witness.world().chamber(0).command(witness.now(), true, 45.0);
  witness.bench().refresh_events();
  witness.pass(3600s);
  EXPECT_NEAR(witness.world().chamber(0).air_temperature_degC(), before, 1.0);
  witness.order("chamber_stuck oven on=false");
  witness.pass(3600s);
  EXPECT_NEAR(witness.world().chamber(0).air_temperature_degC(), 45.0, 1.0);
}

void cell_is_not_where_the_chamber_is() {
  Witness witness;
  const auto apart = [&] { return witness.truth().surface_temperature_degC - witness.truth().ambient_temperature_degC; };
  witness.pass(1800s);
  EXPECT_LT(std::abs(apart()), 1.0);
  witness.order("F33");
  witness.pass(3600s);
  EXPECT_GT(apart(), 5.0);
}

void door_opens() {
  Witness witness;
  EXPECT_THAT(witness.refusal("F34"), HasSubstr("nothing on this bench has an interlock"));
  std::vector<bool> seen;
  witness.bench().add_interlock({"door", [&seen](TimePoint, bool open) { seen.push_back(open); }});
  witness.order("F34");
  witness.order("interlock_open door on=false");
  EXPECT_THAT(seen, ::testing::ElementsAre(true, false));
}

void sensor_fails() {
  Witness witness;
  const Thermocouple& sensor = witness.bench().thermocouple(witness.bench().channels()[0], false);
  EXPECT_NEAR(*sensor.reading_degC(), 25.0, 1.0);
  witness.order("F35");
  EXPECT_FALSE(sensor.reading_degC());
  witness.order("thermocouple_open ch1 on=false");
  for (const double shown : {-270.0, 1372.0}) {
    witness.order("thermocouple_stuck ch1 temperature_degC=" + std::to_string(shown));
    EXPECT_EQ(sensor.reading_degC(), shown);
  }
}

void clock_jumps_or_stops() {
  Witness witness("three-makes");
  witness.line("daq.scpi", "CONF:TEMP TC,T,(@101)");
  witness.line("daq.scpi", "FORM:READ:TIME ON");
  witness.line("daq.scpi", "ROUT:SCAN (@101)");
  const auto stamp = [&] {
    const std::string reply = witness.line("daq.scpi", "READ?");
    return std::strtod(reply.substr(reply.find(',') + 1).c_str(), nullptr) - to_seconds(witness.now().time_since_epoch());
  };
  EXPECT_NEAR(stamp(), 0.0, 0.01);
  witness.order("F36");
  EXPECT_NEAR(stamp(), 3600.0, 0.01);
  witness.order("clock_stop daq");
  const double first = stamp() + to_seconds(witness.now().time_since_epoch());
  const double second = stamp() + to_seconds(witness.now().time_since_epoch());
  EXPECT_EQ(first, second);
  Witness other;
  EXPECT_THAT(other.refusal("clock_jump adam"), HasSubstr("stamps nothing"));
}

// ---- cells

void shorts_inside() {
  Witness witness;
  const CellTruth before = witness.truth();
  EXPECT_EQ(before.short_S, 0.0);
  witness.order("F45");
  witness.pass(4s);
  const CellTruth after = witness.truth();
  EXPECT_NEAR(after.short_S, 20.0, 1e-6);
  EXPECT_LT(after.voltage_V, 0.75 * before.voltage_V);
  EXPECT_GT(after.core_temperature_degC, before.core_temperature_degC + 4.0);
}

void dendrite_grows() {
  Witness witness;
  witness.order("F46");
  witness.pass(120s);
  EXPECT_NEAR(witness.truth().short_S, 0.001, 2e-4);
  witness.pass(3600s);
  EXPECT_NEAR(witness.truth().short_S, 0.1, 1e-3);
  witness.order("soft_short ch1 on=false");
  witness.pass(60s);
  EXPECT_EQ(witness.truth().short_S, 0.0);
}

void gas_comes_out() {
  Witness witness;
  const CellTruth before = witness.truth();
  EXPECT_NE(before.runaway, RunawayStage::venting);
  witness.order("F47");
  witness.pass(6s);
  const CellTruth after = witness.truth();
  EXPECT_GE(after.gas_ppm.value_or(0.0), 2000.0);
  EXPECT_GE(after.pressure_MPa.value_or(0.0), 0.2);
  EXPECT_EQ(after.runaway, RunawayStage::venting);
  EXPECT_GT(after.core_temperature_degC, before.core_temperature_degC + 15.0);
  EXPECT_NEAR(after.voltage_V, before.voltage_V, 0.05);
}

void circuit_opens() {
  Witness witness;
  witness.charge();
  const double before = witness.volts();
  witness.order("F48");
  EXPECT_EQ(witness.truth().current_A, 0.0);
  EXPECT_TRUE(witness.stage().output_on());
  EXPECT_NEAR(witness.volts(), 4.2, 0.01);
  EXPECT_GT(std::abs(before - 4.2), 0.05);
  EXPECT_EQ(witness.amps(), 0.0);
}

void cell_is_another_one() {
  Witness witness;
  const CellTruth before = witness.truth();
  witness.order("F49");
  EXPECT_NEAR(witness.truth().capacity_Ah, 0.7 * before.capacity_Ah, 1e-6);
  EXPECT_NEAR(witness.truth().resistance_factor, 2.0 * before.resistance_factor, 1e-6);
  clear_faults(witness.bench(), witness.now());
  EXPECT_NEAR(witness.truth().capacity_Ah, before.capacity_Ah, 1e-9);
  for (const double wanted_V : {4.3, 0.5}) {
    witness.order("cell_state ch1 voltage_V=" + std::to_string(wanted_V));
    EXPECT_NEAR(witness.volts(), wanted_V, 0.02);
  }
  witness.order("cell_state ch1 soc_pct=50");
  witness.order("reversed_cell ch1");
  EXPECT_LT(witness.stage().terminal_voltage_V(), -3.0);
}

}  // namespace

const std::map<std::string, Proof>& instrument_proofs() {
  static const std::map<std::string, Proof> all{
      {"F19", reboots},
      {"F20", local_is_pressed},
      {"F21", voltage_alone_stands_still},
      {"F22", temperature_stands_still},
      {"F23", current_has_the_wrong_sign},
      {"F24", calibration_is_off},
      {"F25", readings_end_at_full_scale},
      {"F26", one_reading_jumps},
      {"F27", off_is_ignored},
      {"F28", output_turns_on_by_itself},
      {"F29", voltage_oscillates},
      {"F30", protects_itself},
      {"F31", chamber_runs_away},
      {"F32", chamber_stays_where_it_is},
      {"F33", cell_is_not_where_the_chamber_is},
      {"F34", door_opens},
      {"F35", sensor_fails},
      {"F36", clock_jumps_or_stops},
  };
  return all;
}

const std::map<std::string, Proof>& world_proofs() {
  static const std::map<std::string, Proof> all{{"F45", shorts_inside},
                                                {"F46", dendrite_grows},
                                                {"F47", gas_comes_out},
                                                {"F48", circuit_opens},
                                                {"F49", cell_is_another_one}};
  return all;
}

}  // namespace cellrig::sim
