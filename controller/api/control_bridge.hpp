// Questions from the server's thread to the control thread, and the way back.
#pragma once

#include <utility>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/as_tuple.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "controller/runtime/bench_control.hpp"

namespace cellrig::api {

/// A coroutine waits here until something was put in, or for so long. API thread only.
template <class T>
class Mailbox {
 public:
  explicit Mailbox(boost::asio::io_context& context) : timer_{context} {}
  void put(T value) {
    if (value_) return;
    value_ = std::move(value);
    timer_.cancel();
  }
  /// Empty: nothing came.
  [[nodiscard]] Task<std::optional<T>> wait(Duration within) {
    if (!value_) {
      timer_.expires_after(within);
      co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    co_return std::move(value_);
  }

 private:
  boost::asio::steady_timer timer_;
  std::optional<T> value_;
};

/// * Functions handed to the control thread are run only while the bridge is open; answers reach the API thread only while it is.
/// * At most questions_max are under way, stops not counted: the control thread never has more than that waiting for it.
/// Shared by both threads and by whatever is under way between them.
class ControlBridge : public std::enable_shared_from_this<ControlBridge> {
 public:
  static constexpr int questions_max = 256;

  ControlBridge(TimeSource& time, BenchControl& bench, boost::asio::io_context& api) : time_{time}, bench_{&bench}, api_{&api} {}

  /// Any thread.
  void to_api(std::function<void()> function) {
    const std::lock_guard lock{mutex_};
    if (api_ != nullptr) boost::asio::post(*api_, std::move(function));
  }
  /// API thread. The function is not run when the bridge was closed meanwhile.
  void to_control(std::function<void(BenchControl&)> function) {
    time_.post([self = shared_from_this(), function = std::move(function)] {
      if (self->bench_ != nullptr) function(*self->bench_);
    });
  }
  /// Control thread: nothing comes through any more, in either direction.
  void close() {
    bench_ = nullptr;
    const std::lock_guard lock{mutex_};
    api_ = nullptr;
  }

  /// `question` is asked on the control thread and hands its answer, at once or later and on that thread, to the function it is given.
  /// Empty: no answer within that time, or too much is under way (`is_urgent` never is too much). API thread.
  template <class T>
  [[nodiscard]] Task<std::optional<T>> ask(std::function<void(BenchControl&, std::function<void(T)>)> question, Duration within,
                                           bool is_urgent) {
    if (!is_urgent && under_way_ >= questions_max) co_return std::nullopt;
    ++under_way_;
    // Alive on this thread only: whoever holds a weak pointer elsewhere destroys nothing of it.
    const auto box = std::make_shared<Mailbox<T>>(*api_context());
    const std::weak_ptr<Mailbox<T>> address = box;
    std::function<void(BenchControl&)> asked = answering<T>(std::move(question), address);
    to_control(std::move(asked));
    std::optional<T> answer = co_await box->wait(within);
    --under_way_;
    co_return answer;
  }

 private:
  template <class T>
  std::function<void(BenchControl&)> answering(std::function<void(BenchControl&, std::function<void(T)>)> question,
                                               std::weak_ptr<Mailbox<T>> address) {
    return [self = shared_from_this(), question = std::move(question), address](BenchControl& bench) {
      question(bench, [self, address](T value) {
        const auto shared = std::make_shared<T>(std::move(value));
        self->to_api([address, shared] {
          if (const auto waiting = address.lock()) waiting->put(std::move(*shared));
        });
      });
    };
  }
  [[nodiscard]] boost::asio::io_context* api_context() {
    const std::lock_guard lock{mutex_};
    return api_;
  }

  TimeSource& time_;
  BenchControl* bench_;  ///< control thread
  std::mutex mutex_;
  boost::asio::io_context* api_;  ///< guarded by the mutex
  int under_way_ = 0;             ///< API thread
};

}  // namespace cellrig::api
