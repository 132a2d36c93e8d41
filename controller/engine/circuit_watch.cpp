#include "controller/engine/circuit_watch.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig {

void CircuitWatch::begin(const Command& command) {
  since_ = command.since;
  has_flowed_ = false;
  flow_.reset();
  before_ = last_;
  missing_polls_ = 0;
}

std::optional<CircuitWatch::Finding> CircuitWatch::look(const ElectricalSample& sample, const Command& command,
                                                        Duration gap_limit) {
  if (last_ && sample.at <= last_->at) return std::nullopt;
  if (command.since != since_) begin(command);
  if (command.changed != changed_) {  // what flowed before says nothing of what should flow now
    flow_.reset();
    missing_polls_ = 0;
  }
  changed_ = command.changed;
  settled_ = std::max(since_, changed_) + settling_;
  if (!command.output_on || sample.at < command.since) {
    flow_.reset();
    missing_polls_ = 0;
    last_ = sample;
    return std::nullopt;
  }
  const std::optional<Amps> bound = missing(sample, gap_limit);
  missing_polls_ = bound ? missing_polls_ + 1 : 0;
  if (!bound) {
    has_flowed_ = has_flowed_ || abs(sample.current) > noise_;
    const bool is_worth = abs(sample.current) >= options_.flow_min_per_noise * noise_;
    const bool counts = sample.at >= since_ + settling_ || command.is_constant_current;
    flow_ = is_worth && counts ? std::optional{sample} : std::nullopt;
  }
  last_ = sample;
  // What never flowed may still come: an output takes its time to settle.
  if (!bound || missing_polls_ < options_.polls || sample.at < settled_) return std::nullopt;
  return Finding{sample.current, *bound};
}

/// What should flow at least, when it does not.
std::optional<Amps> CircuitWatch::missing(const ElectricalSample& sample, Duration gap_limit) const {
  if (flow_ && (missing_polls_ > 0 || sample.at - flow_->at <= gap_limit)) {
    const bool is_settled = flow_->at >= settled_;
    const Amps least = is_settled ? std::max(options_.share * abs(flow_->current), noise_) : noise_;
    const bool is_told = is_settled || abs(sample.voltage - flow_->voltage) > options_.early_jump;
    if (abs(sample.current) <= least && is_told) return flow_->current < Amps{} ? -least : least;
  }
  // After a load the voltage moves by itself, and a small set-point may be less than noise.
  if (has_flowed_ || !before_ || abs(before_->current) > noise_ || since_ - before_->at > gap_limit ||
      sample.at > since_ + 2 * settling_)
    return std::nullopt;
  const Volts moved = sample.voltage - before_->voltage;
  if (!(abs(moved) > options_.jump) || !(abs(sample.current) <= noise_)) return std::nullopt;
  return moved < Volts{} ? -noise_ : noise_;
}

}  // namespace cellrig
