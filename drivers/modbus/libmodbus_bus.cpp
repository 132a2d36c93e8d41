#include "drivers/modbus/libmodbus_bus.hpp"

#include "controller/async/thread_priority.hpp"

#include <fcntl.h>
#include <modbus/modbus.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace cellrig {
namespace {

constexpr int unacknowledged_ms_max = 5000;
constexpr std::size_t job_count_max = 8;

int to_poll_ms(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void set_options(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms_max, sizeof unacknowledged_ms_max);
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

std::uint16_t port_of(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

SocketAddress local_address(int fd) {
  SocketAddress local;
  local.length = sizeof local.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local.storage), &local.length) != 0) local.length = 0;
  return local;
}

bool equal(const SocketAddress& a, const SocketAddress& b) {
  return a.length == b.length && std::memcmp(&a.storage, &b.storage, a.length) == 0;
}

Error link_lost(int error_number) { return fail(Fault::link_lost, std::strerror(error_number)); }

Error receive_error(int error_number) {
  if (error_number == ETIMEDOUT) return fail(Fault::timeout, "no answer in time");
  if (error_number == EMBBADDATA || error_number == EMBBADCRC || error_number == EMBBADEXC || error_number == EMBUNKEXC) {
    return fail(Fault::malformed, modbus_strerror(error_number));
  }
  return fail(Fault::link_lost, modbus_strerror(error_number));
}

}  // namespace

/// What the control thread asks of the bus thread. `cancelled` is set by the control thread when nobody wants the answer;
/// the outcome is written by the bus thread and read after `done`; `done` and `waiter` belong to the control thread.
struct LibmodbusBus::Job {
  bool is_connect = false;
  std::uint64_t link_number = 0;
  modbus::Frame request;

  std::atomic<bool> cancelled{false};

  Result<void> outcome;
  modbus::Frame reply;
  std::uint16_t local_port = 0;
  bool was_sent = false;
  bool found_stale_bytes = false;

  bool done = false;
  Wait* waiter = nullptr;
};

class LibmodbusBus::Blocked {
 public:
  Blocked(LibmodbusBus& bus, Job* job) : wait{bus.time_}, bus_{bus}, job_{job} {
    bus_.blocked_ = &wait;
    if (job_ != nullptr) job_->waiter = &wait;
  }
  ~Blocked() {
    if (bus_.blocked_ == &wait) bus_.blocked_ = nullptr;
    if (job_ != nullptr) job_->waiter = nullptr;
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;

  Wait wait;

 private:
  LibmodbusBus& bus_;
  Job* job_;
};

/// The bus thread. It alone closes the socket; the control thread only shuts it down, under the mutex, so that a descriptor
/// number is never used after it was given to somebody else.
class LibmodbusBus::Worker {
 public:
  Worker(TimeSource& time, LibmodbusBusOptions options) : time_{time}, options_{std::move(options)} {
    cancel_event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    context_ = modbus_new_tcp("127.0.0.1", options_.port);  // the address is unused: we connect by ourselves
    if (cancel_event_ < 0 || context_ == nullptr) throw std::bad_alloc{};
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(options_.response_timeout).count();
    modbus_set_response_timeout(context_, static_cast<std::uint32_t>(us / 1'000'000), static_cast<std::uint32_t>(us % 1'000'000));
    modbus_set_byte_timeout(context_, 0, 0);  // the whole reply within the response time-out
    thread_ = std::thread{[this] { work(); }};
  }

  ~Worker() {
    abort();
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    close_connection();
    modbus_free(context_);
    ::close(cancel_event_);
  }

  [[nodiscard]] bool submit(std::shared_ptr<Job> job) {
    {
      const std::lock_guard lock{mutex_};
      if (jobs_.size() >= job_count_max) return false;
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
  }

  /// Nothing submitted so far is sent any more, a blocked call returns, and the connection is dead.
  void abort() noexcept {
    const std::lock_guard lock{mutex_};
    for (const auto& job : jobs_) job->cancelled = true;
    if (current_) current_->cancelled = true;
    if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(cancel_event_, &one, sizeof one);  // ends a connect in progress
  }

 private:
  void work();
  void complete(const std::shared_ptr<Job>& job);
  void close_connection();
  [[nodiscard]] Result<void> connect(Job& job);
  [[nodiscard]] Result<void> resolve();
  [[nodiscard]] Result<int> connect_socket(Job& job);
  [[nodiscard]] Result<void> await_connected(int fd, Job& job);
  [[nodiscard]] Result<void> exchange(Job& job);
  [[nodiscard]] Result<void> look_before_sending(int fd, Job& job);

  TimeSource& time_;
  LibmodbusBusOptions options_;
  int cancel_event_ = -1;
  modbus_t* context_ = nullptr;  // bus thread only
  SocketAddress peer_;           // bus thread only

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> jobs_;
  std::shared_ptr<Job> current_;
  int fd_ = -1;
  std::uint64_t link_number_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

void LibmodbusBus::Worker::work() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the control thread; here they would end a select early
  if (options_.prefer_thread) prefer_this_thread();
  while (true) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock{mutex_};
      current_.reset();
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      current_ = job;
    }
    if (job->cancelled) continue;
    job->outcome = job->is_connect ? connect(*job) : exchange(*job);
    complete(job);
  }
}

void LibmodbusBus::Worker::complete(const std::shared_ptr<Job>& job) {
  const bool is_answer =
      job->outcome || job->outcome.error().fault == Fault::refused || job->outcome.error().fault == Fault::busy;
  if (!is_answer) close_connection();
  if (job->cancelled) return;
  time_.post([job] {
    job->done = true;
    if (job->waiter != nullptr) job->waiter->wake();
  });
}

void LibmodbusBus::Worker::close_connection() {
  const std::lock_guard lock{mutex_};
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void> LibmodbusBus::Worker::resolve() {
  if (peer_.length != 0) return {};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(options_.port);
  if (const int error = ::getaddrinfo(options_.host.c_str(), service.c_str(), &hints, &found); error != 0) {
    return fail(Fault::link_lost, ::gai_strerror(error));
  }
  std::memcpy(&peer_.storage, found->ai_addr, found->ai_addrlen);
  peer_.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return {};
}

Result<void> LibmodbusBus::Worker::await_connected(int fd, Job& job) {
  while (true) {
    std::array<pollfd, 2> watched{pollfd{fd, POLLOUT, 0}, pollfd{cancel_event_, POLLIN, 0}};
    const int ready = ::poll(watched.data(), watched.size(), to_poll_ms(options_.connect_timeout));
    if (job.cancelled) return fail(Fault::interrupted, "cut while connecting");
    if (ready == 0) return fail(Fault::timeout, "no connection in time");
    if (ready < 0 && errno != EINTR) return link_lost(errno);
    if (ready > 0 && watched[1].revents != 0) {  // meant for an earlier job
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = ::read(cancel_event_, &count, sizeof count);
    }
    if (ready > 0 && watched[0].revents != 0) break;
  }
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  return error == 0 ? Result<void>{} : link_lost(error);
}

Result<int> LibmodbusBus::Worker::connect_socket(Job& job) {
  const int fd = ::socket(peer_.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return link_lost(errno);
  Result<void> connected;
  if (fd >= FD_SETSIZE) {
    connected =
        fail(Fault::link_lost, "too many open files: libmodbus cannot watch this one");  // its FD_SET would corrupt memory
  } else {
    set_options(fd);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&peer_.storage), peer_.length) != 0) {
      connected = errno == EINPROGRESS ? await_connected(fd, job) : link_lost(errno);
    }
    // A closed port of this machine can connect to itself (simultaneous open): that is nobody.
    if (connected && equal(local_address(fd), peer_)) connected = link_lost(ECONNREFUSED);
  }
  if (connected) return fd;
  ::close(fd);
  return connected.error();
}

Result<void> LibmodbusBus::Worker::connect(Job& job) {
  close_connection();
  if (const Result<void> resolved = resolve(); !resolved) return resolved;
  const Result<int> connected = connect_socket(job);
  if (!connected) return connected.error();
  job.local_port = port_of(local_address(*connected));
  modbus_set_socket(context_, *connected);
  const std::lock_guard lock{mutex_};
  fd_ = *connected;
  link_number_ = job.link_number;
  if (job.cancelled) ::shutdown(fd_, SHUT_RDWR);  // an abort() that came before the descriptor was known
  return {};
}

Result<void> LibmodbusBus::Worker::look_before_sending(int fd, Job& job) {
  char byte = 0;
  const ssize_t n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
  if (n < 0) return link_lost(errno);
  if (n == 0) return fail(Fault::link_lost, "closed by the instrument");
  job.found_stale_bytes = true;
  return fail(Fault::malformed, "bytes arrived that nobody asked for");
}

Result<void> LibmodbusBus::Worker::exchange(Job& job) {
  int fd = -1;
  {
    const std::lock_guard lock{mutex_};
    if (link_number_ == job.link_number) fd = fd_;
  }
  if (fd < 0) return fail(Fault::link_lost, "the connection is gone");
  if (const Result<void> clean = look_before_sending(fd, job); !clean) return clean;
  if (job.cancelled) return fail(Fault::interrupted, "cut before it was sent");
  job.was_sent = true;
  const ssize_t sent = ::send(fd, job.request.bytes.data(), job.request.length, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(job.request.length))
    return sent < 0 ? link_lost(errno) : fail(Fault::link_lost, "sent in part");
  static_assert(modbus::frame_length_max >= MODBUS_TCP_MAX_ADU_LENGTH);
  const int received = modbus_receive_confirmation(context_, job.reply.bytes.data());
  if (received < 0) return receive_error(errno);
  job.reply.length = static_cast<std::size_t>(received);
  return modbus::check_reply(job.request, job.reply);
}

LibmodbusBus::LibmodbusBus(TimeSource& time, LibmodbusBusOptions options)
    : time_{time}, options_{std::move(options)}, turns_{time}, worker_{std::make_unique<Worker>(time, options_)} {}

LibmodbusBus::~LibmodbusBus() = default;

std::string LibmodbusBus::address() const {
  const bool is_ipv6 = options_.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + options_.host + "]" : options_.host) + ":" + std::to_string(options_.port);
}

Error LibmodbusBus::failure(Fault fault, const std::string& what) const { return fail(fault, address() + ": " + what); }

void LibmodbusBus::cut() noexcept {
  ++epoch_;
  worker_->abort();
  link_.is_up = false;
  next_request_ = TimePoint{};
  if (blocked_ != nullptr) std::exchange(blocked_, nullptr)->wake();
  turns_.cut_all();
}

// After every suspension the epoch is asked first: once cut, link_ and blocked_ may already serve the next call.
Task<Result<void>> LibmodbusBus::perform(const std::shared_ptr<Job>& job, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  if (!worker_->submit(job)) co_return failure(Fault::busy, "the bus thread is stuck");
  Blocked blocked{*this, job.get()};
  co_await blocked.wait.until(deadline.at);
  if (epoch != epoch_) co_return failure(Fault::interrupted, "cut by us");
  if (!job->done) {
    worker_->abort();
    link_.is_up = false;
    co_return failure(Fault::timeout, "no answer in time");
  }
  if (job->outcome) co_return Result<void>{};
  const Error error = job->outcome.error();
  if (error.fault != Fault::refused && error.fault != Fault::busy) link_.is_up = false;
  co_return failure(error.fault, error.what);
}

Task<Result<void>> LibmodbusBus::connect(Deadline deadline) {
  const auto job = std::make_shared<Job>();
  job->is_connect = true;
  job->link_number = ++link_.number;
  const TimeSource::LocalWork connecting{time_};
  const Result<void> connected = co_await perform(job, deadline);
  if (!connected) co_return connected;
  link_.key = LinkKey{.local_port = job->local_port, .remote_port = options_.port};
  time_.link_opened(link_.key);
  link_.is_up = true;
  was_open_ = true;
  co_return Result<void>{};
}

Task<Result<void>> LibmodbusBus::attempt(const modbus::Frame& request, modbus::Frame& reply, bool& was_sent, Deadline deadline) {
  was_sent = true;  // "nothing was sent" must be known to be believed
  if (!link_.is_up) {
    const Result<void> connected = co_await connect(deadline);
    if (!connected) co_return connected;
  }
  const auto job = std::make_shared<Job>();
  job->link_number = link_.number;
  job->request = request;
  modbus::stamp(job->request, static_cast<std::uint16_t>(++transaction_));
  const TimeSource::InFlight in_flight{time_, link_.key};
  const Result<void> done = co_await perform(job, deadline);
  if (job->done) {
    was_sent = job->was_sent;
    reply = job->reply;
    if (job->found_stale_bytes) ++stale_reply_count_;
  }
  co_return done;
}

Task<Result<void>> LibmodbusBus::keep_gap(Deadline deadline) {
  if (options_.request_gap <= Duration::zero() || time_.now() >= next_request_) co_return Result<void>{};
  if (next_request_ >= deadline.at) co_return failure(Fault::timeout, "the pause between requests passes the deadline");
  const std::uint64_t epoch = epoch_;
  Blocked blocked{*this, nullptr};
  co_await blocked.wait.until(next_request_);
  if (epoch != epoch_) co_return failure(Fault::interrupted, "cut by us");
  co_return Result<void>{};
}

Task<Result<void>> LibmodbusBus::exchange(const modbus::Frame& request, modbus::Frame& reply, Deadline deadline) {
  const Result<void> entered = co_await turns_.enter(deadline);
  if (!entered) co_return failure(entered.error().fault, entered.error().what);
  const Turnstile::Leave leave{turns_};
  const std::uint64_t epoch = epoch_;
  const Result<void> gap_kept = co_await keep_gap(deadline);
  if (!gap_kept) co_return gap_kept;
  // A connection found dead or dirty before anything was sent is made anew, once.
  Result<void> done;
  bool was_sent = false;
  for (int attempts = 0; attempts < 2 && !was_sent; ++attempts) {
    done = co_await attempt(request, reply, was_sent, deadline);
    if (epoch != epoch_) co_return failure(Fault::interrupted, "cut by us");
  }
  next_request_ = time_.now() + options_.request_gap;
  co_return done;
}

Task<Result<void>> LibmodbusBus::read_holding(ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline) {
  if (into.empty() || into.size() > modbus::read_register_count_max)
    co_return failure(Fault::refused, "reads 1 to 125 registers");
  const modbus::Frame request = modbus::request_read_holding(from, static_cast<std::uint16_t>(into.size()));
  modbus::Frame reply;
  const Result<void> done = co_await exchange(request, reply, deadline);
  if (done) modbus::registers_of(reply, into);
  co_return done;
}

Task<Result<void>> LibmodbusBus::write_register(ModbusAddress to, std::uint16_t value, Deadline deadline) {
  const modbus::Frame request = modbus::request_write_register(to, value);
  modbus::Frame reply;
  co_return co_await exchange(request, reply, deadline);
}

Task<Result<void>> LibmodbusBus::write_registers(ModbusAddress to, std::span<const std::uint16_t> values, Deadline deadline) {
  if (values.empty() || values.size() > modbus::write_register_count_max) {
    co_return failure(Fault::refused, "writes 1 to 123 registers");
  }
  const modbus::Frame request = modbus::request_write_registers(to, values);
  modbus::Frame reply;
  co_return co_await exchange(request, reply, deadline);
}

Task<Result<void>> LibmodbusBus::read_coils(ModbusAddress from, std::span<bool> into, Deadline deadline) {
  if (into.empty() || into.size() > modbus::read_coil_count_max) co_return failure(Fault::refused, "reads 1 to 2000 coils");
  const modbus::Frame request = modbus::request_read_coils(from, static_cast<std::uint16_t>(into.size()));
  modbus::Frame reply;
  const Result<void> done = co_await exchange(request, reply, deadline);
  if (done) modbus::coils_of(reply, into);
  co_return done;
}

Task<Result<void>> LibmodbusBus::write_coil(ModbusAddress to, bool value, Deadline deadline) {
  const modbus::Frame request = modbus::request_write_coil(to, value);
  modbus::Frame reply;
  co_return co_await exchange(request, reply, deadline);
}

}  // namespace cellrig
