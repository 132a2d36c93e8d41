#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <clocale>
#include <filesystem>
#include <fstream>
#include <limits>

#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "tests/db/battinfo_check.hpp"
#include "tests/db/bdf_check.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::BdfFile;
using test::expect_valid_bdf;
using test::must;
using test::Player;
using test::read_bdf;
using test::read_file;
using test::simulated;
using test::split;
using test::TempDir;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(CsvLine, writes_numbers_that_read_back_exactly) {
  CsvLine line;
  line.real(0.1);
  line.real(1.0 / 3.0);
  line.real(-0.0);
  line.real(nan);
  line.integer(-5);
  line.text("a \"b\", c");
  EXPECT_EQ(line.finish(), "0.1,0.3333333333333333,0,,-5,\"a \"\"b\"\", c\"\n");
}

// Nanoseconds do not fit a double's 16 digits beside seconds since 1970.
TEST(CsvLine, writes_nanoseconds_as_exact_decimals) {
  CsvLine line;
  line.seconds(1'700'000'000'123'456'789);
  line.seconds(0);
  line.seconds(-1'500'000'000);
  line.seconds(1);
  line.seconds(60'000'000'000);
  line.seconds(10'050'000'000);
  EXPECT_EQ(line.finish(), "1700000000.123456789,0,-1.5,0.000000001,60,10.05\n");
}

struct Record {
  TempDir dir;
  std::string path = dir.file("a.db");
  RunKey run = 0;

  explicit Record(int cycles = 3) {
    auto recorder = must(Recorder::open(simulated(path)));
    Player player(*recorder, a_run());
    run = player.run;
    player.step({.type = "REST", .current_A = 0, .samples = 5, .in_cycle = false});
    for (int i = 0; i < cycles; ++i) player.play_cycle();
    player.event(Severity::info, "started", "begun");
    player.event(Severity::alarm, "instrument", "the chamber's door is open");
    player.end_run();
    must(recorder->close());
  }
};

TEST(BdfExport, keeps_the_rules_of_the_format) {
  const Record record;
  auto reader = must(Reader::open(record.path));
  const std::string path = record.dir.file("x.bdf.csv");
  const BdfReport report = must(export_bdf(*reader, record.run, {path}));
  EXPECT_EQ(report.rows, 5U + 3 * 150U);
  EXPECT_EQ(report.rows_left_out, 0U);
  const BdfFile file = read_bdf(path);
  ASSERT_EQ(file.rows.size(), report.rows);
  expect_valid_bdf(file);
  EXPECT_TRUE(file.has("Ambient Temperature / degC"));
  EXPECT_TRUE(file.has("Surface Temperature / degC"));
  EXPECT_EQ(file.rows[5].at("Step Type"), "CC_CHG");
  EXPECT_GT(file.number(6, "Current / A"), 0) << "positive current charges";
  EXPECT_GT(file.number(6, "Net Capacity / Ah"), 0);
  EXPECT_EQ(file.rows[0].at("Unix Time / s"), "946684801");
}

TEST(BdfExport, leaves_out_a_temperature_that_was_never_measured) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  const RunKey run = recorder->begin_run(a_run());
  StepRow step;
  step.step = recorder->next_step_key();
  step.run = run;
  step.step_count = 1;
  step.type = "REST";
  recorder->begin_step(step);
  for (int i = 0; i < 10; ++i) {
    SampleRow row;
    row.step = step.step;
    row.test_time_ns = i;
    row.voltage_V = i == 4 ? nan : 3.7;
    row.cell_temperature_degC = nan;
    row.ambient_temperature_degC = i == 9 ? 20 : nan;
    recorder->append(row);
  }
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  const BdfReport report = must(export_bdf(*reader, run, {dir.file("x.bdf.csv")}));
  EXPECT_EQ(report.rows, 9U);
  EXPECT_EQ(report.rows_left_out, 1U);
  const BdfFile file = read_bdf(dir.file("x.bdf.csv"));
  expect_valid_bdf(file);
  EXPECT_FALSE(file.has("Surface Temperature / degC"));
  EXPECT_EQ(file.rows[0].at("Ambient Temperature / degC"), "");
  EXPECT_EQ(file.rows[8].at("Ambient Temperature / degC"), "20");
}

TEST(BdfExport, refuses_a_record_whose_time_goes_back) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.begin_step({});
  player.sample({});
  player.now_ns -= 2'000'000'000;
  player.sample({});
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  const auto report = export_bdf(*reader, player.run, {dir.file("x.bdf.csv")});
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().what.find("test time goes back"), std::string::npos) << report.error().what;
  EXPECT_FALSE(std::filesystem::exists(dir.file("x.bdf.csv"))) << "nothing half appears";
}

// Labels that the format has replaced are read, but never written; no unit but the format's own appears.
TEST(BdfExport, writes_no_label_that_is_not_of_the_format) {
  const Record record(1);
  auto reader = must(Reader::open(record.path));
  must(export_bdf(*reader, record.run, {record.dir.file("x.bdf.csv"), true}));
  for (const std::string& label : read_bdf(record.dir.file("x.bdf.csv")).labels) {
    EXPECT_EQ(label.find("/ ms"), std::string::npos) << label;
    const std::size_t slash = label.find(" / ");
    if (slash == std::string::npos) {
      EXPECT_TRUE(label == "Step ID" || label == "Step Type") << label;
      continue;
    }
    const std::string unit = label.substr(slash + 3);
    const std::vector<std::string> units{"s", "V", "A", "W", "Ah", "Wh", "degC", "Pa", "1"};
    EXPECT_NE(std::find(units.begin(), units.end(), unit), units.end()) << label;
  }
}

TEST(BdfExport, names_files_as_the_format_recommends) {
  const Record record(1);
  auto reader = must(Reader::open(record.path));
  RunInfo run = must(reader->run(record.run));
  EXPECT_EQ(bdf_file_name("UCam", run, 1), "UCam__A0001__20000101_001.bdf.csv");
  run.row.cell_id = "a/b c";
  EXPECT_EQ(bdf_file_name("", run, 12), "Unknown__a-b-c__20000101_012.bdf.csv");
  EXPECT_EQ(bdf_metadata_path("dir/x.bdf.csv"), "dir/x.bdf.metadata.json");
}

TEST(BdfMetadata, names_test_cell_protocol_and_deviations) {
  const Record record(1);
  auto reader = must(Reader::open(record.path));
  const std::string path = record.dir.file("x.bdf.metadata.json");
  must(export_bdf_metadata(*reader, record.run, {}, {path}));
  const boost::json::value document = boost::json::parse(read_file(path));
  const boost::json::object& test = document.at("test").as_object();
  EXPECT_EQ(test.at("status").as_string(), "completed");
  EXPECT_EQ(test.at("kind").as_string(), "cycling");
  EXPECT_EQ(test.at("cell_id").as_string(), "A0001");
  EXPECT_EQ(test.at("conformance").at("status").as_string(), "non-conformant");
  ASSERT_EQ(test.at("deviations").as_array().size(), 1U);
  EXPECT_EQ(test.at("deviations").at(0).at("category").as_string(), "equipment_failure");
  EXPECT_EQ(test.at("deviations").at(0).at("impact").as_string(), "moderate");
  EXPECT_EQ(document.at("provenance").at("source_type").as_string(), "simulation");
  EXPECT_EQ(document.at("channel").at("equipment_id").as_string(), "123");
  EXPECT_EQ(document.at("channel").at("index").as_int64(), 1);
  EXPECT_EQ(document.at("equipment").as_array().size(), 2U);
  EXPECT_EQ(document.at("test_protocol").at("test_spec").at("id").as_string().size(), 64U);
}

// By its profile: whoever collects pulse tests must find them.
TEST(BdfMetadata, calls_a_test_what_it_was) {
  RunRow row = test::a_run();
  const auto kind = [&row](const char* profile, bool has_cycles = false) {
    row.profile_name = profile;
    return std::string(bdf_kind_of(row, has_cycles));
  };
  EXPECT_EQ(kind("Hybrid pulse power characterisation"), "hppc");
  EXPECT_EQ(kind("our HPPC at -10 degC"), "hppc");
  EXPECT_EQ(kind("DC resistance at several states of charge"), "dcir");
  EXPECT_EQ(kind("Formation with first-cycle efficiency"), "formation");
  EXPECT_EQ(kind("Reference performance test"), "rpt");
  EXPECT_EQ(kind("Cycle life with reference tests"), "cycling");
  EXPECT_EQ(kind("Calendar storage with check-ups"), "calendar_ageing");
  EXPECT_EQ(kind("something of ours", true), "cycling");
  EXPECT_EQ(kind("something of ours"), "other");
}

TEST(BdfMetadata, lies_beside_the_data_and_has_no_blank_for_a_maker_that_nobody_named) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  RunRow row = a_run();
  row.profile_name = "HPPC";
  row.instruments = {{"cycler", "c1", "PSB 10060", "EA", "123", "1.0", "localhost:5025"},
                     {"logger", "io", "adam-6018", "", "", "", "localhost:502"}};
  Player player(*recorder, row);
  player.play_cycle(20);
  player.end_run();
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  const BdfFiles files = must(export_bdf_files(*reader, player.run, {dir.file("x.bdf.csv")}, BdfLabels::preferred, {}));
  EXPECT_EQ(files.metadata_path, dir.file("x.bdf.metadata.json"));
  EXPECT_GT(files.report.rows, 0U);
  const boost::json::value document = boost::json::parse(read_file(files.metadata_path));
  EXPECT_EQ(document.at("test").at("kind").as_string(), "hppc");
  EXPECT_EQ(document.at("test").at("dataset_ids").at(0).as_string(), "x.bdf.csv");
  EXPECT_EQ(document.at("equipment").at(0).at("equipment_spec_id").as_string(), "EA PSB 10060");
  EXPECT_EQ(document.at("equipment").at(1).at("equipment_spec_id").as_string(), "adam-6018");
  const auto again = export_bdf_files(*reader, player.run, {dir.file("x.bdf.csv")}, BdfLabels::preferred, {});
  EXPECT_FALSE(again) << "no file is replaced by accident";

  // Metadata that stand there alone are of data elsewhere: they stay, and no data are left without their own.
  std::filesystem::remove(dir.file("x.bdf.csv"));
  for (const bool overwrite : {false, true}) {
    EXPECT_FALSE(export_bdf_files(*reader, player.run, {dir.file("x.bdf.csv"), overwrite}, BdfLabels::preferred, {}));
    EXPECT_FALSE(std::filesystem::exists(dir.file("x.bdf.csv")));
  }
}

// What is required is there, whatever is known of the steps; what is no JSON is not passed on.
TEST(BdfMetadata, keeps_the_rules_of_a_protocol_with_and_without_its_steps) {
  const Record record(1);
  auto reader = must(Reader::open(record.path));
  const test::BattinfoRules::Words ours{"program_hash", "parameters"};
  const auto protocol = [&](const std::string& steps) {
    BdfMetadataOptions options;
    options.protocol = steps;
    return boost::json::parse(must(bdf_metadata(*reader, record.run, options))).at("test_protocol");
  };
  EXPECT_THAT(test::BattinfoRules::broken_in_protocol(protocol(""), ours), testing::IsEmpty());
  EXPECT_FALSE(protocol("").as_object().contains("method"));
  const boost::json::value with = protocol(
      R"({"method":[{"mode":"rest","duration":{"value":5,"unit":"s"}}],"record":{"time_s":1},"safety":{"max_voltage_V":4.2},"notes":["x"],"more":1})");
  EXPECT_THAT(test::BattinfoRules::broken_in_protocol(with, ours), testing::IsEmpty());
  EXPECT_EQ(with.at("method").at(0).at("mode").as_string(), "rest");
  EXPECT_EQ(with.at("notes").at(0).as_string(), "x");
  EXPECT_EQ(with.at("provenance").at("source_type").as_string(), "simulation");
  for (const char* const bad : {"[]", "{", "1"}) {
    BdfMetadataOptions options;
    options.protocol = bad;
    EXPECT_FALSE(bdf_metadata(*reader, record.run, options)) << bad;
  }
}

// The rules themselves must be able to say no.
TEST(BdfMetadata, the_rules_of_a_protocol_find_what_is_wrong) {
  const auto broken = [](const char* method) {
    const boost::json::value record{{"schema_version", "1.0.0"},
                                    {"test_spec", {{"id", "p"}, {"name", "p"}, {"kind", "other"}}},
                                    {"provenance", {{"source_type", "lab"}, {"retrieved_at", 1}}},
                                    {"method", boost::json::parse(method)}};
    return test::BattinfoRules::broken_in_protocol(record, {}).size();
  };
  EXPECT_EQ(broken(R"([{"mode":"cc","steps":[{"mode":"rest"}]}])"), 0U);
  EXPECT_EQ(broken(R"([{"mode":"soak"}])"), 1U);
  EXPECT_EQ(broken(R"([{"direction":"charge"}])"), 1U);
  EXPECT_EQ(broken(R"([{"mode":"cc","voltage":4.2}])"), 1U);
  EXPECT_EQ(broken(R"([{"mode":"cc","setpoints":{"current":{"value":1}}}])"), 2U);
  EXPECT_EQ(broken(R"([{"mode":"cc","termination":[{"quantity":"energy","value":1,"unit":"Wh"}]}])"), 1U);
  EXPECT_EQ(broken(R"([{"mode":"group","count":0,"steps":[{"mode":"nothing"}]}])"), 2U);
}

// A person's file is never replaced by accident.
TEST(Export, does_not_overwrite_without_being_told) {
  const Record record(1);
  auto reader = must(Reader::open(record.path));
  const std::string path = record.dir.file("x.csv");
  std::ofstream(path) << "mine";
  const auto refused = export_csv(*reader, record.run, {path});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("exists already"), std::string::npos);
  EXPECT_EQ(read_file(path), "mine");
  EXPECT_EQ(must(export_csv(*reader, record.run, {path, true})), 155U);
  EXPECT_NE(read_file(path), "mine");
  const auto entries = std::filesystem::directory_iterator(record.dir.path());
  EXPECT_TRUE(std::none_of(begin(entries), end(entries), [](const auto& entry) {
    return entry.path().string().find(".part") != std::string::npos;
  })) << "no temporary file stays";
}

// At every look of every kind of export: what was there before is still there, and nothing else.
TEST(Export, that_is_cancelled_leaves_nothing_behind_and_what_was_there_alone) {
  const Record record{30};
  const auto reader = must(Reader::open(record.path));
  const std::filesystem::path folder = std::filesystem::path{record.dir.file("out")};
  std::filesystem::create_directory(folder);
  const std::string path = folder / "x.bdf.csv";
  std::ofstream{path} << "of yesterday";
  using Write = std::function<Result<void>(const ExportOptions&)>;
  const auto only = [](const auto& result) { return result ? Result<void>{} : Result<void>{result.error()}; };
  const Write kinds[] = {[&](const ExportOptions& o) { return only(export_csv(*reader, record.run, o)); },
                         [&](const ExportOptions& o) { return only(export_cycles_csv(*reader, record.run, o)); },
                         [&](const ExportOptions& o) { return only(export_aux_csv(*reader, record.run, o)); },
                         [&](const ExportOptions& o) {
                           return only(export_bdf_files(*reader, record.run, o, BdfLabels::preferred, BdfMetadataOptions()));
                         }};
  for (std::size_t kind = 0; kind < std::size(kinds); ++kind) {
    int looks_in_all = 1, looks_max = 1;
    for (int last = 0; last < looks_max; ++last) {
      int looks = 0;
      const ExportOptions options{.path = path, .overwrite = true, .is_cancelled = [&] { return looks++ >= last; }};
      const Result<void> done = kinds[kind](options);
      ASSERT_FALSE(done) << kind << " at look " << last;
      EXPECT_EQ(done.error().fault, Fault::interrupted) << done.error().what;
      EXPECT_EQ(read_file(path), "of yesterday");
      EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder}, {}), 1) << "something is left";
      if (last > 0) continue;
      looks_in_all = 0;  // how often it looks when nobody cancels, on another file
      const ExportOptions whole{.path = record.dir.file("whole" + std::to_string(kind)), .is_cancelled = [&] {
                                  ++looks_in_all;
                                  return false;
                                }};
      must(kinds[kind](whole));
      looks_max = looks_in_all;
    }
    EXPECT_GE(looks_in_all, 1);
  }
}

TEST(Export, writes_plain_csv_with_every_column_filled) {
  const Record record(1);
  auto reader = must(Reader::open(record.path));
  must(export_csv(*reader, record.run, {record.dir.file("x.csv")}));
  const BdfFile file = read_bdf(record.dir.file("x.csv"));  // the same shape of file
  ASSERT_EQ(file.rows.size(), 155U);
  EXPECT_EQ(file.labels.size(), 31U);
  const auto& row = file.rows[6];
  EXPECT_EQ(row.at("regulation"), "CC");
  EXPECT_EQ(row.at("output_on"), "1");
  EXPECT_EQ(row.at("cycle"), "1");
  EXPECT_EQ(file.rows[0].at("regulation"), "");
  EXPECT_EQ(file.number(6, "step_time_s"), 2);
  EXPECT_EQ(file.number(6, "run_charge_Ah"), file.number(6, "step_charge_Ah"));
}

TEST(Export, writes_the_cycle_table) {
  const Record record(2);
  auto reader = must(Reader::open(record.path));
  EXPECT_EQ(must(export_cycles_csv(*reader, record.run, {record.dir.file("c.csv")})), 2U);
  const std::string text = read_file(record.dir.file("c.csv"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_EQ(must(export_aux_csv(*reader, record.run, {record.dir.file("aux.csv")})), 0U);
}

/// A charge of 20 samples, a second apart; the press is read 300 ms before every other of them, the second voltmeter once.
struct SensorRecord {
  TempDir dir;
  std::string path = dir.file("a.db");
  RunKey run = 0;

  SensorRecord() {
    auto recorder = must(Recorder::open(simulated(path)));
    Player player(*recorder, a_run());
    run = player.run;
    const Player::StepPlan charge{};
    player.begin_step(charge);
    for (int i = 0; i < 20; ++i) {
      player.sample(charge);
      constexpr std::int64_t earlier_ns = 300'000'000;
      if (i % 2 == 0) recorder->append(AuxRow{player.step_key(), player.now_ns - earlier_ns, "stack_pressure_MPa", 1.0 + i});
      if (i == 5) recorder->append(AuxRow{player.step_key(), player.now_ns, "logger_voltage_V", 3.75});
      recorder->append(AuxRow{player.step_key(), player.now_ns, "interlock_closed", 1.0});
    }
    player.end_step();
    must(recorder->close());
  }
};

// A column exists where the run has the quantity; a value stands beside the first sample after it was measured, and beside no other.
TEST(Export, puts_what_sensors_measured_beside_the_sample_that_follows) {
  const SensorRecord record;
  auto reader = must(Reader::open(record.path));
  must(export_csv(*reader, record.run, {record.dir.file("x.csv")}));
  const BdfFile file = read_bdf(record.dir.file("x.csv"));
  ASSERT_EQ(file.rows.size(), 20U);
  EXPECT_EQ(file.labels.size(), 33U);
  EXPECT_EQ(file.labels[31], "logger_voltage_V");
  EXPECT_EQ(file.labels[32], "stack_pressure_MPa");
  int voltages = 0;
  for (std::size_t i = 0; i < file.rows.size(); ++i) {
    EXPECT_EQ(file.rows[i].at("stack_pressure_MPa"), i % 2 == 0 ? std::to_string(1 + i) : "") << i;
    voltages += file.rows[i].at("logger_voltage_V").empty() ? 0 : 1;
  }
  EXPECT_EQ(voltages, 1);
  EXPECT_EQ(file.rows[5].at("logger_voltage_V"), "3.75");
}

TEST(BdfExport, gives_the_stack_pressure_in_pascal_and_no_column_of_its_own_making) {
  const SensorRecord record;
  auto reader = must(Reader::open(record.path));
  must(export_bdf(*reader, record.run, {record.dir.file("x.bdf.csv")}));
  const BdfFile file = read_bdf(record.dir.file("x.bdf.csv"));
  expect_valid_bdf(file);
  ASSERT_EQ(file.rows.size(), 20U);
  EXPECT_EQ(file.number(2, "Applied Pressure / Pa"), 3e6);
  EXPECT_EQ(file.rows[3].at("Applied Pressure / Pa"), "");
  for (const std::string& label : file.labels) EXPECT_EQ(label.find("MPa"), std::string::npos) << label;
}

TEST(Export, writes_every_reading_of_a_sensor_at_its_own_time) {
  const SensorRecord record;
  auto reader = must(Reader::open(record.path));
  EXPECT_EQ(must(export_aux_csv(*reader, record.run, {record.dir.file("aux.csv")})), 31U);
  EXPECT_NE(read_file(record.dir.file("aux.csv")).find(",stack_pressure_MPa,19\n"), std::string::npos);
}

// A German desktop must not write 3,7 V.
TEST(Export, does_not_depend_on_the_locale) {
  const char* const set = std::setlocale(LC_ALL, "de_DE.UTF-8");
  CsvLine line;
  line.real(3.7);
  EXPECT_EQ(line.finish(), "3.7\n");
  if (set != nullptr) std::setlocale(LC_ALL, "C");
}

}  // namespace
}  // namespace cellrig::db
