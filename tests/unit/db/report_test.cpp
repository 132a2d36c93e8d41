// The report: complete, harmless, and honest about where its numbers come from.
#include "db/report/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>
#include <map>

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
using testing::Not;

struct ReportRig {
  const TempDir dir;
  std::unique_ptr<Reader> reader;
  RunKey run = 0;

  explicit ReportRig(RunRow row = a_run(), int cycles = 3, const std::string& request = R"({"simulated":true})") {
    auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
    recorder->audit(AuditRow{.verb = "run", .action = "run requested", .detail = request});
    Player player(*recorder, row);
    run = player.run;
    for (int i = 0; i < cycles; ++i) player.play_cycle(60);
    player.event(Severity::trip, "trip", "4.26 V <b>above</b> 4.25 V");
    recorder->deviation(DeviationRow{.run = run, .category = "power_outage", .description = "the power was gone"});
    player.end_run();
    must(recorder->close());
    reader = must(Reader::open(dir.file("a.db")));
  }
  ReportInput input() {
    ReportRun shown{
        reader.get(), "1", must(summarise(*reader, run)), "the first capacity", {{"voltage_V", "upper voltage", 4.25, "V"}}, {}};
    return {.made = "2026-11-30", .runs = {shown}};
  }
};

/// Every tag that is opened is closed, in order; what HTML leaves open is known.
void expect_balanced(const std::string& page) {
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.starts_with("!") || tag.ends_with("/") || tag.starts_with("meta")) continue;
    const std::string name = tag.substr(tag.starts_with("/") ? 1 : 0, tag.find_first_of(" >") - (tag.starts_with("/") ? 1 : 0));
    if (!tag.starts_with("/")) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << tag;
    EXPECT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

TEST(Report, is_one_file_that_loads_nothing) {
  ReportRig rig;
  const std::string page = must(report_html(rig.input()));
  for (const char* outside : {"http://", "https://", "<script", "<link", "<img", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  EXPECT_THAT(page, HasSubstr("@media print"));
  EXPECT_THAT(page, HasSubstr("<svg class=\"chart\""));
  expect_balanced(page);
}

TEST(Report, says_what_was_run_on_what_and_how_to_check_it) {
  ReportRig rig;
  const std::string page = must(report_html(rig.input()));
  for (const std::string& part :
       {std::string("cycle-life"), std::string("LG M50"), std::string("A0001"), std::string("PSB 10060"),
        std::string("upper voltage"), std::string("the power was gone"), std::string("power_outage"),
        must(chain_head(rig.reader->path())).sha256, must(rig.reader->run(rig.run)).profile_sha256,
        std::string("against the first capacity"), std::string("What the figures mean")}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

// A text of the record is a text, whatever is written in it.
TEST(Report, shows_texts_as_texts) {
  RunRow row = a_run();
  row.operator_name = "<script>alert(1)</script> & Söhne \"x\"";
  ReportRig rig(row);
  const std::string page = must(report_html(rig.input()));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<b>above")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne &quot;x&quot;"));
}

TEST(Report, marks_what_was_not_measured_here) {
  EXPECT_THAT(must(report_html(ReportRig().input())), HasSubstr("SIMULATED"));
  RunRow row = a_run();
  row.time_source = "imported";
  const std::string imported = must(report_html(ReportRig(row).input()));
  EXPECT_THAT(imported, HasSubstr("IMPORTED"));
  EXPECT_THAT(imported, HasSubstr("measured elsewhere, not by this bench"));
  EXPECT_THAT(imported, Not(HasSubstr("SIMULATED")));
  row.time_source = "real";  // a simulated bench runs in real time as well
  const std::string simulated_page = must(report_html(ReportRig(row).input()));
  EXPECT_THAT(simulated_page, HasSubstr("SIMULATED"));
  EXPECT_THAT(simulated_page, HasSubstr("real time: the cell was simulated"));
  EXPECT_THAT(simulated_page, Not(HasSubstr("in real time</span>")));
  for (InstrumentRow& instrument : row.instruments) instrument.address = "10.0.0.5:5025";
  const std::string measured = must(report_html(ReportRig(row, 3, R"({"simulated":false})").input()));
  EXPECT_THAT(measured, Not(HasSubstr("SIMULATED")));
  EXPECT_THAT(measured, HasSubstr("in real time</span>"));
}

// A rest of two hours after a charge: what relaxed, the slope of its second half, and no sign of plated lithium.
TEST(Report, tells_what_rests_showed) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.period_ns = 10'000'000'000;
  (void)player.step({.type = "CC_CHG", .current_A = 2.5, .samples = 20});
  (void)player.step({.type = "REST", .current_A = 0, .samples = 720});
  player.end_run();
  must(recorder->close());
  const auto reader = must(Reader::open(dir.file("a.db")));
  const ReportRun shown{reader.get(), "1", must(summarise(*reader, player.run)), "the first capacity", {}, {}};
  const std::string page = must(report_html({.made = "2026-11-30", .runs = {shown}}));
  ASSERT_THAT(page, HasSubstr("<h2>Rests</h2>"));
  const std::string rests = page.substr(page.find("<h2>Rests</h2>"), 1500);
  EXPECT_THAT(rests, HasSubstr("CC_CHG"));
  EXPECT_THAT(rests, HasSubstr("2.00")) << "hours";
  EXPECT_THAT(rests, testing::ContainsRegex("-1[0-4][0-9]\\.[0-9]")) << "0.05 Ohm times 2.5 A, in mV, and some noise";
  EXPECT_THAT(rests, testing::ContainsRegex("[+-]0\\.[0-9][0-9] ± [0-9]\\.")) << "mV/h, of a voltage that only wavers";
  EXPECT_THAT(rests, HasSubstr("not to be told below a contrast of")) << "10 mV of noise hide any sign";
  expect_balanced(page);
  EXPECT_THAT(must(report_html(ReportRig().input())), Not(HasSubstr("<h2>Rests</h2>"))) << "no rest of ten minutes";
}

// What a pulse is worth is told to the end of the cell's own window: beyond it nobody may load it, whatever the supervisor lets through.
TEST(Report, tells_the_power_of_a_pulse_by_the_window_of_the_cell) {
  ReportRig rig;
  ReportInput input = rig.input();
  input.runs.front().limits = {{"voltage_V", "upper voltage", 9, "V"}, {"voltage_V", "lower voltage", 1, "V"}};
  const std::string without = must(report_html(input));
  EXPECT_THAT(without, HasSubstr("Power is not told: the record has no cell file with a voltage window."));
  input.runs.front().window = CellWindow{2.5, 4.2};
  const std::string page = must(report_html(input));
  EXPECT_THAT(page, HasSubstr("2.5 to 4.2 V in its file"));
  input.runs.front().limits.clear();
  EXPECT_EQ(must(report_html(input)).find("Power is not told"), std::string::npos);
}

/// A pulse of 150 s out of a rest, and a day of storage between a charge and a discharge.
struct PulseRig {
  const TempDir dir;
  std::unique_ptr<Reader> reader;
  RunKey run = 0;

  PulseRig() {
    auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
    Player player(*recorder, a_run());
    run = player.run;
    player.period_ns = 500'000'000;
    (void)player.step({.type = "REST", .current_A = 0, .samples = 20});
    (void)player.step({.type = "CC_DCH", .current_A = -5, .samples = 300});
    player.period_ns = 60'000'000'000;
    (void)player.step({.type = "CC_CHG", .current_A = 2.5, .samples = 61});
    (void)player.step({.type = "REST", .current_A = 0, .samples = 1500});
    (void)player.step({.type = "CC_DCH", .current_A = -2.5, .samples = 59});
    player.end_run();
    must(recorder->close());
    reader = must(Reader::open(dir.file("a.db")));
  }
};

// An engineer asks for the times of the standards, with temperature, current and power beside each resistance.
TEST(Report, tells_pulses_at_the_times_of_the_standards_and_what_leaked_in_storage) {
  const PulseRig rig;
  const ReportRun shown{rig.reader.get(), "1", must(summarise(*rig.reader, rig.run)), "the first capacity", {}, {}};
  const std::string page = must(report_html({.made = "2026-11-30", .runs = {shown}}));
  ASSERT_THAT(page, HasSubstr("<h3>Pulses at stated times</h3>"));
  const std::string pulses = page.substr(page.find("<h3>Pulses at stated times</h3>"), 6000);
  for (const char* at : {"R0, ", ">2<", ">18.1<", ">90<", ">120<"}) EXPECT_THAT(pulses, HasSubstr(at));
  EXPECT_THAT(page, HasSubstr("leak by charge / mA"));
  expect_balanced(page);
  EXPECT_THAT(must(report_html(ReportRig().input())), HasSubstr("dV/dQ: voltage on a grid of"));
}

TEST(Report, of_several_runs_has_them_side_by_side) {
  ReportRig rig;
  ReportInput input = rig.input();
  input.runs.push_back(input.runs.front());
  input.runs.back().name = "other.db:7";
  input.sections.push_back({"Side by side", "", {{"figure", ">run 1"}, {{"cycles", "3"}}, ""}, ""});
  const std::string page = must(report_html(input));
  EXPECT_THAT(page, HasSubstr("Comparison of 2 runs"));
  EXPECT_THAT(page, HasSubstr("Run other.db:7"));
  EXPECT_THAT(page, HasSubstr("Side by side"));
  expect_balanced(page);
}

TEST(Report, of_a_run_without_rows_says_so_and_does_not_fail) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  const RunKey run = recorder->begin_run(a_run());
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  const ReportRun shown{reader.get(), "1", must(summarise(*reader, run)), "the first capacity", {}, {}};
  expect_balanced(must(report_html({.made = "now", .runs = {shown}})));
}

TEST(Report, a_verdict_stands_on_top) {
  ReportRig rig;
  ReportInput input = rig.input();
  input.verdict = "INCONCLUSIVE";
  EXPECT_THAT(must(report_html(input)), HasSubstr("<div class=\"verdict warn\">INCONCLUSIVE</div>"));
}

// ---- charts -----------------------------------------------------------------------------------------------------------

TEST(Chart, ticks_are_round_and_within) {
  EXPECT_THAT(chart_ticks(0, 10, 5), testing::ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(chart_ticks(2.5, 4.25, 4), testing::ElementsAre(2.5, 3.0, 3.5, 4.0));
  EXPECT_TRUE(chart_ticks(1, 1, 5).empty());
  EXPECT_TRUE(chart_ticks(0, std::nan(""), 5).empty());
}

TEST(Chart, draws_points_where_they_belong_and_breaks_at_a_hole) {
  Chart chart{.description = "d",
              .x_label = "x",
              .panels = {{"y", {{"s", "#123456", {{0, 0}, {5, 10}, {6, std::nan("")}, {10, 5}}}}, {}, 100, 0, 10}}};
  const std::string svg = svg_of(chart);
  EXPECT_THAT(svg, HasSubstr("d=\"M64.0 130.0L524.0 30.0M984.0 80.0\""));
}

TEST(Chart, of_nothing_is_nothing) {
  EXPECT_EQ(svg_of({}), "");
  Chart one{.panels = {{"y", {{"s", "#000", {{1, 2}}}}}}};
  EXPECT_THAT(svg_of(one), HasSubstr("<path"));
  EXPECT_THAT(svg_of(one), Not(HasSubstr("nan")));
}

TEST(Chart, a_limit_far_away_does_not_flatten_the_curve) {
  Chart chart{.panels = {{"y", {{"s", "#000", {{0, 3.6}, {1, 3.7}}}}, {{4.25, "far"}, {3.72, "near"}}}}};
  EXPECT_THAT(svg_of(chart), HasSubstr(">near<"));
  EXPECT_THAT(svg_of(chart), Not(HasSubstr(">far<")));
}

// ---- JSON ---------------------------------------------------------------------------------------------------------------

TEST(JsonExport, is_one_document_with_every_row) {
  ReportRig rig;
  const std::string path = rig.dir.file("run.json");
  const std::uint64_t rows = must(export_json(*rig.reader, rig.run, {path}));
  const boost::json::object document = boost::json::parse(test::read_file(path)).as_object();
  ASSERT_EQ(document.at("rows").as_array().size(), rows);
  EXPECT_EQ(document.at("columns").as_array().size(), document.at("rows").at(0).as_array().size());
  EXPECT_EQ(document.at("run").at("cell_id").as_string(), "A0001");
  EXPECT_EQ(document.at("cycles").as_array().size(), 3U);
  EXPECT_NEAR(document.at("cycles").at(0).at("figures").at("coulombic_efficiency").to_number<double>(), 0.96, 0.01);
  EXPECT_FALSE(document.at("definitions").as_object().empty());
}

TEST(JsonExport, has_the_analysis_that_reports_have) {
  const PulseRig rig;
  must(export_json(*rig.reader, rig.run, {rig.dir.file("p.json")}));
  const boost::json::value analysis = boost::json::parse(test::read_file(rig.dir.file("p.json"))).at("analysis");
  const boost::json::array& pulses = analysis.at("pulses").as_array();
  ASSERT_FALSE(pulses.empty());
  EXPECT_FALSE(pulses.at(0).at("instantaneous_ohm").is_null());
  std::map<double, boost::json::value> at;
  for (const boost::json::value& instant : pulses.at(0).at("at").as_array()) at[instant.at("at_s").to_number<double>()] = instant;
  for (const double at_s : {2.0, 18.0, 18.1, 90.0, 120.0}) {
    ASSERT_TRUE(at.contains(at_s)) << at_s;
    EXPECT_NEAR(at[at_s].at("current_A").to_number<double>(), -5, 0.1);
    EXPECT_NEAR(at[at_s].at("power_W").to_number<double>(),
                at[at_s].at("voltage_V").to_number<double>() * at[at_s].at("current_A").to_number<double>(), 1e-9);
    EXPECT_NEAR(at[at_s].at("net_charge_Ah").to_number<double>(), -5 * at_s / 3600, 0.002);
    EXPECT_FALSE(at[at_s].at("cell_temperature_degC").is_null());
  }
  const boost::json::value& rest = analysis.at("rests").as_array().at(0);
  EXPECT_NEAR(rest.at("leak_by_charge_A").to_number<double>(), 2.5 * 2 / 60 / (1500.0 / 60), 1e-4) << "two minutes less in 25 h";
  ReportRig cycles;
  must(export_json(*cycles.reader, cycles.run, {cycles.dir.file("c.json")}));
  const boost::json::value charges = boost::json::parse(test::read_file(cycles.dir.file("c.json"))).at("analysis").at("charges");
  ASSERT_EQ(charges.as_array().size(), 3U) << "the first, the middle and the last cycle";
  EXPECT_FALSE(charges.as_array().at(0).at("dv_dq").at("points").as_array().empty());
  EXPECT_FALSE(charges.as_array().at(0).at("dq_dv").at("points").as_array().empty());
}

TEST(JsonExport, has_null_for_what_was_not_measured) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  const RunKey run = recorder->begin_run(a_run());
  StepRow step;
  step.step = recorder->next_step_key();
  step.run = run;
  recorder->begin_step(step);
  const double nan = std::nan("");
  recorder->append(SampleRow{.step = step.step, .voltage_V = 3.7, .cell_temperature_degC = nan, .ambient_temperature_degC = nan});
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  must(export_json(*reader, run, {dir.file("a.json")}));
  const boost::json::array row = boost::json::parse(test::read_file(dir.file("a.json"))).at("rows").at(0).as_array();
  EXPECT_TRUE(row[7].is_null() && row[8].is_null());
  EXPECT_EQ(row.size(), 13U);
}

}  // namespace
}  // namespace cellrig::db
