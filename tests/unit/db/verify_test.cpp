// The record that cannot be altered unnoticed.
#include "db/verify.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "db/chain.hpp"
#include "db/digest.hpp"
#include "db/migrations.hpp"
#include "tests/unit/db/tamper.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::open_to_alter;
using test::Player;
using test::TableShape;
using test::TempDir;

namespace fs = std::filesystem;

void play_everything(Recorder& recorder, const std::string& channel) {
  RunRow row = a_run(channel);
  row.time_source = "real";
  Player player(recorder, row);
  recorder.expected({{{player.run, 3, 1, "charge_Ah", 4.9, {{0, 3.7, 25, 24}, {4.9, 4.2, 31, std::nan("")}}},
                      {player.run, 3, 7, "charge_Ah", std::nullopt, {}}},
                     {{player.run, 3, "00000000000000a1", "", 1}, {player.run, 3, "00000000000000b2", "3.2", 7}}});
  player.play_cycle(150);
  const StepKey ended = player.step_key();
  player.begin_step({.compared_with = channel == "1" ? 1 : 7});  // two rows that are not the same
  for (int i = 0; i < 40; ++i) {
    player.sample({});
    recorder.append(AuxRow{player.step_key(), player.now_ns, "chamber_temperature_degC", 25.0 + i});
  }
  recorder.append(AuxRow{ended, player.now_ns, "surface_pressure_Pa", 5});  // late
  const std::string state = "state of " + channel;
  recorder.resume_point(player.run, std::as_bytes(std::span{state.data(), state.size()}));
  player.end_step();
  player.play_cycle(20);
  player.event(Severity::info, "started", "hello");
  player.event(Severity::trip, "trip", "4.26 V above 4.25 V");
  recorder.deviation(
      DeviationRow{player.run, "power_outage", 5, 9, UtcTime{50}, UtcTime{90}, 0.007, "watchdog 5 s at 5 A", "dark"});
  recorder.deviation(DeviationRow{player.run, "other", 5, std::nullopt, UtcTime{50}, std::nullopt, std::nullopt, "", "?"});
  player.end_run();
  recorder.acknowledge({player.run, UtcTime{77}, "jane", "cell looked at, \"cold\""}, "bench-3");
  ProofRow proof{.utc = UtcTime{78}, .operator_name = "jane", .bench = "lab", .channel = channel, .instrument = "psb1"};
  proof.model = "PSB";
  proof.serial = "17";
  proof.delay = std::chrono::seconds{5};
  recorder.proof(proof, "bench-3");
}

/// A record with rows in every table, and the means to alter copies of it.
class Verify : public testing::Test {
 protected:
  void SetUp() override {
    auto recorder = must(Recorder::open(test::simulated(path)));
    play_everything(*recorder, "1");
    must(recorder->flush());
    play_everything(*recorder, "2");
    must(recorder->close());
    anchor = must(chain_head(path));
  }
  /// A fresh copy to spoil.
  std::string copy() {
    fs::copy_file(path, spoilt, fs::copy_options::overwrite_existing);
    return spoilt;
  }
  void alter(const std::string& sql) {
    Connection connection = open_to_alter(copy());
    must(connection.execute(sql, "test"));
  }
  VerifyReport verify(std::optional<Anchor> with = {}) { return must(verify_record(spoilt, {.anchor = std::move(with)})); }
  void expect_found(const std::string& what) { EXPECT_FALSE(verify().is_intact()) << what; }

  TempDir dir;
  std::string path = dir.file("a.db");
  std::string spoilt = dir.file("b.db");
  Anchor anchor;
};

TEST_F(Verify, finds_nothing_in_a_record_that_nobody_touched) {
  const VerifyReport report = must(verify_record(path, {.anchor = anchor}));
  EXPECT_TRUE(report.is_intact()) << report.findings.front().what;
  EXPECT_GT(report.blocks, 10U);
  EXPECT_GT(report.rows, 600U);
  EXPECT_EQ(report.rows_adopted, 0U);
  EXPECT_EQ(report.head.sha256, anchor.sha256);
  EXPECT_FALSE(report.is_being_written);
}

// A column that nothing covers could be changed by anyone. Also the ones that a later migration adds.
TEST_F(Verify, covers_every_column_of_every_table) {
  for (const TableShape& table : test::tables_of(path)) {
    if (table.name == "meta" || table.name == "chain") continue;  // judged by themselves, see the bits below
    std::string covered = ",";
    for (const SourceTable& source : source_tables()) {
      if (source.table == table.name) covered += " " + std::string(source.key) + ", " + std::string(source.columns) + ",";
    }
    for (const RevisionSubject& subject : revision_subjects()) {
      if (subject.table == table.name) covered += " " + std::string(subject.key) + ", " + std::string(subject.columns) + ",";
    }
    for (const test::Column& column : table.columns) {
      EXPECT_NE(covered.find(" " + column.name + ","), std::string::npos) << table.name << "." << column.name;
    }
  }
}

TEST_F(Verify, finds_a_changed_bit_in_every_column_of_every_table) {
  std::mt19937 random(20'251'129);
  int changes = 0;
  for (const TableShape& table : test::tables_of(path)) {
    ASSERT_GT(table.rows, 0) << table.name << ": no row to change";
    for (const test::Column& column : table.columns) {
      for (int round = 0; round < 3; ++round) {
        const std::int64_t row = static_cast<std::int64_t>(random() % static_cast<unsigned>(table.rows));
        Connection connection = open_to_alter(copy());
        if (!test::flip_bit(connection, table, column.name, row, random())) continue;
        connection = Connection{};
        ++changes;
        expect_found(table.name + "." + column.name + " of row " + std::to_string(row));
      }
    }
  }
  EXPECT_GT(changes, 300);
}

TEST_F(Verify, finds_a_row_that_was_removed_from_any_table) {
  for (const TableShape& table : test::tables_of(path)) {
    for (const std::int64_t row : {std::int64_t{0}, table.rows / 2, table.rows - 1}) {
      alter("DELETE FROM " + table.name + " WHERE " + test::row_number(table, row));
      const bool is_last_block = table.name == "chain" && row == table.rows - 1;
      expect_found(table.name + " row " + std::to_string(row) + (is_last_block ? " (the last block)" : ""));
    }
  }
}

TEST_F(Verify, finds_a_row_that_was_put_into_any_table) {
  for (const TableShape& table : test::tables_of(path)) {
    std::string columns, values;
    for (const test::Column& column : table.columns) {
      columns += (columns.empty() ? "" : ", ") + column.name;
      const bool is_text_key = table.name == "meta" || table.name == "quantity";
      const bool is_changed = column.is_key || (table.name == "quantity" && column.name == "name");
      std::string value = column.name;
      if (is_changed) value += is_text_key && column.name != "quantity" ? " || 'x'" : " + 100000";
      values += (values.empty() ? "" : ", ") + value;
    }
    alter("INSERT INTO " + table.name + "(" + columns + ") SELECT " + values + " FROM " + table.name + " WHERE " +
          test::row_number(table, 0));
    expect_found(table.name);
  }
  alter("INSERT INTO sample(rowid, step) VALUES(-5, 1)");
  expect_found("before the first row");
}

TEST_F(Verify, finds_two_rows_that_changed_places_in_any_table) {
  for (const TableShape& table : test::tables_of(path)) {
    if (!table.has_rowid || table.rows < 2) continue;
    std::string columns;
    for (const test::Column& column : table.columns) {
      if (!column.is_key && !(table.name == "quantity")) columns += (columns.empty() ? "" : ", ") + column.name;
    }
    const std::string two = "(SELECT min(rowid) FROM " + table.name + "), (SELECT max(rowid) FROM " + table.name + ")";
    const std::string key = table.columns.front().is_key ? table.columns.front().name : "rowid";
    alter("CREATE TEMP TABLE both AS SELECT rowid AS place, * FROM " + table.name + " WHERE rowid IN (" + two + ");" + "UPDATE " +
          table.name + " SET " + key + " = -" + key + " WHERE rowid IN (" + two + ");" + "UPDATE " + table.name + " SET " + key +
          " = CASE " + key +
          " WHEN -(SELECT min(place) FROM both) THEN (SELECT max(place) FROM both) ELSE (SELECT min(place) FROM both) END"
          " WHERE " +
          key + " < 0");
    expect_found(table.name);
  }
}

TEST_F(Verify, finds_two_blocks_of_one_size_that_changed_places) {
  Connection connection = open_to_alter(copy());
  Statement two = must(connection.prepare(
      "SELECT a.block, b.block, a.first_key, b.first_key, a.last_key - a.first_key FROM chain AS a JOIN chain AS b "
      "ON a.source = 8 AND b.source = 8 AND b.block > a.block AND a.last_key - a.first_key = b.last_key - b.first_key LIMIT 1"));
  ASSERT_TRUE(must(two.step("test"))) << "no two blocks of one size";
  const std::int64_t a = two.integer(0), b = two.integer(1), rows_a = two.integer(2), rows_b = two.integer(3);
  const std::int64_t last = two.integer(4);
  two = Statement{};
  connection = Connection{};
  const auto swap = [](const std::string& table, const std::string& key, std::int64_t x, std::int64_t y, std::int64_t n) {
    const std::string from = std::to_string(x), to = std::to_string(y), count = std::to_string(n);
    return "UPDATE " + table + " SET " + key + " = -" + key + " WHERE " + key + " BETWEEN " + from + " AND " + from + "+" +
           count + ";UPDATE " + table + " SET " + key + " = " + key + " - " + to + " + " + from + " WHERE " + key + " BETWEEN " +
           to + " AND " + to + "+" + count + ";UPDATE " + table + " SET " + key + " = -" + key + " + " + to + " - " + from +
           " WHERE " + key + " < 0;";
  };
  alter(swap("sample", "rowid", rows_a, rows_b, last));
  expect_found("rows");
  alter(swap("chain", "block", a, b, 0));
  expect_found("blocks");
  alter(swap("sample", "rowid", rows_a, rows_b, last) + "UPDATE chain SET sha256 = CASE block WHEN " + std::to_string(a) +
        " THEN (SELECT sha256 FROM chain WHERE block = " + std::to_string(b) + ") ELSE (SELECT sha256 FROM chain WHERE block = " +
        std::to_string(a) + ") END WHERE block IN (" + std::to_string(a) + ", " + std::to_string(b) + ")");
  expect_found("rows with their hashes");
}

TEST_F(Verify, names_the_first_broken_place) {
  alter("UPDATE sample SET voltage_V = voltage_V + 1e-9 WHERE rowid = 400");
  const VerifyReport report = verify();
  ASSERT_EQ(report.findings.size(), 1U) << "one altered row does not make the rest look altered";
  const VerifyFinding& finding = report.findings.front();
  EXPECT_EQ(finding.table, "sample");
  EXPECT_LE(finding.first_key, 400);
  EXPECT_GE(finding.last_key, 400);
  EXPECT_LT(finding.last_key - finding.first_key, 256);
  EXPECT_EQ(finding.run, 1);
  ASSERT_TRUE(finding.test_time_ns);
  EXPECT_THAT(finding.what, testing::StartsWith("sample rows "));
  alter("DELETE FROM sample WHERE rowid = 400");
  EXPECT_THAT(verify().findings.front().what, testing::HasSubstr("row 400 missing"));
  alter("UPDATE step SET end_reason = 'stopped' WHERE step = 2");
  EXPECT_THAT(verify().findings.front().what, testing::HasSubstr("step 2: its step end is not what was written last"));
  EXPECT_EQ(verify().findings.front().run, 1);
}

// People read through views and indexes.
TEST_F(Verify, finds_an_altered_schema) {
  for (const char* const change :
       {"DROP VIEW v_cycle", "DROP INDEX step_of_run", "DROP VIEW v_sample; CREATE VIEW v_sample AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON sample BEGIN UPDATE sample SET voltage_V = 4; END"}) {
    alter(change);
    expect_found(change);
  }
  alter("CREATE INDEX my_own ON event(kind)");
  EXPECT_TRUE(verify().is_intact()) << "somebody's own index changes nothing";
}

std::string cut_off_last_blocks(int blocks) {
  const std::string kept = "(SELECT max(block) - " + std::to_string(blocks) + " FROM chain)";
  std::string sql;
  for (const SourceTable& table : source_tables()) {
    sql += "DELETE FROM " + std::string(table.table) + " WHERE " + std::string(table.key) +
           " > coalesce((SELECT max(last_key) FROM chain WHERE source = " + std::to_string(static_cast<int>(table.source)) +
           " AND block <= " + kept + "), 0);";
  }
  return sql + "DELETE FROM chain WHERE block > " + kept;
}

// A chain alone cannot know of an end that was cut off with all its blocks: that is what the anchor is for.
TEST_F(Verify, finds_an_end_that_was_cut_off_by_the_anchor) {
  for (const int blocks : {1, 2, 3, 5}) {
    alter(cut_off_last_blocks(blocks));
    const VerifyReport report = verify(anchor);
    ASSERT_FALSE(report.is_intact()) << blocks;
    EXPECT_THAT(report.findings.back().what, testing::HasSubstr("its end was cut off")) << blocks;
  }
  alter("DELETE FROM sample WHERE rowid > (SELECT max(rowid) - 3 FROM sample)");
  expect_found("rows without their blocks, and no anchor is needed");
}

Sha256Digest stored_hash(Connection& connection, std::int64_t block) {
  Sha256Digest hash{};
  Statement select = must(connection.prepare("SELECT sha256 FROM chain WHERE block = ?"));
  select.bind_all(block);
  if (must(select.step("test"))) std::copy_n(select.blob(0).begin(), hash.size(), hash.begin());
  return hash;
}

/// Computes a block's hash anew from what the rows are now, as anyone can who reads docs/record.md.
void reseal(Connection& connection, std::int64_t block) {
  Statement select = must(connection.prepare("SELECT source, first_key, last_key, adopted FROM chain WHERE block = ?"));
  select.bind_all(block);
  ASSERT_TRUE(must(select.step("test")));
  const BlockHeader header{block, select.integer(0), select.integer(1), select.integer(2), select.boolean(3)};
  select.reset();
  BlockHash hash;
  hash.begin(block == 1 ? chain_start().sha256 : stored_hash(connection, block - 1), header);
  const auto source = static_cast<Source>(header.source);
  Statement rows = must(connection.prepare(select_rows(source_tables()[index_of(source)])));
  rows.bind_all(header.first_key, header.last_key);
  std::string image;
  while (must(rows.step("test"))) ASSERT_TRUE(append_image(image, source, rows.handle()));
  hash.update(image);
  Statement update = must(connection.prepare("UPDATE chain SET sha256 = ?2 WHERE block = ?1"));
  const Sha256Digest sha256 = hash.finish();
  update.bind_all(block, std::span<const std::byte>{sha256});
  must(update.run("test"));
}

TEST_F(Verify, finds_a_chain_that_was_mended_for_the_altered_row_only) {
  alter("UPDATE sample SET current_A = 0 WHERE rowid = 3");
  Connection connection = open_to_alter(spoilt);
  const std::int64_t block =
      must(connection.query_integer("SELECT block FROM chain WHERE source = 8 AND first_key <= 3 AND last_key >= 3")).value_or(0);
  ASSERT_GT(block, 0);
  reseal(connection, block);
  connection = Connection{};
  const VerifyReport report = verify();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings.front().block, block + 1) << "the block after it names the former hash";
}

// Whoever may write the file and knows how can make a chain that holds. The anchor lies elsewhere.
TEST_F(Verify, finds_a_chain_that_was_written_anew_by_the_anchor_alone) {
  alter("UPDATE sample SET current_A = 0 WHERE rowid = 3");
  Connection connection = open_to_alter(spoilt);
  for (std::int64_t block = 1; block <= anchor.block; ++block) reseal(connection, block);
  connection = Connection{};
  EXPECT_TRUE(verify().is_intact()) << "the images of this test are not those of the record: it would prove nothing";
  EXPECT_FALSE(verify(anchor).is_intact());
  // The same by a writer that adopts: it says so, and the anchor tells.
  alter("UPDATE sample SET current_A = 0 WHERE rowid = 3; DELETE FROM chain; DELETE FROM revision");
  expect_found("no chain at all");
  must(must(Recorder::open(test::simulated(spoilt)))->close());
  EXPECT_TRUE(verify().is_intact());
  EXPECT_GT(verify().rows_adopted, 600U);
  EXPECT_FALSE(verify(anchor).is_intact());
}

TEST_F(Verify, an_older_anchor_holds_for_a_record_that_grew) {
  {
    auto recorder = must(Recorder::open(test::simulated(path)));
    play_everything(*recorder, "3");
    must(recorder->close());
  }
  EXPECT_TRUE(must(verify_record(path, {.anchor = anchor})).is_intact());
  Anchor wrong = anchor;
  wrong.sha256.front() = wrong.sha256.front() == '0' ? '1' : '0';
  EXPECT_FALSE(must(verify_record(path, {.anchor = wrong})).is_intact());
}

// Whatever bit of the file changes: what a reader would see differently is found.
TEST_F(Verify, finds_every_change_of_a_random_bit_of_the_file_that_a_reader_can_see) {
  std::mt19937 random(7);
  const auto content = [](const std::string& file) -> std::string {
    std::string text;
    auto opened = Connection::open(file, OpenMode::read);
    if (!opened) return "unreadable";
    std::istringstream tables(
        "cell equipment channel profile run run_equipment step sample quantity aux_sample cycle event audit revision deviation "
        "acknowledgement instrument_proof expected_curve definition step_metric cycle_metric sample_rollup expected_way "
        "step_expectation meta");
    for (std::string table; tables >> table;) {
      auto select = opened->prepare(std::string("SELECT * FROM ") + table + " NOT INDEXED");
      if (!select) return "unreadable";
      while (true) {
        const Result<bool> row = select->step("test");
        if (!row) return "unreadable";
        if (!*row) break;
        for (int i = 0; i < sqlite3_column_count(select->handle()); ++i) text += select->text(i) + "|";
      }
    }
    return text;
  };
  const std::string original = content(path);
  int visible = 0;
  const auto size = static_cast<unsigned>(fs::file_size(path));
  for (int round = 0; round < 200; ++round) {
    const unsigned at = random() % size;
    {
      std::fstream file(copy(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(at);
      const char byte = static_cast<char>(file.get());
      file.seekp(at);
      file.put(static_cast<char>(byte ^ (1 << (random() % 8))));
    }
    if (content(spoilt) == original) continue;
    ++visible;
    const Result<VerifyReport> report = verify_record(spoilt);
    EXPECT_TRUE(!report || !report->is_intact()) << "byte " << at;
  }
  EXPECT_GT(visible, 60);
}

TEST(VerifyOld, a_record_from_before_the_chain_is_adopted_and_says_so) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  {
    Connection connection = open_to_alter(path);
    must(migrate(connection, migrations().first(1), path));
    must(connection.execute(
        "INSERT INTO cell VALUES(1, 'a', '', '', ''); INSERT INTO channel VALUES(1, '1', NULL);"
        "INSERT INTO profile VALUES(1, 'p', '', '', '', '');"
        "INSERT INTO run VALUES(1, 1, 1, 1, '', '', 'real', 1, 1, 5, 1, 'FULL', '', '', 5, 6, 'completed', '', 1);"
        "INSERT INTO step(step, run, step_count, step_id, cycle, in_cycle, is_reference, measures_reference, name, type, "
        "setpoint_text, started_test_time_ns, sample_rowid_before, aux_rowid_before, run_charge_Ah, run_discharge_Ah, "
        "run_charge_Wh, "
        "run_discharge_Wh, cycle_charge_Ah, cycle_discharge_Ah, cycle_charge_Wh, cycle_discharge_Wh, sample_rowid_last, "
        "aux_rowid_last, ended_test_time_ns, end_reason) "
        "VALUES(1, 1, 1, 0, 0, 0, 0, 0, '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 700, 0, 9, 'condition');"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700) "
        "INSERT INTO sample(step, test_time_ns, flags, voltage_V) SELECT 1, i, 0, 3.7 FROM n;"
        "INSERT INTO resume_point VALUES(1, 700, x'0102')",
        "test"));
  }
  {
    auto recorder = must(Recorder::open(test::simulated(path)));
    Player player(*recorder, a_run());
    player.step({});
    must(recorder->close());
  }
  const VerifyReport report = must(verify_record(path));
  EXPECT_TRUE(report.is_intact()) << report.findings.front().what;
  EXPECT_GE(report.rows_adopted, 705U);
  EXPECT_GT(report.rows, report.rows_adopted + 50);
  must(open_to_alter(path).execute("UPDATE step SET end_reason = 'stopped' WHERE step = 1", "test"));
  EXPECT_FALSE(must(verify_record(path)).is_intact()) << "from then on it is guarded";
}

// Rows that somebody put in while no writer was there must not be sealed by the next one.
TEST_F(Verify, a_writer_does_not_seal_what_it_did_not_write) {
  alter(
      "INSERT INTO sample(step, test_time_ns, flags) VALUES(3, 1, 0); INSERT INTO event VALUES(900, 1, 0, 0, 'info', '', '', 0, "
      "0)");
  {
    auto recorder = must(Recorder::open(test::simulated(spoilt)));
    play_everything(*recorder, "1");
    must(recorder->close());
  }
  const VerifyReport report = verify();
  EXPECT_EQ(report.findings.size(), 2U);
  for (const VerifyFinding& finding : report.findings) EXPECT_THAT(finding.what, testing::HasSubstr("put in")) << finding.what;
}

TEST(VerifyLive, a_record_that_is_being_written_is_intact_at_any_moment) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  RecorderOptions options = test::simulated(path);
  options.commit.rows = 97;
  auto recorder = must(Recorder::open(options));
  Player player(*recorder, a_run());
  must(recorder->flush());
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    while (!is_over) player.play_cycle(50);
  });
  std::uint64_t rows = 0;
  for (int i = 0; i < 10 && rows < 50'000; ++i) {
    std::uint64_t told = 0;
    VerifyOptions verify;
    verify.progress = [&told](std::uint64_t done, std::uint64_t) { told = done; };
    const VerifyReport report = must(verify_record(path, verify));
    EXPECT_TRUE(report.is_intact()) << report.findings.front().what;
    EXPECT_TRUE(report.is_being_written);
    EXPECT_GE(report.rows, rows);
    EXPECT_GT(told, 0U);
    rows = report.rows;
  }
  is_over = true;
  writer.join();
  must(recorder->close());
  EXPECT_TRUE(must(verify_record(path)).is_intact());
}

TEST(VerifyInput, what_is_no_record_is_an_error_and_no_alteration) {
  const TempDir dir;
  std::ofstream(dir.file("text.db")) << "this is a text that is long enough to be no database at all\n";
  EXPECT_FALSE(verify_record(dir.file("text.db")));
  EXPECT_FALSE(verify_record(dir.file("missing.db")));
  EXPECT_FALSE(verify_record(dir.path()));
}

// Equal runs have equal digests although their blocks lie differently.
TEST(VerifyDigest, blocks_do_not_show_in_the_digest) {
  const TempDir dir;
  std::vector<std::string> digests, heads;
  for (const std::size_t rows : {std::size_t{10'000}, std::size_t{7}}) {
    RecorderOptions options = test::simulated(dir.file(std::to_string(rows)));
    options.commit.rows = rows;
    auto recorder = must(Recorder::open(options));
    play_everything(*recorder, "1");
    must(recorder->close());
    digests.push_back(must(record_digest(options.path)));
    heads.push_back(must(chain_head(options.path)).sha256);
  }
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_NE(heads[0], heads[1]);
}

}  // namespace
}  // namespace cellrig::db
