#include "controller/api/decimate.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::api {

Decimator::Decimator(const Plan& plan) : plan_{plan} {
  plan_.stretches = std::max<std::size_t>(plan_.stretches, 1);
  extremes_.resize(plan_.stretches * plan_.columns);
}

std::size_t Decimator::stretch_of(double x) const {
  const double width = plan_.x_max - plan_.x_min;
  if (!(width > 0) || !(x > plan_.x_min)) return 0;
  const double share = std::min((x - plan_.x_min) / width, 1.0);
  return std::min(static_cast<std::size_t>(share * static_cast<double>(plan_.stretches)), plan_.stretches - 1);
}

void Decimator::widen() {
  std::vector<Extremes> merged(extremes_.size());
  for (std::size_t i = 0; i < extremes_.size(); ++i) {
    Extremes& from = extremes_[i];
    const std::size_t column = i % plan_.columns;
    Extremes& to = merged[i / plan_.columns / 2 * plan_.columns + column];
    if (!from.is_known) continue;
    if (!to.is_known || from.least.values[column] < to.least.values[column]) to.least = std::move(from.least);
    if (!to.is_known || from.greatest.values[column] > to.greatest.values[column]) to.greatest = std::move(from.greatest);
    to.is_known = true;
  }
  extremes_ = std::move(merged);
  plan_.x_max += plan_.x_max - plan_.x_min;
}

void Decimator::add(double x, const std::vector<double>& values) {
  constexpr int doublings_max = 64;  // beyond that the expectation meant nothing
  for (int i = 0; i < doublings_max && plan_.x_max > plan_.x_min && x > plan_.x_max; ++i) widen();
  const Row row{count_, x, values};
  if (count_ == 0) first_ = row;
  last_ = row;
  ++count_;
  const std::size_t at = stretch_of(x) * plan_.columns;
  for (std::size_t column = 0; column < plan_.columns; ++column) {
    if (std::isnan(values[column])) continue;
    Extremes& extremes = extremes_[at + column];
    if (!extremes.is_known || values[column] < extremes.least.values[column]) extremes.least = row;
    if (!extremes.is_known || values[column] > extremes.greatest.values[column]) extremes.greatest = row;
    extremes.is_known = true;
  }
}

std::vector<Decimator::Row> Decimator::take() {
  std::vector<Row> rows;
  if (count_ == 0) return rows;
  rows.push_back(std::move(first_));
  for (Extremes& extremes : extremes_) {
    if (!extremes.is_known) continue;
    rows.push_back(std::move(extremes.least));
    rows.push_back(std::move(extremes.greatest));
  }
  rows.push_back(std::move(last_));
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.index < b.index; });
  rows.erase(std::unique(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.index == b.index; }), rows.end());
  return rows;
}

std::size_t stretches_for(std::size_t points, std::size_t columns) {
  return std::max<std::size_t>(points / (2 * std::max<std::size_t>(columns, 1)), 1);
}

}  // namespace cellrig::api
