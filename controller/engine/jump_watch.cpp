#include "controller/engine/jump_watch.hpp"

#include <algorithm>

namespace cellrig {
namespace {

constexpr int samples_remembered = 50;

}  // namespace

std::optional<JumpWatch::Finding> JumpWatch::look(const ElectricalSample& sample, TimePoint since) {
  if (count_ > 0) {
    const ElectricalSample& last = samples_[count_ - 1];
    if (sample.at <= last.at) return std::nullopt;
    if (last.at < since || sample.at - last.at > options_.gap_max) count_ = 0;
  }
  if (sample.at < since) return std::nullopt;
  if (count_ >= 2 && leads_too_far(sample.at)) begin_at_last();
  if (count_ == samples_.size()) {
    std::move(samples_.begin() + 1, samples_.end(), samples_.begin());
    --count_;
  }
  samples_[count_++] = sample;
  if (count_ < samples_.size() || !is_same_current()) return std::nullopt;
  const Volts step = off_the_line(2);
  const double noise_V = options_.times_noise * usually_off_V_;
  averaged_ = std::min(averaged_ + 1, samples_remembered);
  usually_off_V_ += (abs(step).value() - usually_off_V_) / averaged_;
  if (averaged_ <= options_.samples_min) return std::nullopt;
  const Volts before = samples_[1].voltage - samples_[0].voltage, after = samples_[3].voltage - samples_[2].voltage;
  const Volts quiet = options_.quiet_share * abs(step);
  if (!(abs(step) >= options_.step && abs(step).value() >= noise_V && abs(before) <= quiet && abs(after) <= quiet))
    return std::nullopt;
  count_ = 0;  // said once; the line begins anew
  return Finding{step, samples_[2].at};
}

/// Readings come more seldom from here on, as in a long rest.
bool JumpWatch::leads_too_far(TimePoint at) const {
  const Duration apart = samples_[count_ - 1].at - samples_[count_ - 2].at;
  return to_seconds(at - samples_[count_ - 1].at) > options_.stretch_max * to_seconds(apart);
}

void JumpWatch::begin_at_last() {
  samples_[0] = samples_[count_ - 1];
  count_ = 1;
}

bool JumpWatch::is_same_current() const {
  const ElectricalSample& first = samples_.front();
  const Amps most = std::max(options_.same_current * abs(first.current), noise_);
  return std::all_of(samples_.begin(), samples_.end(),
                     [&](const ElectricalSample& s) { return abs(s.current - first.current) <= most; });
}

/// How far this sample is from the line through the two before it.
Volts JumpWatch::off_the_line(std::size_t from) const {
  const ElectricalSample& a = samples_[from - 2];
  const ElectricalSample& b = samples_[from - 1];
  const double share = to_seconds(samples_[from].at - b.at) / to_seconds(b.at - a.at);
  return samples_[from].voltage - b.voltage - share * (b.voltage - a.voltage);
}

}  // namespace cellrig
