#include "controller/async/time_source.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cassert>

namespace cellrig {

Wait::~Wait() {
  if (heap_index_ != npos) time_.remove(*this);
}

Task<WaitEnd> Wait::until(TimePoint due) {
  assert(!handler_ && "one waiter at a time");
  auto initiate = [this, due](auto&& handler) {
    handler_.emplace(std::forward<decltype(handler)>(handler));
    time_.insert(*this, woken_ ? time_.now() : due);
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(WaitEnd)>(std::move(initiate),
                                                                                          boost::asio::use_awaitable);
}

Task<WaitEnd> Wait::until_woken() { return until(TimePoint::max()); }

void Wait::wake() {
  woken_ = true;
  if (heap_index_ == npos) return;
  time_.remove(*this);
  time_.insert(*this, time_.now());
}

Task<void> TimeSource::sleep_until(TimePoint due) {
  Wait wait{*this};
  co_await wait.until(due);
}

TimeSource::~TimeSource() { drop_waits(); }

void TimeSource::drop_waits() {
  while (has_wait()) {
    Wait& wait = *heap_.front().wait;
    remove(wait);
    const Wait::Handler handler = std::move(*wait.handler_);
    wait.handler_.reset();
  }  // the handler owns the waiting frame, which owns the Wait
}

/// Asio posts the end of a frame whose handler is destroyed, and the start of one that was spawned: both are served here.
void TimeSource::drop_tasks() {
  dropping_ = true;
  do {
    drop_waits();
    context_.restart();
  } while (context_.poll() > 0 || has_wait());
  dropping_ = false;
}

/// An exception is known at once, not when the completion of co_spawn has been served.
Task<void> TimeSource::guarded(Task<void> task) {
  if (dropping_) co_return;
  try {
    co_await std::move(task);
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
    stop();
  }
}

void TimeSource::spawn(Task<void> task) {
  if (dropping_) return;
  boost::asio::co_spawn(context_, guarded(std::move(task)), boost::asio::detached);
  spawned();
}

void TimeSource::post(std::function<void()> function) { boost::asio::post(context_, std::move(function)); }

std::size_t TimeSource::fire_woken() {
  std::size_t fired = 0;
  while (!failed()) {
    const Entry* first = nullptr;
    for (const Entry& entry : heap_) {
      if (entry.wait->woken_ && (first == nullptr || before(entry, *first))) first = &entry;
    }
    if (first == nullptr) break;
    fire(*first->wait);
    ++fired;
  }
  return fired;
}

void TimeSource::rethrow_if_failed() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void TimeSource::fire_first() { fire(*heap_.front().wait); }

void TimeSource::fire(Wait& wait) {
  remove(wait);
  const WaitEnd end = std::exchange(wait.woken_, false) ? WaitEnd::woken : WaitEnd::due;
  Wait::Handler handler = std::move(*wait.handler_);
  wait.handler_.reset();
  std::move(handler)(end);  // resumes the coroutine; `wait` may be gone afterwards
}

std::size_t TimeSource::fire_until(TimePoint instant) {
  std::size_t fired = 0;
  while (has_wait() && next_due() <= instant && !failed()) {
    fire_first();
    ++fired;
  }
  return fired;
}

bool TimeSource::before(const Entry& a, const Entry& b) { return a.due != b.due ? a.due < b.due : a.sequence < b.sequence; }

void TimeSource::place(std::size_t index, const Entry& entry) {
  heap_[index] = entry;
  entry.wait->heap_index_ = index;
}

void TimeSource::sift_up(std::size_t index) {
  const Entry entry = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (!before(entry, heap_[parent])) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);
}

void TimeSource::sift_down(std::size_t index) {
  const Entry entry = heap_[index];
  for (std::size_t child = 2 * index + 1; child < heap_.size(); child = 2 * index + 1) {
    const std::size_t right = child + 1;
    if (right < heap_.size() && before(heap_[right], heap_[child])) child = right;
    if (!before(heap_[child], entry)) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, entry);
}

void TimeSource::insert(Wait& wait, TimePoint due) {
  heap_.push_back({due, ++sequence_, &wait});
  wait.heap_index_ = heap_.size() - 1;
  sift_up(wait.heap_index_);
  if (wait.heap_index_ == 0) earliest_changed();
}

void TimeSource::remove(Wait& wait) {
  const std::size_t index = std::exchange(wait.heap_index_, Wait::npos);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.wait != &wait) {
    place(index, last);
    sift_up(index);
    sift_down(last.wait->heap_index_);
  }
}

}  // namespace cellrig
