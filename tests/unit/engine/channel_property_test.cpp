// What must hold for every program and every order of inputs, found by random programs and random inputs. A failure prints its seed.
#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <string>

#include "tests/unit/engine/channel_driver.hpp"
#include "tests/unit/engine/dice.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr int inputs_total = 1'000'000;
constexpr int inputs_per_run_max = 600;

// ---- random programs ------------------------------------------------------------------------------------------------------

Tree random_tree(Dice& dice, int depth, int& leaves) {
  if (depth == 0 || leaves >= 6 || dice.chance(0.6)) {
    ++leaves;
    const auto quantity = static_cast<ConditionQuantity>(dice.integer(0, 8));
    const double value = quantity == ConditionQuantity::voltage_V ? dice.real(2.5, 4.3) : dice.real(0.0, 40.0);
    return when(quantity, static_cast<Comparison>(dice.integer(0, 3)), value,
                dice.chance(0.3) ? from_seconds(dice.real(0, 10)) : 0ns);
  }
  std::vector<Tree> children;
  for (int n = dice.integer(1, 3); n > 0; --n) children.push_back(random_tree(dice, depth - 1, leaves));
  return dice.chance(0.5) ? all_of(std::move(children)) : any_of(std::move(children));
}

/// Up to four currents, some of them none; the last one may be any.
Step random_course(Dice& dice) {
  std::vector<double> currents{dice.chance(0.5) ? 1.0 : -1.0};
  for (int n = dice.integer(0, 3); n > 0; --n) currents.push_back(dice.chance(0.3) ? 0.0 : dice.real(-3, 3));
  Step step = course(currents);
  step.time_max *= dice.integer(1, 3);
  return step;
}

Step random_step(Dice& dice) {
  if (dice.chance(0.15)) return random_course(dice);
  if (dice.chance(0.05)) return person();
  Step step = dice.chance(0.4)   ? cc(dice.chance(0.5) ? 2.0 : -2.0)
              : dice.chance(0.4) ? cccv_charge(3.0)
              : dice.chance(0.7) ? rest(60s)
                                 : soak(45);
  step.chamber_temperature.reset();
  if (step.kind == StepKind::soak || dice.chance(0.2)) step.chamber_temperature = Celsius{10.0 * dice.integer(0, 2)};
  step.time_max = from_seconds(dice.real(1, 200));
  step.time_max_is_normal = dice.chance(0.8);
  step.record_interval = from_seconds(dice.integer(0, 3) * 2.5);
  step.measure = static_cast<Measure>(dice.integer(0, 3));
  if (dice.chance(0.2)) step.sets_soc_pct = dice.real(0, 100);
  return step;
}

using Op = Formula::Operation;

/// The program has one variable, which starts at 1 and may lie between 0 and 20.
void add_timeless(ProgramBuilder& builder, Dice& dice, bool in_cycle) {
  if (dice.chance(0.3)) {
    builder.leave_if(ResultQuantity::cycle_count, Comparison::at_least, dice.integer(0, 4));
  } else if (dice.chance(0.3)) {
    builder.add(Mark{"mark"});
  } else if (in_cycle && dice.chance(0.4)) {
    builder.add(AdvanceCycle{});
  } else {
    const double factor = dice.chance(0.1) ? nan : dice.real(0.5, 1.6);
    const std::uint16_t product = builder.formula(
        {{.kind = Op::Kind::variable}, {.kind = Op::Kind::number, .number = factor}, {.kind = Op::Kind::multiply}});
    builder.add(SetVariable{.variable = 0, .formula = product});
    Step late = cc(dice.chance(0.5) ? 1.0 : -1.0);
    late.magnitude = Magnitude{builder.formula({{.kind = Op::Kind::variable}}), 10.0};
    late.time_max = 30s;
    late.time_max_is_normal = true;
    builder.add(std::move(late), {});
  }
}

void grow(ProgramBuilder& builder, Dice& dice, int depth, bool in_cycle) {
  for (int item = dice.integer(1, 4); item > 0; --item) {
    const auto quantity = static_cast<ResultQuantity>(dice.integer(0, 6));
    const auto comparison = static_cast<Comparison>(dice.integer(0, 3));
    if (depth > 0 && dice.chance(0.05)) {
      builder.diagnostics(Diagnostics{.slot = static_cast<std::uint8_t>(dice.integer(0, 3)),
                                      .every_cycles = static_cast<std::uint64_t>(dice.integer(0, 2)),
                                      .fade_pct = dice.chance(0.3) ? 5.0 : 0.0,
                                      .after_alarm = dice.chance(0.3)});
      grow(builder, dice, depth - 1, in_cycle);
      builder.end_diagnostics();
    } else if (dice.chance(0.08)) {
      add_timeless(builder, dice, in_cycle);
    } else if (depth > 0 && dice.chance(0.35)) {
      const bool counts = !in_cycle && dice.chance(0.5);
      builder.loop(static_cast<std::uint64_t>(dice.integer(0, 4)), counts, counts && dice.chance(0.3));
      grow(builder, dice, depth - 1, in_cycle || counts);
      builder.end();
    } else if (dice.chance(0.1)) {
      builder.require(quantity, comparison, dice.real(0, 100));
    } else if (dice.chance(0.05)) {
      builder.stop_if(quantity, comparison, dice.real(0, 100));
    } else {
      int leaves = 0;
      std::vector<Tree> ends;
      for (int n = dice.integer(0, 2); n > 0; --n) ends.push_back(random_tree(dice, 2, leaves));
      builder.add(random_step(dice), ends);
      for (EndCondition& end : std::get<Step>(builder.edit().code.back()).ends) {
        if (dice.chance(0.1)) end.target = dice.chance(0.5) ? EndCondition::Target::end_run : EndCondition::Target::failure;
      }
    }
  }
}

Program random_program(Dice& dice) {
  ProgramBuilder builder;
  builder.variable(1.0, 0.0, 20.0);
  grow(builder, dice, 3, false);
  return builder.build();
}

// ---- random inputs ----------------------------------------------------------------------------------------------------------

Reading random_reading(Dice& dice, TimePoint now, double low, double high) {
  Reading reading{dice.real(low, high), now - from_seconds(dice.chance(0.1) ? dice.real(0, 5) : 0.0), Quality::good};
  if (dice.chance(0.02)) reading.quality = dice.chance(0.5) ? Quality::bad : Quality::missing;
  if (dice.chance(0.01))
    reading.value = dice.chance(0.5) ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  return reading;
}

Observation random_observation(Dice& dice, TimePoint now) {
  Observation o;
  o[Measurand::voltage] = random_reading(dice, now, 2.0, 4.5);
  o[Measurand::current] = random_reading(dice, now, -5.0, 5.0);
  o[Measurand::cell_temperature] = random_reading(dice, now, -10, 60);
  o[Measurand::ambient_temperature] = random_reading(dice, now, -10, 60);
  o[Measurand::chamber_temperature] = random_reading(dice, now, -10, 60);
  o.output_on = dice.chance(0.8);
  o.regulation = static_cast<Regulation>(dice.integer(0, 4));
  return o;
}

ChannelInput random_input(Dice& dice, const ChannelMachine& machine, TimePoint now) {
  const int kind = dice.integer(0, 999);
  const std::uint32_t command = machine.state().command;
  if (kind < 600) return input::Observed{random_observation(dice, now)};
  if (kind < 860) return input::Acknowledged{command, dice.chance(0.98)};
  if (kind < 900) return input::Acknowledged{command + static_cast<std::uint32_t>(dice.integer(-3, 3)), dice.chance(0.5)};
  if (kind < 950)
    return input::ChamberGranted{machine.state().chamber_request +
                                 static_cast<std::uint32_t>(dice.chance(0.9) ? 0 : dice.integer(-2, 2))};
  if (kind < 962) return input::Pause{};
  if (kind < 980) return input::Resume{};
  if (kind < 986) return input::Skip{};
  if (kind < 988) return input::Confirmed{};
  if (kind < 992) return input::Start{};
  if (kind < 996) return input::Stop{static_cast<Outcome>(dice.integer(2, 6))};
  return input::Trip{static_cast<Outcome>(dice.integer(4, 5))};
}

// ---- what must hold -----------------------------------------------------------------------------------------------------------

/// Sees every input with its outputs; the first thing that must not be is kept as text.
class Watcher {
 public:
  explicit Watcher(const Program& program) : program_{program} {}

  void before(const ChannelInput& in, const ChannelState& state) {
    is_trip_ = std::holds_alternative<input::Trip>(in);
    trip_counts_ = is_trip_ && state.phase != Phase::tripped && state.phase != Phase::finished;
    tripped_ = tripped_ || is_trip_;
    steps_before_ = state.step_count;
    cycle_before_ = state.cycle;
    had_finished_ = finished_ > 0;
  }

  void after(const ChannelMachine& machine, const ChannelOutputs& outputs, TimePoint now) {
    const ChannelState& state = machine.state();
    if (outputs.size() > ChannelOutputs::capacity) fail("more outputs than fit");
    if (trip_counts_ && (outputs.size() == 0 || kind_of(*outputs.begin()) != "off")) fail("a trip does not begin with OutputOff");
    if (had_finished_ && outputs.size() > 0) fail("something was said after Finished");
    started_ = 0;
    for (const ChannelOutput& o : outputs) std::visit([this](const auto& output) { saw(output); }, o);
    if (state.step_count != steps_before_ + started_) fail("the step counter does not count the steps that were started");
    if (state.cycle < cycle_before_) fail("the cycle counter went back");
    if (machine.wakeup(now) <= now) fail("a wakeup that is not in the future");
    const bool may_energise = state.phase == Phase::applying || state.phase == Phase::running;
    if (!may_energise && last_command_energises_) fail("the last command energises, and the channel does not run");
    if (machine.output_wanted() != (may_energise && last_command_energises_))
      fail("output_wanted() does not say what was commanded");
    if (state.phase == Phase::finished && finished_ != 1) fail("finished without saying so");
    if (state.loop_depth > loop_depth_max) fail("too deep");
    if (state.command != last_command_) fail("the command number moved without a command");
  }

  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] bool finished() const { return finished_ > 0; }
  [[nodiscard]] bool tripped() const { return tripped_; }

 private:
  void fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }
  void command(std::uint32_t number, bool energises) {
    if (number <= last_command_) fail("a command number was used again");
    last_command_ = number;
    last_command_energises_ = energises;
  }
  void saw(const output::StepStarted& o) {
    if (step_is_open_) fail("a step began before the one before it ended");
    if (std::get_if<Step>(&program_.code.at(o.instruction)) == nullptr) fail("StepStarted names no step");
    step_is_open_ = true;
    step_ = o.instruction;
    ++started_;
  }
  void saw(const output::StepEnded& o) {
    if (!step_is_open_ || o.instruction != step_) fail("a step ended that was not open");
    if (o.reason == StepEndReason::condition && !o.has_end) fail("a condition ended the step and is not named");
    if (o.has_end && o.end >= std::get<Step>(program_.code.at(o.instruction)).ends.size()) fail("no such end");
    step_is_open_ = false;
  }
  void saw(const output::Apply& o) {
    command(o.command, true);
    if (tripped_) fail("Apply after a trip");
    if (finished_ > 0) fail("Apply after Finished");
    if (!step_is_open_) return fail("Apply without a step");
    const Step& step = std::get<Step>(program_.code.at(step_));
    if (!step.setpoint) return fail("Apply in a step without a set-point");
    if (step.setpoint->index() != o.setpoint.index()) fail("Apply of another set-point");
    if (const ConstantCurrent* const cc = std::get_if<ConstantCurrent>(&o.setpoint)) {
      if (!(abs(cc->current) > Amps{} && abs(cc->current) <= Amps{10.0})) fail("a current that nothing bounds");
    }
  }
  void saw(const output::OutputOff& o) { command(o.command, false); }
  void saw(const output::Finished&) {
    if (++finished_ > 1) fail("Finished twice");
    if (step_is_open_) fail("Finished with an open step");
    if (last_command_energises_) fail("Finished with the output on");
  }
  void saw(const output::Record&) {
    if (!step_is_open_) fail("a row outside of a step");
  }
  void saw(const output::CycleEnded& o) {
    if (o.cycle <= cycle_ended_) fail("cycles do not end in order");
    cycle_ended_ = o.cycle;
  }
  void saw(const output::RequestChamber&) {
    if (tripped_) fail("a temperature is requested after a trip");
    if (last_command_energises_) fail("a temperature is requested while current flows");
  }
  void saw(const output::CriterionJudged&) {}
  void saw(const output::StopHeld&) {}
  void saw(const output::LoopLeft&) {}
  void saw(const output::VariableSet& o) {
    if (!(o.value >= 0.0 && o.value <= 20.0)) fail("a variable beyond its bounds");
  }
  void saw(const output::Marked&) {}
  void saw(const output::DiagnosticsBegun&) {}
  void saw(const output::Unusable&) {}

  const Program& program_;
  std::string failure_;
  std::uint64_t steps_before_ = 0, cycle_before_ = 0, started_ = 0, cycle_ended_ = 0;
  std::uint32_t step_ = 0, last_command_ = 0;
  int finished_ = 0;
  bool is_trip_ = false, trip_counts_ = false, tripped_ = false, had_finished_ = false;
  bool step_is_open_ = false, last_command_energises_ = false;
};

struct Counts {
  int inputs = 0, programs = 0, finished = 0, tripped = 0, applied = 0, phases[9] = {};
};

void run_once(std::uint64_t seed, Counts& counts) {
  Dice dice{seed};
  const Program program = random_program(dice);
  ChannelMachine machine{program, {}};
  Watcher watcher{program};
  auto outputs = std::make_unique<ChannelOutputs>();
  TimePoint now = at(1000);
  ++counts.programs;
  int after_end = 0;
  for (int n = 0; n < inputs_per_run_max && after_end < 5; ++n) {
    const ChannelInput in = n == 0 && dice.chance(0.9) ? ChannelInput{input::Start{}} : random_input(dice, machine, now);
    watcher.before(in, machine.state());
    machine.on(in, now, *outputs);
    watcher.after(machine, *outputs, now);
    ASSERT_EQ(watcher.failure(), "") << "seed " << seed << ", input " << n << ", outputs: " << kinds(*outputs);
    ++counts.inputs;
    ++counts.phases[static_cast<std::size_t>(machine.state().phase)];
    counts.applied += static_cast<int>(all<output::Apply>(*outputs).size());
    if (watcher.finished()) ++after_end;
    const TimePoint wakeup = machine.wakeup(now);
    const Duration step = from_seconds(dice.chance(0.9) ? dice.real(0, 2) : dice.real(0, 30));
    now = dice.chance(0.3) && wakeup != TimePoint::max() ? wakeup : now + step;
  }
  counts.finished += watcher.finished();
  counts.tripped += watcher.tripped();
}

TEST(ChannelProperty, random_programs_under_random_inputs_never_do_what_must_not_be) {
  Counts counts;
  for (std::uint64_t seed = 1; counts.inputs < inputs_total; ++seed) {
    run_once(seed, counts);
    if (HasFatalFailure()) return;
  }
  std::printf("%d inputs, %d programs, %d finished, %d tripped, %d set-points applied\n", counts.inputs, counts.programs,
              counts.finished, counts.tripped, counts.applied);
  // The inputs must reach what they are to test.
  EXPECT_GT(counts.finished, counts.programs / 4);
  EXPECT_GT(counts.tripped, counts.programs / 10);
  EXPECT_GT(counts.applied, counts.programs);
  for (const int visits : counts.phases) EXPECT_GT(visits, inputs_total / 1000);
}

// Same program, same inputs, same outputs: the record of a run can be made again from what went in.
TEST(ChannelProperty, the_same_inputs_give_the_same_outputs) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto said = [seed] {
      Dice dice{seed};
      const Program program = random_program(dice);
      ChannelMachine machine{program, {}};
      std::string text = kinds(machine.on(input::Start{}, at(0)));
      TimePoint now = at(0);
      for (int n = 0; n < 200; ++n) {
        now += from_seconds(dice.real(0, 2));
        text += "; " + kinds(machine.on(random_input(dice, machine, now), now));
      }
      return text;
    };
    ASSERT_EQ(said(), said()) << "seed " << seed;
  }
}

// Liveness: with an instrument that answers and a chamber that grants, every bounded program comes to an end.
TEST(ChannelProperty, every_program_ends_when_instrument_and_chamber_answer) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Dice dice{seed};
    Driver d{random_program(dice)};
    d.start();
    for (int n = 0; n < 20'000 && d.phase() != Phase::finished; ++n) {
      d.now += 50ms;
      d.acknowledge();
      d.grant();
      const TimePoint wakeup = d.machine.wakeup(d.now);
      if (d.phase() == Phase::running) d.now = std::min(wakeup, d.now + 20s);
      if (d.phase() == Phase::running) d.observe({.voltage_V = dice.real(2.5, 4.2), .current_A = dice.real(-2, 2)});
    }
    ASSERT_EQ(d.phase(), Phase::finished) << "seed " << seed;
    ASSERT_EQ(d.logged<output::Finished>().size(), 1u);
    const Outcome outcome = d.logged<output::Finished>()[0].outcome;
    ASSERT_TRUE(outcome == Outcome::completed || outcome == Outcome::failed || outcome == Outcome::instrument_failure);
  }
}

}  // namespace
}  // namespace cellrig
