// Whose number a limit is, in the words of a verdict.
#include <gtest/gtest.h>

#include "controller/cli/verify/verify_report.hpp"

namespace cellrig::cli {
namespace {

std::string origin_of(const std::string& value_from, Comparator comparator = Comparator::at_least) {
  ClaimStatement statement;
  statement.comparator = comparator;
  statement.value_from = value_from;
  return limit_origin_text(statement);
}

TEST(LimitOrigin, of_the_source_needs_no_word) {
  EXPECT_EQ(origin_of("source"), "");
  EXPECT_EQ(origin_of("", Comparator::none), "");
}

TEST(LimitOrigin, of_a_source_that_is_not_sure_stays_the_sources) {
  EXPECT_EQ(origin_of("source, unverified"), "the limit is the source's, unverified");
}

TEST(LimitOrigin, that_was_assumed_is_not_the_sources) {
  EXPECT_EQ(origin_of("assumed: no number is claimed"), "the limit is not the source's: assumed: no number is claimed");
  EXPECT_EQ(origin_of("sourceless"), "the limit is not the source's: sourceless");
}

}  // namespace
}  // namespace cellrig::cli
