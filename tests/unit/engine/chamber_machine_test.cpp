#include "controller/engine/chamber_machine.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

using chamber_input::Leave;
using chamber_input::Request;
using chamber_input::RunAcknowledged;
using chamber_input::ThermalTrip;
using chamber_input::Withdraw;

/// "run#1:25 grant 1/7 trip 2 stop", in the order said.
std::string said(const std::vector<ChamberOutput>& outputs) {
  std::string text;
  for (const ChamberOutput& o : outputs) {
    if (!text.empty()) text += ' ';
    text += std::visit(overloaded{
                           [](const chamber_output::Run& run) {
                             return "run#" + std::to_string(run.command) + ":" +
                                    std::to_string(static_cast<int>(run.temperature.value()));
                           },
                           [](const chamber_output::Stop&) { return std::string("stop"); },
                           [](const chamber_output::Grant& grant) {
                             return "grant " + std::to_string(grant.channel) + "/" + std::to_string(grant.request);
                           },
                           [](const chamber_output::Waits& waits) {
                             std::string by;
                             for (const std::uint32_t other : waits.by) by += (by.empty() ? "" : "+") + std::to_string(other);
                             return "waits " + std::to_string(waits.channel) + (waits.is_their_turn ? " after " : " for ") + by +
                                    "@" + std::to_string(static_cast<int>(waits.in_the_way.value()));
                           },
                           [](const chamber_output::TripChannel& trip) {
                             return (trip.thermal ? "thermal_trip " : "trip ") + std::to_string(trip.channel);
                           },
                           [](const chamber_output::Ventilate&) { return std::string("ventilate"); },
                       },
                       o);
  }
  return text;
}

Request request(std::uint32_t channel, std::uint32_t number, double temperature_degC) {
  return {channel, number, Celsius{temperature_degC}};
}

TEST(ChamberMachine, grants_a_temperature_only_after_the_chamber_has_confirmed_it) {
  ChamberMachine chamber{{1}};
  EXPECT_EQ(said(chamber.on(request(1, 7, 25))), "run#1:25");
  EXPECT_FALSE(chamber.setpoint());
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "grant 1/7");
  EXPECT_EQ(chamber.setpoint(), Celsius{25});
}

TEST(ChamberMachine, channels_that_agree_share_one_command_and_each_gets_its_own_grant) {
  ChamberMachine chamber{{1, 2, 3}};
  EXPECT_EQ(said(chamber.on(request(1, 7, 25))), "run#1:25");
  EXPECT_EQ(said(chamber.on(request(2, 4, 25))), "");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "grant 1/7 grant 2/4");
  EXPECT_EQ(said(chamber.on(request(3, 9, 25))), "grant 3/9") << "it runs there already";
}

TEST(ChamberMachine, an_answer_to_another_command_grants_nothing) {
  ChamberMachine chamber{{1}};
  EXPECT_EQ(said(chamber.on(RunAcknowledged{0, true})), "");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "");
  EXPECT_EQ(said(chamber.on(request(1, 7, 25))), "run#1:25");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{0, true})), "");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "grant 1/7");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "") << "the same answer twice";
}

TEST(ChamberMachine, the_late_answer_to_a_former_temperature_does_not_grant_the_new_one) {
  ChamberMachine chamber{{1}};
  EXPECT_EQ(said(chamber.on(request(1, 1, 25))), "run#1:25");
  EXPECT_EQ(said(chamber.on(request(1, 2, 45))), "run#2:45");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "grant 1/2");
}

TEST(ChamberMachine, a_new_temperature_is_commanded_and_granted_anew) {
  ChamberMachine chamber{{1}};
  (void)chamber.on(request(1, 1, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  EXPECT_EQ(said(chamber.on(request(1, 2, -10))), "run#2:-10");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "grant 1/2");
  EXPECT_EQ(chamber.setpoint(), Celsius{-10});
}

TEST(ChamberMachine, a_chamber_that_does_not_run_trips_the_channels_that_wait_for_it_and_is_stopped) {
  ChamberMachine chamber{{1, 2}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(request(2, 4, 25));
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, false})), "trip 1 trip 2 stop");
  EXPECT_FALSE(chamber.setpoint());
}

TEST(ChamberMachine, after_a_failed_command_the_temperature_is_commanded_again) {
  ChamberMachine chamber{{1}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(RunAcknowledged{1, false});
  EXPECT_EQ(said(chamber.on(request(1, 8, 25))), "run#2:25");
}

// The command may have arrived and only its answer been lost: where the chamber is going is not known any more.
TEST(ChamberMachine, after_a_failed_command_the_former_temperature_is_not_taken_for_granted) {
  ChamberMachine chamber{{1, 2}};
  (void)chamber.on(request(1, 1, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  (void)chamber.on(request(1, 2, 45));
  (void)chamber.on(RunAcknowledged{2, false});
  EXPECT_EQ(said(chamber.on(request(2, 1, 25))), "run#3:25");
}

TEST(ChamberMachine, stops_when_the_last_channel_leaves) {
  ChamberMachine chamber{{1, 2}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  EXPECT_EQ(said(chamber.on(Leave{1})), "");
  EXPECT_EQ(said(chamber.on(Leave{1})), "") << "twice";
  EXPECT_EQ(said(chamber.on(Leave{2})), "stop");
  EXPECT_FALSE(chamber.setpoint());
  EXPECT_EQ(said(chamber.on(Leave{2})), "") << "it is stopped already";
}

TEST(ChamberMachine, is_not_touched_by_channels_that_leave_without_having_used_it) {
  ChamberMachine chamber{{1, 2}};
  EXPECT_EQ(said(chamber.on(Leave{1})), "");
  EXPECT_EQ(said(chamber.on(Leave{2})), "");
}

TEST(ChamberMachine, stops_also_while_a_command_is_on_its_way_and_its_late_answer_changes_nothing) {
  ChamberMachine chamber{{1}};
  (void)chamber.on(request(1, 7, 25));
  EXPECT_EQ(said(chamber.on(Leave{1})), "stop");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "");
  EXPECT_FALSE(chamber.setpoint());
}

TEST(ChamberMachine, a_channel_that_has_left_gets_no_grant) {
  ChamberMachine chamber{{1, 2}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(request(2, 4, 25));
  (void)chamber.on(Leave{1});
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "grant 2/4");
}

TEST(ChamberMachine, a_thermal_trip_turns_off_every_other_channel_and_the_heater_and_then_ventilates) {
  ChamberMachine chamber{{1, 2, 3}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  EXPECT_EQ(said(chamber.on(ThermalTrip{2})), "thermal_trip 1 thermal_trip 3 stop ventilate");
  EXPECT_TRUE(chamber.tripped());
}

TEST(ChamberMachine, a_thermal_trip_stops_the_chamber_even_if_nobody_asked_for_a_temperature) {
  ChamberMachine chamber{{1}};
  EXPECT_EQ(said(chamber.on(ThermalTrip{1})), "stop ventilate");
}

TEST(ChamberMachine, nothing_runs_and_nothing_is_granted_after_a_thermal_trip) {
  ChamberMachine chamber{{1, 2}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(ThermalTrip{2});
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "") << "the answer was on its way";
  EXPECT_FALSE(chamber.setpoint());
  EXPECT_EQ(said(chamber.on(request(1, 8, 25))), "thermal_trip 1");
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "thermal_trip 2");
  EXPECT_EQ(said(chamber.on(ThermalTrip{1})), "") << "latched";
}

TEST(ChamberMachine, a_temperature_that_was_confirmed_before_a_thermal_trip_is_not_granted_after_it) {
  ChamberMachine chamber{{1, 2}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  (void)chamber.on(ThermalTrip{1});
  EXPECT_EQ(said(chamber.on(request(2, 1, 25))), "thermal_trip 2");
}

TEST(ChamberMachine, a_chamber_that_was_stopped_by_a_thermal_trip_has_no_confirmed_temperature) {
  ChamberMachine chamber{{1}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  (void)chamber.on(ThermalTrip{1});
  EXPECT_FALSE(chamber.setpoint());
}

TEST(ChamberMachine, a_channel_that_has_left_is_not_tripped_by_the_heat_of_another) {
  ChamberMachine chamber{{1, 2, 3}};
  (void)chamber.on(Leave{3});
  EXPECT_EQ(said(chamber.on(ThermalTrip{1})), "thermal_trip 2 stop ventilate");
}

TEST(ChamberMachine, that_runs_away_trips_every_channel_in_it_and_stops_once) {
  ChamberMachine chamber{{1, 2}};
  EXPECT_EQ(said(chamber.on(request(1, 7, 25))), "run#1:25");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "grant 1/7");
  EXPECT_EQ(said(chamber.on(chamber_input::RanAway{})), "thermal_trip 1 thermal_trip 2 stop ventilate");
  EXPECT_TRUE(chamber.tripped());
  EXPECT_EQ(said(chamber.on(chamber_input::RanAway{})), "");
  EXPECT_EQ(said(chamber.on(request(2, 4, 25))), "thermal_trip 2");
}

// ---- channels that want different temperatures ----------------------------------------------------------------------

/// In it: 1 and 2, of which 1 holds 25 degC.
ChamberMachine held_at_25(std::vector<std::uint32_t> channels = {1, 2}) {
  ChamberMachine chamber{std::move(channels)};
  (void)chamber.on(request(1, 7, 25));
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "grant 1/7");
  return chamber;
}

TEST(ChamberMachine, does_not_move_while_another_channel_holds_its_temperature_and_says_who) {
  ChamberMachine chamber = held_at_25();
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "waits 2 for 1@25");
  EXPECT_EQ(chamber.setpoint(), Celsius{25});
  EXPECT_EQ(said(chamber.on(request(1, 8, 45))), "run#2:45") << "the barrier: both want the same now";
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "grant 2/1 grant 1/8");
}

TEST(ChamberMachine, at_the_barrier_the_longest_wait_is_served_and_whoever_wants_the_same_goes_along) {
  ChamberMachine chamber = held_at_25({1, 2, 3, 4});
  EXPECT_EQ(said(chamber.on(request(2, 1, 60))), "waits 2 for 1@25");
  EXPECT_EQ(said(chamber.on(request(3, 1, 45))), "waits 3 for 1@25");
  EXPECT_EQ(said(chamber.on(request(4, 1, 60))), "waits 4 for 1@25");
  EXPECT_EQ(said(chamber.on(request(1, 8, 45))), "run#2:60 waits 3 after 2+4@60 waits 1 after 2+4@60");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "grant 2/1 grant 4/1 waits 3 for 2+4@60 waits 1 for 2+4@60");
  EXPECT_EQ(said(chamber.on(Leave{2})), "waits 3 for 4@60 waits 1 for 4@60") << "the why has changed";
  EXPECT_EQ(said(chamber.on(request(4, 2, 25))), "run#3:45 waits 4 after 1+3@45");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{3, true})), "grant 3/1 grant 1/8 waits 4 for 1+3@45");
}

TEST(ChamberMachine, who_asks_for_what_is_held_joins_although_another_waits) {
  ChamberMachine chamber = held_at_25({1, 2, 3});
  (void)chamber.on(request(2, 1, 45));
  EXPECT_EQ(said(chamber.on(request(3, 1, 25))), "grant 3/1 waits 2 for 1+3@25");
}

// Two that hand one temperature to each other would keep the third out for ever.
TEST(ChamberMachine, nobody_joins_a_second_time_while_another_waits_for_its_turn) {
  ChamberMachine chamber = held_at_25({1, 2, 3});
  (void)chamber.on(request(2, 1, 45));
  (void)chamber.on(request(3, 1, 25));
  EXPECT_EQ(said(chamber.on(request(1, 8, 25))), "waits 2 for 3@25 waits 1 after 2@45");
  EXPECT_EQ(said(chamber.on(Leave{3})), "run#2:45");
}

TEST(ChamberMachine, the_present_temperature_is_granted_again_without_a_command_when_nobody_else_waits) {
  ChamberMachine chamber = held_at_25();
  EXPECT_EQ(said(chamber.on(request(1, 8, 25))), "grant 1/8");
}

TEST(ChamberMachine, a_channel_that_leaves_holds_no_longer) {
  ChamberMachine chamber = held_at_25();
  (void)chamber.on(request(2, 1, 45));
  EXPECT_EQ(said(chamber.on(Leave{1})), "run#2:45");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "grant 2/1");
}

// Current that nobody controls any more, at a temperature it was not meant for, is what lithium plates at.
TEST(ChamberMachine, a_channel_that_leaves_without_a_confirmed_off_keeps_the_chamber_where_it_is) {
  ChamberMachine chamber = held_at_25();
  (void)chamber.on(request(2, 1, 45));
  EXPECT_EQ(said(chamber.on(Leave{1, false})), "");
  EXPECT_EQ(chamber.setpoint(), Celsius{25});
  EXPECT_EQ(said(chamber.on(request(2, 2, 60))), "waits 2 for 1@25");
  EXPECT_EQ(said(chamber.on(request(2, 3, 25))), "grant 2/3") << "what is there can be had";
  EXPECT_EQ(said(chamber.on(Leave{2})), "stop");
}

TEST(ChamberMachine, a_channel_that_never_asked_keeps_the_chamber_too_when_its_off_is_not_confirmed) {
  ChamberMachine chamber = held_at_25({1, 2, 3});
  EXPECT_EQ(said(chamber.on(Leave{3, false})), "");
  EXPECT_EQ(said(chamber.on(request(1, 8, 45))), "waits 1 for 3@25");
}

TEST(ChamberMachine, a_channel_that_is_being_stopped_gets_no_turn_and_holds_until_it_has_left) {
  ChamberMachine chamber = held_at_25();
  (void)chamber.on(request(2, 1, 45));
  EXPECT_EQ(said(chamber.on(Withdraw{2})), "");
  EXPECT_EQ(said(chamber.on(Withdraw{1})), "");
  EXPECT_EQ(said(chamber.on(Leave{1})), "") << "2 wants nothing any more";
  EXPECT_EQ(said(chamber.on(Leave{2})), "stop");
}

TEST(ChamberMachine, withdrawing_what_holds_does_not_free_it) {
  ChamberMachine chamber = held_at_25();
  (void)chamber.on(request(2, 1, 45));
  EXPECT_EQ(said(chamber.on(Withdraw{1})), "");
  EXPECT_EQ(said(chamber.on(Leave{1})), "run#2:45");
}

TEST(ChamberMachine, who_changes_its_wish_stands_at_the_end_and_who_repeats_it_keeps_its_place) {
  ChamberMachine chamber = held_at_25({1, 2, 3});
  (void)chamber.on(request(2, 1, 45));
  (void)chamber.on(request(3, 1, 60));
  EXPECT_EQ(said(chamber.on(request(2, 2, 45))), "waits 2 for 1@25") << "by its new number";
  EXPECT_EQ(said(chamber.on(Leave{1})), "run#2:45 waits 3 after 2@45");
  EXPECT_EQ(said(chamber.on(request(2, 3, -10))), "run#3:60 waits 2 after 3@60");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "") << "the answer to a command that nobody waits for";
  EXPECT_EQ(said(chamber.on(RunAcknowledged{3, true})), "grant 3/1 waits 2 for 3@60");
}

TEST(ChamberMachine, a_chamber_that_takes_no_temperature_trips_all_who_wait_whatever_they_wait_for) {
  ChamberMachine chamber = held_at_25({1, 2, 3});
  (void)chamber.on(request(2, 1, 45));
  (void)chamber.on(request(3, 1, 60));
  (void)chamber.on(Leave{1});
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, false})), "trip 2 trip 3 stop");
  EXPECT_EQ(said(chamber.on(Leave{2})), "");
  EXPECT_EQ(said(chamber.on(Leave{3})), "");
}

TEST(ChamberMachine, that_fails_trips_holders_and_waiting_and_serves_nobody_while_they_leave) {
  ChamberMachine chamber = held_at_25({1, 2, 3});
  (void)chamber.on(request(2, 1, 45));
  EXPECT_EQ(said(chamber.on(chamber_input::Failed{})), "trip 1 trip 2 trip 3");
  EXPECT_EQ(said(chamber.on(Leave{1})), "");
  EXPECT_EQ(said(chamber.on(request(2, 2, 45))), "trip 2");
  EXPECT_EQ(said(chamber.on(Leave{2})), "");
  EXPECT_EQ(said(chamber.on(Leave{3})), "stop");
}

TEST(ChamberMachine, that_fails_before_anybody_asked_concerns_nobody) {
  ChamberMachine chamber{{1, 2}};
  EXPECT_EQ(said(chamber.on(chamber_input::Failed{})), "");
  EXPECT_EQ(said(chamber.on(request(1, 7, 25))), "run#1:25");
}

TEST(ChamberMachine, a_thermal_trip_ends_the_waiting_of_all) {
  ChamberMachine chamber = held_at_25();
  (void)chamber.on(request(2, 1, 45));
  EXPECT_EQ(said(chamber.on(ThermalTrip{1})), "thermal_trip 2 stop ventilate");
  EXPECT_EQ(said(chamber.on(Leave{1})), "");
  EXPECT_EQ(said(chamber.on(Leave{2})), "") << "it is stopped already";
}

// ---- after an interruption

// Its step stands in the middle: the chamber must not go elsewhere before it is over.
TEST(ChamberMachine, who_held_a_temperature_before_an_interruption_comes_before_who_only_waited) {
  ChamberMachine chamber{{1, 2, 3}};
  chamber.restore(2, Celsius{25});
  EXPECT_EQ(said(chamber.on(request(1, 4, 45))), "waits 1 after 2@25");
  EXPECT_EQ(said(chamber.on(request(2, 9, 25))), "run#1:25");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{1, true})), "grant 2/9 waits 1 for 2@25");
  EXPECT_EQ(said(chamber.on(Leave{2})), "run#2:45");
}

TEST(ChamberMachine, who_held_and_now_asks_for_another_temperature_has_no_claim) {
  ChamberMachine chamber{{1, 2}};
  chamber.restore(2, Celsius{25});
  (void)chamber.on(request(1, 4, 45));
  EXPECT_EQ(said(chamber.on(request(2, 9, 60))), "run#1:45 waits 2 after 1@45");
}

TEST(ChamberMachine, who_held_and_does_not_go_on_is_not_waited_for) {
  ChamberMachine chamber{{1, 2}};
  chamber.restore(2, Celsius{25});
  (void)chamber.on(request(1, 4, 45));
  EXPECT_EQ(said(chamber.on(Leave{2})), "run#1:45");
}

// Runs that were interrupted at different times may have held different temperatures.
TEST(ChamberMachine, two_claims_to_different_temperatures_are_served_one_after_the_other) {
  ChamberMachine chamber{{1, 2}};
  chamber.restore(1, Celsius{25});
  chamber.restore(2, Celsius{45});
  EXPECT_EQ(said(chamber.on(request(1, 1, 25))), "waits 1 after 2@45");
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "run#1:25 waits 2 after 1@25");
}

// Its cell may still carry current: nobody heats or cools it, not even when the chamber had no temperature yet.
TEST(ChamberMachine, does_not_move_over_a_channel_that_left_without_a_confirmed_off) {
  ChamberMachine fresh{{1, 2}};
  EXPECT_EQ(said(fresh.on(Leave{2, false})), "");
  EXPECT_EQ(said(fresh.on(Request{1, 7, Celsius{45}})).find("run"), std::string::npos);
  ChamberMachine warm{{1, 2}};
  (void)warm.on(Request{1, 1, Celsius{25}});
  (void)warm.on(RunAcknowledged{1, true});
  (void)warm.on(Leave{2, false});
  EXPECT_EQ(said(warm.on(Request{1, 2, Celsius{45}})).find("run"), std::string::npos);
  EXPECT_EQ(warm.setpoint(), Celsius{25});
  EXPECT_NE(said(warm.on(Request{1, 3, Celsius{25}})).find("grant 1/3"), std::string::npos) << "where it is it may stay";
}

// ---- channels that come and go --------------------------------------------------------------------------------------

TEST(ChamberMachine, a_channel_that_comes_later_waits_like_any_other_and_comes_again) {
  ChamberMachine chamber{{1}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "") << "it does not live here";
  EXPECT_EQ(said(chamber.on(chamber_input::Join{2, {}})), "");
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "waits 2 for 1@25");
  EXPECT_EQ(said(chamber.on(Leave{1})), "run#2:45");
  EXPECT_EQ(said(chamber.on(RunAcknowledged{2, true})), "grant 2/1");
  EXPECT_EQ(said(chamber.on(Leave{2})), "stop");
  EXPECT_EQ(said(chamber.on(chamber_input::Join{1, {}})), "");
  EXPECT_EQ(said(chamber.on(request(1, 1, 25))), "run#3:25");
}

TEST(ChamberMachine, one_that_goes_on_after_an_interruption_keeps_a_newcomer_waiting) {
  ChamberMachine chamber{{}};
  (void)chamber.on(chamber_input::Join{1, Celsius{25}});
  (void)chamber.on(chamber_input::Join{2, {}});
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "waits 2 after 1@25");
  EXPECT_EQ(said(chamber.on(request(1, 1, 25))), "run#1:25");
}

TEST(ChamberMachine, an_output_that_is_confirmed_off_late_keeps_the_chamber_no_longer) {
  ChamberMachine chamber = held_at_25({1, 2});
  (void)chamber.on(Leave{1, false});
  EXPECT_EQ(said(chamber.on(request(2, 9, 45))), "waits 2 for 1@25");
  EXPECT_EQ(said(chamber.on(chamber_input::Output{1, true})), "run#2:45");
}

// What it left behind flows until somebody has confirmed that it does not, whoever comes and goes meanwhile.
TEST(ChamberMachine, an_output_that_may_be_on_keeps_the_chamber_when_its_channel_comes_again_and_when_all_have_left) {
  ChamberMachine chamber = held_at_25({1, 2});
  (void)chamber.on(Leave{1, false});
  EXPECT_EQ(said(chamber.on(request(2, 9, 45))), "waits 2 for 1@25");
  EXPECT_EQ(said(chamber.on(chamber_input::Join{1, {}})), "") << "it is not off yet";
  EXPECT_EQ(said(chamber.on(Leave{1, false})), "");
  EXPECT_EQ(said(chamber.on(Leave{2})), "stop");
  (void)chamber.on(chamber_input::Join{2, {}});
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))).find("run"), std::string::npos);
  (void)chamber.on(chamber_input::Join{1, {}});
  EXPECT_EQ(said(chamber.on(chamber_input::Output{1, true})), "run#2:45");
}

TEST(ChamberMachine, an_idle_output_that_is_not_known_to_be_off_any_more_keeps_the_chamber) {
  ChamberMachine chamber = held_at_25({1});
  EXPECT_EQ(said(chamber.on(chamber_input::Output{3, false})), "");
  EXPECT_EQ(said(chamber.on(chamber_input::Output{3, false})), "") << "once is enough";
  EXPECT_EQ(said(chamber.on(request(1, 9, 45))), "waits 1 for 3@25");
  EXPECT_EQ(said(chamber.on(chamber_input::Output{3, true})), "run#2:45");
}

TEST(ChamberMachine, that_a_person_stops_serves_nobody_until_all_have_left) {
  ChamberMachine chamber = held_at_25({1, 2});
  EXPECT_EQ(said(chamber.on(chamber_input::Halt{})), "stop");
  EXPECT_EQ(said(chamber.on(request(2, 9, 45))), "trip 2");
  (void)chamber.on(Leave{1});
  EXPECT_EQ(said(chamber.on(Leave{2})), "") << "it stands already";
  (void)chamber.on(chamber_input::Join{2, {}});
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "run#2:45");
}

TEST(ChamberMachine, a_command_is_no_longer_wanted_after_a_stop_a_trip_or_a_newer_one) {
  ChamberMachine stopped{{1}};
  (void)stopped.on(request(1, 7, 25));
  EXPECT_TRUE(stopped.commands(1));
  EXPECT_FALSE(stopped.commands(2));
  (void)stopped.on(chamber_input::Halt{});
  EXPECT_FALSE(stopped.commands(1));
  ChamberMachine hot{{1}};
  (void)hot.on(request(1, 7, 25));
  (void)hot.on(ThermalTrip{1});
  EXPECT_FALSE(hot.commands(1));
}

TEST(ChamberMachine, a_thermal_trip_is_forgotten_by_a_persons_word_and_not_while_somebody_lives_in_it) {
  ChamberMachine chamber = held_at_25({1, 2});
  (void)chamber.on(ThermalTrip{1});
  EXPECT_FALSE(chamber.clear_trip());
  (void)chamber.on(Leave{1});
  (void)chamber.on(Leave{2});
  (void)chamber.on(chamber_input::Join{2, {}});
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "thermal_trip 2") << "nobody has looked";
  (void)chamber.on(Leave{2});
  EXPECT_TRUE(chamber.clear_trip());
  (void)chamber.on(chamber_input::Join{2, {}});
  EXPECT_EQ(said(chamber.on(request(2, 2, 45))), "run#2:45");
}

}  // namespace
}  // namespace cellrig
