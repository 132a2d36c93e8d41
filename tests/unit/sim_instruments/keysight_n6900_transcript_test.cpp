// Every line that was recorded on a real N6974A, asked again.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "sim/instruments/keysight_n6900.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

std::vector<std::pair<std::string, std::string>> recorded() {
  std::ifstream file{CELLRIG_SOURCE_DIR "/tests/data/n6974a_transcript.txt"};
  std::vector<std::pair<std::string, std::string>> lines;
  for (std::string line; std::getline(file, line);) {
    const std::size_t arrow = line.find(" => ");
    if (line.starts_with('#') || arrow == std::string::npos) continue;
    lines.emplace_back(line.substr(0, arrow), line.substr(arrow + 4));
  }
  return lines;
}

/// The recorded unit stood on a bare bench; its readings are its errors at zero.
KeysightN6900Config recorded_unit() {
  KeysightN6900Config config;
  config.sense_leads_open = true;
  constexpr double voltage_V = -3.454664e-4, current_A = -2.336919e-4, power_W = 1.660506e-6;
  config.measurement = {.voltage = with_errors({.offset = voltage_V}),
                        .current = with_errors({.offset = current_A}),
                        .power = with_errors({.offset = power_W - voltage_V * current_A})};
  config.charge_Ah = -3.541690e-4;
  return config;
}

TEST(N6900Transcript, is_answered_word_by_word) {
  IdealBench bench{4.0};
  bench.stage.set_contactor(TimePoint{}, false);
  KeysightN6900 n6974a{recorded_unit(), bench.stage, bench.advance_world()};
  ScpiClient client{n6974a};
  const auto lines = recorded();
  ASSERT_GT(lines.size(), 90U);
  TimePoint now{};
  for (const auto& [query, reply] : lines) {
    now += std::chrono::seconds{10};
    EXPECT_EQ(client.ask(now, query), reply) << query;
  }
  EXPECT_EQ(client.ask(now, "SYST:ERR?"), "+0,\"No error\"");
}

TEST(N6900Transcript, is_answered_as_one_compound_message) {
  IdealBench bench{4.0};
  bench.stage.set_contactor(TimePoint{}, false);
  KeysightN6900 n6974a{recorded_unit(), bench.stage, bench.advance_world()};
  ScpiClient client{n6974a};
  std::string message;
  std::string expected;
  std::size_t count = 0;
  for (const auto& [query, reply] : recorded()) {
    if (query.starts_with('*') || query == "MEAS:VOLT?" || count == 58) continue;
    if (query.starts_with("FETC:V") || query.starts_with("FETC:C") || query.starts_with("FETC:P")) continue;
    message += (message.empty() ? "" : ";:") + query;
    expected += (expected.empty() ? "" : ";") + reply;
    ++count;
  }
  EXPECT_EQ(client.ask(at_s(1), message), expected);
  const Duration took = client.last().due - at_s(1);
  EXPECT_NEAR(to_seconds(took), 1.4e-3, 0.1e-3) << "57 to 60 queries take 1.4 ms";
}

TEST(N6900Transcript, is_the_same_after_a_reset_and_after_a_power_cycle) {
  IdealBench bench{4.0};
  bench.stage.set_contactor(TimePoint{}, false);
  KeysightN6900 n6974a{recorded_unit(), bench.stage, bench.advance_world()};
  ScpiClient client{n6974a};
  for (const bool reboot : {false, true}) {
    for (const char* line :
         {"VOLT 4.2", "CURR:LIM 5", "CURR:LIM:NEG -5", "OUTP:PROT:MODE HIGHZ", "OUTP:PROT:WDOG 1", "OUTP:PROT:WDOG:DEL 900",
          "CURR:PROT:STAT 1", "VOLT:PROT 5", "OUTP 1", "SENS:SWE:NPLC 10", "VOLT:SLEW 100"}) {
      client.ask(at_s(1), line);
    }
    if (reboot) {
      n6974a.reboot(at_s(2));
    } else {
      client.ask(at_s(2), "*RST");
    }
    for (const auto& [query, reply] : recorded()) {
      if (query.starts_with("FETC") || query.starts_with("*ESR")) continue;
      EXPECT_EQ(client.ask(at_s(3), query), reply) << query;
    }
  }
}

}  // namespace
}  // namespace cellrig::sim
