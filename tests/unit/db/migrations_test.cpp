#include "db/migrations.hpp"

#include <gtest/gtest.h>

#include <array>

#include "db/reader.hpp"
#include "db/recorder.hpp"
#include "db/verify.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::must;
using test::TempDir;

Connection open(const std::string& path) { return must(Connection::open(path, OpenMode::write)); }

TEST(Migrations, are_numbered_from_one_without_a_hole) {
  int expected = 1;
  for (const Migration& step : migrations()) EXPECT_EQ(step.version, expected++);
}

TEST(Migrations, bring_an_empty_file_to_the_newest_schema) {
  const TempDir dir;
  Connection connection = open(dir.file("a.db"));
  must(migrate(connection, migrations(), "a.db"));
  EXPECT_EQ(must(connection.query_integer("PRAGMA user_version")), schema_version());
  EXPECT_EQ(must(connection.query_integer("PRAGMA application_id")), application_id);
  must(migrate(connection, migrations(), "a.db"));  // and once more changes nothing
}

TEST(Migrations, run_only_the_steps_that_are_missing) {
  const TempDir dir;
  Connection connection = open(dir.file("a.db"));
  const std::array<Migration, 2> steps{{{1, "CREATE TABLE t(a);"}, {2, "ALTER TABLE t ADD COLUMN b;"}}};
  must(migrate(connection, std::span(steps).first(1), "a.db"));
  EXPECT_EQ(must(connection.query_integer("PRAGMA user_version")), 1);
  must(migrate(connection, steps, "a.db"));
  EXPECT_EQ(must(connection.query_integer("PRAGMA user_version")), 2);
  must(connection.execute("INSERT INTO t(a, b) VALUES(1, 2)", "test"));
}

// A step that fails half way must leave the former version whole.
TEST(Migrations, undo_a_step_that_fails) {
  const TempDir dir;
  Connection connection = open(dir.file("a.db"));
  const std::array<Migration, 2> steps{{{1, "CREATE TABLE t(a);"}, {2, "CREATE TABLE u(a); CREATE TABLE t(a);"}}};
  const Result<void> done = migrate(connection, steps, "a.db");
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("schema 2"), std::string::npos) << done.error().what;
  EXPECT_EQ(must(connection.query_integer("PRAGMA user_version")), 1);
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM sqlite_schema")), 1);
}

// A record of the version before this one goes on, with all that is in it.
TEST(Migrations, a_record_without_proofs_gets_the_table_for_them_and_keeps_its_chain) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  {
    Connection connection = open(path);
    must(migrate(connection, migrations().first(2), path));
  }
  ProofRow proof{.operator_name = "jane", .model = "PSB", .serial = "17", .fired = true};
  {
    auto recorder = must(Recorder::open(test::simulated(path)));
    recorder->proof(proof, "lab-7");
    must(recorder->close());
  }
  EXPECT_EQ(must(must(Reader::open(path))->proofs("PSB", "17", "")).size(), 1U);
  EXPECT_TRUE(must(verify_record(path)).is_intact());
}

// An older program must not write into a newer record, nor show it half.
TEST(Migrations, refuse_a_newer_schema) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  must(must(Recorder::open(test::simulated(path)))->close());
  must(open(path).execute("PRAGMA user_version = 99", "test"));
  const auto writer = Recorder::open(test::simulated(path));
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().what.find("newer cellrig (schema 99"), std::string::npos) << writer.error().what;
  const auto reader = Reader::open(path);
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().what.find("newer cellrig (schema 99"), std::string::npos) << reader.error().what;
}

}  // namespace
}  // namespace cellrig::db
