#include "tests/bench/realtime_latency.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cmath>
#include <ctime>
#include <deque>
#include <stdexcept>
#include <thread>

namespace cellrig::bench {
namespace {

constexpr std::size_t question_size = 12;  // a Modbus read of registers
constexpr std::size_t answer_size = 29;    // ten of them

struct SocketPair {
  int here = -1, there = -1;
};

SocketPair connected_pair() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  SocketPair pair;
  pair.here = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool is_made = ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                       ::listen(listener, 1) == 0 &&
                       ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                       ::connect(pair.here, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (!is_made) throw std::runtime_error("no loopback connection");
  pair.there = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ::close(listener);
  const int on = 1;
  for (const int fd : {pair.here, pair.there}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return pair;
}

void pin_to_first_core() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

bool receive_all(int fd, char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::recv(fd, into, size, 0);
    if (n <= 0) return false;
    into += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

/// The child's whole life: system calls only, because the parent may have had threads.
[[noreturn]] void answer_for_ever(int fd) {
  std::array<char, answer_size> buffer{};
  while (receive_all(fd, buffer.data(), question_size)) {
    if (::send(fd, buffer.data(), answer_size, MSG_NOSIGNAL) != static_cast<ssize_t>(answer_size)) break;
  }
  ::_exit(0);
}

double cpu_seconds(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Asked {
  double round_trips = 0, seconds = 0, cpu_s = 0;
};

Asked ask_for(int fd, double seconds) {
  std::array<char, answer_size> buffer{};
  std::uint64_t round_trips = 0;
  const double cpu_before_s = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  const std::int64_t start = monotonic_ns();
  const std::int64_t end = start + static_cast<std::int64_t>(seconds * 1e9);
  std::int64_t now = start;
  for (; now < end; now = monotonic_ns()) {
    if (::send(fd, buffer.data(), question_size, MSG_NOSIGNAL) < 0 || !receive_all(fd, buffer.data(), answer_size)) break;
    ++round_trips;
  }
  return {static_cast<double>(round_trips), 1e-9 * static_cast<double>(now - start),
          cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_before_s};
}

double at_share(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

}  // namespace

std::int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

Percentiles percentiles_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values.size(), at_share(values, 0.5), at_share(values, 0.99), at_share(values, 0.999), values.back()};
}

std::string to_string(const Percentiles& p, const std::string& unit) {
  return fmt::format("p50 {:8.1f}  p99 {:8.1f}  p99.9 {:8.1f}  max {:8.1f} {} (n = {})", p.p50, p.p99, p.p99_9, p.max, unit,
                     p.count);
}

PingPong ping_pong(Placement placement, double seconds) {
  const SocketPair pair = connected_pair();
  const pid_t child = ::fork();
  if (child == 0) {
    if (placement == Placement::one_core) pin_to_first_core();
    answer_for_ever(pair.there);
  }
  clockid_t child_clock{};
  ::clock_getcpuclockid(child, &child_clock);
  const double child_before_s = cpu_seconds(child_clock);
  Asked asked;
  std::thread asking{[&] {  // a thread of its own, so that its core can be given back by its end
    if (placement == Placement::one_core) pin_to_first_core();
    asked = ask_for(pair.here, seconds);
  }};
  asking.join();
  const double child_s = cpu_seconds(child_clock) - child_before_s;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pair.here);
  ::close(pair.there);
  return {asked.round_trips / asked.seconds, 1e6 * (asked.cpu_s + child_s) / asked.round_trips};
}

// ---- timers

class BareTimers::Loop {
 public:
  explicit Loop(std::int64_t period_ns) : period_{period_ns} {
    const auto start = Clock::now() + period_;
    for (int i = 0; i < timer_count; ++i) {
      Timer& timer = timers_.emplace_back(context_);
      timer.due = start + i * spacing;
      wait(timer);
    }
  }
  std::vector<double> run_for(double seconds) {
    context_.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)));
    return std::move(late_us_);
  }
  void start() {
    thread_ = std::thread{[this] { context_.run(); }};
  }
  std::vector<double> stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    return std::move(late_us_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int timer_count = 8;
  static constexpr std::chrono::microseconds spacing{500};
  struct Timer {
    explicit Timer(boost::asio::io_context& context) : timer{context} {}
    boost::asio::steady_timer timer;
    Clock::time_point due;
  };

  void wait(Timer& timer) {
    timer.timer.expires_at(timer.due);
    timer.timer.async_wait([this, &timer](const boost::system::error_code& error) {
      if (error) return;
      late_us_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - timer.due).count());
      timer.due += period_;
      wait(timer);
    });
  }

  std::chrono::nanoseconds period_;
  boost::asio::io_context context_{1};
  std::deque<Timer> timers_;
  std::vector<double> late_us_;
  std::thread thread_;
};

BareTimers::BareTimers(std::int64_t period_ns) : loop_{std::make_unique<Loop>(period_ns)} {}

BareTimers::~BareTimers() { (void)loop_->stop(); }

std::vector<double> BareTimers::run_for(double seconds) { return loop_->run_for(seconds); }

void BareTimers::start() { loop_->start(); }

std::vector<double> BareTimers::stop() { return loop_->stop(); }

}  // namespace cellrig::bench
