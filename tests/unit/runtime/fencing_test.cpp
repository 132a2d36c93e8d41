// A lease counts, and a command of an older count is not carried out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "controller/runtime/lease.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig {
namespace {

using testing::HasSubstr;

TEST(Lease, has_a_larger_number_at_each_take_and_for_each_output_its_own) {
  const std::string folder = test::temporary_folder();
  std::uint64_t last = 0;
  for (int take = 0; take < 12; ++take) {
    const Result<Lease> lease = Lease::take(folder, "192.0.2.1:502");
    ASSERT_TRUE(lease) << lease.error().what;
    EXPECT_EQ(lease->token().number, last + 1);
    last = lease->token().number;
  }
  EXPECT_EQ(Lease::take(folder, "192.0.2.2:502")->token().number, 1u);
}

// Whoever is refused must not push the count past the one who holds the lease.
TEST(Lease, a_refused_take_does_not_count) {
  const std::string folder = test::temporary_folder();
  {
    const Result<Lease> first = Lease::take(folder, "a:1");
    ASSERT_TRUE(first);
    EXPECT_FALSE(Lease::take(folder, "a:1"));
  }
  EXPECT_EQ(Lease::take(folder, "a:1")->token().number, 2u);
}

TEST(Lease, is_not_given_when_its_counter_cannot_be_trusted) {
  const std::string folder = test::temporary_folder();
  std::ofstream{folder + "/output-a_1.lease.token"} << "many\n";
  const Result<Lease> lease = Lease::take(folder, "a:1");
  ASSERT_FALSE(lease);
  EXPECT_THAT(lease.error().what, HasSubstr("holds no number"));
  std::ofstream{folder + "/output-a_1.lease.token"} << "41\n";
  EXPECT_EQ(Lease::take(folder, "a:1")->token().number, 42u) << "the refused one gave the lease back";
}

TEST(Fence, admits_its_own_lease_and_no_older_one) {
  Fence fence{FencingToken{7}};
  EXPECT_TRUE(fence.admits(FencingToken{7}));
  EXPECT_FALSE(fence.admits(FencingToken{6}));
  EXPECT_FALSE(fence.admits(FencingToken{})) << "a command without a lease";
  EXPECT_TRUE(fence.admits(FencingToken{7}));
}

TEST(Fence, after_a_newer_lease_the_old_one_is_over_for_good) {
  Fence fence{FencingToken{7}};
  EXPECT_TRUE(fence.admits(FencingToken{8}));
  EXPECT_FALSE(fence.admits(FencingToken{7}));
  EXPECT_EQ(fence.newest(), FencingToken{8});
}

}  // namespace
}  // namespace cellrig
