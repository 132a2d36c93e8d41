#include "controller/engine/stillness_watch.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig {
namespace {

constexpr double two_digits = 1.5;  ///< steps of one digit are all alike, but for the last bit
constexpr int pages_min = 2;

}  // namespace

void StillnessWatch::forget() { *this = StillnessWatch{options_}; }

void StillnessWatch::look(const Reading& reading, TimePoint since) {
  if (!reading.usable() || (last_ && reading.at <= last_->at)) return;
  const bool counts = reading.at >= since;
  if (counts) mind_decade(reading.value);
  const bool begins = !counts || !last_ || last_->at < since;
  const double step = begins ? 0.0 : reading.value - last_->value;
  last_ = reading;
  if (begins) {
    still_since_ = reading.at;
    still_readings_ = 0;
    last_step_ = 0.0;
  } else if (step == 0.0) {
    ++still_readings_;
  } else {
    moved(step);
    still_since_ = reading.at;
  }
}

/// An instrument that shows so many significant digits, or changes its range, has coarser ones beyond. Below 1 there is no decade.
void StillnessWatch::mind_decade(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= decade_low_ && magnitude < decade_high_) return;
  const bool is_first = decade_high_ == 0.0;
  const double high = magnitude < 1.0 ? 1.0 : std::pow(10.0, std::floor(std::log10(magnitude)) + 1.0);
  if (!is_first) forget();
  decade_high_ = high;
  decade_low_ = magnitude < 1.0 ? 0.0 : high / 10.0;
}

/// A pause is learned when it has ended: one that goes on may be what is looked for.
void StillnessWatch::moved(double step) {
  page_.readings += still_readings_ + 1;
  ++page_.moves;
  page_.reversals += step * last_step_ < 0 ? 1 : 0;
  page_.wide += digit_ > 0 && std::abs(step) > two_digits * digit_ ? 1 : 0;
  page_.least_step = std::min(page_.least_step, std::abs(step));
  last_step_ = step;
  still_readings_ = 0;
  if (page_.readings >= page_readings) turn_page();
}

void StillnessWatch::turn_page() {
  // Of the first page the digit was not known yet.
  if (digit_ > 0) {
    pages_[static_cast<std::size_t>(next_page_)] = page_;
    next_page_ = (next_page_ + 1) % page_count;
    full_pages_ = std::min(full_pages_ + 1, page_count);
    needed_ = readings_needed();
  }
  digit_ = page_.least_step;
  page_ = Page{};
}

/// Nothing: it does not move by noise, or not enough to tell.
std::optional<double> StillnessWatch::readings_needed() const {
  if (full_pages_ < pages_min) return std::nullopt;
  double share = 1.0;
  for (int i = 0; i < full_pages_; ++i) {
    const Page& page = pages_[static_cast<std::size_t>(i)];
    const bool is_noise = page.reversals >= options_.reversals_min * page.moves && page.wide >= options_.wide_min * page.readings;
    if (!is_noise) return std::nullopt;
    share = std::min(share, static_cast<double>(page.moves) / page.readings);
  }
  const double by_chance = options_.rarity_nepers / -std::log1p(-options_.quieter_share * share);
  return std::max(by_chance, static_cast<double>(options_.readings_min));
}

std::optional<StillnessWatch::Finding> StillnessWatch::stands_still_for(Duration hold) const {
  if (!needed_ || still_readings_ <= *needed_) return std::nullopt;
  const Duration stands = last_->at - still_since_;
  if (stands < hold) return std::nullopt;
  const double per_reading_s = to_seconds(stands) / still_readings_;
  return Finding{to_seconds(stands), std::max(to_seconds(hold), *needed_ * per_reading_s)};
}

}  // namespace cellrig
