// The one seam through which time enters. Three forms: real, virtual, lockstep. All of them keep the same list of waits,
// ordered by instant, then by sequence; they differ in what happens while nothing is ready.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/async/task.hpp"
#include "controller/base/time.hpp"

namespace cellrig {

class TimeSource;

enum class WaitEnd : unsigned char { due, woken };

/// One coroutine waiting for an instant or for somebody's wake(), whichever is first. One waiter at a time.
/// A wake() while nobody waits is remembered and ends the next wait at once. Control thread only.
class Wait {
 public:
  explicit Wait(TimeSource& time) : time_{time} {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait();

  [[nodiscard]] Task<WaitEnd> until(TimePoint due);
  [[nodiscard]] Task<WaitEnd> until_woken();
  void wake();
  void forget() { woken_ = false; }  ///< drop a remembered wake()

 private:
  friend class TimeSource;
  using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<>, void(WaitEnd)>::handler_type;

  TimeSource& time_;
  std::optional<Handler> handler_;
  std::size_t heap_index_ = npos;
  bool woken_ = false;
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
};

/// Names the connection a request went out on, for lockstep: both TCP ports, because the system may give one local port to
/// connections with different destinations; or a serial line, by the number of its device. All zero: in process, nothing to wait for.
struct LinkKey {
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint32_t tty = 0;  ///< one more than the device's minor number, so that /dev/pts/0 has a name
  auto operator<=>(const LinkKey&) const = default;
};

/// now() and waits, and the loop that serves them. Control thread only, but for post().
class TimeSource {
 public:
  virtual ~TimeSource();
  TimeSource(const TimeSource&) = delete;
  TimeSource& operator=(const TimeSource&) = delete;

  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual UtcTime utc_now() const = 0;
  /// How long the machine has been suspended in all: time that now() has not seen.
  [[nodiscard]] virtual Duration suspended() const { return {}; }
  /// Serves waits and handlers until stop().
  virtual void run() = 0;
  virtual void stop() = 0;

  [[nodiscard]] Task<void> sleep_until(TimePoint due);
  [[nodiscard]] Task<void> sleep_for(Duration duration) { return sleep_until(now() + duration); }

  /// Starts a task that owns its own ending; an exception that leaves it is kept and rethrown by run().
  void spawn(Task<void> task);

  /// Destroys every task, with all it holds: those that wait and those that have not begun; none begins meanwhile. For the way out
  /// after a failure, while what the tasks refer to is still there, and never while run() runs.
  void drop_tasks();

  /// Hands a function to the control thread; the only call that other threads may make.
  virtual void post(std::function<void()> function);

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  /// A connection was made, or a line opened: what was counted on an earlier one that had the same name is forgotten.
  virtual void link_opened(LinkKey) {}

  /// Alive from the moment a request goes out until its exchange is over in any way: reply, deadline, cut.
  class InFlight {
   public:
    InFlight(TimeSource& time, LinkKey link) : time_{time}, link_{link} { time_.request_sent(link_); }
    ~InFlight() { time_.exchange_over(link_); }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

   private:
    TimeSource& time_;
    LinkKey link_;
  };
  /// Alive while this process itself is busy outside the loop (a connect on a bus thread): lockstep time stands still.
  class LocalWork {
   public:
    explicit LocalWork(TimeSource& time) : time_{time} { time_.local_work(+1); }
    ~LocalWork() { time_.local_work(-1); }
    LocalWork(const LocalWork&) = delete;
    LocalWork& operator=(const LocalWork&) = delete;

   private:
    TimeSource& time_;
  };

 protected:
  TimeSource() = default;
  virtual void request_sent(LinkKey) {}
  virtual void exchange_over(LinkKey) {}
  virtual void local_work(int /*change*/) {}
  virtual void earliest_changed() {}  ///< a wait became the first of the list
  virtual void spawned() {}

  [[nodiscard]] bool has_wait() const { return !heap_.empty(); }
  [[nodiscard]] TimePoint next_due() const { return heap_.front().due; }
  /// Resumes the first waiter. Its instant must have come.
  void fire_first();
  /// Resumes every waiter whose instant is not after `instant`; returns how many.
  std::size_t fire_until(TimePoint instant);
  /// Resumes the waiters that somebody woke, and nobody whose instant has merely come; returns how many.
  std::size_t fire_woken();
  void rethrow_if_failed();
  [[nodiscard]] bool failed() const { return failure_ != nullptr; }

 private:
  friend class Wait;
  /// What is compared lies beside each other: the waits themselves lie in frames all over the memory.
  struct Entry {
    TimePoint due;
    std::uint64_t sequence;
    Wait* wait;
  };
  static bool before(const Entry& a, const Entry& b);
  void fire(Wait& wait);
  void insert(Wait& wait, TimePoint due);
  void remove(Wait& wait);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  void place(std::size_t index, const Entry& entry);

  [[nodiscard]] Task<void> guarded(Task<void> task);
  void drop_waits();

  std::vector<Entry> heap_;
  std::uint64_t sequence_ = 0;
  std::exception_ptr failure_;
  bool dropping_ = false;
  boost::asio::io_context context_{1};  // last: it destroys frames that own Waits
};

}  // namespace cellrig
