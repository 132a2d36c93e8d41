#include "ui/model/step_places.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::ui {

const api::StepView* step_of(const std::vector<api::StepView>& steps, const RowPlace& row) {
  const auto begins_after = [](double at, const api::StepView& step) { return at < step.started_test_time_s; };
  if (!row.step_count) {
    const auto after = std::upper_bound(steps.begin(), steps.end(), row.test_time_s, begins_after);
    return after == steps.begin() ? nullptr : &*(after - 1);
  }
  const auto first = std::lower_bound(steps.begin(), steps.end(), *row.step_count,
                                      [](const api::StepView& step, std::int64_t count) { return step.step_count < count; });
  const api::StepView* found = nullptr;
  for (auto part = first; part != steps.end() && part->step_count == *row.step_count; ++part) {
    if (found == nullptr || part->started_test_time_s <= row.test_time_s) found = &*part;
  }
  return found;
}

StepPlace place_of(const std::vector<api::StepView>& steps, const api::StepView& step, const RowPlace& row) {
  StepPlace place{.step_id = step.step_id,
                  .compared_with = step.compared_with,
                  .step_time_s = row.test_time_s - step.started_test_time_s,
                  .moved_Ah = std::isnan(row.charge_Ah) ? 0 : std::max(row.charge_Ah, row.discharge_Ah)};
  for (const api::StepView* part = &step; part != steps.data() && (part - 1)->step_count == step.step_count;) {
    --part;
    if (part->ended_test_time_s) place.step_time_s += *part->ended_test_time_s - part->started_test_time_s;
    place.moved_Ah += std::max(part->charge_Ah.value_or(0), part->discharge_Ah.value_or(0));
  }
  if (!row.step_time_s) return place;
  place.step_time_s = *row.step_time_s;
  if (std::isnan(*row.step_time_s)) place.compared_with.reset();
  return place;
}

}  // namespace cellrig::ui
