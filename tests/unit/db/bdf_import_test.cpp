// Other people's data: what comes in must be what the file said, or be refused at its place.
#include "db/import/bdf_import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "db/analysis/cycle_table.hpp"
#include "db/analysis/metrics.hpp"
#include "db/export/bdf.hpp"
#include "db/export/json.hpp"
#include "db/verify.hpp"
#include "tests/db/bdf_check.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::simulated;
using test::TempDir;
using testing::HasSubstr;

class BdfImport : public testing::Test {
 protected:
  std::string file(const std::string& text, const std::string& name = "UCam__A0001__20241031_001.bdf.csv") {
    std::ofstream(dir.file(name), std::ios::binary) << text;
    return dir.file(name);
  }
  BdfImportReport import(const std::string& path, double nominal_Ah = 0) {
    auto recorder = must(Recorder::open(simulated(dir.file("in.db"))));
    BdfImportReport report =
        must(import_bdf(*recorder, {.path = path, .nominal_capacity_Ah = nominal_Ah, .operator_name = "jane"}));
    must(recorder->close());
    return report;
  }
  /// Why it was refused; nothing of it may be in the record.
  std::string refusal(const std::string& text) {
    const std::string path = file(text);
    auto recorder = must(Recorder::open(simulated(dir.file("in.db"))));
    const auto report = import_bdf(*recorder, {.path = path});
    must(recorder->close());
    EXPECT_TRUE(must(must(Reader::open(dir.file("in.db")))->runs()).empty()) << "half of a file was stored";
    if (report) return "accepted";
    const std::string what = report.error().what;
    return what.substr(what.find("_001.bdf.csv") + 12);
  }

  const TempDir dir;
};

TEST_F(BdfImport, of_our_own_export_gives_the_same_rows_cycles_and_figures) {
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  for (int i = 0; i < 3; ++i) player.play_cycle(300);
  player.end_run();
  must(recorder->close());
  auto original = must(Reader::open(dir.file("a.db")));
  for (const BdfLabels labels : {BdfLabels::preferred, BdfLabels::machine}) {
    std::filesystem::remove(dir.file("in.db"));
    const std::string path = dir.file("UCam__A0001__20000101_001.bdf.csv");
    must(export_bdf(*original, player.run, {path, true}, labels));
    const BdfImportReport report = import(path, 5);
    EXPECT_EQ(report.rows, player.samples_appended);
    EXPECT_EQ(report.cycles, 3U);
    auto copy = must(Reader::open(dir.file("in.db")));
    const std::vector<CycleRow> before = must(original->cycles(player.run));
    const std::vector<CycleRow> after = must(copy->cycles(report.run));
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
      EXPECT_NEAR(after[i].charge_Ah, before[i].charge_Ah, 1e-12);
      EXPECT_NEAR(after[i].discharge_Wh, before[i].discharge_Wh, 1e-12);
    }
    for (const std::string& difference : compare_cycles(after, must(recompute_cycles(*copy, report.run)), 1e-9))
      ADD_FAILURE() << difference;
    for (const std::string& difference :
         compare_metrics(must(stored_metrics(*copy, report.run)), must(recompute_metrics(*copy, report.run)), 1e-9)) {
      ADD_FAILURE() << difference;
    }
    // And out again: the measured columns are the same text.
    must(export_bdf(*copy, report.run, {dir.file("again.bdf.csv"), true}));
    must(export_bdf(*original, player.run, {path, true}));
    const test::BdfFile first = test::read_bdf(path), second = test::read_bdf(dir.file("again.bdf.csv"));
    test::expect_valid_bdf(second);
    ASSERT_EQ(first.rows.size(), second.rows.size());
    for (std::size_t i = 0; i < first.rows.size(); ++i) {
      for (const char* label : {"Test Time / s", "Voltage / V", "Current / A", "Unix Time / s", "Cycle Count / 1",
                                "Step Count / 1", "Surface Temperature / degC"}) {
        ASSERT_EQ(first.rows[i].at(label), second.rows[i].at(label)) << label << " row " << i;
      }
    }
    EXPECT_TRUE(must(verify_record(dir.file("in.db"))).is_intact());
  }
}

// Somebody else's data must never pass for a measurement of this bench.
TEST_F(BdfImport, is_marked_as_imported_wherever_it_is_told) {
  const BdfImportReport report = import(file("Test Time / s,Voltage / V,Current / A\n0,3.7,0\n1,3.7,0\n"));
  auto reader = must(Reader::open(dir.file("in.db")));
  const RunInfo info = must(reader->run(report.run));
  EXPECT_EQ(info.row.time_source, "imported");
  EXPECT_EQ(info.status, "imported");
  EXPECT_EQ(info.row.cell_id, "A0001");
  EXPECT_EQ(info.row.cell_name, "imported from UCam");
  EXPECT_THAT(must(reader->events(report.run)).front().message, HasSubstr("measured elsewhere, not by this bench"));
  EXPECT_THAT(must(bdf_metadata(*reader, report.run, {})), HasSubstr(R"("source_type":"import")"));
}

TEST_F(BdfImport, finds_steps_by_the_current_when_nobody_counted_them) {
  std::string text = "test_time_second,voltage_volt,current_ampere,cycle_count\n";
  double t = 0;
  const auto add = [&](int rows, double current_A, int cycle) {
    for (int i = 0; i < rows; ++i)
      text += std::to_string(t += 1) + ",3.7," + std::to_string(current_A) + "," + std::to_string(cycle) + "\n";
  };
  for (int cycle = 1; cycle <= 2; ++cycle) add(10, 2, cycle), add(5, 0.0001, cycle), add(10, -2, cycle), add(5, 0, cycle);
  const BdfImportReport report = import(file(text));
  EXPECT_EQ(report.steps, 8U);
  EXPECT_EQ(report.cycles, 2U);
  auto reader = must(Reader::open(dir.file("in.db")));
  std::vector<std::string> types;
  for (const StepInfo& step : must(reader->steps(report.run))) types.push_back(step.row.type);
  EXPECT_THAT(types, testing::ElementsAre("CC_CHG", "REST", "CC_DCH", "REST", "CC_CHG", "REST", "CC_DCH", "REST"));
  EXPECT_NEAR(report.nominal_capacity_Ah, 2 * 9.0 / 3600, 1e-12);
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("no Step Count")));
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("no Unix Time")));
}

TEST_F(BdfImport, reads_what_spreadsheets_write) {
  // A byte order mark, carriage returns, quotes, a plus sign, an empty optional cell, an empty last line, a column of their own.
  const BdfImportReport report =
      import(file("\xEF\xBB\xBF\"Test Time / s\",Voltage / V,Current / A,Ambient Temperature / degC,\"Remark, mine\"\r\n"
                  "0,\"3.70\",+1,25,\"a, \"\"b\"\"\"\r\n1e0,3.71,1.0,,x\r\n\r\n"));
  EXPECT_EQ(report.rows, 2U);
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("'Remark, mine' is not of the format")));
}

TEST_F(BdfImport, reads_pressure_in_pascal_and_deprecated_milliseconds) {
  const BdfImportReport report =
      import(file("test_time_millisecond,voltage_volt,current_ampere,surface_pressure_pa\n0,3.7,1,250000\n1500,3.7,1,260000\n"));
  auto reader = must(Reader::open(dir.file("in.db")));
  double last_MPa = 0;
  std::int64_t last_ns = 0;
  must(reader->for_each_aux(report.run, [&](const AuxView& aux) {
    EXPECT_EQ(aux.row.quantity, "stack_pressure_MPa");
    last_MPa = aux.row.value;
    last_ns = aux.row.test_time_ns;
    return true;
  }));
  EXPECT_DOUBLE_EQ(last_MPa, 0.26);
  EXPECT_EQ(last_ns, 1'500'000'000);
}

TEST_F(BdfImport, does_not_count_charge_across_a_gap) {
  const BdfImportReport report = import(file(
      "test_time_second,voltage_volt,current_ampere,step_count\n0,3.7,3.6,1\n1,3.7,3.6,1\n7201,3.7,3.6,1\n7202,3.7,3.6,1\n"));
  auto reader = must(Reader::open(dir.file("in.db")));
  EXPECT_NEAR(must(reader->steps(report.run)).front().end->charge_Ah, 0.002, 1e-12);
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("1 gaps of more than an hour")));
}

TEST_F(BdfImport, tells_when_the_files_own_sums_do_not_follow_from_its_rows) {
  const BdfImportReport report =
      import(file("Test Time / s,Voltage / V,Current / A,Charging Capacity / Ah\n0,3.7,3.6,0\n100,3.7,3.6,0.2\n"));
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("charge: the file counts 0.2 Ah, its rows give 0.1 Ah")));
}

TEST_F(BdfImport, refuses_with_line_column_and_the_nearest_word) {
  EXPECT_THAT(refusal(""), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / mV,Current / A\n"),
              HasSubstr(":1:1: there is no column 'Voltage / V' (voltage_volt), did you mean 'Voltage / mV'?"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A,voltage_volt\n"),
              HasSubstr(":1:4: the column 'voltage_volt' stands there twice"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A\n"), HasSubstr(":2: there is no row"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A\n0,3.7,1\n1,3.7\n"),
              HasSubstr(":3:1: the row has 2 cells, the header 3"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A\n0,3.7,1\n1,3x7,1\n"), HasSubstr(":3:2: '3x7' is no number"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A\n0,,1\n"), HasSubstr(":2:2: the cell is empty"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A\n0,nan,1\n"), HasSubstr(":2:2: 'nan' is no number"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A\n2,3.7,1\n1,3.7,1\n"), HasSubstr(":3:1: test time goes back"));
}

TEST_F(BdfImport, refuses_counters_that_break_the_format) {
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A,Cycle Count / 1\n0,3.7,1,2\n1,3.7,1,1\n"),
              HasSubstr(":3:4: the cycle counter goes back"));
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A,Step Count / 1\n0,3.7,1,2\n1,3.7,1,1\n"),
              HasSubstr(":3:4: the step counter goes back"));
  // Issue 56 of the format: its own reference file once had 2 pi cycles.
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A,Cycle Count / 1\n0,3.7,1,6.283185\n"),
              HasSubstr(":2:4: '6.283185' is no counter"));
  // Issue 65: milliseconds stored as seconds.
  EXPECT_THAT(refusal("Test Time / s,Voltage / V,Current / A,Unix Time / s\n0,3.7,1,1700000000\n60000,3.7,1,1700000060\n"),
              HasSubstr("differ by a factor of 1000"));
}

TEST(BdfLabels, machine_names_are_those_of_the_format) {
  EXPECT_EQ(bdf_machine_name("Test Time / s"), "test_time_second");
  EXPECT_EQ(bdf_machine_name("Cycle Count / 1"), "cycle_count");
  EXPECT_EQ(bdf_machine_name("Ambient Temperature / degC"), "ambient_temperature_celsius");
  EXPECT_EQ(bdf_machine_name("Step ID"), "step_id");
  EXPECT_EQ(bdf_machine_name("Power / W"), "power_watt");
  EXPECT_EQ(bdf_machine_name("Applied Pressure / Pa"), "applied_pressure_pa");
  EXPECT_EQ(bdf_machine_name("Cycle Cumulative Capacity / Ah"), "cycle_cumulative_capacity_ah");
  EXPECT_EQ(bdf_machine_name("Step Net Energy / Wh"), "step_net_energy_wh");
}

}  // namespace
}  // namespace cellrig::db
