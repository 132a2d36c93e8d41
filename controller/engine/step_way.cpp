#include "controller/engine/step_way.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace cellrig {
namespace {

/// Of the nominal capacity: a step that moved less, and ended at a voltage, was a pulse.
constexpr double pulse_share = 0.02;
constexpr std::uint64_t way_from_state = 1;  ///< the way that begins with an end at a voltage; 0: with the run

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit of both decides about each bit of the way.
std::uint64_t mix(std::uint64_t way, std::uint64_t more) {
  std::uint64_t z = way * 0x9e3779b97f4a7c15ULL + more + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

bool names_state(const Program& program, std::uint16_t root, bool holds_voltage) {
  const ConditionNode& node = program.nodes[root];
  if (node.kind == ConditionNode::Kind::leaf) {
    return node.quantity == ConditionQuantity::voltage_V || (holds_voltage && node.quantity == ConditionQuantity::current_A);
  }
  std::uint16_t child = node.first_child;
  for (std::uint16_t i = 0; i < node.child_count; ++i) {
    if (names_state(program, child, holds_voltage)) return true;
    child = program.nodes[child].next_sibling;
  }
  return false;
}

}  // namespace

LoopPasses passes_of(const ChannelState& state) {
  LoopPasses passes;
  for (std::size_t i = 0; i < state.loop_depth && i < state.loops.size(); ++i) passes.push_back(state.loops[i].passes);
  return passes;
}

bool names_state(const Program& program, const output::StepEnded& ended) {
  const Step& step = std::get<Step>(program.code[ended.instruction]);
  if (!step.setpoint || ended.reason != StepEndReason::condition || !ended.has_end) return false;
  const bool holds_voltage = step.kind == StepKind::cv || step.kind == StepKind::cccv;
  const double net_Ah = ended.totals.moved.net().value();
  if (!holds_voltage && !(std::abs(net_Ah) >= pulse_share * program.nominal_capacity.value())) return false;
  return names_state(program, step.ends[ended.end].root, holds_voltage);
}

bool reaches_its_end(const Step& step, const output::StepEnded& ended) {
  if (ended.reason == StepEndReason::time_bound) return step.time_max_is_normal;
  return ended.reason == StepEndReason::condition &&
         (!ended.has_end || step.ends[ended.end].target == EndCondition::Target::next);
}

void StepWay::lose(Lost why) {
  way_.reset();
  lost_ = why;
}

StepEntry StepWay::begin_step(std::uint32_t instruction, bool continues, LoopPasses passes) {
  const Step& step = std::get<Step>(program_->code[instruction]);
  std::uint64_t& executions = executions_[instruction];
  const bool was_interrupted = std::exchange(has_gone_on_, false) && is_open_;
  // A rest that begins anew moves nothing: its cell stands where it stood.
  const bool is_again = was_interrupted && present_ == instruction;
  const bool is_same = continues || (is_again && !step.setpoint);
  if (was_interrupted && !is_same) lose(Lost::by_interruption);
  if ((!continues && !is_again) || executions == 0) ++executions;
  if (!is_same) {
    here_ = way_;
    if (way_) way_ = mix(*way_, instruction);
    if (!is_again) previous_ = std::exchange(present_, instruction);
  }
  if (step.chamber_temperature) chamber_degC_ = step.chamber_temperature->value();
  is_open_ = true;
  return {instruction, executions, here_, std::move(passes)};
}

void StepWay::end_step(const output::StepEnded& ended) {
  const bool is_cut_off = ended.reason == StepEndReason::stopped || ended.reason == StepEndReason::tripped ||
                          ended.reason == StepEndReason::command_failed;
  if (is_cut_off) return;  // it may go on later
  is_open_ = false;
  if (ended.reason == StepEndReason::skipped) lose(Lost::by_skip);
  if (!names_state(*program_, ended)) return;
  lost_ = Lost::no;
  const std::uint64_t place = mix(mix(way_from_state, ended.instruction), ended.end);
  way_ = chamber_degC_ ? mix(place, std::bit_cast<std::uint64_t>(*chamber_degC_)) : place;
}

}  // namespace cellrig
