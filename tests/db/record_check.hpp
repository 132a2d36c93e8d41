// What must hold of any record, however its writer ended.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "db/reader.hpp"
#include "db/sqlite.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db::test {

/// Opens, passes SQLite's own check, and holds a run's samples 1, 2, 3, ... (by second of test time) without a hole. Their
/// number.
inline std::uint64_t expect_whole(const std::string& path, RunKey run) {
  auto connection = must(Connection::open(path, OpenMode::read));
  EXPECT_EQ(must(connection.query_text("PRAGMA quick_check")), "ok");
  auto reader = must(Reader::open(path));
  std::int64_t second = 0;
  return must(reader->for_each_sample(run, [&](const SampleView& s) {
    EXPECT_EQ(s.row.test_time_ns, ++second * 1'000'000'000);
    return s.row.test_time_ns == second * 1'000'000'000;
  }));
}

}  // namespace cellrig::db::test
