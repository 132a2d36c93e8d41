// Runs that are being sent as files: read on threads of their own, handed on piece by piece, never held as a whole.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "controller/api/exchange.hpp"
#include "controller/async/task.hpp"
#include "controller/base/result.hpp"

namespace cellrig::api {

/// Between the thread that reads the record and the connection that sends. At most `waiting_max` pieces of some 64 KiB wait: then the
/// reading thread does, with no transaction open.
class ExportFeed : public std::enable_shared_from_this<ExportFeed> {
 public:
  static constexpr std::size_t waiting_max = 4;
  explicit ExportFeed(boost::asio::io_context& context) : context_{context}, timer_{context} {}

  struct Piece {
    std::string text;  ///< empty: the end
    std::optional<Error> error;
  };
  // ---- reading thread ----
  /// False: nobody wants more.
  [[nodiscard]] bool put(std::string_view text);
  [[nodiscard]] bool is_closed();
  void end(std::optional<Error> error);

  // ---- API thread ----
  /// Until there is something to send, or the end. The error that came before anything: it can still be said properly.
  [[nodiscard]] Task<std::optional<Error>> begun();
  [[nodiscard]] Task<Piece> next();

  /// Nobody wants more. Any thread.
  void close();
  /// The same, told to whoever waits for the next piece: what was sent is not the whole. API thread.
  void cut();

 private:
  [[nodiscard]] bool has_news();
  [[nodiscard]] Task<void> wait();
  void notify();

  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;  ///< API thread
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::string> waiting_;
  bool has_ended_ = false, is_closed_ = false;
  std::optional<Error> error_;
};

/// Any thread: whether whoever is at the other end of this socket has closed its side, or the connection is lost. It holds a copy of the
/// descriptor: it goes with the work that it is for.
[[nodiscard]] std::function<bool()> client_watch(int socket);

/// API thread. Destroyed after its io_context has stopped; then it waits for what is being read.
class Exports {
 public:
  /// Places are those of a role, and one account never has all of them: who reads slowly keeps none of another role waiting, and not the
  /// others of their own.
  static constexpr std::size_t running_of_role_max = 3, running_of_one_max = 2;

  struct Owner {
    std::string name;  ///< of the account; empty: the token
    Role role = Role::viewer;
  };

  using Sink = std::function<bool(std::string_view)>;
  using IsCancelled = std::function<bool()>;
  /// Writes through the sink it is given, until that says false; while there is nothing to write it asks the other now and then.
  using Work = std::function<Result<void>(const Sink& sink, const IsCancelled& is_cancelled)>;
  explicit Exports(boost::asio::io_context& context) : context_{context} {}
  ~Exports();
  Exports(const Exports&) = delete;
  Exports& operator=(const Exports&) = delete;

  /// Null: as many of this owner, or of their role, as there can be are under way.
  /// has_left: whether the client has, while nothing is sent to it. Exporting thread; none: it is not asked.
  [[nodiscard]] std::shared_ptr<ExportFeed> begin(const Owner& owner, Work work, IsCancelled has_left = {});

 private:
  struct Running {
    Owner owner;
    std::shared_ptr<ExportFeed> feed;
    std::shared_ptr<std::atomic<bool>> has_ended;
    std::thread thread;
  };
  boost::asio::io_context& context_;
  std::list<Running> running_;
};

}  // namespace cellrig::api
