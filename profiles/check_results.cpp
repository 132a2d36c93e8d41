// Can the criteria of stop_if and require ever be known?
#include <string>

#include "profiles/check_rules.hpp"

namespace cellrig {
namespace {

struct Measured {
  bool reference = false;
  bool test = false;
  bool charge_time = false;
  bool resistance = false;
  bool cycles = false, cycle_ended = false;

  void take(const Program& program, const Instruction& instruction) {
    if (const Step* step = std::get_if<Step>(&instruction)) {
      reference = reference || step->measure == Measure::reference;
      test = test || step->measure == Measure::test;
      charge_time = charge_time || step->measure == Measure::charge_time;
      resistance = resistance || step->measure == Measure::resistance;
    }
    if (const LoopBegin* loop = std::get_if<LoopBegin>(&instruction)) cycles = cycles || loop->counts_cycles;
    if (const LoopEnd* end = std::get_if<LoopEnd>(&instruction))
      cycle_ended = cycle_ended || std::get<LoopBegin>(program.code[end->begin]).counts_cycles;
  }
};

/// What is missing for `quantity` to be known, in the profile's words; empty when nothing is.
std::string missing_for(ResultQuantity quantity, const Measured& measured) {
  const std::string reference = measured.reference ? "" : "'measure: reference'";
  const std::string test = measured.test ? "" : "'measure: test'";
  switch (quantity) {
    case ResultQuantity::reference_capacity_Ah:
    case ResultQuantity::retention_pct: return reference;
    case ResultQuantity::test_capacity_Ah: return test;
    case ResultQuantity::capacity_ratio_pct:
    case ResultQuantity::energy_ratio_pct: return reference + (reference.empty() || test.empty() ? "" : " and ") + test;
    case ResultQuantity::charge_time_min: return measured.charge_time ? "" : "'measure: charge_time'";
    case ResultQuantity::cycle_count: return measured.cycles ? "" : "'cycles'";
    case ResultQuantity::coulombic_efficiency_pct:
    case ResultQuantity::energy_efficiency_pct: return measured.cycle_ended ? "" : "'cycles'";
    case ResultQuantity::resistance_Ohm: return measured.resistance ? "" : "'measure: resistance'";
    case ResultQuantity::cell_temperature_peak_degC: return "";
  }
  return "";
}

}  // namespace

void check_results(const Program& program, FindingSink& sink) {
  Measured ever;
  for (const Instruction& instruction : program.code) ever.take(program, instruction);
  Measured so_far;
  for (const Instruction& instruction : program.code) {
    so_far.take(program, instruction);
    const StopIf* stop = std::get_if<StopIf>(&instruction);
    const Require* require = std::get_if<Require>(&instruction);
    if (stop == nullptr && require == nullptr) continue;
    const ResultCondition& condition = stop != nullptr ? stop->condition : require->condition;
    const std::string word = stop != nullptr ? "stop_if" : "require";
    if (const std::string missing = missing_for(condition.quantity, ever); !missing.empty()) {
      sink.error(condition.source, word + ": '" + condition.text + "' can never be known: no step has " + missing);
    } else if (require != nullptr && !missing_for(condition.quantity, so_far).empty()) {
      sink.warning(condition.source,
                   word + ": '" + condition.text + "' is not known yet where it is judged first, and then counts as not met");
    }
  }
}

}  // namespace cellrig
