// Stop paths are the product: pause, resume, skip, stop, trip and failing commands in every phase.
#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <vector>

#include "tests/unit/engine/channel_driver.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr std::array<Phase, 9> phases{Phase::idle,   Phase::awaiting_chamber, Phase::applying, Phase::running, Phase::pausing,
                                      Phase::paused, Phase::stopping,         Phase::tripped,  Phase::finished};
constexpr std::array<Phase, 5> open_phases{Phase::awaiting_chamber, Phase::applying, Phase::running, Phase::pausing,
                                           Phase::paused};

std::string_view name(Phase phase) {
  constexpr std::array<std::string_view, 9> names{"idle",   "awaiting_chamber", "applying", "running", "pausing",
                                                  "paused", "stopping",         "tripped",  "finished"};
  return names[static_cast<std::size_t>(phase)];
}

/// Two charges at the same chamber temperature, then a rest.
Program two_charges() {
  Step first = cc(2.0), second = cc(1.0);
  first.chamber_temperature = Celsius{25.0};
  second.chamber_temperature = Celsius{25.0};
  return ProgramBuilder{}.add(first, {step_time_at_least(100)}).add(second, {step_time_at_least(100)}).add(rest(60s)).build();
}

/// A machine in the first step of two_charges(), in the given phase.
void bring_to(Driver& d, Phase phase) {
  if (phase == Phase::idle) return;
  d.start();
  if (phase == Phase::awaiting_chamber) return;
  d.acknowledge();
  d.grant();
  if (phase == Phase::applying) return;
  d.acknowledge();
  d.observe_after(1, {.current_A = 2});
  switch (phase) {
    case Phase::pausing: d.send(input::Pause{}); break;
    case Phase::paused:
      d.send(input::Pause{});
      d.acknowledge();
      break;
    case Phase::stopping: d.send(input::Stop{}); break;
    case Phase::tripped: d.send(input::Trip{}); break;
    case Phase::finished:
      d.send(input::Stop{});
      d.acknowledge();
      break;
    case Phase::idle:
    case Phase::awaiting_chamber:
    case Phase::applying:
    case Phase::running: break;
  }
}

struct InPhase : Driver {
  explicit InPhase(Phase phase) : Driver{two_charges()} {
    bring_to(*this, phase);
    EXPECT_EQ(this->phase(), phase);
    log.clear();
  }
};

/// Everything that could wake a machine up again.
void poke(Driver& d) {
  const std::vector<ChannelInput> inputs{input::Start{}, input::Resume{}, input::Skip{}, input::Pause{}, input::Resume{}};
  for (const ChannelInput& in : inputs) {
    d.send(in);
    d.acknowledge();
    d.grant();
    d.observe_after(200, {.current_A = 2});
    for (std::uint32_t command = 0; command <= d.last_command + 1; ++command) d.send(input::Acknowledged{command, true});
  }
}

// ---- trip ---------------------------------------------------------------------------------------------------------------

TEST(ChannelTrip, turns_the_output_off_before_everything_else_in_every_phase_of_a_run) {
  for (const Phase phase : phases) {
    if (phase == Phase::tripped || phase == Phase::finished) continue;
    InPhase d{phase};
    const ChannelOutputs outputs = d.send(input::Trip{});
    ASSERT_GE(outputs.size(), 1u) << name(phase);
    EXPECT_EQ(kind_of(*outputs.begin()), "off") << name(phase);
    EXPECT_EQ(d.phase(), Phase::tripped) << name(phase);
    EXPECT_FALSE(d.machine.output_wanted());
    EXPECT_EQ(d.machine.wakeup(d.now), TimePoint::max());
  }
}

TEST(ChannelTrip, ends_an_open_step_as_tripped_and_no_other) {
  for (const Phase phase : phases) {
    if (phase == Phase::tripped || phase == Phase::finished) continue;
    InPhase d{phase};
    const auto ended = all<output::StepEnded>(d.send(input::Trip{}));
    const bool was_open = phase != Phase::idle && phase != Phase::stopping;
    ASSERT_EQ(ended.size(), was_open ? 1u : 0u) << name(phase);
    if (was_open) {
      EXPECT_EQ(ended[0].reason, StepEndReason::tripped);
    }
  }
}

TEST(ChannelTrip, nothing_energises_a_tripped_channel) {
  for (const Phase phase : phases) {
    InPhase d{phase};
    d.send(input::Trip{});
    poke(d);
    EXPECT_TRUE(d.logged<output::Apply>().empty()) << name(phase);
    d.send(input::Stop{});
    poke(d);
    EXPECT_TRUE(d.logged<output::Apply>().empty()) << name(phase);
  }
}

TEST(ChannelTrip, only_a_stop_leads_out_and_the_first_cause_stays) {
  InPhase d{Phase::tripped};
  poke(d);
  EXPECT_EQ(d.phase(), Phase::tripped);
  EXPECT_EQ(d.send(input::Trip{Outcome::instrument_failure}).size(), 0u) << "latched";
  EXPECT_EQ(kinds(d.send(input::Stop{Outcome::stopped})), "off");
  EXPECT_EQ(kinds(d.acknowledge()), "finished");
  EXPECT_EQ(d.logged<output::Finished>().at(0).outcome, Outcome::tripped);
}

TEST(ChannelTrip, carries_the_outcome_the_supervisor_gave_it) {
  InPhase d{Phase::running};
  d.send(input::Trip{Outcome::instrument_failure});
  d.send(input::Stop{});
  d.acknowledge();
  EXPECT_EQ(d.logged<output::Finished>().at(0).outcome, Outcome::instrument_failure);
}

TEST(ChannelTrip, during_a_stop_is_a_trip) {
  InPhase d{Phase::stopping};
  const std::uint32_t earlier_off = d.last_command;
  d.send(input::Trip{});
  EXPECT_EQ(d.send(input::Acknowledged{earlier_off, true}).size(), 0u);
  d.send(input::Stop{});
  d.acknowledge();
  EXPECT_EQ(d.logged<output::Finished>().at(0).outcome, Outcome::tripped);
}

// ---- stop ---------------------------------------------------------------------------------------------------------------

TEST(ChannelStop, turns_the_output_off_and_finishes_once_from_every_phase) {
  for (const Phase phase : phases) {
    InPhase d{phase};
    const ChannelOutputs outputs = d.send(input::Stop{});
    const bool open = phase != Phase::idle && phase < Phase::stopping;
    const bool nothing_left = phase == Phase::stopping || phase == Phase::finished;
    EXPECT_EQ(kinds(outputs), nothing_left ? "" : open ? "ended off" : "off") << name(phase);
    if (open) {
      EXPECT_EQ(all<output::StepEnded>(outputs)[0].reason, StepEndReason::stopped);
    }
    d.acknowledge();
    poke(d);
    const auto finished = d.logged<output::Finished>();
    ASSERT_EQ(finished.size(), phase == Phase::finished ? 0u : 1u) << name(phase);
    if (!finished.empty()) {
      EXPECT_EQ(finished[0].outcome, phase == Phase::tripped ? Outcome::tripped : Outcome::stopped) << name(phase);
    }
    EXPECT_EQ(d.phase(), Phase::finished);
    EXPECT_TRUE(d.logged<output::Apply>().empty()) << name(phase);
  }
}

TEST(ChannelStop, is_not_over_before_the_off_itself_is_acknowledged) {
  InPhase d{Phase::applying};
  const std::uint32_t apply = d.last_command;
  d.send(input::Stop{});
  EXPECT_EQ(d.send(input::Acknowledged{apply, true}).size(), 0u) << "the set-point's answer comes after the stop";
  EXPECT_EQ(d.phase(), Phase::stopping);
  EXPECT_EQ(kinds(d.acknowledge()), "finished");
}

TEST(ChannelStop, an_off_that_fails_is_an_instrument_failure) {
  InPhase d{Phase::stopping};
  const auto finished = all<output::Finished>(d.acknowledge(false));
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].outcome, Outcome::instrument_failure);
}

TEST(ChannelStop, carries_its_outcome) {
  InPhase d{Phase::running};
  d.send(input::Stop{Outcome::record_failure});
  EXPECT_EQ(all<output::Finished>(d.acknowledge())[0].outcome, Outcome::record_failure);
}

// ---- pause and resume -----------------------------------------------------------------------------------------------------

TEST(ChannelPause, means_output_off_never_hold_at_current) {
  for (const Phase phase : {Phase::running, Phase::applying}) {
    InPhase d{phase};
    EXPECT_EQ(kinds(d.send(input::Pause{})), "off") << name(phase);
    EXPECT_FALSE(d.machine.output_wanted());
    EXPECT_EQ(d.phase(), Phase::pausing);
    EXPECT_EQ(d.acknowledge().size(), 0u);
    EXPECT_EQ(d.phase(), Phase::paused);
    const ChannelOutputs seen = d.observe_after(1000, {});
    EXPECT_EQ(kinds(seen), "record") << "nothing is judged while paused";
    const output::Record* const row = std::get_if<output::Record>(seen.begin());
    EXPECT_TRUE(row != nullptr && row->is_waiting && row->after_gap && !row->first_of_step);
    EXPECT_EQ(d.machine.wakeup(d.now), TimePoint::max());
  }
}

TEST(ChannelPause, does_nothing_where_no_step_runs_or_it_is_paused_already) {
  for (const Phase phase : {Phase::idle, Phase::pausing, Phase::paused, Phase::stopping, Phase::tripped, Phase::finished}) {
    InPhase d{phase};
    EXPECT_EQ(d.send(input::Pause{}).size(), 0u) << name(phase);
    EXPECT_EQ(d.phase(), phase);
  }
}

// A person who pauses while the chamber is still on its way walks to the bench: the grant must not put current on the leads.
TEST(ChannelPause, while_waiting_for_the_chamber_keeps_the_output_off_when_the_chamber_is_granted) {
  InPhase d{Phase::awaiting_chamber};
  d.send(input::Pause{});
  d.acknowledge();
  d.grant();
  d.acknowledge();
  EXPECT_TRUE(d.logged<output::Apply>().empty());
  EXPECT_FALSE(d.machine.output_wanted());
  d.send(input::Resume{});
  d.grant();
  EXPECT_EQ(d.logged<output::Apply>().size(), 1u) << "and a resume goes on";
}

// Phase::paused says "output off": a person touches the leads.
TEST(ChannelPause, an_off_that_fails_is_not_called_paused) {
  InPhase d{Phase::pausing};
  d.acknowledge(false);
  EXPECT_NE(d.phase(), Phase::paused);
  d.acknowledge(false);
  const auto finished = d.logged<output::Finished>();
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].outcome, Outcome::instrument_failure);
}

TEST(ChannelPause, a_late_answer_to_the_set_point_does_not_end_it) {
  InPhase d{Phase::applying};
  const std::uint32_t apply = d.last_command;
  d.send(input::Pause{});
  d.send(input::Acknowledged{apply, true});
  EXPECT_EQ(d.phase(), Phase::pausing);
  d.send(input::Acknowledged{apply, false});
  EXPECT_EQ(d.phase(), Phase::pausing);
}

TEST(ChannelResume, applies_the_same_set_point_again_and_the_clock_goes_on) {
  InPhase d{Phase::paused};  // the step ran for 1 s
  d.now += 1h;
  const auto applied = all<output::Apply>(d.send(input::Resume{}));
  ASSERT_EQ(applied.size(), 1u);
  EXPECT_EQ(std::get<ConstantCurrent>(applied[0].setpoint).current, 2.0_A);
  EXPECT_TRUE(d.logged<output::StepStarted>().empty()) << "it is the same execution of the step";
  d.now += 2s;
  d.acknowledge();
  EXPECT_EQ(d.machine.wakeup(d.now), d.now + 99s);
  EXPECT_EQ(kinds(d.observe_after(98, {.current_A = 2})), "record");
  EXPECT_EQ(kinds(d.observe_after(1, {.current_A = 2})), "record ended started apply");
}

TEST(ChannelResume, a_pause_is_a_gap_in_the_charge) {
  InPhase d{Phase::running};
  d.observe_after(1, {.current_A = 3.6});
  const double before = d.machine.state().step.moved.charge.value();
  d.send(input::Pause{});
  d.acknowledge();
  d.now += 1s;
  d.send(input::Resume{});
  d.acknowledge();
  const auto rows = all<output::Record>(d.observe({.current_A = 3.6}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].after_gap);
  EXPECT_FALSE(rows[0].first_of_step);
  EXPECT_EQ(d.machine.state().step.moved.charge.value(), before);
  d.observe_after(1, {.current_A = 3.6});
  EXPECT_NEAR(d.machine.state().step.moved.charge.value(), before + 0.001, 1e-12);
}

TEST(ChannelResume, a_duration_that_was_running_begins_anew) {
  Driver d{ProgramBuilder{}.add(cccv_charge(2.0), {current_at_most(0.25, 10s)}).build()};
  d.run();
  d.observe({.current_A = 0.2});
  d.observe_after(9, {.current_A = 0.2});
  d.send(input::Pause{});
  d.acknowledge();
  d.now += 100s;
  d.send(input::Resume{});
  d.acknowledge();
  EXPECT_EQ(kinds(d.observe({.current_A = 0.2})), "record");
  EXPECT_EQ(kinds(d.observe_after(9, {.current_A = 0.2})), "record");
  EXPECT_EQ(kinds(d.observe_after(1, {.current_A = 0.2})), "record ended off");
}

TEST(ChannelResume, does_nothing_unless_paused) {
  for (const Phase phase : phases) {
    if (phase == Phase::paused) continue;
    InPhase d{phase};
    EXPECT_EQ(d.send(input::Resume{}).size(), 0u) << name(phase);
    EXPECT_EQ(d.phase(), phase);
  }
}

TEST(ChannelResume, a_rest_is_paused_and_resumed_without_ever_energising) {
  Driver d{ProgramBuilder{}.add(rest(60s)).build()};
  d.run();
  d.now += 30s;
  d.send(input::Pause{});
  d.acknowledge();
  d.now += 1h;
  EXPECT_EQ(kinds(d.send(input::Resume{})), "off");
  d.acknowledge();
  EXPECT_EQ(d.machine.wakeup(d.now), d.now + 30s);
}

// ---- skip -----------------------------------------------------------------------------------------------------------------

TEST(ChannelSkip, ends_the_open_step_as_skipped_and_starts_the_next) {
  for (const Phase phase : open_phases) {
    InPhase d{phase};
    const ChannelOutputs outputs = d.send(input::Skip{});
    const auto ended = all<output::StepEnded>(outputs);
    ASSERT_EQ(ended.size(), 1u) << name(phase);
    EXPECT_EQ(ended[0].reason, StepEndReason::skipped);
    EXPECT_FALSE(ended[0].has_end);
    const auto started = all<output::StepStarted>(outputs);
    ASSERT_EQ(started.size(), 1u) << name(phase);
    EXPECT_EQ(started[0].instruction, 1u);
  }
}

TEST(ChannelSkip, does_nothing_where_no_step_is_open) {
  for (const Phase phase : {Phase::idle, Phase::stopping, Phase::tripped, Phase::finished}) {
    InPhase d{phase};
    EXPECT_EQ(d.send(input::Skip{}).size(), 0u) << name(phase);
    EXPECT_EQ(d.phase(), phase);
  }
}

TEST(ChannelSkip, of_the_last_step_completes_the_run) {
  Driver d{ProgramBuilder{}.add(rest(60s)).build()};
  d.run();
  EXPECT_EQ(kinds(d.send(input::Skip{})), "ended off");
  EXPECT_EQ(all<output::Finished>(d.acknowledge()).at(0).outcome, Outcome::completed);
}

// The chamber is still where it was: the next step asked for the same temperature, and nobody has granted it.
TEST(ChannelSkip, of_a_step_that_waits_for_the_chamber_does_not_skip_the_wait_of_the_next) {
  InPhase d{Phase::awaiting_chamber};
  d.send(input::Skip{});
  EXPECT_TRUE(d.logged<output::Apply>().empty());
  d.acknowledge();
  d.grant();
  EXPECT_EQ(d.logged<output::Apply>().size(), 1u);
}

// ---- acknowledgements -------------------------------------------------------------------------------------------------------

TEST(ChannelAcknowledge, a_number_nobody_sent_and_an_earlier_one_change_nothing) {
  for (const Phase phase : phases) {
    InPhase d{phase};
    for (const bool succeeded : {true, false}) {
      EXPECT_EQ(d.send(input::Acknowledged{d.last_command + 1, succeeded}).size(), 0u) << name(phase);
      EXPECT_EQ(d.send(input::Acknowledged{d.last_command + 1000, succeeded}).size(), 0u) << name(phase);
      if (d.last_command > 0) {
        EXPECT_EQ(d.send(input::Acknowledged{d.last_command - 1, succeeded}).size(), 0u) << name(phase);
      }
      EXPECT_EQ(d.phase(), phase);
    }
  }
}

TEST(ChannelAcknowledge, a_second_answer_to_one_command_changes_nothing) {
  InPhase d{Phase::running};
  const TimePoint started = d.machine.state().step.started;
  d.now += 10s;
  EXPECT_EQ(d.acknowledge().size(), 0u);
  EXPECT_EQ(d.machine.state().step.started, started);
}

TEST(ChannelAcknowledge, a_set_point_that_was_not_taken_turns_the_output_off_and_fails_the_run) {
  InPhase d{Phase::applying};
  const ChannelOutputs outputs = d.acknowledge(false);
  EXPECT_EQ(kinds(outputs), "ended off");
  EXPECT_EQ(all<output::StepEnded>(outputs)[0].reason, StepEndReason::command_failed);
  EXPECT_EQ(all<output::Finished>(d.acknowledge())[0].outcome, Outcome::instrument_failure);
}

TEST(ChannelAcknowledge, an_off_that_was_not_taken_at_the_start_of_a_rest_fails_the_run) {
  Driver d{ProgramBuilder{}.add(rest(60s)).build()};
  d.start();
  EXPECT_EQ(kinds(d.acknowledge(false)), "ended off");
  EXPECT_EQ(all<output::Finished>(d.acknowledge())[0].outcome, Outcome::instrument_failure);
}

// "No current while the temperature is being changed": an OFF that was refused means there is one.
TEST(ChannelAcknowledge, an_off_that_was_not_taken_while_waiting_for_the_chamber_fails_the_run) {
  InPhase d{Phase::awaiting_chamber};
  d.acknowledge(false);
  EXPECT_EQ(d.phase(), Phase::stopping);
  d.acknowledge();
  ASSERT_EQ(d.logged<output::Finished>().size(), 1u);
  EXPECT_EQ(d.logged<output::Finished>()[0].outcome, Outcome::instrument_failure);
}

TEST(ChannelFlow, a_soak_that_never_arrives_does_not_start_the_next_step_anyway) {
  Step hot = soak(45);
  hot.time_max = 100s;
  Driver d{ProgramBuilder{}
               .add(hot, {when(ConditionQuantity::cell_temperature_degC, Comparison::at_least, 44)})
               .add(cc(2.0), {})
               .build()};
  d.start();
  d.acknowledge();
  d.grant();
  d.acknowledge();
  EXPECT_EQ(kinds(d.observe_after(100, {.cell_degC = 30})), "record ended off");
  d.acknowledge();
  EXPECT_TRUE(d.logged<output::Apply>().empty());
  EXPECT_NE(d.logged<output::Finished>().at(0).outcome, Outcome::completed);
}

TEST(ChannelOutputsList, a_list_that_is_used_again_holds_only_the_outputs_of_the_last_input) {
  const Program program = two_charges();
  ChannelMachine machine{program, {}};
  ChannelOutputs outputs;
  machine.on(input::Start{}, at(1), outputs);
  EXPECT_EQ(kinds(outputs), "started off chamber");
  machine.on(input::Trip{}, at(2), outputs);
  EXPECT_EQ(kinds(outputs), "off ended");
  machine.on(input::Trip{}, at(3), outputs);
  EXPECT_EQ(kinds(outputs), "");
}

}  // namespace
}  // namespace cellrig
