// Whose turn it is in a shared chamber after an interruption: who waited longest before it.
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "controller/engine/chamber_machine.hpp"
#include "controller/engine/resume_point.hpp"
#include "tests/unit/engine/channel_driver.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;
using chamber_input::Leave;
using chamber_input::Request;
using chamber_input::RunAcknowledged;

/// Where the chamber is sent, if it is.
std::optional<Celsius> goes_to(const std::vector<ChamberOutput>& outputs) {
  for (const ChamberOutput& o : outputs) {
    if (const auto* const run = std::get_if<chamber_output::Run>(&o)) return run->temperature;
  }
  return std::nullopt;
}

constexpr double next_clock = 50'000.0;  ///< another process has another clock

std::unique_ptr<Driver> gone_on(const Driver& dead, const Program& program) {
  auto next = std::make_unique<Driver>(program);
  next->now = at(next_clock);
  const ResumePoint kept = shifted(ResumePoint{dead.machine.state(), {}}, -dead.now.time_since_epoch());
  next->machine.restore(shifted(kept, next->now.time_since_epoch()).channel);
  next->send(input::GoOn{InterruptionRule::resume});
  return next;
}

TEST(ChamberOrder, who_only_waited_before_an_interruption_keeps_the_order_in_which_they_had_asked) {
  const auto since = [](std::uint32_t channel, double temperature_degC, int seconds) {
    return Request{channel, 1, Celsius{temperature_degC}, TimePoint{std::chrono::seconds{seconds}}};
  };
  ChamberMachine chamber{{1, 2, 3, 4}};
  chamber.restore(4, Celsius{25});
  (void)chamber.on(since(1, 45, 300));  // they come back by their names
  (void)chamber.on(since(2, 10, 100));
  (void)chamber.on(since(3, 60, 200));
  (void)chamber.on(since(4, 25, 50));
  (void)chamber.on(RunAcknowledged{1, true});
  EXPECT_EQ(goes_to(chamber.on(Leave{4})), Celsius{10});
  (void)chamber.on(RunAcknowledged{2, true});
  EXPECT_EQ(goes_to(chamber.on(Leave{2})), Celsius{60});
  (void)chamber.on(RunAcknowledged{3, true});
  EXPECT_EQ(goes_to(chamber.on(Leave{3})), Celsius{45});
}

// Whose turn it is in a shared chamber goes by how long they have waited: a crash is no reason to begin anew.
TEST(ChamberOrder, who_waited_for_the_chamber_waits_since_it_asked) {
  const Program program =
      ProgramBuilder{}.add(soak(45), {when(ConditionQuantity::step_time_s, Comparison::at_least, 600)}).build();
  Driver dead{program};
  dead.start();
  dead.acknowledge();
  dead.now += 300s;
  const auto next = gone_on(dead, program);
  EXPECT_EQ(next->logged<output::RequestChamber>().at(0).since, at(next_clock) - 300s);
  const auto again = gone_on(*next, program);
  EXPECT_EQ(again->logged<output::RequestChamber>().at(0).since, at(next_clock) - 300s) << "also after a second crash";
  dead.grant();
  dead.acknowledge();
  const auto held = gone_on(dead, program);
  EXPECT_EQ(held->logged<output::RequestChamber>().at(0).since, at(next_clock)) << "it had got what it waited for";
}

}  // namespace
}  // namespace cellrig
