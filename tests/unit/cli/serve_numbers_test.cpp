// The numbers that a process of the service gives out, and those of the one before.
#include <gtest/gtest.h>

#include <fstream>

#include "controller/cli/serve/serve_prepare.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::cli {
namespace {

UtcTime at_second(std::int64_t second) { return UtcTime{second * 1'000'000'000}; }

class ServeNumbers : public testing::Test {
 protected:
  void open_bench(const std::string& detail) const {
    recorder_->audit({.verb = "serve", .action = "bench opened", .detail = detail});
    recorder_->audit({.verb = "serve", .action = "bench closed", .detail = "{}"});
    db::test::must(recorder_->flush());
  }
  [[nodiscard]] std::uint64_t base_at(std::int64_t second) const {
    const NumbersBase numbers = numbers_base(database_, at_second(second));
    EXPECT_EQ(numbers.problem, "");
    return numbers.base;
  }

  const db::test::TempDir dir_;
  const std::string database_ = dir_.file("record.db");
  const std::unique_ptr<db::Recorder> recorder_ = db::test::must(db::Recorder::open(db::test::simulated(database_)));
};

TEST_F(ServeNumbers, grow_though_the_clock_stands_still_or_was_set_back) {
  EXPECT_EQ(base_at(1000), 1000U) << "the first one";
  open_bench(R"({"bench":"b"})");
  EXPECT_EQ(base_at(1000), 1000U) << "of a program that did not write them down";
  open_bench(R"({"bench":"b","numbers":1000})");
  EXPECT_EQ(base_at(1000), 1001U) << "within the same second";
  open_bench(R"({"numbers":1001})");
  EXPECT_EQ(base_at(30), 1002U) << "the clock was set back";
  EXPECT_EQ(base_at(5000), 5000U);
}

TEST_F(ServeNumbers, go_by_the_clock_when_the_record_says_nothing_that_can_be_used) {
  open_bench(R"({"numbers":4294967295})");
  const NumbersBase at_end = numbers_base(database_, at_second(1000));
  EXPECT_EQ(at_end.base, 1000U);
  EXPECT_NE(at_end.problem, "");
  const NumbersBase nowhere = numbers_base(dir_.file("none.db"), at_second(1000));
  EXPECT_EQ(nowhere.base, 1000U);
  EXPECT_NE(nowhere.problem, "");
  for (const char* const detail : {"no JSON", "[1]", R"({"numbers":"7"})", R"({"numbers":-7})"}) {
    open_bench(detail);
    EXPECT_EQ(numbers_base(database_, at_second(1000)).base, 1000U) << detail;
  }
}

}  // namespace
}  // namespace cellrig::cli
