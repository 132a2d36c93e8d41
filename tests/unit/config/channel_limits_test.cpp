// What a bench allows on a channel, whatever cell is on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/config_error.hpp"
#include "controller/runtime/config.hpp"
#include "profiles/check.hpp"

namespace cellrig {
namespace {

using testing::HasSubstr;

ChannelLimits limits_of(const std::string& text, bool has_thermocouple = true) {
  const std::string bench =
      "bench: b\ninstruments:\n  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "  adam: {model: adam-6018, modbus: \"192.0.2.3:502\"}\nchannels:\n  ch1:\n    cycler: psb1\n" +
      std::string(has_thermocouple ? "    cell_temperature: {logger: adam, input: 0}\n" : "") + "    limits: {" + text + "}\n";
  return parse_bench(bench, "bench.yaml").channel("ch1").limits;
}

std::string refusal_of(const std::string& text, bool has_thermocouple = true) {
  try {
    (void)limits_of(text, has_thermocouple);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

SafetyLimits of_cell() {
  return {Volts{2.5}, Volts{4.25}, Amps{10.0}, Amps{15.0}, Celsius{-20.0}, Celsius{60.0}, Celsius{0.0}, AmpHours{6.0}};
}

TEST(ChannelLimits, of_a_bench_file_are_read_with_their_places) {
  const ChannelLimits limits = limits_of(
      "voltage_min_V: 2.6, voltage_max_V: 4.2, charge_current_max_A: 5, discharge_current_max_A: 6, cell_temperature_min_degC: "
      "-10, "
      "cell_temperature_max_degC: 45, charge_temperature_min_degC: 5");
  const SafetyLimits all = tighter(of_cell(), limits);
  EXPECT_EQ(all.voltage_min, Volts{2.6});
  EXPECT_EQ(all.voltage_max, Volts{4.2});
  EXPECT_EQ(all.charge_current_max, Amps{5.0});
  EXPECT_EQ(all.discharge_current_max, Amps{6.0});
  EXPECT_EQ(all.cell_temperature_min, Celsius{-10.0});
  EXPECT_EQ(all.cell_temperature_max, Celsius{45.0});
  EXPECT_EQ(all.charge_temperature_min, Celsius{5.0});
  EXPECT_EQ(all.charge_capacity_max, AmpHours{6.0});
}

TEST(ChannelLimits, that_are_wider_than_the_cells_change_nothing) {
  const SafetyLimits all = tighter(of_cell(), limits_of("voltage_min_V: 1, voltage_max_V: 5, charge_current_max_A: 100, "
                                                        "cell_temperature_max_degC: 90, charge_temperature_min_degC: -30"));
  EXPECT_EQ(all.voltage_min, of_cell().voltage_min);
  EXPECT_EQ(all.voltage_max, of_cell().voltage_max);
  EXPECT_EQ(all.charge_current_max, of_cell().charge_current_max);
  EXPECT_EQ(all.cell_temperature_max, of_cell().cell_temperature_max);
  EXPECT_EQ(all.charge_temperature_min, of_cell().charge_temperature_min);
}

TEST(ChannelLimits, that_cannot_be_kept_are_refused) {
  EXPECT_THAT(refusal_of("charge_current_max_A: 0"), HasSubstr("'charge_current_max_A' must be above 0"));
  EXPECT_THAT(refusal_of("voltage_min_V: 4, voltage_max_V: 3"), HasSubstr("no voltage window"));
  EXPECT_THAT(refusal_of("cell_temperature_min_degC: 50, cell_temperature_max_degC: 20"), HasSubstr("no temperature window"));
  EXPECT_THAT(refusal_of("cell_temperature_max_degC: 45", false), HasSubstr("this channel has no 'cell_temperature'"));
  EXPECT_THAT(refusal_of("voltage_max: 4"), HasSubstr("did you mean 'voltage_max_V'"));
  EXPECT_NE(refusal_of("voltage_max_V: .nan"), "");
}

}  // namespace
}  // namespace cellrig
