#include "controller/engine/divergence_watch.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
/// Of the nominal capacity: full and empty are where a voltage says so, and that moves with resistance and temperature.
constexpr double anchor_share = 0.02;
/// Of what has flowed: what an offset of the current may bring together where nothing is full or empty for long.
constexpr double counting_share = 0.001;
/// Of the nominal capacity: a step that moved less has no slope to speak of, and its voltage is mostly its resistance.
constexpr double slope_share = 0.02;
constexpr Duration wait_max = std::chrono::minutes{1};
constexpr Duration settling_after_interruption = std::chrono::hours{1};

bool is_inside(double value, const ExpectedRange& band) { return value >= band.min && value <= band.max; }

double direction_of(const Step& step) { return step.direction == StepDirection::discharge ? -1.0 : 1.0; }

}  // namespace

bool DivergenceWatch::Excursion::add(TimePoint at, bool is_outside, Duration gap_limit, Duration hold) {
  if (last && at <= *last) return false;  // an old reading
  if (!is_outside) {
    *this = Excursion{};
    return false;
  }
  if (last && at - *last <= gap_limit) outside += at - *last;
  last = at;
  return outside >= hold;
}

DivergenceWatch::DivergenceWatch(const Program& program, std::shared_ptr<const ExpectedCurves> curves)
    : program_{program}, band_{program.expectation}, curves_{std::move(curves)}, nominal_Ah_{program.nominal_capacity.value()} {
  if (curves_->start_tolerance_pct) start_tolerance_Ah_ = *curves_->start_tolerance_pct / 100.0 * nominal_Ah_;
}

void DivergenceWatch::go_on(TimePoint now) {
  start_tolerance_Ah_.reset();
  is_anchored_ = false;
  judged_from_ = now + settling_after_interruption;
}

void DivergenceWatch::go_on_after_pause(TimePoint now) {
  judged_from_ = now + settling_after_interruption;
  voltage_ = temperature_ = charge_ = Excursion{};
}

std::optional<Detour> DivergenceWatch::begin_step(const StepEntry& visit, StepWay::Lost lost,
                                                  std::optional<std::uint32_t> previous) {
  visit_ = visit;
  step_ = &std::get<Step>(program_.code[visit.instruction]);
  ExpectedCurves::Found found = curves_->find(visit);
  // Full is full and empty is empty, but how a cell relaxes from there depends on the way it came.
  if (is_on_detour_ && !step_->setpoint) found = {};
  curve_ = found.curve;
  const bool asks_another = step_->chamber_temperature && chamber_degC_ != step_->chamber_temperature->value();
  if (step_->chamber_temperature) chamber_degC_ = step_->chamber_temperature->value();
  is_temperature_judged_ = step_->kind != StepKind::soak && !asks_another && !has_waited_;
  has_flowed_ = has_flowed_ || step_->setpoint.has_value();
  is_told_ = false;
  rest_shift_V_.reset();
  voltage_ = temperature_ = charge_ = Excursion{};
  if (curves_->ways.empty() || found.is_rehearsed == !is_on_detour_) return std::nullopt;
  is_on_detour_ = !found.is_rehearsed;
  Detour detour{.instruction = visit.instruction, .previous = previous};
  if (!is_on_detour_) detour.kind = Detour::Kind::ended;
  if (is_on_detour_ && lost == StepWay::Lost::by_skip) detour.kind = Detour::Kind::skip;
  if (is_on_detour_ && lost == StepWay::Lost::by_interruption) detour.kind = Detour::Kind::interruption;
  return detour;
}

/// What the step has moved, charging positive. A course says so by itself: its coordinate is its time.
double DivergenceWatch::net_Ah(const StepMoment& moment) const {
  return curve_->coordinate == Coordinate::charge_Ah ? direction_of(*step_) * moment.at : moment.net_Ah;
}

/// How far the cell's charge may be from the rehearsed one, when the step has moved so much, charging positive.
double DivergenceWatch::slack_Ah(double net_Ah) const {
  const double start = start_tolerance_Ah_.value_or(infinite);
  if (!is_anchored_) return start;
  const double net_since_anchor = std::abs(since_anchor_Ah_ + net_Ah);
  const double known = anchor_share * nominal_Ah_ + band_.capacity_pct / 100.0 * net_since_anchor +
                       counting_share * (moved_since_anchor_Ah_ + std::abs(net_Ah));
  return std::min(known, std::max(start, anchor_share * nominal_Ah_));
}

std::optional<Divergence> DivergenceWatch::look(const StepMoment& moment, Duration gap_limit) {
  if (moment.chamber_request != chamber_request_)
    is_temperature_judged_ = false;  // how fast a chamber gets there is its own business
  chamber_request_ = moment.chamber_request;
  if (curve_ == nullptr || is_told_ || moment.now < judged_from_) return std::nullopt;
  // A cell that stood waiting has relaxed and cooled as no rehearsal knows, and no rest is known for longer than it was rehearsed.
  if (moment.waited > wait_max) {
    has_waited_ = true;
    is_temperature_judged_ = false;
  }
  if (!step_->setpoint && (has_waited_ || !(moment.at <= curve_->points.back().at))) return std::nullopt;
  const auto judge = [&](DivergedQuantity quantity, Excursion& excursion, TimePoint at,
                         const std::optional<Judged>& judged) -> std::optional<Divergence> {
    if (!judged || !excursion.add(at, !is_inside(judged->value, judged->band), gap_limit, band_.hold)) return std::nullopt;
    return tell(quantity, *judged, moment.at);
  };
  if (moment.voltage.usable() && std::isfinite(moment.at)) {
    if (auto found = judge(DivergedQuantity::voltage_V, voltage_, moment.voltage.at, judge_voltage(moment))) return found;
    if (auto found = judge(DivergedQuantity::charge_Ah, charge_, moment.voltage.at, judge_charge(moment))) return found;
  }
  return judge(DivergedQuantity::cell_temperature_degC, temperature_, moment.cell_temperature.at, judge_temperature(moment));
}

Divergence DivergenceWatch::tell(DivergedQuantity quantity, const Judged& judged, double at) {
  is_told_ = true;
  return Divergence{.quantity = quantity,
                    .measured = judged.value,
                    .expected = judged.expected,
                    .band = judged.band,
                    .at = at,
                    .coordinate = curve_->coordinate,
                    .instruction = visit_.instruction,
                    .execution = visit_.execution};
}

// ---- voltage --------------------------------------------------------------------------------------------------------

std::optional<DivergenceWatch::Judged> DivergenceWatch::judge_voltage(const StepMoment& moment) {
  if (is_course()) return judge_course(moment);
  if (curve_->coordinate == Coordinate::step_time_s) return judge_resting(moment);
  return judge_flowing(moment, slack_Ah(net_Ah(moment)));
}

std::optional<DivergenceWatch::Judged> DivergenceWatch::judge_flowing(const StepMoment& moment, double slack_Ah) const {
  const double from = moment.at - slack_Ah, to = moment.at + slack_Ah;
  if (!std::isfinite(slack_Ah) || from > curve_->points.back().at) return std::nullopt;
  const std::optional<ExpectedRange> expected = curve_->voltage_within(from, to);
  if (!expected) return std::nullopt;
  Judged judged{moment.voltage.value, *expected, {expected->min - band_.voltage_V, expected->max + band_.voltage_V}};
  // Before the curve's beginning a charge is lower than all of it, a discharge higher; beyond its end the other way round.
  const bool is_charge = step_->direction == StepDirection::charge;
  if (from < curve_->points.front().at) (is_charge ? judged.band.min : judged.band.max) = is_charge ? -infinite : infinite;
  if (to > curve_->points.back().at) (is_charge ? judged.band.max : judged.band.min) = is_charge ? infinite : -infinite;
  return judged;
}

std::optional<DivergenceWatch::Judged> DivergenceWatch::judge_resting(const StepMoment& moment) {
  const std::optional<ExpectedRange> expected = curve_->voltage_within(moment.at, moment.at);
  if (!expected || is_after_course_) return std::nullopt;
  // Where a voltage ended the step before, the rest after it begins at that very state, wherever it lies on the scale of charge.
  const double slack = is_anchored_ ? slack_Ah(0.0) - anchor_share * nominal_Ah_ : slack_Ah(0.0);
  if (has_flowed_ && !std::isfinite(slack)) return std::nullopt;  // an empty cell relaxes otherwise than a full one
  const bool is_placed = has_flowed_ && (slope_V_per_Ah_ || is_anchored_);
  if (!is_placed && !rest_shift_V_) rest_shift_V_ = moment.voltage.value - expected->min;
  const double shift_V = is_placed ? 0.0 : *rest_shift_V_;
  const double width_V = band_.voltage_V + (is_placed ? slope_V_per_Ah_.value_or(0.0) * slack : 0.0);
  const ExpectedRange shifted{expected->min + shift_V, expected->max + shift_V};
  return Judged{moment.voltage.value, shifted, {shifted.min - width_V, shifted.max + width_V}};
}

/// What the charge may be off is so many seconds of the course, at the rate at which it has moved any. None: nobody knows.
std::optional<double> DivergenceWatch::course_room_s(const StepMoment& moment) const {
  const double slack = slack_Ah(net_Ah(moment)), rate = std::abs(moment.net_Ah) / std::max(moment.at, 1.0);
  if (!std::isfinite(slack)) return std::nullopt;
  const double length = curve_->length() + curve_->stretch_s;
  // A course that moves as much one way as the other stays where it is: all of it may be met at any time.
  return curve_->stretch_s + (slack < rate * length ? slack / rate : length);
}

std::optional<DivergenceWatch::Judged> DivergenceWatch::judge_course(const StepMoment& moment) const {
  const std::optional<double> room = course_room_s(moment);
  const double from = moment.at - room.value_or(0.0), to = moment.at + room.value_or(0.0);
  if (!room || from > curve_->points.back().at + curve_->stretch_s) return std::nullopt;
  const std::optional<ExpectedRange> expected = curve_->voltage_within(from, to);
  if (!expected) return std::nullopt;
  Judged judged{moment.voltage.value, *expected, {expected->min - band_.voltage_V, expected->max + band_.voltage_V}};
  // Where it began fuller or emptier it does more than its curve: nobody knows what.
  const bool falls = moment.net_Ah < 0;
  if (from < curve_->points.front().at - curve_->stretch_s)
    (falls ? judged.band.max : judged.band.min) = falls ? infinite : -infinite;
  if (to > curve_->points.back().at + 2 * curve_->stretch_s)
    (falls ? judged.band.min : judged.band.max) = falls ? -infinite : infinite;
  return judged;
}

// ---- temperature ----------------------------------------------------------------------------------------------------

std::optional<DivergenceWatch::Judged> DivergenceWatch::judge_temperature(const StepMoment& moment) const {
  if (!is_temperature_judged_ || !moment.cell_temperature.usable() || !moment.around_degC || !std::isfinite(moment.at))
    return std::nullopt;
  const double around = *moment.around_degC;
  const bool is_by_charge = curve_->coordinate == Coordinate::charge_Ah;
  const double slack = slack_Ah(net_Ah(moment));
  if (has_flowed_ && !std::isfinite(slack)) return std::nullopt;  // the emptier a cell, the warmer it becomes
  const double room = is_by_charge ? slack : is_course() ? course_room_s(moment).value_or(infinite) : 0.0;
  const std::optional<ExpectedRange> rise = curve_->rise_within(moment.at - room, moment.at + room);
  if (!rise || !std::isfinite(around)) return std::nullopt;
  const ExpectedRange expected{around + rise->min, around + rise->max};
  return Judged{
      moment.cell_temperature.value, expected, {expected.min - band_.temperature_K, expected.max + band_.temperature_K}};
}

// ---- charge ---------------------------------------------------------------------------------------------------------

/// A charge that goes into a short, or a cell that was emptier than it could be, has no end where it should.
std::optional<DivergenceWatch::Judged> DivergenceWatch::judge_charge(const StepMoment& moment) const {
  if (!step_->setpoint || !curve_->ends_at) return std::nullopt;
  const double moved = is_course() ? std::abs(moment.net_Ah) : moment.at;
  const double slack = is_anchored_ ? anchor_share * nominal_Ah_ : slack_Ah(net_Ah(moment));
  if (!std::isfinite(slack)) return std::nullopt;
  // The same course for as long as it was to last: in proportion.
  const double end = is_course() ? moved * *curve_->ends_at / std::max(moment.at, 1.0) : *curve_->ends_at;
  return Judged{moved, {end, end}, {-infinite, end + slack + band_.capacity_pct / 100.0 * nominal_Ah_}};
}

std::optional<Divergence> DivergenceWatch::judge_end(const output::StepEnded& ended) {
  if (curve_ == nullptr || is_told_ || !curve_->ends_at || !step_->setpoint) return std::nullopt;
  const double net = ended.totals.moved.net().value(), moved = is_course() ? std::abs(net) : direction_of(*step_) * net;
  const double slack = is_anchored_ ? 0.0 : slack_Ah(net);
  if (!std::isfinite(slack) || !std::isfinite(moved)) return std::nullopt;
  const double lasted = std::max(1.0, to_seconds(ended.totals.ran_before_pause + (ended.ended - ended.totals.started)));
  const double end = is_course() ? moved * *curve_->ends_at / lasted : *curve_->ends_at;
  const double least = end - slack - band_.capacity_pct / 100.0 * nominal_Ah_;
  if (moved >= least) return std::nullopt;
  Divergence found = tell(DivergedQuantity::charge_Ah, Judged{moved, {end, end}, {least, infinite}}, moved);
  found.is_at_end = true;
  return found;
}

std::optional<Divergence> DivergenceWatch::end_step(const output::StepEnded& ended) {
  if (step_ == nullptr) return std::nullopt;
  std::optional<Divergence> found;
  if (reaches_its_end(*step_, ended)) found = judge_end(ended);
  note_wait(ended);
  keep_charge(ended, ended.totals.moved.net().value());
  curve_ = nullptr;
  return found;
}

/// A person may have taken longer than the one in the rehearsal.
void DivergenceWatch::note_wait(const output::StepEnded& ended) {
  const Duration waited = ended.totals.started - ended.totals.begun;
  const Duration lasted = ended.totals.ran_before_pause + (ended.ended - ended.totals.started);
  if (step_->setpoint) {
    has_waited_ = false;
    is_after_course_ = is_course();
  }
  if (waited > wait_max && !step_->setpoint) has_waited_ = true;
  if (step_->person &&
      (curve_ == nullptr || curve_->points.empty() || to_seconds(lasted) > curve_->points.back().at + to_seconds(wait_max)))
    has_waited_ = true;
}

/// What the rests and steps after this one are judged by.
void DivergenceWatch::keep_charge(const output::StepEnded& ended, double net_Ah) {
  if (!step_->setpoint || !std::isfinite(net_Ah)) return;
  const double least_Ah = slope_share * nominal_Ah_;
  if (curve_ != nullptr && !is_course() && curve_->length() >= least_Ah) {
    const double slack = slack_Ah(0.0);
    const double stretch = std::min(curve_->length() / 2, std::max(least_Ah, slack));
    const double last = curve_->points.back().at;
    if (const auto range = curve_->voltage_within(last - stretch, last)) slope_V_per_Ah_ = (range->max - range->min) / stretch;
  }
  since_anchor_Ah_ += net_Ah;
  const Throughput& moved = ended.totals.moved;
  moved_since_anchor_Ah_ += is_course() ? (moved.charge + moved.discharge).value() : std::abs(net_Ah);
  if (!names_state(program_, ended)) return;
  is_anchored_ = true;
  since_anchor_Ah_ = moved_since_anchor_Ah_ = 0.0;
}

}  // namespace cellrig
