#include "drivers/transport/tcp_stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <vector>

namespace cellrig {
namespace {
constexpr int unacknowledged_ms_max = 5000;
}

/// One operation of the reactor. Its handler holds it alive and touches nothing else, so the stream may be gone by then.
struct TcpStream::Pending {
  explicit Pending(TimeSource& time) : wait{time} {}
  Wait wait;
  boost::system::error_code error;
  std::vector<Tcp::endpoint> endpoints;
  bool done = false;
  bool cut = false;
};

TcpStream::TcpStream(TimeSource& time, std::string host, std::uint16_t port)
    : time_{time}, host_{std::move(host)}, port_{port}, socket_{time.context()}, resolver_{time.context()} {}

TcpStream::~TcpStream() { close(); }

std::string TcpStream::address() const {
  const bool is_ipv6 = host_.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_);
}

void TcpStream::close() noexcept {
  is_open_ = false;
  for (std::shared_ptr<Pending>* slot : {&reading_, &writing_}) {
    if (!*slot) continue;
    (*slot)->cut = true;
    (*slot)->wait.wake();
    slot->reset();
  }
  boost::system::error_code ignored;
  resolver_.cancel();
  // The peer hears of the end even while a process that is being started still has a copy of the descriptor.
  if (socket_.is_open()) socket_.shutdown(Tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

bool TcpStream::has_unread() const {
  if (!is_open_) return false;
  char byte = 0;
  const ssize_t n = ::recv(const_cast<Tcp::socket&>(socket_).native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n >= 0;  // a byte, or the peer's end of stream; otherwise "would block"
}

Error TcpStream::broken(const boost::system::error_code& error) {
  close();
  return fail(Fault::link_lost, address() + ": " + error.message());
}

std::shared_ptr<TcpStream::Pending> TcpStream::begin(Direction direction) {
  auto pending = std::make_shared<Pending>(time_);
  (direction == Direction::read ? reading_ : writing_) = pending;
  return pending;
}

// After a cut the stream may have been opened again by somebody else: nothing of it is touched then.
Task<Result<void>> TcpStream::finish(const std::shared_ptr<Pending>& pending, Deadline deadline) {
  co_await pending->wait.until(deadline.at);
  if (pending->cut) co_return fail(Fault::interrupted, address() + ": closed while in use");
  if (!pending->done) {
    close();
    co_return fail(Fault::timeout, address() + ": no answer in time");
  }
  if (reading_ == pending) reading_.reset();
  if (writing_ == pending) writing_.reset();
  if (pending->error) co_return broken(pending->error);
  co_return Result<void>{};
}

Task<Result<void>> TcpStream::ready(Direction direction, Deadline deadline) {
  const std::shared_ptr<Pending> pending = begin(direction);
  const auto what = direction == Direction::read ? Tcp::socket::wait_read : Tcp::socket::wait_write;
  socket_.async_wait(what, [pending](const boost::system::error_code& error) {
    pending->done = true;
    pending->error = error;
    pending->wait.wake();
  });
  co_return co_await finish(pending, deadline);
}

Task<Result<void>> TcpStream::resolve(std::vector<Tcp::endpoint>& into, Deadline deadline) {
  boost::system::error_code error;
  const auto numeric = boost::asio::ip::make_address(host_, error);
  if (!error) {
    into.emplace_back(numeric, port_);
    co_return Result<void>{};
  }
  const std::shared_ptr<Pending> pending = begin(Direction::write);
  resolver_.async_resolve(host_, std::to_string(port_),
                          [pending](const boost::system::error_code& failure, const Tcp::resolver::results_type& found) {
                            pending->done = true;
                            pending->error = failure;
                            for (const auto& entry : found) pending->endpoints.push_back(entry.endpoint());
                            pending->wait.wake();
                          });
  const Result<void> resolved = co_await finish(pending, deadline);
  if (resolved) into = pending->endpoints;
  co_return resolved;
}

bool TcpStream::prepare(const Tcp::endpoint& endpoint) {
  boost::system::error_code error;
  socket_.close(error);
  if (socket_.open(endpoint.protocol(), error)) return false;
  ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);  // no child may hold this link open
  socket_.set_option(Tcp::no_delay{true}, error);
  socket_.set_option(boost::asio::socket_base::keep_alive{true}, error);
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms_max, sizeof unacknowledged_ms_max);
  socket_.non_blocking(true, error);
  return !error;
}

Task<Result<void>> TcpStream::connect_to(Tcp::endpoint endpoint, Deadline deadline) {
  if (!prepare(endpoint)) co_return fail(Fault::link_lost, address() + ": no socket available");
  const std::shared_ptr<Pending> pending = begin(Direction::write);
  socket_.async_connect(endpoint, [pending](const boost::system::error_code& error) {
    pending->done = true;
    pending->error = error;
    pending->wait.wake();
  });
  const Result<void> connected = co_await finish(pending, deadline);
  if (!connected) co_return connected;
  boost::system::error_code error;
  const Tcp::endpoint local = socket_.local_endpoint(error);
  // A closed port of this machine can connect to itself (simultaneous open): that is nobody.
  if (error || local == endpoint) co_return broken(boost::asio::error::connection_refused);
  key_ = LinkKey{.local_port = local.port(), .remote_port = endpoint.port()};
  time_.link_opened(key_);
  is_open_ = true;
  was_open_ = true;
  co_return Result<void>{};
}

Task<Result<void>> TcpStream::open(Deadline deadline) {
  close();
  const TimeSource::LocalWork connecting{time_};
  std::vector<Tcp::endpoint> endpoints;
  Result<void> opened = co_await resolve(endpoints, deadline);
  if (!opened) co_return opened;
  opened = fail(Fault::link_lost, address() + ": the name has no address");
  for (const Tcp::endpoint& endpoint : endpoints) {
    opened = co_await connect_to(endpoint, deadline);
    if (opened || opened.error().fault != Fault::link_lost) break;
  }
  co_return opened;
}

Task<Result<void>> TcpStream::write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (!is_open_) co_return fail(Fault::link_lost, address() + ": not connected");
    boost::system::error_code error;
    const std::size_t n = socket_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(n);
    if (error == boost::asio::error::would_block) {
      const Result<void> writable = co_await ready(Direction::write, deadline);
      if (!writable) co_return writable;
    } else if (error) {
      co_return broken(error);
    }
  }
  co_return Result<void>{};
}

Task<Result<std::size_t>> TcpStream::read_some(std::span<char> into, Deadline deadline) {
  while (true) {
    if (!is_open_) co_return fail(Fault::link_lost, address() + ": not connected");
    boost::system::error_code error;
    const std::size_t n = socket_.read_some(boost::asio::buffer(into.data(), into.size()), error);
    if (!error) co_return n;
    if (error != boost::asio::error::would_block) co_return broken(error);
    const Result<void> readable = co_await ready(Direction::read, deadline);
    if (!readable) co_return readable.error();
  }
}

}  // namespace cellrig
