#include "ui/chart/trace.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::ui {

Trace::Trace() : Trace{Capacity{}} {}

Trace::Trace(Capacity capacity) : capacity_{capacity} {
  capacity_.recent_points = std::max(capacity_.recent_points, block_size);
  capacity_.history_buckets = std::max<std::size_t>(capacity_.history_buckets / 2 * 2, 2);
}

void Trace::append(Point p) {
  if (!std::isfinite(p.x) || !std::isfinite(p.y)) return;
  if (last_ && p.x < last_->x) return;
  if (recent_.empty() || recent_.back().count == block_size) {
    if (recent_.size() * block_size >= capacity_.recent_points) {
      roll_up(recent_.front());
      recent_.pop_front();
      summaries_.pop_front();
    }
    recent_.emplace_back();
    summaries_.push_back({p.x, p.x, Extremes::of(p)});
  }
  Block& block = recent_.back();
  block.points[block.count++] = p;
  summaries_.back().x_to = p.x;
  summaries_.back().extremes.add(p);
  if (!first_) first_ = p;
  last_ = p;
  ++count_;
}

void Trace::clear() { *this = Trace{capacity_}; }

void Trace::roll_up(const Block& block) {
  for (std::size_t i = 0; i < block.count; ++i) add_to_history(block.points[i]);
}

void Trace::add_to_history(Point p) {
  if (open_bucket_) {
    open_bucket_->add(p);
  } else {
    open_bucket_ = Extremes::of(p);
  }
  if (++open_count_ < points_per_bucket_) return;
  if (history_.size() == capacity_.history_buckets) halve_history();
  // Once neighbours were joined the bucket at hand is only half full: it goes on to grow.
  if (open_count_ < points_per_bucket_) return;
  history_.push_back(*open_bucket_);
  open_bucket_.reset();
  open_count_ = 0;
}

void Trace::halve_history() {
  for (std::size_t i = 0; i + 1 < history_.size(); i += 2) history_[i / 2] = Extremes::between(history_[i], history_[i + 1]);
  history_.resize(history_.size() / 2);
  points_per_bucket_ *= 2;
}

std::optional<Window> Trace::extent() const {
  if (!first_) return std::nullopt;
  return Window{first_->x, last_->x};
}

std::size_t Trace::points_per_bucket_at(double x) const {
  const bool is_history = count_ != 0 && !recent_.empty() && x < recent_.front().points[0].x;
  return is_history ? points_per_bucket_ : 1;
}

std::size_t Trace::memory_bytes() const {
  return history_.capacity() * sizeof(Extremes) + recent_.size() * (sizeof(Block) + sizeof(Summary)) + sizeof(*this);
}

std::vector<Extremes>::const_iterator Trace::history_from(double x) const {
  return std::lower_bound(history_.begin(), history_.end(), x, [](const Extremes& e, double at) { return e.second.x < at; });
}

std::size_t Trace::recent_from(double x) const {
  const auto found =
      std::lower_bound(summaries_.begin(), summaries_.end(), x, [](const Summary& s, double at) { return s.x_to < at; });
  return static_cast<std::size_t>(found - summaries_.begin());
}

std::vector<Point> Trace::points(Window window, int columns) const {
  ColumnSweep sweep{window, columns};
  auto bucket = history_from(window.from);
  if (bucket != history_.begin()) --bucket;
  for (; bucket != history_.end(); ++bucket) {
    sweep.add(*bucket);
    if (bucket->first.x > window.to) return sweep.take();
  }
  if (open_bucket_) sweep.add(*open_bucket_);
  std::size_t at = recent_from(window.from);
  if (at != 0) --at;
  auto summary = summaries_.begin() + static_cast<std::ptrdiff_t>(at);
  for (; summary != summaries_.end(); ++summary, ++at) {
    if (sweep.stays_in_column(summary->x_from, summary->x_to)) {
      sweep.add(summary->extremes);
      continue;
    }
    const Block& block = recent_[at];
    for (std::size_t i = 0; i < block.count; ++i) sweep.add(block.points[i]);
    if (summary->x_from > window.to) break;
  }
  return sweep.take();
}

std::optional<Point> Trace::nearest(double x) const {
  std::optional<Point> best;
  const auto consider = [&](const Point& p) {
    if (!best || std::abs(p.x - x) < std::abs(best->x - x)) best = p;
  };
  auto bucket = history_from(x);
  if (bucket != history_.begin()) consider((bucket - 1)->second);
  if (bucket != history_.end()) {
    consider(bucket->first);
    consider(bucket->second);
  }
  if (open_bucket_) consider(open_bucket_->second);
  const std::size_t index = recent_from(x);
  if (index != 0) consider(recent_[index - 1].last());
  if (index < recent_.size()) {
    const Block& block = recent_[index];
    const auto end = block.points.begin() + static_cast<std::ptrdiff_t>(block.count);
    const auto at = std::lower_bound(block.points.begin(), end, x, [](const Point& p, double v) { return p.x < v; });
    if (at != block.points.begin()) consider(*(at - 1));
    if (at != end) consider(*at);
  }
  return best;
}

}  // namespace cellrig::ui
