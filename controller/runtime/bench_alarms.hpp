// The outputs that call people and clear the air, of one run: each chamber's exhaust and fan, and the siren of the bench.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/runtime/alarm_output.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/channel_runner.hpp"

namespace cellrig {

class BenchAlarms final : public Bell {
 public:
  /// Where what happens to an output is told.
  using Tell = std::function<void(const AlarmWire&, db::Severity, const std::string& action, const std::string& text)>;
  /// What the record knows of an output; no function: nothing.
  using Remember = std::function<Result<AlarmMemory>(const AlarmWire&)>;

  /// Those of these channels.
  BenchAlarms(TimeSource& time, const BenchConfig& bench, const std::vector<std::string>& channels, BenchInstruments& instruments,
              Tell tell);

  [[nodiscard]] std::vector<AlarmWire> wires() const;
  /// In this order what the record knows of them. Reads files: nothing for the control thread while channels run.
  [[nodiscard]] static Result<std::vector<AlarmMemory>> recall(const std::vector<AlarmWire>& wires, const Remember& remember);
  /// When every channel is off: each output off or left on, as a person has acknowledged. Memories in the order of wires().
  [[nodiscard]] Task<Result<void>> settle(std::vector<AlarmMemory> memories);
  /// The siren; it may be called at any moment and as often as one likes. OFF has a head start.
  void ring(const std::string& why) override;
  /// Exhaust and fan of this chamber.
  [[nodiscard]] std::vector<AlarmOutput*> of_chamber(const std::string& chamber);
  [[nodiscard]] const std::vector<std::unique_ptr<AlarmOutput>>& outputs() const { return outputs_; }
  [[nodiscard]] Task<void> finish();
  void hurry();

 private:
  std::vector<std::unique_ptr<AlarmOutput>> outputs_;
};

}  // namespace cellrig
