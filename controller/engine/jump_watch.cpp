#include "controller/engine/jump_watch.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig {
namespace {

constexpr int samples_remembered = 50;

/// What the noise of one sample becomes in how far a third one is off the line through two.
double amplification(double reach) { return std::sqrt(1.0 + (1.0 + reach) * (1.0 + reach) + reach * reach); }

}  // namespace

std::optional<JumpWatch::Finding> JumpWatch::look(const ElectricalSample& sample, TimePoint since) {
  if (count_ > 0) {
    const ElectricalSample& last = samples_[count_ - 1];
    if (sample.at <= last.at) return std::nullopt;
    if (last.at < since || sample.at - last.at > options_.gap_max) count_ = 0;
  }
  if (sample.at < since) return std::nullopt;
  if (count_ == samples_.size()) {
    std::move(samples_.begin() + 1, samples_.end(), samples_.begin());
    --count_;
  }
  samples_[count_++] = sample;
  if (count_ < samples_.size() || !is_same_current()) return std::nullopt;
  const double reach = to_seconds(samples_[2].at - samples_[1].at) / to_seconds(samples_[1].at - samples_[0].at);
  const Volts step = off_the_line(reach);
  const double noise_V = options_.times_noise * usually_off_V_ * std::max(1.0, amplification(reach) / amplification(1.0));
  if (reach <= options_.reach_max) {
    averaged_ = std::min(averaged_ + 1, samples_remembered);
    usually_off_V_ += (abs(step).value() - usually_off_V_) / averaged_;
  }
  if (averaged_ <= options_.samples_min) return std::nullopt;
  const Volts before = samples_[1].voltage - samples_[0].voltage, after = samples_[3].voltage - samples_[2].voltage;
  const Volts quiet = options_.quiet_share * abs(step);
  if (!(abs(step) >= options_.step && abs(step).value() >= noise_V && abs(before) <= quiet && abs(after) <= quiet))
    return std::nullopt;
  count_ = 0;  // said once; the line begins anew
  return Finding{step, samples_[2].at};
}

bool JumpWatch::is_same_current() const {
  const ElectricalSample& first = samples_.front();
  const Amps most = std::max(options_.same_current * abs(first.current), noise_);
  return std::all_of(samples_.begin(), samples_.end(),
                     [&](const ElectricalSample& s) { return abs(s.current - first.current) <= most; });
}

/// How far the third sample is from the line through the two before it: the line as it goes on, and as far as it can be trusted. What is
/// off only one of them is the noise of two samples near to each other, followed far, or a slope.
Volts JumpWatch::off_the_line(double reach) const {
  const Volts slope = samples_[1].voltage - samples_[0].voltage;
  const Volts moved = samples_[2].voltage - samples_[1].voltage;
  const Volts off = moved - reach * slope;
  if (reach <= options_.reach_max) return off;
  const Volts near_off = moved - options_.reach_max * slope;
  if ((off < Volts{}) != (near_off < Volts{})) return Volts{};
  return abs(off) < abs(near_off) ? off : near_off;
}

}  // namespace cellrig
