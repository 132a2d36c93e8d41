// Whatever is wrong in what a person wrote ends with exit code 2, before anything is switched, and with a message that says where
// it is and what was probably meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/base/resources.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/program/process.hpp"

namespace cellrig::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string profile_with(const std::string& step, const std::string& top = "") {
  return "profile: P\nformat: 1\n" + top + "steps:\n  - " + step + "\n";
}

struct BadProfile {
  std::string name, text, where, what;
};
void PrintTo(const BadProfile& bad, std::ostream* out) { *out << bad.name; }

class BadInput : public testing::TestWithParam<BadProfile> {};

TEST_P(BadInput, is_refused_by_check_and_by_run_with_its_place_and_the_nearest_word) {
  const std::string file = file_with(GetParam().text, "p.yaml");
  const std::string folder = std::filesystem::path(file).parent_path().string();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"check", "p.yaml", "--bench", "single"},
        std::vector<std::string>{"run", "p.yaml", "--simulated", "--quiet", "--db", "never.db"}}) {
    const Finished done = cellrig(words, {.folder = folder});
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr(GetParam().where));
    EXPECT_THAT(done.err, HasSubstr(GetParam().what));
  }
  EXPECT_FALSE(std::filesystem::exists(folder + "/never.db")) << "a refused profile leaves no record behind";
}

const std::string charge = "cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}";

INSTANTIATE_TEST_SUITE_P(
    Profile, BadInput,
    testing::Values(
        BadProfile{"typo_in_a_step", profile_with("cc_chrage: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}"),
                   "p.yaml:4:5:", "did you mean 'cc_charge'?"},
        BadProfile{"typo_in_a_key", profile_with("cc_charge: {rate_C: 1, utnil: voltage_V >= 4.2, at_most_h: 2}"),
                   "p.yaml:4:28:", "did you mean 'until'?"},
        BadProfile{"wrong_unit", profile_with("cc_charge: {current_mA: 1000, until: voltage_V >= 4.2, at_most_h: 2}"),
                   "p.yaml:4:17:", "did you mean 'current_A'?"},
        BadProfile{"wrong_unit_in_a_condition", profile_with("cc_charge: {rate_C: 1, until: voltage_mV >= 4200, at_most_h: 2}"),
                   "p.yaml:4:35:", "did you mean 'voltage_V'?"},
        BadProfile{"unit_in_the_value", profile_with("cc_charge: {rate_C: 1, until: voltage_V >= 4.2 V, at_most_h: 2}"),
                   "p.yaml:4:", ""},
        BadProfile{"decimal_comma", profile_with("cc_charge: {rate_C: 1, until: \"voltage_V >= 4,2\", at_most_h: 2}"),
                   "p.yaml:4:", "did you mean '4.2'?"},
        BadProfile{"no_bound", profile_with("cc_charge: {rate_C: 1, until: voltage_V >= 4.2}"), "p.yaml:4:5:", "at_most_h"},
        BadProfile{"duplicate_key", profile_with("cc_charge: {rate_C: 1, rate_C: 2, until: voltage_V >= 4.2, at_most_h: 2}"),
                   "p.yaml:4:28:", "duplicate key 'rate_C'"},
        BadProfile{"rate_beyond_the_cell", profile_with("cc_charge: {rate_C: 9, until: voltage_V >= 4.2, at_most_h: 2}"),
                   "p.yaml:4:25:", "charge_rate_max_C"},
        BadProfile{"voltage_beyond_the_cell",
                   profile_with("cccv_charge: {rate_C: 1, voltage_V: 4.5, until: rate_C <= 0.05, at_most_h: 2}"),
                   "p.yaml:4:", "4.5"},
        BadProfile{"widened_limit", profile_with(charge, "limits: {cell_temperature_max_degC: 90}\n"),
                   "p.yaml:3:", "may only tighten"},
        BadProfile{"not_yaml", "profile: P\nformat: 1\nsteps: [}\n", "p.yaml:3:", ""}, BadProfile{"empty_file", "", "p.yaml", ""},
        // What only `check` can see: so far these name the line; docs/profile-language.md shows them so.
        BadProfile{"unreachable_condition",
                   profile_with("cc_charge: {rate_C: 1, voltage_max_V: 4.1, until: voltage_V >= 4.2, at_most_h: 2}"),
                   "p.yaml:4:", "can never be reached"},
        BadProfile{"limits_that_do_not_nest", profile_with(charge, "limits: {voltage_max_V: 4.21}\n"),
                   "p.yaml:5:", "do not nest"}),
    [](const testing::TestParamInfo<BadProfile>& p) { return p.param.name; });

TEST(BadInputOfABench, check_names_the_column_of_what_only_check_can_see) {
  const std::string file =
      file_with(profile_with("cc_charge: {rate_C: 1, voltage_max_V: 4.1, until: voltage_V >= 4.2, at_most_h: 2}"), "p.yaml");
  const Finished done = cellrig({"check", file, "--bench", "single"});
  EXPECT_THAT(done.err, ContainsRegex("p.yaml:4:[0-9]+: error:")) << "exit code 2 promises file, line and column";
}

std::string file_text(const std::string& path) {
  std::ifstream stream{std::string(CELLRIG_SOURCE_DIR) + "/" + path};
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

TEST(BadInputOfABench, a_rate_beyond_the_cycler_is_refused_with_both_numbers) {
  std::string cell = replaced(file_text("profiles/cells/lg-m50.yaml"), "nominal_capacity_Ah: 5.0", "nominal_capacity_Ah: 100");
  cell = replaced(cell, "rated_capacity_Ah: 4.978", "rated_capacity_Ah: 99");
  const std::string profile = file_with(profile_with(charge), "p.yaml");
  const Finished done = cellrig({"check", profile, "--bench", "single", "--cell", file_with(cell, "cell.yaml")});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("100 A (1 C) is beyond the cycler"));
  EXPECT_THAT(done.err, HasSubstr("60 A (0.6 C)"));
}

TEST(BadInputOfABench, two_channels_on_one_output_are_refused_by_every_verb_that_reads_the_bench) {
  const std::string bench = file_with(replaced(file_text("sim/benches/demo.yaml"), "cycler: aps1", "cycler: psb1"), "bench.yaml");
  const std::string profile = file_with(profile_with(charge), "p.yaml");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"check", profile, "--bench", bench},
                                                std::vector<std::string>{"run", profile, "--bench", bench, "--simulated"},
                                                std::vector<std::string>{"off", "--bench", bench}}) {
    const Finished done = cellrig(words);
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(
        done.err,
        ContainsRegex("bench.yaml:[0-9]+:[0-9]+: channel 'ch2' uses the output of psb1, which is already that of channel 'ch1'"));
  }
}

TEST(BadInputOfABench, mistakes_in_a_bench_file_are_named_with_place_and_nearest_word) {
  const std::string good = file_text("sim/benches/demo.yaml");
  const std::string profile = file_with(profile_with(charge), "p.yaml");
  const std::vector<std::vector<std::string>> mistakes{{"cycler: psb1", "cycler: psb2", "did you mean 'psb1'?"},
                                                       {"chamber: oven", "chamber: ovne", "did you mean 'oven'?"},
                                                       {"ea-psb-10060-60", "ea-psb-10060-6", "did you mean 'ea-psb-10060-60'?"},
                                                       {"contactor:", "contatcor:", "did you mean 'contactor'?"},
                                                       {"192.0.2.10:502\"", "192.0.2.10\"", "host:port"}};
  for (const std::vector<std::string>& mistake : mistakes) {
    const Finished done =
        cellrig({"run", profile, "--simulated", "--bench", file_with(replaced(good, mistake[0], mistake[1]), "bench.yaml")});
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, ContainsRegex("bench.yaml:[0-9]+:[0-9]+: "));
    EXPECT_THAT(done.err, HasSubstr(mistake[2]));
  }
}

TEST(BadInputOfABench, wires_to_inputs_and_relays_that_are_not_there_are_named_with_their_place) {
  const std::string good = file_text("sim/benches/three-makes.yaml");
  const std::string profile = file_with(profile_with(charge), "p.yaml");
  const std::vector<std::vector<std::string>> mistakes{
      {"{logger: daq, input: 0}", "{logger: daq, input: 12}", "'daq' has inputs 0 to 11 only"},
      {"{logger: adam, input: 0}", "{logger: adam, input: 8}", "'adam' has inputs 0 to 7 only"},
      {"{relays: adam, output: 0}", "{relays: daq, output: 0}", "'daq' is no relay module"},
      {"{logger: daq, input: 0}", "{logger: itech1, input: 0}", "'itech1' is no logger"},
      {"cycler: itech1", "cycler: daq", "'daq' is no cycler"},
      {"itech-it-m3432", "itech-it-m3423", "did you mean 'itech-it-m3432'?"}};
  for (const std::vector<std::string>& mistake : mistakes) {
    const Finished done =
        cellrig({"run", profile, "--simulated", "--bench", file_with(replaced(good, mistake[0], mistake[1]), "bench.yaml")});
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, ContainsRegex("bench.yaml:[0-9]+:[0-9]+: "));
    EXPECT_THAT(done.err, HasSubstr(mistake[2]));
  }
}

TEST(BadInputOfABench, options_that_a_chamber_does_not_have_are_refused) {
  const std::string good = file_text("sim/benches/three-chambers.yaml");
  const std::string profile = file_with(profile_with(charge), "p.yaml");
  const std::vector<std::vector<std::string>> mistakes{
      {"watlow-f4t, modbus", "watlow-f4t, event: 9, modbus", "event must be 1 to 8"},
      {"watlow-f4t, modbus", "watlow-f4t, event: 0, modbus", "event must be 1 to 8"},
      {"binder-mb1, modbus", "binder-mb1, event: 1, modbus", "has no event outputs"},
      {"binder-mb1, modbus", "binder-mb1, unit: 300, modbus", "unit must be a whole number from 0 to 255"},
      {"espec-sh-641, ascii", "espec-sh-641, asci", "did you mean 'ascii'?"},
      {"espec-sh-641", "espec-sh-614", "did you mean 'espec-sh-641'?"}};
  for (const std::vector<std::string>& mistake : mistakes) {
    const Finished done =
        cellrig({"run", profile, "--simulated", "--bench", file_with(replaced(good, mistake[0], mistake[1]), "bench.yaml"),
                 "--channel", "ch1", "--channel", "ch2", "--channel", "ch3"});
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, ContainsRegex("bench.yaml:[0-9]+:[0-9]+: "));
    EXPECT_THAT(done.err, HasSubstr(mistake[2]));
  }
}

TEST(BadInputOfABench, a_temperature_that_the_cell_beside_it_does_not_stand_is_refused) {
  const std::string profile = file_with(
      "profile: P\nformat: 1\nparameters: {t_degC: 25, most_degC: 50}\nlimits: {cell_temperature_max_degC: "
      "parameters.most_degC}\n"
      "steps:\n  - rest: {for_s: 5, temperature_degC: parameters.t_degC}\n",
      "p.yaml");
  const Finished done = cellrig({"run", profile, "--simulated", "--bench", "demo", "--channel", "ch1", "--channel", "ch2",
                                 "--set", "ch2:t_degC=40", "--set", "ch1:most_degC=39"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err,
              HasSubstr("ch2 asks chamber 'oven' for 40 degC, where the cell of ch1 stands too: its upper limit is 39 degC"));
  EXPECT_THAT(done.err, ContainsRegex("demo.yaml:[0-9]+:[0-9]+: "));
}

TEST(BadInputOfABench, two_channels_that_want_different_temperatures_take_turns_and_say_so) {
  const std::string profile = file_with(
      "profile: P\nformat: 1\nparameters: {t_degC: 25}\nsteps:\n  - rest: {for_s: 5, temperature_degC: parameters.t_degC}\n",
      "p.yaml");
  const Finished done = cellrig(
      {"run", profile, "--simulated", "--bench", "demo", "--channel", "ch1", "--channel", "ch2", "--set", "ch2:t_degC=40"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("they take turns"));
  EXPECT_THAT(
      done.err,
      ContainsRegex("ch[12]: note: waits for chamber 'oven' at (25|40) degC: ch[12] (holds|comes first with) (25|40) degC"));
}

struct BadLine {
  std::string name;
  std::vector<std::string> words;
  std::string message;
};
void PrintTo(const BadLine& bad, std::ostream* out) { *out << bad.name; }

class BadCommandLine : public testing::TestWithParam<BadLine> {};

TEST_P(BadCommandLine, ends_with_2_and_a_word_that_helps) {
  const Finished done = cellrig(GetParam().words);
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr(GetParam().message));
  EXPECT_THAT(done.out, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Words, BadCommandLine,
    testing::Values(
        BadLine{"unknown_verb", {"chekc", "p.yaml"}, "unknown verb 'chekc', did you mean 'check'?"},
        BadLine{"no_verb", {}, "--help"},
        BadLine{"unknown_option", {"run", "--bensh", "b.yaml"}, "unknown option '--bensh', did you mean '--bench'?"},
        BadLine{"unknown_option_with_value", {"run", "p.yaml", "--simulatd=1"}, "did you mean '--simulated'?"},
        BadLine{"unknown_global_option", {"--versoin"}, "did you mean '--version'?"},
        BadLine{"unknown_time", {"run", "p.yaml", "--time", "virtuel"}, "virtual"},
        BadLine{"unknown_format", {"export", "1", "--format", "xlsx"}, "bdf"},
        BadLine{"neither_a_run_nor_a_profile", {"export"}, "name either the number of a run or --profile PROFILE"},
        BadLine{"both_a_run_and_a_profile", {"export", "1", "--profile", "cccv-cycle"}, "name either"},
        BadLine{
            "samples_of_a_profile", {"export", "--profile", "cccv-cycle", "--format", "csv"}, "did you mean '--format pybamm'?"},
        BadLine{"unknown_loss", {"export", "--profile", "cccv-cycle", "--accept-loss", "limit"}, "did you mean 'limits'?"},
        BadLine{"import_of_nothing", {"import", "nothing.py", "--from", "pybamm"}, "nothing.py: cannot be opened"},
        BadLine{"import_of_an_unknown_kind", {"import", "e.py", "--from", "pybam"}, "pybamm"},
        BadLine{"unknown_profile", {"run", "fast-charge-windo", "--simulated"}, "did you mean 'fast-charge-window'?"},
        BadLine{"unknown_cell", {"check", "fast-charge-window", "--cell", "lg-m5"}, "did you mean 'lg-m50'?"},
        BadLine{"unknown_bench", {"run", "fast-charge-window", "--simulated", "--bench", "dmeo"}, "did you mean 'demo'?"},
        BadLine{"unknown_channel", {"run", "fast-charge-window", "--simulated", "--channel", "ch9"}, "did you mean 'ch1'?"},
        BadLine{"unknown_parameter",
                {"run", "fast-charge-window", "--simulated", "--set", "charge_rat_C=1"},
                "did you mean 'charge_rate_C'?"},
        BadLine{"parameter_without_value",
                {"run", "fast-charge-window", "--simulated", "--set", "charge_rate_C"},
                "write parameter=value"},
        BadLine{"parameter_beyond_its_range",
                {"run", "fast-charge-window", "--simulated", "--set", "charge_rate_C=50"},
                "charge_rate_C"},
        BadLine{
            "channel_twice", {"run", "fast-charge-window", "--simulated", "--channel", "ch1", "--channel", "ch1"}, "given twice"},
        BadLine{"charge_that_is_no_range",
                {"run", "fast-charge-window", "--simulated", "--bench", "demo", "--expect-soc", "60..40"},
                "--expect-soc 60..40: write it from the lower to the higher end"},
        BadLine{"charge_expected_on_another_channel",
                {"run", "fast-charge-window", "--simulated", "--bench", "demo", "--expect-soc", "ch9=40..60"},
                "did you mean 'ch1'?"},
        BadLine{"charge_expected_of_a_run_that_goes_on",
                {"run", "--resume", "1", "--simulated", "--expect-soc", "40..60"},
                "--expect-soc is for a new run"},
        BadLine{"proof_without_a_record",
                {"doctor", "--bench", "demo", "--cell", "lg-m50", "--prove-watchdogs"},
                "--prove-watchdogs needs --db FILE --operator NAME"},
        BadLine{"virtual_time_on_a_real_bench",
                {"run", "fast-charge-window", "--bench", "demo", "--time", "virtual"},
                "needs --simulated"},
        BadLine{"no_bench", {"run", "fast-charge-window"}, "give --bench FILE, or --simulated"},
        BadLine{"no_ready_file", {"run", "fast-charge-window", "--bench", "demo", "--simulator", "nothing.json"}, "nothing.json"},
        BadLine{"no_database", {"runs", "--db", "nothing.db"}, "there is no such database"},
        BadLine{"off_without_a_bench", {"off"}, "--bench"}),
    [](const testing::TestParamInfo<BadLine>& p) { return p.param.name; });

TEST(BadInputOfAnImport, is_refused_with_its_place_and_the_nearest_word) {
  const std::string file = file_with("[\n  \"Charge at 1C untl 4.2 V\",\n]\n", "e.py");
  const Finished done = cellrig({"import", file, "--from", "pybamm"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("e.py:2:17: unknown word 'untl', did you mean 'until'?"));
  EXPECT_THAT(done.out, testing::IsEmpty());
}

// Without the table the charge is unknown, and unknown is not what was expected.
TEST(ExpectedCharge, needs_a_cell_file_with_an_open_circuit_table) {
  const std::string whole = read_text_file(find_cell("lg-m50"));
  const std::string cell = file_with(whole.substr(0, whole.find("\nmodel:") + 1), "bare.yaml");
  const std::string folder = std::filesystem::path(cell).parent_path().string();
  const Finished done =
      cellrig({"run", "cccv-cycle", "--simulated", "--cell", cell, "--expect-soc", "50", "--db", "never.db"}, {.folder = folder});
  EXPECT_EQ(done.exit_code, 2) << done.out;
  EXPECT_THAT(done.err, HasSubstr("bare.yaml"));
  EXPECT_THAT(done.err, HasSubstr("so the state of charge is unknown"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/never.db"));
}

}  // namespace
}  // namespace cellrig::test
