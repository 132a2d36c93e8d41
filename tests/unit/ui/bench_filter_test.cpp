#include "ui/model/bench_filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cellrig::ui {
namespace {

api::ChannelView channel(const std::string& name, api::Activity state) {
  api::ChannelView view;
  view.channel = name;
  view.state = state;
  return view;
}

std::vector<std::string> names(const std::vector<api::ChannelView>& channels, const ChannelFilter& filter) {
  std::vector<std::string> found;
  for (const std::size_t i : filtered(channels, filter)) found.push_back(channels[i].channel);
  return found;
}

std::vector<api::ChannelView> bench() {
  std::vector<api::ChannelView> channels{channel("ch10", api::Activity::running), channel("ch2", api::Activity::tripped),
                                         channel("ch1", api::Activity::idle), channel("ch3", api::Activity::not_safe),
                                         channel("ch4", api::Activity::waiting)};
  channels[0].time_left_s = 100;
  channels[4].time_left_s = 50;
  channels[0].cell_id = "SN0042";
  return channels;
}

TEST(BenchFilter, counts_as_people_count) {
  EXPECT_THAT(names(bench(), {}), testing::ElementsAre("ch1", "ch2", "ch3", "ch4", "ch10"));
  EXPECT_TRUE(is_name_before("ch2", "ch10"));
  EXPECT_TRUE(is_name_before("ch02", "ch3"));
  EXPECT_TRUE(is_name_before("a", "b1"));
  EXPECT_FALSE(is_name_before("ch1", "ch1"));
}

TEST(BenchFilter, puts_what_somebody_must_go_to_first) {
  EXPECT_THAT(names(bench(), {.order = ChannelOrder::attention}), testing::ElementsAre("ch3", "ch2", "ch4", "ch10", "ch1"));
  EXPECT_THAT(names(bench(), {.group = ChannelGroup::needs_attention}), testing::ElementsAre("ch2", "ch3"));
}

// A channel that waits for a person is the one thing that the person in the room can do something about.
TEST(BenchFilter, a_channel_that_asks_a_person_needs_attention) {
  std::vector<api::ChannelView> channels = bench();
  channels[4].asks_person = "turn the clamp to 1 MPa";
  EXPECT_THAT(names(channels, {.group = ChannelGroup::needs_attention}), testing::ElementsAre("ch2", "ch3", "ch4"));
}

TEST(BenchFilter, finds_by_name_cell_and_group) {
  EXPECT_THAT(names(bench(), {.text = "sn0042"}), testing::ElementsAre("ch10"));
  EXPECT_THAT(names(bench(), {.group = ChannelGroup::busy}), testing::ElementsAre("ch4", "ch10"));
  EXPECT_THAT(names(bench(), {.group = ChannelGroup::free}), testing::ElementsAre("ch1"));
  EXPECT_THAT(names(bench(), {.order = ChannelOrder::time_left}), testing::ElementsAre("ch4", "ch10", "ch1", "ch2", "ch3"));
}

}  // namespace
}  // namespace cellrig::ui
