// What leaves the bench of a run that was interrupted and went on: the parts of a step are one step to whoever reads the file.
#include <sqlite3.h>

#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <memory>

#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "db/export/json.hpp"
#include "tests/db/bdf_check.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

/// `every`: what is kept of the rows.
std::string charge_and_discharge(const std::string& every) {
  return "profile: Cut\nformat: 1\nrecord: {every_s: " + every +
         "}\nsteps:\n"
         "  - cc_charge: {rate_C: 1, until: step_time_s >= 20, at_most_h: 1}\n"
         "  - cycles:\n      times: 1\n      steps:\n"
         "        - cccv_charge: {rate_C: 1, voltage_V: 3.9, until: step_time_s >= 30, at_most_h: 1}\n"
         "        - rest: {for_s: 10}\n"
         "        - cc_discharge: {rate_C: 1, until: step_time_s >= 30, at_most_h: 1}\n";
}

/// Twice in the charge of the cycle and once in its discharge; the bench is its record's owner.
struct CutRun {
  std::string folder = temporary_folder();
  std::string database = folder + "/record.db";
  BenchHarness bench;

  /// `rows`: after how many of each process it is killed.
  explicit CutRun(const std::string& every = "0", const std::array<std::uint64_t, 3>& rows = {32, 8, 35})
      : bench{{.profiles = {{"ch1", charge_and_discharge(every)}}, .database = database}} {
    EXPECT_TRUE(bench.run_until_killed({.samples = rows[0]}));
    EXPECT_TRUE(bench.resume_until_killed(20s, InterruptionRule::resume, {.samples = rows[1]}));
    EXPECT_TRUE(bench.resume_until_killed(20s, InterruptionRule::resume, {.samples = rows[2]}));
    bench.resume(20s, InterruptionRule::resume);
    EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    EXPECT_EQ(bench.record().steps(1).value().size(), 4U + 3U);
  }
};

/// What a whole step moved, by its parts' ends.
double charged_Ah(db::Reader& reader, std::int64_t step_count) {
  double sum = 0;
  for (const db::StepInfo& step : reader.steps(1).value()) {
    if (step.row.step_count == step_count && step.end) sum += step.end->charge_Ah;
  }
  return sum;
}

TEST(ResumeExport, a_resumed_run_keeps_the_rules_of_battery_data_format) {
  CutRun cut;
  const std::string path = cut.folder + "/x.bdf.csv";
  ASSERT_TRUE(db::export_bdf(cut.bench.record(), 1, {path}));
  const db::test::BdfFile file = db::test::read_bdf(path);
  db::test::expect_valid_bdf(file, 3);
  double charged = 0, lasted = 0;
  for (std::size_t i = 0; i < file.rows.size(); ++i) {
    if (file.number(i, "Step Count / 1") != 2) continue;
    charged = file.number(i, "Step Charging Capacity / Ah");
    lasted = file.number(i, "Step Time / s");
  }
  EXPECT_NEAR(charged, charged_Ah(cut.bench.record(), 2), 1e-9);
  EXPECT_NEAR(lasted, 30, 4) << "of the whole step, not of its last part";
}

TEST(ResumeExport, plain_csv_and_json_count_a_step_over_its_parts_too) {
  CutRun cut;
  const std::string csv = cut.folder + "/x.csv", json = cut.folder + "/x.json";
  ASSERT_TRUE(db::export_csv(cut.bench.record(), 1, {csv}));
  ASSERT_TRUE(db::export_json(cut.bench.record(), 1, {json}));
  const db::test::BdfFile file = db::test::read_bdf(csv);
  const boost::json::value document = boost::json::parse(db::test::read_file(json));
  const boost::json::array& rows = document.at("rows").as_array();
  ASSERT_EQ(rows.size(), file.rows.size());
  constexpr std::size_t json_step_charge = 9;
  for (std::size_t i = 1; i < file.rows.size(); ++i) {
    EXPECT_DOUBLE_EQ(rows[i].as_array()[json_step_charge].to_number<double>(), file.number(i, "step_charge_Ah")) << "row " << i;
    if (file.number(i, "step_count") != file.number(i - 1, "step_count")) continue;
    for (const char* column : {"step_time_s", "step_charge_Ah", "step_discharge_Ah", "step_charge_Wh", "step_discharge_Wh"})
      EXPECT_GE(file.number(i, column), file.number(i - 1, column)) << column << " row " << i;
  }
  EXPECT_EQ(document.at("steps").as_array().size(), 7U) << "each part has its own end, its own reason";
}

void expect_the_view_to_say_the_same(CutRun& cut) {
  const std::string path = cut.folder + "/x.bdf.csv";
  ASSERT_TRUE(db::export_bdf(cut.bench.record(), 1, {path}));
  const db::test::BdfFile file = db::test::read_bdf(path);
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open_v2(cut.database.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> connection(opened, sqlite3_close);
  const char* const sql =
      "SELECT step_time_second, step_charging_capacity_ah, step_discharging_capacity_ah, step_charging_energy_wh, "
      "step_discharging_energy_wh, step_cumulative_capacity_ah, step_net_energy_wh FROM v_sample WHERE run = 1 ORDER BY "
      "record_index";
  const std::vector<std::string> labels{"Step Time / s",
                                        "Step Charging Capacity / Ah",
                                        "Step Discharging Capacity / Ah",
                                        "Step Charging Energy / Wh",
                                        "Step Discharging Energy / Wh",
                                        "Step Cumulative Capacity / Ah",
                                        "Step Net Energy / Wh"};
  sqlite3_stmt* prepared = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(opened, sql, -1, &prepared, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared, sqlite3_finalize);
  std::size_t row = 0;
  for (; sqlite3_step(prepared) == SQLITE_ROW && row < file.rows.size(); ++row) {
    for (std::size_t i = 0; i < labels.size(); ++i)
      EXPECT_NEAR(sqlite3_column_double(prepared, static_cast<int>(i)), file.number(row, labels[i]), 1e-9) << labels[i] << row;
  }
  EXPECT_EQ(row, file.rows.size());
}

// The view promises the same columns. Of a part whose last rows lie far apart, more has moved than its last row says.
TEST(ResumeExport, the_view_counts_a_step_over_its_parts_too) {
  CutRun cut;
  expect_the_view_to_say_the_same(cut);
}

TEST(ResumeExport, a_step_keeps_what_moved_between_the_last_row_of_a_part_and_its_end) {
  CutRun cut("3", {12, 3, 12});
  expect_the_view_to_say_the_same(cut);
}

}  // namespace
}  // namespace cellrig::test
