// A Modbus TCP server of a few lines with its own framing, on a thread of its own. What it answers, when, and how often is the
// test's affair: the handler gets the request's bytes and a way to send bytes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace cellrig::testing {

using Bytes = std::vector<std::uint8_t>;

class TinyModbusServer {
 public:
  using Send = std::function<void(const Bytes&)>;
  using Handler = std::function<void(const Bytes& request, const Send& send)>;

  explicit TinyModbusServer(Handler handler) : handler_{std::move(handler)} {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 8) != 0) {
      throw std::runtime_error("tiny server: no port");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~TinyModbusServer() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }
  TinyModbusServer(const TinyModbusServer&) = delete;
  TinyModbusServer& operator=(const TinyModbusServer&) = delete;

  /// Sends bytes that nobody asked for to every client. Over loopback they have arrived when this returns.
  void send_unasked(Bytes bytes) {
    std::future<void> sent;
    {
      const std::lock_guard lock{mutex_};
      unasked_ = std::move(bytes);
      sent_ = std::promise<void>{};
      sent = sent_.get_future();
    }
    sent.wait();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int connection_count() const { return connection_count_; }
  [[nodiscard]] std::vector<Bytes> requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
  }

 private:
  void serve() {
    std::vector<int> clients;
    while (!stopping_) {
      send_unasked_to(clients);
      std::vector<pollfd> watched{pollfd{listener_, POLLIN, 0}};
      for (const int client : clients) watched.push_back(pollfd{client, POLLIN, 0});
      if (::poll(watched.data(), watched.size(), 5) <= 0) continue;
      for (std::size_t i = 1; i < watched.size(); ++i) {
        if (watched[i].revents != 0 && !serve_client(watched[i].fd)) {
          ::close(watched[i].fd);
          std::erase(clients, watched[i].fd);
        }
      }
      if (watched[0].revents != 0) {
        const int client = ::accept(listener_, nullptr, nullptr);
        const int on = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        clients.push_back(client);
        ++connection_count_;
      }
    }
    for (const int client : clients) ::close(client);
  }

  void send_unasked_to(const std::vector<int>& clients) {
    const std::lock_guard lock{mutex_};
    if (unasked_.empty()) return;
    for (const int client : clients) ::send(client, unasked_.data(), unasked_.size(), MSG_NOSIGNAL);
    unasked_.clear();
    sent_.set_value();
  }

  bool serve_client(int client) {
    Bytes request(6);
    if (::recv(client, request.data(), 6, MSG_WAITALL) != 6) return false;
    const std::size_t rest = request[4] * 256U + request[5];
    request.resize(6 + rest);
    if (::recv(client, request.data() + 6, rest, MSG_WAITALL) != static_cast<ssize_t>(rest)) return false;
    {
      const std::lock_guard lock{mutex_};
      requests_.push_back(request);
    }
    handler_(request, [client](const Bytes& bytes) { ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
    return true;
  }

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connection_count_{0};
  mutable std::mutex mutex_;
  std::vector<Bytes> requests_;
  Bytes unasked_;
  std::promise<void> sent_;
  std::thread thread_;
};

/// The reply to a read of holding registers (one register per value), or the echo of a write of one.
inline Bytes reply_to(const Bytes& request, const std::vector<std::uint16_t>& values = {}) {
  Bytes reply(request.begin(), request.begin() + 8);
  if (request[7] == 3) {
    reply.push_back(static_cast<std::uint8_t>(2 * values.size()));
    for (const std::uint16_t value : values) {
      reply.push_back(static_cast<std::uint8_t>(value >> 8));
      reply.push_back(static_cast<std::uint8_t>(value & 0xFF));
    }
  } else {
    for (std::size_t i = 8; i < 12; ++i) reply.push_back(request[i]);
  }
  reply[5] = static_cast<std::uint8_t>(reply.size() - 6);
  return reply;
}

}  // namespace cellrig::testing
