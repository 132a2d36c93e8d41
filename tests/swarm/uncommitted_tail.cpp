#include "tests/swarm/uncommitted_tail.hpp"

namespace cellrig::swarm {

void UncommittedTail::keep(std::function<void(db::Recorder&)> pass_on) {
  tail_.push_back({time_.now(), moved_(), std::move(pass_on)});
  if (!is_held_) pass_on_until(time_.now() - late);
}

void UncommittedTail::commit(std::function<void(db::Recorder&)> pass_on) {
  keep(std::move(pass_on));
  if (is_held_) {
    commits_when_released_ = true;
  } else {
    pass_on_until(time_.now());
  }
}

void UncommittedTail::pass_on_until(TimePoint told_until) {
  while (!tail_.empty() && tail_.front().at <= told_until) {
    const Told next = std::move(tail_.front());
    tail_.pop_front();
    told_ = next.moved;
    next.pass_on(record_);
  }
}

void UncommittedTail::lose() {
  if (!is_held_) pass_on_until(time_.now() - late);
  lost_ += tail_.size();
  tail_.clear();
  is_held_ = commits_when_released_ = false;
}

void UncommittedTail::release() {
  is_held_ = false;
  if (std::exchange(commits_when_released_, false)) pass_on_until(time_.now());
}

db::RunKey UncommittedTail::begin_run(const db::RunRow& row) {
  pass_on_until(time_.now());
  return record_.begin_run(row);
}

void UncommittedTail::append(const db::EventRow& row) {
  commit([row](db::Recorder& record) { record.append(row); });
}

void UncommittedTail::resume_point(db::RunKey run, std::span<const std::byte> state) {
  commit(
      [run, kept = std::vector<std::byte>(state.begin(), state.end())](db::Recorder& record) { record.resume_point(run, kept); });
}

void UncommittedTail::end_run(const db::RunEndRow& row) {
  commit([row](db::Recorder& record) { record.end_run(row); });
}

void UncommittedTail::resume_run(db::RunKey run, const std::string& operator_name, const std::string& host) {
  commit([run, operator_name, host](db::Recorder& record) { record.resume_run(run, operator_name, host); });
}

void UncommittedTail::deviation(const db::DeviationRow& row) {
  commit([row](db::Recorder& record) { record.deviation(row); });
}

Result<void> UncommittedTail::flush() {
  pass_on_until(time_.now());
  return record_.flush();
}

Result<void> UncommittedTail::close() {
  pass_on_until(time_.now());
  return record_.close();
}

}  // namespace cellrig::swarm
