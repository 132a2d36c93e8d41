// Drives one ChannelMachine by hand and keeps everything it said.
#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/overloaded.hpp"
#include "controller/engine/channel_machine.hpp"
#include "tests/unit/engine/program_builder.hpp"

namespace cellrig::test {

inline std::string kind_of(const ChannelOutput& o) {
  return std::visit(overloaded{
                        [](const output::StepStarted&) { return "started"; },
                        [](const output::Apply&) { return "apply"; },
                        [](const output::OutputOff&) { return "off"; },
                        [](const output::RequestChamber&) { return "chamber"; },
                        [](const output::Record&) { return "record"; },
                        [](const output::StepEnded&) { return "ended"; },
                        [](const output::CycleEnded&) { return "cycle"; },
                        [](const output::CriterionJudged&) { return "judged"; },
                        [](const output::StopHeld&) { return "stop_held"; },
                        [](const output::LoopLeft&) { return "left"; },
                        [](const output::VariableSet&) { return "set"; },
                        [](const output::Marked&) { return "mark"; },
                        [](const output::DiagnosticsBegun&) { return "diagnostics"; },
                        [](const output::Unusable&) { return "unusable"; },
                        [](const output::Finished&) { return "finished"; },
                    },
                    o);
}

/// "ended started apply": the outputs of one input, in their order.
inline std::string kinds(const ChannelOutputs& outputs) {
  std::string text;
  for (const ChannelOutput& o : outputs) text += (text.empty() ? "" : " ") + kind_of(o);
  return text;
}

template <class T>
std::vector<T> all(const ChannelOutputs& outputs) {
  std::vector<T> found;
  for (const ChannelOutput& o : outputs) {
    if (const T* const wanted = std::get_if<T>(&o)) found.push_back(*wanted);
  }
  return found;
}

struct World {
  double voltage_V = 3.7;
  double current_A = 0.0;
  double cell_degC = 25.0;
  Regulation regulation = Regulation::constant_current;
};

class Driver {
 public:
  explicit Driver(Program program, MachineOptions options = {}) : program_{std::move(program)}, machine{program_, options} {}
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  ChannelOutputs send(const ChannelInput& in) {
    const ChannelOutputs outputs = machine.on(in, now);
    for (const ChannelOutput& o : outputs) {
      log.push_back(o);
      if (const auto* const apply = std::get_if<output::Apply>(&o)) note_command(apply->command, true);
      if (const auto* const off = std::get_if<output::OutputOff>(&o)) note_command(off->command, false);
    }
    return outputs;
  }
  ChannelOutputs start() { return send(input::Start{}); }
  /// Answers the last command.
  ChannelOutputs acknowledge(bool succeeded = true) { return send(input::Acknowledged{last_command, succeeded}); }
  ChannelOutputs observe(const World& world) { return observe_stamped(world, now); }
  ChannelOutputs observe_stamped(const World& world, TimePoint measured) {
    return send(input::Observed{observation(world, measured)});
  }
  ChannelOutputs observe_after(double seconds, const World& world) {
    now += from_seconds(seconds);
    return observe(world);
  }
  ChannelOutputs grant() { return send(input::ChamberGranted{machine.state().chamber_request}); }
  /// Start and the acknowledgement of the first command.
  void run() {
    start();
    acknowledge();
  }

  [[nodiscard]] static Observation observation(const World& world, TimePoint measured) {
    Observation o;
    o[Measurand::voltage] = Reading{world.voltage_V, measured, Quality::good};
    o[Measurand::current] = Reading{world.current_A, measured, Quality::good};
    o[Measurand::cell_temperature] = Reading{world.cell_degC, measured, Quality::good};
    o.regulation = world.regulation;
    o.output_on = world.current_A != 0.0;
    return o;
  }

  template <class T>
  [[nodiscard]] std::vector<T> logged() const {
    std::vector<T> found;
    for (const ChannelOutput& o : log) {
      if (const T* const wanted = std::get_if<T>(&o)) found.push_back(*wanted);
    }
    return found;
  }
  [[nodiscard]] Phase phase() const { return machine.state().phase; }

 private:
  void note_command(std::uint32_t command, bool energises) {
    last_command = command;
    last_energises = energises;
  }

  Program program_;

 public:
  ChannelMachine machine;
  TimePoint now = at(1000);
  std::vector<ChannelOutput> log;
  std::uint32_t last_command = 0;
  bool last_energises = false;  ///< the last command was Apply, not OutputOff
};

}  // namespace cellrig::test
