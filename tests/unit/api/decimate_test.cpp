// A picture that was thinned out must not hide a spike: it may be the only thing that anybody looks for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "controller/api/decimate.hpp"

namespace cellrig::api {
namespace {

struct Data {
  std::vector<double> x;
  std::vector<std::vector<double>> rows;
};

std::vector<Decimator::Row> thinned(const Data& data, const Decimator::Plan& plan) {
  Decimator decimator{plan};
  for (std::size_t i = 0; i < data.x.size(); ++i) decimator.add(data.x[i], data.rows[i]);
  EXPECT_EQ(decimator.row_count(), data.x.size());
  return decimator.take();
}

/// Least and greatest of a column in one of so many stretches of [0, x_max]; none: {inf, -inf}.
std::pair<double, double> extremes(const Data& data, std::size_t column, std::size_t stretch, std::size_t stretches,
                                   double x_max) {
  std::pair<double, double> found{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    const auto at = static_cast<std::size_t>(data.x[i] / x_max * static_cast<double>(stretches));
    if (at != stretch || std::isnan(data.rows[i][column])) continue;
    found.first = std::min(found.first, data.rows[i][column]);
    found.second = std::max(found.second, data.rows[i][column]);
  }
  return found;
}

TEST(Decimate, keeps_every_extreme_of_every_column_in_every_stretch) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random{seed};
    Data data;
    const std::size_t count = 1 + random() % 3000, columns = 1 + random() % 4, stretches = 1 + random() % 40;
    double x = 0;
    for (std::size_t i = 0; i < count; ++i) {
      x += static_cast<double>(random() % 1000) / 100;
      std::vector<double> row;
      for (std::size_t c = 0; c < columns; ++c)
        row.push_back(random() % 20 == 0 ? std::nan("") : static_cast<double>(random() % 100'000));
      data.x.push_back(x);
      data.rows.push_back(row);
    }
    const double x_max = x + 1;
    const auto kept = thinned(data, {0, x_max, stretches, columns});
    ASSERT_LE(kept.size(), 2 * stretches * columns + 2);
    Data left;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      ASSERT_EQ(kept[i].x, data.x[kept[i].index]);
      ASSERT_TRUE(i == 0 || kept[i].index > kept[i - 1].index);
      left.x.push_back(kept[i].x);
      left.rows.push_back(kept[i].values);
    }
    EXPECT_EQ(kept.front().index, 0U);
    EXPECT_EQ(kept.back().index, count - 1);
    for (std::size_t s = 0; s < stretches; ++s) {
      for (std::size_t c = 0; c < columns; ++c) {
        const std::string where =
            "seed " + std::to_string(seed) + ", stretch " + std::to_string(s) + ", column " + std::to_string(c);
        ASSERT_EQ(extremes(left, c, s, stretches, x_max), extremes(data, c, s, stretches, x_max)) << where;
      }
    }
  }
}

// A run that goes on is longer than it was expected to be.
TEST(Decimate, keeps_the_extremes_of_a_run_that_outgrows_the_plan) {
  Data data;
  for (int i = 0; i < 100'000; ++i) {
    data.x.push_back(i);
    data.rows.push_back({i == 51'234 ? 9.0 : i == 77'777 ? -9.0 : std::sin(i * 0.01)});
  }
  const auto kept = thinned(data, {0, 10, 64, 1});
  EXPECT_LE(kept.size(), 130U);
  EXPECT_GE(kept.size(), 60U);
  const auto has = [&](std::size_t index) {
    return std::any_of(kept.begin(), kept.end(), [index](const Decimator::Row& row) { return row.index == index; });
  };
  EXPECT_TRUE(has(51'234));
  EXPECT_TRUE(has(77'777));
  EXPECT_TRUE(has(0));
  EXPECT_TRUE(has(99'999));
}

TEST(Decimate, is_right_at_its_edges) {
  EXPECT_TRUE(thinned({}, {0, 1, 5, 1}).empty());
  EXPECT_EQ(thinned({{3}, {{1.0}}}, {0, 1, 5, 1}).size(), 1U);
  EXPECT_EQ(thinned({{0, 0, 0, 0}, {{1}, {2}, {3}, {2}}}, {0, 0, 5, 1}).size(), 3U) << "one instant: first, greatest, last";
  EXPECT_EQ(thinned({{1, 2, 3}, {{std::nan("")}, {std::nan("")}, {std::nan("")}}}, {0, 3, 5, 1}).size(), 2U);
  EXPECT_EQ(thinned({{1, 2, 3}, {{}, {}, {}}}, {0, 3, 5, 0}).size(), 2U);
  EXPECT_EQ(thinned({{-5, 1e300}, {{1}, {2}}}, {0, 1, 3, 1}).size(), 2U);
}

TEST(Decimate, makes_about_as_many_rows_as_were_asked_for) {
  EXPECT_EQ(stretches_for(2000, 1), 1000U);
  EXPECT_EQ(stretches_for(2000, 4), 250U);
  EXPECT_EQ(stretches_for(1, 4), 1U);
  EXPECT_EQ(stretches_for(100, 0), 50U);
}

}  // namespace
}  // namespace cellrig::api
