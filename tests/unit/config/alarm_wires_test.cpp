// Exhausts, fans and the siren in a bench file: how they are written, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "controller/cli/bench/bench_context.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string good =
    "bench: b\n"
    "instruments:\n"
    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
    "  psb2: {model: ea-psb-10060-60, modbus: \"192.0.2.20:502\", scpi: \"192.0.2.20:5025\"}\n"
    "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
    "  daq: {model: keysight-daq970a, scpi: \"192.0.2.15:5025\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "  vents: {model: adam-6060, modbus: \"192.0.2.18:502\"}\n"
    "siren: {relays: adam, output: 7}\n"
    "chambers:\n"
    "  oven: {instrument: f4t, exhaust: {relays: vents, output: 4}, fan: {relays: vents, output: 5}}\n"
    "channels:\n"
    "  ch1: {cycler: psb1, contactor: {relays: adam, output: 0}, chamber: oven}\n"
    "  ch2: {cycler: psb2}\n";

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = good;
  return text.replace(text.find(from), from.size(), to);
}

/// What is said about a bench with a mistake, place included; by the file alone, or by the model files of its instruments.
std::string complaint_about_wires(const std::string& text) {
  try {
    const BenchConfig bench = parse_bench(text, "bench.yaml");
    for (const ChannelConfig& channel : bench.channels) (void)cli::check_context(bench, channel, "profile.yaml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing";
}

std::vector<std::string> names(const std::vector<AlarmWire>& wires) {
  std::vector<std::string> all;
  for (const AlarmWire& wire : wires) all.push_back(wire.name() + ": " + wire.label());
  return all;
}

TEST(AlarmWires, are_those_of_the_channels_that_run_and_the_siren_of_all) {
  const BenchConfig bench = parse_bench(good, "bench.yaml");
  const std::string siren = "siren: output 7 of adam";
  EXPECT_THAT(names(alarm_wires_of(bench, {"ch1"})),
              ElementsAre("exhaust of chamber 'oven': output 4 of vents", "fan of chamber 'oven': output 5 of vents", siren));
  EXPECT_THAT(names(alarm_wires_of(bench, {"ch2"})), ElementsAre(siren));
  EXPECT_TRUE(alarm_wires_of(bench, {}).empty());
  const std::vector<AlarmWire> all = alarm_wires_of(bench, {"ch1", "ch2"});
  EXPECT_THAT(channels_behind(bench, all.front()), ElementsAre("ch1"));
  EXPECT_THAT(channels_behind(bench, all.back()), ElementsAre("ch1", "ch2"));
  EXPECT_EQ(complaint_about_wires(good), "nothing");
}

TEST(AlarmWires, each_may_be_left_out) {
  for (const auto& [from, left] :
       {std::pair{", exhaust: {relays: vents, output: 4}", 2U}, std::pair{", fan: {relays: vents, output: 5}", 2U},
        std::pair{"siren: {relays: adam, output: 7}\n", 2U}}) {
    const BenchConfig bench = parse_bench(replaced(from, ""), "bench.yaml");
    EXPECT_EQ(alarm_wires_of(bench, {"ch1"}).size(), left) << from;
  }
}

TEST(AlarmWires, a_module_or_a_key_that_is_not_there_is_answered_with_the_nearest) {
  EXPECT_EQ(complaint_about_wires(replaced("exhaust: {relays: vents", "exhaust: {relays: vetns")),
            "bench.yaml:11:45: unknown instrument 'vetns', did you mean 'vents'?");
  EXPECT_THAT(complaint_about_wires(replaced("siren: {relays: adam", "siren: {relays: adma")),
              HasSubstr("bench.yaml:9:17: unknown instrument"));
  EXPECT_THAT(complaint_about_wires(replaced("exhaust:", "exhuast:")), HasSubstr("did you mean 'exhaust'?"));
  EXPECT_THAT(complaint_about_wires(replaced("siren:", "sirene:")), HasSubstr("did you mean 'siren'?"));
  EXPECT_THAT(complaint_about_wires(replaced("fan: {relays: vents, output", "fan: {relays: vents, outputs")),
              HasSubstr("did you mean 'output'?"));
}

TEST(AlarmWires, an_output_that_is_not_there_is_refused_with_its_place) {
  EXPECT_EQ(complaint_about_wires(replaced("fan: {relays: vents, output: 5", "fan: {relays: vents, output: 6")),
            "bench.yaml:11:93: fan of chamber 'oven': 'vents' has outputs 0 to 5 only");
  EXPECT_THAT(complaint_about_wires(replaced("output: 7", "output: 8")), HasSubstr("siren: 'adam' has outputs 0 to 7 only"));
  EXPECT_THAT(complaint_about_wires(replaced("output: 7", "output: -1")), HasSubstr("output must be 0 to 255"));
  EXPECT_THAT(complaint_about_wires(replaced("siren: {relays: adam", "siren: {relays: daq")),
              HasSubstr("siren: 'daq' is no relay module"));
  EXPECT_THAT(complaint_about_wires(replaced("exhaust: {relays: vents", "exhaust: {relays: f4t")),
              HasSubstr("'f4t' is no relay module"));
  EXPECT_THAT(complaint_about_wires(replaced("{relays: adam, output: 0}", "{relays: adam, output: 8}")),
              HasSubstr("channel 'ch1': 'adam' has outputs 0 to 7 only"));
}

// A contactor that opens must not be an exhaust that goes off.
TEST(AlarmWires, an_output_has_one_user) {
  EXPECT_EQ(complaint_about_wires(replaced("fan: {relays: vents, output: 5", "fan: {relays: vents, output: 4")),
            "bench.yaml:11:93: output 4 of vents is already the exhaust of chamber 'oven'");
  EXPECT_THAT(complaint_about_wires(replaced("siren: {relays: adam, output: 7", "siren: {relays: vents, output: 5")),
              HasSubstr("bench.yaml:9:32: output 5 of vents is already the fan of chamber 'oven'"));
  EXPECT_THAT(complaint_about_wires(replaced("siren: {relays: adam, output: 7", "siren: {relays: adam, output: 0")),
              HasSubstr("output 0 of adam is already the contactor of channel 'ch1'"));
  EXPECT_THAT(complaint_about_wires(replaced("exhaust: {relays: vents, output: 4", "exhaust: {relays: adam, output: 0")),
              HasSubstr("output 0 of adam is already the contactor of channel 'ch1'"));
}

}  // namespace
}  // namespace cellrig
