// Runs of which this version can read next to nothing, and that it closes all the same: what may have gone in unseen is bounded by whatever
// can still be read, never by too little.
#include "controller/runtime/channel_record.hpp"
#include "tests/crash/resume_fixture.hpp"

namespace cellrig::test {
namespace {

class ResumeUnreadable : public Resume {
 protected:
  static constexpr double watchdog_s = 5.0;

  void SetUp() override {
    prepare("single", long_charge);
    const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
    kill_with_current(*first);
    make_resume_point_unreadable();
  }
  void make_resume_point_unreadable() { change("UPDATE resume_point SET state = CAST(x'09000000' || substr(state, 5) AS BLOB)"); }
  void change(const std::string& sql) {
    db::Connection connection = std::move(db::Connection::open(folder + "/run.db", db::OpenMode::write).value());
    ASSERT_TRUE(connection.execute(sql, "changing the record"));
  }
  void make_cell_unreadable() { change("UPDATE cell SET specification_text = 'cell: of a version to come'"); }
  void make_bench_unreadable() { change("UPDATE run SET bench_text = 'bench: of a version to come'"); }
  void limit_recorded_channel(const std::string& limits) {
    change("UPDATE run SET bench_text = replace(bench_text, 'cycler: psb1', 'cycler: psb1' || char(10) || '    limits: " +
           limits + "')");
  }
  /// Charge that the event of the closed run holds, as a current that flowed until the watchdog of 5 s, and somewhat longer, had ended it.
  void close_and_expect_current(double least_A, double most_A, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"--resume", "1", "--resume-by", "stop"};
    words.insert(words.end(), more.begin(), more.end());
    const std::unique_ptr<Process> closes = start(words);
    expect_exit(*closes, 1);
    const Account closed = account();
    EXPECT_EQ(closed.info.status, "stopped");
    const auto kept =
        std::find_if(closed.events.begin(), closed.events.end(), [](const auto& e) { return e.kind == on_again_event; });
    ASSERT_NE(kept, closed.events.end());
    const double unseen_Ah = kept->value.value_or(0);
    EXPECT_GE(unseen_Ah, least_A * watchdog_s / 3600) << kept->message;
    EXPECT_LE(unseen_Ah, most_A * 2 * watchdog_s / 3600) << kept->message;
  }
};

TEST_F(ResumeUnreadable, by_the_limit_of_its_channel) {
  limit_recorded_channel("{charge_current_max_A: 9}");
  make_cell_unreadable();
  close_and_expect_current(9, 9);
}

TEST_F(ResumeUnreadable, by_the_limit_of_its_cell_where_its_channel_has_none) { close_and_expect_current(9.9, 10.1); }

// What was measured last is no bound: a step may have been about to begin that charges with more.
TEST_F(ResumeUnreadable, by_what_its_cycler_can_where_its_cell_cannot_be_read_either) {
  make_cell_unreadable();
  close_and_expect_current(60, 60);
}

TEST_F(ResumeUnreadable, by_what_the_cycler_on_its_channel_can_now_where_its_bench_cannot_be_read_either) {
  make_cell_unreadable();
  make_bench_unreadable();
  close_and_expect_current(60, 60);
}

TEST_F(ResumeUnreadable, by_what_the_cycler_can_now_where_nobody_knows_the_model_it_began_with) {
  make_cell_unreadable();
  change("UPDATE run SET bench_text = replace(bench_text, 'psb-10060-60', 'psb-of-a-version-to-come')");
  close_and_expect_current(60, 60);
}

TEST_F(ResumeUnreadable, by_the_greatest_cycler_of_the_bench_where_its_channel_is_not_there_any_more) {
  make_cell_unreadable();
  make_bench_unreadable();
  std::ifstream file(simulator->bench_file());
  std::string text{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t at = text.find("ch1:"); at != std::string::npos; at = text.find("ch1:", at)) text.replace(at, 3, "west");
  bench_file = file_with(text, "renamed.yaml", folder);
  close_and_expect_current(60, 60, {"--channel", "west", "--accept-changed", "the channel has a new name"});
}

// What had failed before its process died has failed, whoever closes it.
class CriteriaOfUnreadable : public ResumeUnreadable {
 protected:
  void SetUp() override {}  // each its own profile
  void expect_closed_with(const std::string& criterion, bool is_met) {
    const std::string head =
        "profile: Judged\nformat: 1\nrecord: {every_s: 0}\nsteps:\n  - cycles: {times: 1, steps: [rest: {for_s: 1}]}\n";
    prepare("single", head + criterion + "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n");
    const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
    kill_with_current(*first);
    make_resume_point_unreadable();
    const std::unique_ptr<Process> closes = start({"--resume", "1", "--resume-by", "stop"});
    (void)closes->wait(end_limit);
    const Account closed = account();
    ASSERT_TRUE(closed.info.end) << closes->err();
    EXPECT_EQ(closed.info.end->criteria_met, is_met);
  }
};

TEST_F(CriteriaOfUnreadable, are_not_met_where_one_had_failed) { expect_closed_with("  - require: cycle_count >= 2\n", false); }
TEST_F(CriteriaOfUnreadable, are_met_so_far_where_none_had) { expect_closed_with("  - require: cycle_count >= 1\n", true); }

}  // namespace
}  // namespace cellrig::test
