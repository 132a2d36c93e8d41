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
  EXPECT_EQ(said(chamber.on(request(1, 8, 25))), "");
  EXPECT_EQ(said(chamber.on(request(2, 1, 45))), "");
  EXPECT_EQ(said(chamber.on(ThermalTrip{1})), "") << "latched";
}

TEST(ChamberMachine, a_temperature_that_was_confirmed_before_a_thermal_trip_is_not_granted_after_it) {
  ChamberMachine chamber{{1, 2}};
  (void)chamber.on(request(1, 7, 25));
  (void)chamber.on(RunAcknowledged{1, true});
  (void)chamber.on(ThermalTrip{1});
  EXPECT_EQ(said(chamber.on(request(2, 1, 25))), "");
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
  EXPECT_EQ(said(chamber.on(request(2, 4, 25))), "");
}

}  // namespace
}  // namespace cellrig
