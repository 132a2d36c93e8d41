// Work that takes its time, away from the thread that serves sockets.
#pragma once

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include "controller/api/control_bridge.hpp"

namespace cellrig::api {

/// One thread, one piece of work after the other. API thread only. Destroyed after its io_context has stopped; then it waits for the
/// piece at work.
class Worker {
 public:
  static constexpr int waiting_max = 32;  ///< pieces of work; more are refused

  explicit Worker(boost::asio::io_context& context) : context_{context} {}
  ~Worker() {
    pool_.stop();
    pool_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Empty: too much is waiting already. What the work throws is thrown here.
  template <class T>
  [[nodiscard]] Task<std::optional<T>> run(std::function<T()> work) {
    if (waiting_ >= waiting_max) co_return std::nullopt;
    ++waiting_;
    using Outcome = std::pair<std::optional<T>, std::exception_ptr>;
    const auto box = std::make_shared<Mailbox<std::shared_ptr<Outcome>>>(context_);
    hand_over<T>(std::move(work), box);
    constexpr std::chrono::hours for_good{24};
    const std::optional<std::shared_ptr<Outcome>> outcome = co_await box->wait(for_good);
    --waiting_;
    if (!outcome) co_return std::nullopt;
    if ((*outcome)->second) std::rethrow_exception((*outcome)->second);
    co_return std::move((*outcome)->first);
  }
  [[nodiscard]] int waiting() const { return waiting_; }

 private:
  template <class T, class Box>
  void hand_over(std::function<T()> work, const std::shared_ptr<Box>& box) {
    const std::weak_ptr<Box> address = box;
    boost::asio::post(pool_, [&context = context_, work = std::move(work), address] {
      auto outcome = std::make_shared<std::pair<std::optional<T>, std::exception_ptr>>();
      try {
        outcome->first = work();
      } catch (...) {
        outcome->second = std::current_exception();
      }
      boost::asio::post(context, [address, outcome] {
        if (const auto waiting = address.lock()) waiting->put(outcome);
      });
    });
  }

  boost::asio::io_context& context_;
  int waiting_ = 0;
  boost::asio::thread_pool pool_{1};
};

}  // namespace cellrig::api
