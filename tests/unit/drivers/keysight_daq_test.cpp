#include "drivers/instruments/keysight_daq.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "controller/async/virtual_time.hpp"
#include "drivers/models/model_file.hpp"
#include "tests/unit/drivers/cycler_calls.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using keysight_daq::ExpectedReading;

/// Answers what its table says, and "1" to every command.
struct FakeDaq {
  VirtualTime time;
  ScriptedStream* stream = nullptr;
  std::map<std::string, std::string> replies;
  std::vector<std::string> commands;
  std::unique_ptr<KeysightDaq> daq;

  FakeDaq() {
    const std::string list = "(@101,102,103,104,105,106,107,108,109,110,111,112)";
    const std::string all = "(@101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120)";
    replies = {{"*IDN?", "Keysight Technologies,DAQ970A,MY58000101,A.02.02"},
               {"SYST:CTYP? 100", "Keysight Technologies,DAQM901A,MY58000202,1.0"},
               {"SENS:TEMP:TRAN:TC:TYPE? " + list, "T,T,T,T,T,T,T,T,T,T,T,T"},
               {"SENS:TEMP:TRAN:TC:CHEC? " + list, "1,1,1,1,1,1,1,1,1,1,1,1"},
               {"UNIT:TEMP? " + list, "C,C,C,C,C,C,C,C,C,C,C,C"},
               {"FORM:READ:UNIT?", "1"},
               {"FORM:READ:CHAN?", "1"},
               {"FORM:READ:TIME?", "0"},
               {"FORM:READ:ALAR?", "0"},
               {"ROUT:SCAN?", "#" + std::to_string(std::to_string(all.size()).size()) + std::to_string(all.size()) + all}};
    auto owned = std::make_unique<ScriptedStream>(time, [this](ScriptedStream& s, const std::string& line) {
      if (line.ends_with(";*OPC?")) {
        commands.push_back(line.substr(0, line.size() - 6));
        return s.push_later(1ms, "1\n");
      }
      if (replies.contains(line)) s.push_later(1ms, replies[line] + "\n");
    });
    stream = owned.get();
    const std::string path = std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/keysight-daq970a.yaml";
    daq = std::make_unique<KeysightDaq>(time, std::move(owned), load_keysight_daq_model(path));
  }
  Result<InstrumentIdentity> identify() { return finish(*this, daq->identify(in(*this, 2s))); }
  Result<void> measure(std::span<Reading> into) { return finish(*this, daq->measure(into, in(*this, 1s))); }
};

TEST(KeysightDaq, configures_and_reads_back) {
  FakeDaq rig;
  const auto identity = rig.identify();
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->model, "DAQ970A");
  const auto wrote = [&rig](const std::string& command) {
    return std::find(rig.commands.begin(), rig.commands.end(), command) != rig.commands.end();
  };
  EXPECT_TRUE(wrote("CONF:TEMP TC,T,(@101,102,103,104,105,106,107,108,109,110,111,112)"));
  EXPECT_TRUE(wrote("CONF:VOLT:DC AUTO,(@113,114,115,116,117,118,119,120)"));
  EXPECT_TRUE(wrote("FORM:READ:CHAN ON"));
}

TEST(KeysightDaq, what_is_not_as_it_was_told_is_refused_and_nothing_is_measured) {
  struct Row {
    const char* question;
    const char* reply;
  };
  for (const Row row :
       {Row{"*IDN?", "Acme,DAQ970A-2,1,1"}, Row{"SYST:CTYP? 100", "Keysight Technologies,0,0,0"},
        Row{"SENS:TEMP:TRAN:TC:TYPE? (@101,102,103,104,105,106,107,108,109,110,111,112)", "T,T,T,T,T,T,T,K,T,T,T,T"},
        Row{"FORM:READ:CHAN?", "0"}, Row{"ROUT:SCAN?", "#13(@)"}}) {
    FakeDaq rig;
    rig.replies[row.question] = row.reply;
    EXPECT_EQ(rig.identify().error().fault, Fault::refused) << row.question;
    std::array<Reading, 1> into;
    EXPECT_EQ(rig.measure(into).error().fault, Fault::refused) << row.question;
  }
}

TEST(KeysightDaq, scans_only_what_is_asked_for_in_one_exchange) {
  FakeDaq rig;
  ASSERT_TRUE(rig.identify());
  rig.stream->lines.clear();
  rig.replies["ROUT:SCAN (@101,102);:READ?"] = "+2.61920000E+01 C,101,+9.90000000E+37 C,102";
  std::array<Reading, 2> into;
  const auto measured = rig.measure(into);
  ASSERT_TRUE(measured) << measured.error().what;
  EXPECT_EQ(rig.stream->lines.size(), 1U);
  EXPECT_DOUBLE_EQ(into[0].value, 26.192);
  EXPECT_EQ(into[0].quality, Quality::good);
  EXPECT_EQ(into[1].quality, Quality::bad);  // open
}

TEST(KeysightDaq, measures_voltages_beside_temperatures) {
  FakeDaq rig;
  ASSERT_TRUE(rig.identify());
  rig.replies["ROUT:SCAN (@101,113);:READ?"] = "+2.60310000E+01 C,101,+1.25000000E+00 VDC,113";
  constexpr std::array<int, 2> inputs{0, 12};
  std::array<Reading, 2> into;
  ASSERT_TRUE(finish(rig, rig.daq->measure_inputs(inputs, into, in(rig, 1s))));
  EXPECT_DOUBLE_EQ(into[0].value, 26.031);
  EXPECT_DOUBLE_EQ(into[1].value, 1.25);
  EXPECT_EQ(rig.daq->capabilities().inputs.at(12).quantity, InputQuantity::voltage);
  for (const int input : {-1, 20}) {
    const std::array<int, 1> none{input};
    EXPECT_EQ(finish(rig, rig.daq->measure_inputs(none, into, in(rig, 1s))).error().fault, Fault::refused);
  }
}

// A temperature where a voltage was asked for must never become one.
TEST(KeysightDaq, a_reading_in_another_unit_is_no_reading) {
  FakeDaq rig;
  ASSERT_TRUE(rig.identify());
  rig.replies["ROUT:SCAN (@113);:READ?"] = "+2.60310000E+01 C,113";
  constexpr std::array<int, 1> inputs{12};
  std::array<Reading, 1> into;
  EXPECT_EQ(finish(rig, rig.daq->measure_inputs(inputs, into, in(rig, 1s))).error().fault, Fault::malformed);
  EXPECT_EQ(into[0].quality, Quality::missing);
}

// A restarted box measures volts; a late reply belongs to other channels.
TEST(KeysightDaq, a_reading_of_another_channel_or_unit_is_never_believed) {
  const std::array<ExpectedReading, 2> expected{{{.channel = 101, .unit = "C"}, {.channel = 102, .unit = "C"}}};
  const auto decode = [&expected](const char* text) { return keysight_daq::decode_scan(text, expected, TimePoint{}); };
  EXPECT_TRUE(decode("+2.6E+01 C,101,+2.6E+01 C,102"));
  EXPECT_TRUE(decode("+2.6E+01 C, 101, -2.6E+01 C, 102"));
  for (const char* text :
       {"", "+2.6E+01 C,101", "+2.6E+01 C,101,+2.6E+01 C,103", "+2.6E+01 C,102,+2.6E+01 C,101", "+2.6E+01 F,101,+2.6E+01 C,102",
        "+2.6E+01 VDC,101,+2.6E+01 VDC,102", "+2.6E+01,101,+2.6E+01,102", "+2.6E+01 C,101,+2.6E+01 C,102,+2.6E+01 C,103",
        "+2.6E+01,+2.6E+01", "C,101,C,102", "+2,6E+01 C,101,+2.6E+01 C,102"}) {
    EXPECT_EQ(decode(text).error().fault, Fault::malformed) << text;
  }
}

TEST(KeysightDaq, blocks_have_the_length_they_say) {
  EXPECT_EQ(*keysight_daq::decode_block("#16(@101)"), "(@101)");
  EXPECT_EQ(*keysight_daq::decode_block("#206(@101)"), "(@101)");
  EXPECT_EQ(*keysight_daq::decode_block("(@101)"), "(@101)");
  for (const char* text : {"#", "#0", "#1", "#15(@101)", "#17(@101)", "#x6(@101)", "#9123"}) {
    EXPECT_EQ(keysight_daq::decode_block(text).error().fault, Fault::malformed) << text;
  }
}

TEST(KeysightDaq, nonsense_closes_the_connection) {
  FakeDaq rig;
  ASSERT_TRUE(rig.identify());
  rig.replies["ROUT:SCAN (@101);:READ?"] = "+2.6E+01 C,102";
  std::array<Reading, 1> into;
  EXPECT_EQ(rig.measure(into).error().fault, Fault::malformed);
  EXPECT_FALSE(rig.stream->is_open());
  EXPECT_EQ(into[0].quality, Quality::missing);
}

}  // namespace
}  // namespace cellrig
