// Every one of the 49 faults can be ordered by its number and does what it says; orders come from files and from a seed; and what is in
// force can be seen and ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <set>

#include "sim/bench_file.hpp"
#include "sim/faults/catalogue.hpp"
#include "sim/net/reply_damage.hpp"
#include "tests/unit/sim_net/fault_witness.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::map<std::string, Proof> all_proofs() {
  std::map<std::string, Proof> all = wire_proofs();
  for (const auto* part : {&instrument_proofs(), &host_proofs(), &world_proofs()}) all.insert(part->begin(), part->end());
  return all;
}

class NumberedFaults : public ::testing::TestWithParam<std::string> {};

TEST_P(NumberedFaults, does_what_it_says) {
  const auto proofs = all_proofs();
  const auto proof = proofs.find(GetParam());
  ASSERT_NE(proof, proofs.end()) << "nobody proves that " << GetParam() << " does anything";
  proof->second();
}

std::vector<std::string> numbers() {
  std::vector<std::string> all;
  for (const faults::NumberedFault& fault : faults::numbered_faults()) all.emplace_back(fault.number);
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, NumberedFaults, ::testing::ValuesIn(numbers()),
                         [](const ::testing::TestParamInfo<std::string>& tested) { return tested.param; });

TEST(Catalogue, has_49_rows_whose_kinds_and_keys_exist) {
  ASSERT_EQ(faults::numbered_faults().size(), 49U);
  for (std::size_t i = 0; i < 49; ++i) {
    const faults::NumberedFault& fault = faults::numbered_faults()[i];
    EXPECT_EQ(fault.number, "F" + std::string(i < 9 ? "0" : "") + std::to_string(i + 1));
    const faults::Kind* const kind = faults::kind_named(fault.kind);
    ASSERT_NE(kind, nullptr) << fault.number;
    const Result<FaultOrder> order = parse_fault_order(std::string(fault.kind) + " " + std::string(fault.keys));
    ASSERT_TRUE(order);
    const std::vector<std::string> keys = faults::keys_of(*kind);
    for (const auto& [key, value] : order->fields) EXPECT_TRUE(std::count(keys.begin(), keys.end(), key)) << fault.number << key;
    std::string_view also = fault.also;
    while (!also.empty()) {
      const std::string_view word = also.substr(0, also.find(' '));
      also.remove_prefix(std::min(word.size() + 1, also.size()));
      EXPECT_NE(faults::kind_named(word), nullptr) << fault.number << ' ' << word;
    }
  }
}

TEST(Catalogue, no_two_kinds_have_one_name_and_wires_know_all_of_theirs) {
  std::vector<std::string> names = fault_names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  for (const std::string_view name : wire_fault_names) EXPECT_NE(faults::kind_named(name), nullptr) << name;
}

TEST(Catalogue, a_number_takes_keys_and_targets_of_its_own) {
  Witness witness;
  witness.order("f17 aps1 form=NAN");
  witness.line("aps1.scpi", "VOLT 3");
  EXPECT_EQ(witness.line("aps1.scpi", "VOLT?"), "NAN");
  EXPECT_THAT(witness.refusal("F17 psb1.modbus"), HasSubstr("does not speak a language of lines"));
  EXPECT_THAT(witness.refusal("F09 aps1"), HasSubstr("does not speak Modbus"));
  EXPECT_THAT(witness.refusal("F17 form=roman"), HasSubstr("unknown form 'roman' (known: comma, 9.91E37"));
  EXPECT_THAT(witness.refusal("F50"), HasSubstr("unknown fault 'F50'"));
  EXPECT_THAT(witness.refusal("exception psb1.modbus code=12"), HasSubstr("'code' must be a number in its range"));
  EXPECT_THAT(witness.refusal("mutate psb1.modbus field=unti"), HasSubstr("did you mean 'unit'?"));
  EXPECT_THAT(witness.refusal("negate_current f4t"), HasSubstr("is no cycler"));
  EXPECT_THAT(witness.refusal("soft_short ch1 ohm=1 end_ohm=2"), HasSubstr("a dendrite does not heal"));
  EXPECT_THAT(witness.refusal("delay psb1 delay_ms=1 least_ms=2"), HasSubstr("'least_ms' is more"));
}

TEST(Catalogue, a_crc_is_right_again_after_a_field_was_changed) {
  std::string frame{"\x01\x03\x02\x00\x2A\x39\x9B", 7};  // CRC 0x9B39
  ASSERT_EQ(modbus_crc(std::string_view{frame}.substr(0, 5)), 0x9B39);
  mutate_modbus(frame, ModbusWrap::rtu, ModbusField::unit, 7);
  EXPECT_EQ(frame.substr(0, 5), std::string("\x07\x03\x02\x00\x2A", 5));
  EXPECT_NE(frame.substr(5), "\x39\x9B");
  EXPECT_EQ(modbus_crc(frame), 0);  // of a frame with its right CRC
  mutate_modbus(frame, ModbusWrap::rtu, ModbusField::crc, std::nullopt);
  EXPECT_NE(modbus_crc(frame), 0);
}

// ---- every instrument has readings of its own to distort

double degC_of(const std::string& instrument, Witness& witness) {
  if (instrument == "daq") return witness.number("daq.scpi", "READ?");
  const unsigned address = instrument == "f4t" ? 2820 : 0;
  const std::string reply = witness.ask(instrument + ".modbus", witness.read_request(address, instrument == "f4t" ? 2 : 1));
  const auto word = [&reply](std::size_t at) -> std::uint32_t {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(reply.at(at)) << 8U |
                                      static_cast<unsigned char>(reply.at(at + 1)));
  };
  if (instrument == "f4t") return static_cast<double>(std::bit_cast<float>(word(9) | word(11) << 16U));
  return -100.0 + 500.0 * word(9) / 65535.0;  // type T
}

TEST(Readings, of_every_thermometer_can_be_wrong) {
  for (const std::string instrument : {"adam", "daq", "f4t"}) {
    SCOPED_TRACE(instrument);
    Witness witness("three-makes");
    witness.line("daq.scpi", "CONF:TEMP TC,T,(@101)");
    witness.line("daq.scpi", "ROUT:SCAN (@101)");
    const double right = degC_of(instrument, witness);
    EXPECT_NEAR(right, 25.0, 3.0);
    witness.order("temperature_offset " + instrument + " offset_K=7");
    EXPECT_NEAR(degC_of(instrument, witness), right + 7.0, 0.1);
    witness.order("temperature_offset " + instrument + " on=false");
    witness.order("spike " + instrument + " offset_K=20");
    EXPECT_NEAR(degC_of(instrument, witness), right + 20.0, 0.1);
    EXPECT_NEAR(degC_of(instrument, witness), right, 0.1);
    witness.order("saturate " + instrument + " temperature_degC=20");
    EXPECT_NEAR(degC_of(instrument, witness), 20.0, 0.1);
    witness.order("saturate " + instrument + " on=false");
    witness.order("scale " + instrument + " factor=2 quantity=temperature");
    EXPECT_NEAR(degC_of(instrument, witness), 2.0 * right, 0.2);
    EXPECT_THAT(witness.refusal("scale " + instrument + " quantity=voltage"), HasSubstr("is no cycler"));
  }
}

TEST(Readings, of_every_cycler_can_be_wrong) {
  for (const std::string instrument : {"psb1", "aps1", "itech1"}) {
    SCOPED_TRACE(instrument);
    Witness witness("three-makes");
    const auto volts = [&] { return witness.number(instrument + ".scpi", "MEAS:VOLT?"); };
    const double right = volts();
    EXPECT_NEAR(right, 3.6, 0.3);
    witness.order("scale " + instrument);
    EXPECT_NEAR(volts(), 10.0 * right, 0.2);
    witness.order("scale " + instrument + " on=false");
    witness.order("spike " + instrument);
    EXPECT_NEAR(volts(), right + 10.0, 0.02);
    EXPECT_NEAR(volts(), right, 0.02);
    witness.order("saturate " + instrument + " voltage_V=3");
    EXPECT_NEAR(volts(), 3.0, 1e-9);
    witness.order("saturate " + instrument + " on=false");
    witness.order("miscalibrated " + instrument + " offset_V=0.5");
    EXPECT_NEAR(volts(), right + 0.5, 0.02);
  }
}

TEST(Readings, of_a_force_a_gas_and_a_second_voltage_can_have_another_scale) {
  Witness witness("pressed");
  witness.line("daq.scpi", "CONF:VOLT:DC AUTO,(@113)");
  witness.line("daq.scpi", "ROUT:SCAN (@113)");
  const double volts = witness.number("daq.scpi", "READ?");
  ASSERT_GT(volts, 2.5);
  witness.order("scale daq");
  EXPECT_NEAR(witness.number("daq.scpi", "READ?"), 10.0 * volts, 0.01);
  const auto counts = [&witness](const std::string& port, unsigned address, unsigned count) {
    const std::string reply = witness.ask(port, witness.read_request(address, count));
    unsigned value = 0;
    for (std::size_t at = 9; at < reply.size(); ++at) value = value << 8U | static_cast<unsigned char>(reply[at]);
    return static_cast<double>(value);
  };
  const double weight = counts("press.modbus", 80, 2);
  ASSERT_GT(weight, 1000.0);
  witness.order("scale press factor=0.5");
  EXPECT_NEAR(counts("press.modbus", 80, 2), 0.5 * weight, 1.0);
  witness.order("venting ch1 gas_ppm=40 pressure_MPa=0 rise_K=0 over_s=0.1");
  witness.pass(1s);
  const double gas = counts("sniffer.modbus", 6, 1);
  ASSERT_GT(gas, 300.0);
  witness.order("scale sniffer factor=2");
  EXPECT_NEAR(counts("sniffer.modbus", 6, 1), 2.0 * gas, 2.0);
}

// An order that could change nothing is refused, and says why: a test that ordered it would prove nothing.
TEST(Orders, of_what_an_instrument_cannot_feel_are_refused) {
  Witness witness("full");
  EXPECT_THAT(witness.refusal("ignore_off press"), HasSubstr("'press' has nothing to switch off"));
  EXPECT_THAT(witness.refusal("nan board"), HasSubstr("'board' measures nothing"));
  EXPECT_THAT(witness.refusal("freeze board"), HasSubstr("'board' measures nothing"));
  EXPECT_THAT(witness.refusal("temperature_offset psb1"), HasSubstr("'psb1' measures no temperature"));
  EXPECT_THAT(witness.refusal("saturate press temperature_degC=20"), HasSubstr("'press' measures no temperature"));
  EXPECT_THAT(witness.refusal("spike doors"), HasSubstr("'doors' measures nothing that this could distort"));
  EXPECT_THAT(witness.refusal("local sniffer"), HasSubstr("'sniffer' has no panel"));
  EXPECT_THAT(witness.refusal("clear_watchdog f4t"), HasSubstr("'f4t' has no watchdog"));
  EXPECT_THAT(witness.refusal("identity binder text=another"), HasSubstr("'binder' does not say who it is"));
  for (const char* const order : {"ignore_off board", "nan press", "freeze doors", "local binder", "clear_watchdog psb1",
                                  "identity espec text=T,T,S3,160.0", "spike f4t", "noise_burst daq", "scale sniffer"}) {
    witness.order(order);
  }
}

// F28 is an event, not a state: whoever notices can switch off, on every make.
TEST(OutputOn, by_itself_is_ended_by_off) {
  const std::vector<std::pair<std::string, std::string>> remote{
      {"psb1", "SYST:LOCK ON"}, {"aps1", "*CLS"}, {"itech1", "SYST:REM"}};
  for (std::size_t i = 0; i < remote.size(); ++i) {
    const auto& [instrument, words] = remote[i];
    SCOPED_TRACE(instrument);
    Witness witness("three-makes");
    witness.line(instrument + ".scpi", words);
    EXPECT_EQ(witness.truth(i).current_A, 0.0);
    witness.order("output_on ch" + std::to_string(i + 1) + " current_A=2");
    EXPECT_NEAR(witness.truth(i).current_A, 2.0, 0.01);
    EXPECT_NEAR(witness.number(instrument + ".scpi", "MEAS:CURR?"), 2.0, 0.02);
    witness.pass(10s);
    EXPECT_NEAR(witness.truth(i).current_A, 2.0, 0.01);  // looking at it does not end it
    witness.line(instrument + ".scpi", "OUTP OFF");
    EXPECT_EQ(witness.truth(i).current_A, 0.0);
  }
}

// ---- what is in force

TEST(FaultsInForce, show_what_is_left_of_them_and_end) {
  Witness witness;
  EXPECT_THAT(faults_json(witness.bench(), witness.now()), HasSubstr(R"("faults":[])"));
  witness.order("drop psb1.modbus count=3");
  witness.order("freeze psb1 for_s=60");
  witness.order("internal_short ch1 at_s=600");
  witness.ask("psb1.modbus", witness.read_request(507, 1));
  std::string json = faults_json(witness.bench(), witness.now());
  EXPECT_THAT(json, HasSubstr(R"({"order":"drop psb1.modbus","state":"in force","left":2})"));
  EXPECT_THAT(json, HasSubstr(R"({"order":"freeze psb1 for_s=60","state":"in force","since_ns":0,"until_ns":60000000000})"));
  EXPECT_THAT(json, HasSubstr(R"("state":"waiting","at_ns":600000000000})"));
  witness.pass(100s);
  EXPECT_FALSE(witness.bench().instrument("psb1")->faults().freeze_readings);
  witness.pass(600s);
  json = faults_json(witness.bench(), witness.now());
  EXPECT_THAT(json, Not(HasSubstr("freeze")));
  EXPECT_THAT(json, HasSubstr(R"("order":"internal_short ch1","state":"in force")"));
  clear_faults(witness.bench(), witness.now());
  EXPECT_THAT(faults_json(witness.bench(), witness.now()), HasSubstr(R"("faults":[])"));
}

TEST(FaultsInForce, one_that_was_renewed_is_not_ended_by_the_time_of_the_one_before) {
  Witness witness;
  witness.order("freeze psb1 for_s=10");
  witness.pass(5s);
  witness.order("freeze psb1 for_s=10");
  witness.pass(6s);
  EXPECT_TRUE(witness.bench().instrument("psb1")->faults().freeze_readings);
  witness.pass(5s);
  EXPECT_FALSE(witness.bench().instrument("psb1")->faults().freeze_readings);
}

TEST(FaultsInForce, one_keeps_its_end_when_another_order_is_refused_or_is_about_something_else) {
  Witness witness;
  const ReadingFaults& readings = witness.bench().instrument("psb1")->faults().readings;
  witness.order("freeze psb1 quantity=voltage for_s=10");
  EXPECT_THAT(witness.refusal("freeze psb1 quantity=voltage on=perhaps"), HasSubstr("true or false"));
  witness.order("freeze psb1 quantity=current");
  EXPECT_TRUE(readings.is_voltage_stuck && readings.is_current_stuck);
  witness.pass(11s);
  EXPECT_FALSE(readings.is_voltage_stuck);
  EXPECT_TRUE(readings.is_current_stuck);
}

TEST(FaultsInForce, clearing_leaves_a_bench_on_which_everything_works) {
  Witness witness;
  for (const char* const order :
       {"cv_overshoot ch1", "open_circuit ch1", "wrong_channel_obeys ch2 follows=ch1", "venting ch1", "extra_heat ch1",
        "thermocouple_stuck ch1 temperature_degC=99", "soft_short ch1", "half_open adam", "scale psb1", "cell_differs ch1",
        "cell_swapped ch1 with=ch2", "chamber_stuck oven", "contactor_welded ch1", "cv_oscillation ch2"}) {
    witness.order(order);
  }
  witness.pass(10s);
  clear_faults(witness.bench(), witness.now());
  witness.pass(10s);
  const CellTruth truth = witness.truth();
  EXPECT_EQ(truth.short_S, 0.0);
  EXPECT_FALSE(truth.gas_ppm.value_or(0.0) > 0.0);
  EXPECT_NEAR(*witness.bench().thermocouple(witness.bench().channels()[0], false).reading_degC(), 26.0, 6.0);
  witness.charge();
  EXPECT_NEAR(witness.volts(), witness.truth().voltage_V, 0.011);
  EXPECT_EQ(witness.truth(1).current_A, 0.0);
  EXPECT_EQ(witness.stage(1).voltage_error_V(), 0.0);
  EXPECT_NE(witness.ask("psb1.modbus", witness.read_request(507, 1)), "");
}

// ---- a seed

std::string drawn(const std::string& order) {
  Witness witness;
  witness.order(order);
  return faults_json(witness.bench(), witness.now());
}

TEST(RandomFaults, the_seed_draws_kinds_targets_instants_durations_and_rates) {
  const std::string order = "random kinds=all count=80 over_s=600 rate=0.2 seed=";
  const std::string once = drawn(order + "1");
  EXPECT_EQ(once, drawn(order + "1"));
  EXPECT_NE(once, drawn(order + "2"));
  EXPECT_EQ(std::count(once.begin(), once.end(), '{'), 81);
  for (const char* const part : {"at_ns", "for_s=", "rate=", "ch1", "psb1", "oven"}) EXPECT_THAT(once, HasSubstr(part));
  EXPECT_THAT(once, Not(HasSubstr("suspend")));  // nobody here is the controller's host
}

TEST(RandomFaults, keep_to_the_families_and_targets_they_were_given) {
  const std::string cells = drawn("random kinds=cell,chamber_stuck count=30 seed=3");
  for (const char* const part : {"drop", "freeze", "thermocouple", "psb1"}) EXPECT_THAT(cells, Not(HasSubstr(part)));
  EXPECT_THAT(cells, HasSubstr("chamber_stuck oven"));
  const std::string one = drawn("random psb1 kinds=wire,instrument count=30 seed=3");
  for (const char* const part : {"aps1", "adam", "f4t", "ch1"}) EXPECT_THAT(one, Not(HasSubstr(part)));
  Witness witness;
  EXPECT_THAT(witness.refusal("random kinds=wier"), HasSubstr("did you mean 'wire'?"));
  EXPECT_THAT(witness.refusal("random kinds=host"), HasSubstr("none of these kinds can act here"));
  EXPECT_THAT(witness.refusal("random count=3"), HasSubstr("need 'kinds'"));
}

// Nobody remembers to order what no seed ever draws. Those of the controller's host need one
// (tests/scenario).
TEST(RandomFaults, draw_every_numbered_fault_sooner_or_later) {
  std::set<std::string, std::less<>> drawn;
  for (int seed = 1; seed <= 10; ++seed) {
    Witness witness("full");
    witness.order("random kinds=all count=200 over_s=600 seed=" + std::to_string(seed));
    for (const FaultLog::Entry& entry : witness.bench().fault_log().entries()) drawn.insert(entry.kind);
  }
  for (const faults::NumberedFault& fault : faults::numbered_faults()) {
    if (fault.where == faults::Where::anywhere) {
      EXPECT_TRUE(drawn.contains(fault.kind)) << fault.number << ' ' << fault.kind;
    } else {
      EXPECT_NE(faults::kind_named(fault.kind)->is_drawn, faults::Drawn::never) << fault.number;
    }
  }
}

TEST(RandomFaults, some_begin_together) {
  Witness witness;
  witness.order("random kinds=instrument,world count=40 seed=5");
  std::map<std::int64_t, int> at;
  for (const FaultLog::Entry& entry : witness.bench().fault_log().entries()) ++at[to_ns(entry.at)];
  EXPECT_TRUE(std::any_of(at.begin(), at.end(), [](const auto& group) { return group.second >= 2; }));
  EXPECT_GT(at.size(), 10U);
}

TEST(RandomFaults, whatever_is_drawn_can_happen) {
  for (int seed = 1; seed <= 20; ++seed) {
    Witness witness;
    witness.order("random kinds=all count=60 over_s=300 rate=1 seed=" + std::to_string(seed));
    for (int i = 0; i < 60; ++i) {
      witness.pass(10s);
      witness.line("psb1.scpi", "MEAS:ARR?");
      const CellTruth truth = witness.truth();
      ASSERT_TRUE(std::isfinite(truth.voltage_V) && std::isfinite(truth.core_temperature_degC)) << seed;
    }
  }
}

// ---- files

std::string file_with(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/faults_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
                           "_" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
  std::ofstream{path} << text;
  return path;
}

std::string file_error(const std::string& text) {
  const std::string path = file_with(text);
  try {
    Witness witness{"demo", {{cell_directory()}, 1, path}};
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    return what.substr(what.find(path) == 0 ? path.size() : 0);
  }
  return "none";
}

TEST(FaultFile, holds_orders_in_both_forms) {
  const std::string path = file_with(
      "# a night\nfaults:\n  - {kind: F23, target: psb1, at_s: 60, for_s: 30}\n  - drop psb1.modbus at_s=10 count=2\n"
      "  - {kind: random, kinds: [wire, cell], count: 3, seed: 4}\n");
  Witness witness{"demo", {{cell_directory()}, 1, path}};
  EXPECT_EQ(witness.bench().fault_log().entries().size(), 5U);
  witness.pass(61s);
  EXPECT_TRUE(witness.bench().instrument("psb1")->faults().negate_current);
  witness.pass(31s);
  EXPECT_FALSE(witness.bench().instrument("psb1")->faults().negate_current);
}

TEST(FaultFile, a_mistake_has_a_place_and_the_nearest_word) {
  EXPECT_EQ(file_error("[]"), "none");
  EXPECT_THAT(file_error("- {kind: dorp, target: psb1}\n"), HasSubstr(":1:10: unknown fault 'dorp', did you mean 'drop'?"));
  EXPECT_THAT(file_error("- drop psb1\n- {kind: drop,\n   target: psb2}\n"),
              HasSubstr(":3:4: drop: unknown instrument or port 'psb2'"));
  EXPECT_THAT(file_error("- {kind: drop, target: psb1, cuont: 2}\n"),
              HasSubstr(":1:30: drop: unknown field 'cuont', did you mean 'count'?"));
  EXPECT_THAT(file_error("- drop nobody\n"), HasSubstr(":1:3: drop: unknown instrument"));
  EXPECT_THAT(file_error("- {target: psb1}\n"), HasSubstr(":1:3: the key 'kind' is missing"));
  EXPECT_THAT(file_error("- {kind: drop, target: psb1, target: aps1}\n"), HasSubstr("'target' is given twice"));
  EXPECT_THAT(file_error("- [drop]\n"), HasSubstr("an order is a map"));
  EXPECT_THAT(file_error("fault: []\n"), HasSubstr(":1:1: unknown key 'fault', did you mean 'faults'?"));
  EXPECT_THAT(file_error("faults: 3\n"), HasSubstr("is a list of orders"));
  EXPECT_THAT(file_error("- {kind: drop\n"), HasSubstr(":2:1:"));
  EXPECT_THAT(file_error("- {kind: kill}\n"), HasSubstr(":1:10: kill: this is a fault of the controller's host"));
  EXPECT_THROW(Witness("demo", {{cell_directory()}, 1, "/nowhere/faults.yaml"}), ConfigError);
}

TEST(FaultFile, a_bench_file_may_hold_the_same_list) {
  const std::string text =
      "instruments:\n  psb1: {model: ea-psb-10060-60}\nchannels:\n  ch1: {cycler: psb1}\nsimulation:\n"
      "  cells: {ch1: {file: lg-m50}}\n  faults:\n    - {kind: F21, at_s: 5}\n";
  EXPECT_EQ(parse_bench_file(text, "b.yaml").faults.size(), 1U);
  const std::string path = file_with(text);
  const std::unique_ptr<SimulatedBench> bench = SimulatedBench::load(path, {{cell_directory()}, 1});
  bench->advance(TimePoint{6s});
  EXPECT_TRUE(bench->instrument("psb1")->faults().readings.is_voltage_stuck);
}

}  // namespace
}  // namespace cellrig::sim
