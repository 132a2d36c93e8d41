#include "controller/async/aside.hpp"

#include <exception>
#include <memory>
#include <utility>

#include "controller/async/thread_priority.hpp"

namespace cellrig {
namespace {

struct AsideWork {
  explicit AsideWork(TimeSource& time) : done{time} {}
  Wait done;
  bool is_done = false;
  std::exception_ptr failure;
};

}  // namespace

Aside::Aside(TimeSource& time) : time_{time}, thread_{[this] { serve(); }} {}

Aside::~Aside() {
  {
    const std::lock_guard lock{mutex_};
    ends_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Aside::serve() {
  make_this_thread_ordinary();
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return ends_ || !queue_.empty(); });
      if (ends_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

Task<void> Aside::run(std::function<void()> work) {
  const auto state = std::make_shared<AsideWork>(time_);
  std::function<void()> whole = [this, state, kept = std::move(work)]() mutable {
    try {
      kept();
    } catch (...) {
      state->failure = std::current_exception();
    }
    kept = nullptr;  // here, not on the control thread
    // The last owner of the state, whose Wait belongs to the control thread, is the control thread.
    time_.post([done = std::move(state)] {
      done->is_done = true;
      done->done.wake();
    });
  };
  {
    const std::lock_guard lock{mutex_};
    queue_.push_back(std::move(whole));
  }
  wake_.notify_one();
  while (!state->is_done) co_await state->done.until_woken();
  if (state->failure) std::rethrow_exception(state->failure);
}

}  // namespace cellrig
