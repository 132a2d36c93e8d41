#include "controller/api/exports.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>

namespace cellrig::api {

bool ExportFeed::put(std::string_view text) {
  if (text.empty()) return true;
  {
    std::unique_lock lock{mutex_};
    room_.wait(lock, [this] { return is_closed_ || waiting_.size() < waiting_max; });
    if (is_closed_) return false;
    waiting_.emplace_back(text);
  }
  notify();
  return true;
}

bool ExportFeed::is_closed() {
  const std::lock_guard lock{mutex_};
  return is_closed_;
}

void ExportFeed::end(std::optional<Error> error) {
  {
    const std::lock_guard lock{mutex_};
    has_ended_ = true;
    if (!error_) error_ = std::move(error);
  }
  notify();
}

void ExportFeed::close() {
  const std::lock_guard lock{mutex_};
  is_closed_ = true;
  waiting_.clear();
  room_.notify_all();
}

void ExportFeed::cut() {
  {
    const std::lock_guard lock{mutex_};
    if (!has_ended_ || !waiting_.empty()) error_ = fail(Fault::interrupted, "who asked for it may not have it any more");
  }
  close();
  notify();
}

void ExportFeed::notify() {
  boost::asio::post(context_, [self = shared_from_this()] { self->timer_.cancel(); });
}

bool ExportFeed::has_news() {
  const std::lock_guard lock{mutex_};
  return has_ended_ || is_closed_ || !waiting_.empty();
}

// What is put in between the look and the wait is told on this thread, and so after the wait has begun.
Task<void> ExportFeed::wait() {
  constexpr std::chrono::hours for_good{24};
  while (!has_news()) {
    timer_.expires_after(for_good);
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
}

Task<std::optional<Error>> ExportFeed::begun() {
  co_await wait();
  const std::lock_guard lock{mutex_};
  co_return waiting_.empty() ? error_ : std::nullopt;
}

Task<ExportFeed::Piece> ExportFeed::next() {
  co_await wait();
  Piece piece;
  const std::lock_guard lock{mutex_};
  if (waiting_.empty()) {
    piece.error = error_;
    if (is_closed_ && !has_ended_) piece.error = fail(Fault::interrupted, "nobody wants the rest");
    co_return piece;
  }
  piece.text = std::move(waiting_.front());
  waiting_.pop_front();
  room_.notify_all();
  co_return piece;
}

std::function<bool()> client_watch(int socket) {
  const int copy = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return [] { return false; };
  const std::shared_ptr<const int> held{new int{copy}, [](const int* descriptor) {
                                          ::close(*descriptor);
                                          delete descriptor;
                                        }};
  return [held] {
    pollfd look{.fd = *held, .events = POLLRDHUP, .revents = 0};  // a lost connection is told unasked
    return ::poll(&look, 1, 0) > 0;
  };
}

Exports::~Exports() {
  for (const Running& one : running_) one.feed->close();
  for (Running& one : running_) one.thread.join();
}

std::shared_ptr<ExportFeed> Exports::begin(const Owner& owner, Work work, IsCancelled has_left) {
  for (auto one = running_.begin(); one != running_.end();) {
    if (!*one->has_ended) {
      ++one;
      continue;
    }
    one->thread.join();
    one = running_.erase(one);
  }
  const auto count = [this](const auto& is_one) {
    return static_cast<std::size_t>(std::count_if(running_.begin(), running_.end(), is_one));
  };
  const auto is_of_role = [&owner](const Running& one) { return one.owner.role == owner.role; };
  const auto is_of_owner = [&](const Running& one) { return is_of_role(one) && one.owner.name == owner.name; };
  if (count(is_of_role) >= running_of_role_max || count(is_of_owner) >= running_of_one_max) return nullptr;
  Running made{owner, std::make_shared<ExportFeed>(context_), std::make_shared<std::atomic<bool>>(false), {}};
  made.thread =
      std::thread{[work = std::move(work), has_left = std::move(has_left), feed = made.feed, has_ended = made.has_ended] {
        try {
          const IsCancelled is_cancelled = [&feed, &has_left] { return feed->is_closed() || (has_left && has_left()); };
          const Result<void> done = work([&feed](std::string_view text) { return feed->put(text); }, is_cancelled);
          feed->end(done ? std::nullopt : std::optional{done.error()});
        } catch (const std::exception& error) {
          feed->end(fail(Fault::device_fault, error.what()));
        }
        *has_ended = true;
      }};
  std::shared_ptr<ExportFeed> feed = made.feed;
  running_.push_back(std::move(made));
  return feed;
}

}  // namespace cellrig::api
