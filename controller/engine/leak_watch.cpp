#include "controller/engine/leak_watch.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig {
namespace {

constexpr double same_stair = 0.995;  ///< the share of a current that is no smaller one

}  // namespace

LeakWatch::LeakWatch(const LeakOptions& options, Amps noise, Duration settling)
    : options_{options}, noise_{noise}, settling_{settling} {}

void LeakWatch::Window::add(double value, const std::optional<double>& temperature_degC) {
  sum += value;
  ++count;
  if (!temperature_degC) return;
  temperature_sum += *temperature_degC;
  ++temperature_count;
}

std::optional<double> LeakWatch::Window::temperature() const {
  return temperature_count > 0 ? std::optional{temperature_sum / temperature_count} : std::nullopt;
}

void LeakWatch::begin() {
  begin_stair();
  below_stair_.reset();
  lowest_V_.reset();
  bin_VAh_ = bin_Ah_ = unrisen_Ah_ = 0.0;
}

void LeakWatch::begin_stair() {
  if (last_) below_stair_ = last_;
  last_.reset();
  edge_.reset();
  below_edge_ = 0;
  taper_ = Windows{};
  rest_ = Windows{};
}

std::optional<TripCause> LeakWatch::look(const ElectricalSample& sample, const State& state, Duration gap_limit) {
  if (last_ && sample.at <= last_->at) return std::nullopt;
  const bool is_charging = state.output_on && state.direction > 0;
  const bool is_stair = state.since != since_ && is_charging && was_charging_;
  if (last_ && sample.at - last_->at > gap_limit + (is_stair ? settling_ : Duration{})) {
    begin();
  } else if (is_stair) {
    begin_stair();
  } else if (state.since != since_) {
    begin();
  }
  since_ = state.since;
  was_charging_ = is_charging;
  if (sample.at < state.since + settling_) return std::nullopt;
  const bool charges = state.output_on && state.direction > 0 && sample.current > noise_;
  const bool rests = !state.output_on && abs(sample.current) <= noise_;
  const bool is_constant = charges && state.regulation == Regulation::constant_current;
  const bool is_drained =
      state.output_on && state.direction < 0 && sample.current < -noise_ && state.regulation == Regulation::constant_current;
  const bool is_held = charges && state.regulation == Regulation::constant_voltage;
  std::optional<TripCause> cause;
  step_onto_stair(sample);
  if (is_constant) cause = judge_rise(sample);
  if (!cause && (is_constant || rests || is_drained)) cause = judge_step(sample, is_drained);
  if (!cause && is_held) cause = judge_taper(sample, state);
  if (!cause && rests) cause = judge_rest(sample, state);
  if (!is_held) taper_ = Windows{};
  last_ = sample;
  return cause;
}

/// What the voltage does where the current changes is its resistance, and no rise or fall of the charge. After a smaller current a healthy cell
/// relaxes for many minutes, and falls while it is charged: that begins anew.
void LeakWatch::step_onto_stair(const ElectricalSample& sample) {
  if (!below_stair_) return;
  const double change_V = (sample.voltage - below_stair_->voltage).value();
  const bool is_down = sample.current < same_stair * below_stair_->current;
  below_stair_.reset();
  if (is_down) {
    lowest_V_.reset();
    bin_VAh_ = bin_Ah_ = unrisen_Ah_ = 0.0;
    return;
  }
  if (lowest_V_) *lowest_V_ += change_V;
  bin_VAh_ += bin_Ah_ * change_V;
}

/// Charge goes in and the voltage does not rise: it goes out again inside. A cold cell that warms up sags for a while; a plateau
/// is flat, but not over a third of the capacity.
std::optional<TripCause> LeakWatch::judge_rise(const ElectricalSample& sample) {
  if (!last_) return std::nullopt;
  const double moved_Ah = integrate(*last_, sample).charge.value();
  bin_Ah_ += moved_Ah;
  bin_VAh_ += moved_Ah * 0.5 * (last_->voltage + sample.voltage).value();
  if (bin_Ah_ < options_.rise_bin * options_.capacity.value()) return std::nullopt;
  const double mean_V = bin_VAh_ / bin_Ah_;
  const bool has_risen = !lowest_V_ || mean_V > *lowest_V_ + options_.rise_min.value();
  unrisen_Ah_ = has_risen ? 0.0 : unrisen_Ah_ + bin_Ah_;
  lowest_V_ = has_risen ? mean_V : std::min(mean_V, *lowest_V_);
  bin_Ah_ = bin_VAh_ = 0.0;
  if (unrisen_Ah_ <= options_.rise_stretch * options_.capacity.value()) return std::nullopt;
  return TripCause{Hazard::no_rise, Measurand::voltage, mean_V, *lowest_V_ + options_.rise_min.value(), sample.at};
}

/// At the same current a voltage falls by a resistance that was not there, or by a current that flows inside. In a discharge it must have fallen
/// at once: the voltage of a cell that is nearly empty falls on.
std::optional<TripCause> LeakWatch::judge_step(const ElectricalSample& sample, bool is_discharge) {
  const Volts step = is_discharge ? options_.step_discharge : options_.step;
  const auto is_same = [&](const ElectricalSample& a) {
    return abs(sample.current - a.current) <= std::max(options_.same_current * abs(a.current), noise_);
  };
  if (edge_ && (!is_same(*edge_) || sample.voltage > edge_->voltage - step)) edge_.reset();
  if (edge_ && is_discharge && falls_on(sample)) edge_.reset();
  if (!edge_) {
    below_edge_ = 0;
    if (last_ && is_same(*last_) && sample.voltage <= last_->voltage - step) {
      edge_ = last_;
      beyond_edge_ = sample;
    }
  }
  if (!edge_ || ++below_edge_ < options_.step_polls) return std::nullopt;
  const double bound_V = (edge_->voltage - step).value();
  return TripCause{Hazard::voltage_step, Measurand::voltage, sample.voltage.value(), bound_V, sample.at};
}

/// As fast as in the fall itself, or a quarter of that. Times may differ: an answer that is lost makes a slope look like a fall.
bool LeakWatch::falls_on(const ElectricalSample& sample) const {
  const Volts fall = edge_->voltage - beyond_edge_->voltage;
  const double share_of_time = std::min(1.0, to_seconds(sample.at - beyond_edge_->at) / to_seconds(beyond_edge_->at - edge_->at));
  return beyond_edge_->voltage - sample.voltage > options_.goes_on_share * share_of_time * fall;
}

/// At a constant voltage what is left of the current in the end is what the short takes.
std::optional<TripCause> LeakWatch::judge_taper(const ElectricalSample& sample, const State& state) {
  const std::optional<Window> before = taper_.before;
  const std::optional<Window> window = filled(taper_, options_.taper_window, sample, sample.current.value(), state);
  if (!window || !before || !is_as_warm(*before, *window)) return std::nullopt;
  const double bound_A = options_.taper_share * before->mean();
  const double least_A = std::max(4 * noise_.value(), options_.taper_rate_min_C * options_.capacity.value());
  if (window->mean() < bound_A || window->mean() < least_A) return std::nullopt;
  return TripCause{Hazard::no_taper, Measurand::current, window->mean(), bound_A, sample.at};
}

/// A cell that relaxes slows down. One that goes on falling as fast as before is being discharged.
std::optional<TripCause> LeakWatch::judge_rest(const ElectricalSample& sample, const State& state) {
  if (sample.at < state.since + options_.relaxing) return std::nullopt;
  const std::optional<Window> before = rest_.before;
  const std::optional<double> fall_before = rest_.fall;
  const std::optional<Window> window = filled(rest_, options_.rest_window, sample, sample.voltage.value(), state);
  if (!window || !before) return std::nullopt;
  if (window->temperature().value_or(options_.rest_temperature_min_degC) < options_.rest_temperature_min_degC)
    return std::nullopt;
  rest_.fall = is_as_warm(*before, *window) ? std::optional{before->mean() - window->mean()} : std::nullopt;
  if (!rest_.fall || !fall_before || *fall_before < options_.decay_min.value()) return std::nullopt;
  const double least_V = std::max(options_.decay_share * *fall_before, options_.decay_min.value());
  if (*rest_.fall < least_V) return std::nullopt;
  return TripCause{Hazard::rest_decay, Measurand::voltage, window->mean(), before->mean() - least_V, sample.at};
}

/// The window that this sample completes, if it does; then it is `before` to the next.
std::optional<LeakWatch::Window> LeakWatch::filled(Windows& windows, Duration length, const ElectricalSample& sample,
                                                   double value, const State& state) const {
  std::optional<Window> complete;
  if (windows.present && sample.at - windows.present->begin >= length) {
    complete = windows.before = windows.present;
    windows.present.reset();
  }
  if (!windows.present) windows.present = Window{.begin = sample.at};
  windows.present->add(value, state.temperature_degC);
  return complete;
}

/// Where nothing measures a temperature, the room is taken to be steady.
bool LeakWatch::is_as_warm(const Window& a, const Window& b) const {
  const std::optional<double> first = a.temperature(), second = b.temperature();
  if (!first || !second) return !first && !second;
  return std::abs(*first - *second) <= options_.temperature_change_max_K;
}

}  // namespace cellrig
