// TcpStream, and ScpiSession on it, against a line server on real loopback sockets.
#include "drivers/transport/tcp_stream.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <iostream>
#include <mutex>
#include <thread>

#include "controller/async/real_time.hpp"
#include "drivers/scpi/session.hpp"
#include "tests/unit/drivers/run_task.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::run_task;

/// Hands every line it gets to a function that may send.
class LineServer {
 public:
  using Handler = std::function<void(int fd, const std::string& line)>;
  explicit LineServer(Handler handler) : handler_{std::move(handler)} {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~LineServer() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;

  /// Sends bytes that nobody asked for to every client. Over loopback they have arrived when this returns.
  void send_unasked(const std::string& text) {
    std::future<void> sent;
    {
      const std::lock_guard lock{mutex_};
      unasked_ = text;
      sent_ = std::promise<void>{};
      sent = sent_.get_future();
    }
    sent.wait();
  }

  std::uint16_t port = 0;
  std::atomic<int> connection_count{0};

 private:
  void serve() {
    std::vector<int> clients;
    while (!stopping_) {
      send_unasked_to(clients);
      std::vector<pollfd> watched{pollfd{listener_, POLLIN, 0}};
      for (const int client : clients) watched.push_back(pollfd{client, POLLIN, 0});
      if (::poll(watched.data(), watched.size(), 5) <= 0) continue;
      for (std::size_t i = 1; i < watched.size(); ++i) {
        if (watched[i].revents == 0) continue;
        char buffer[4096];
        const ssize_t n = ::recv(watched[i].fd, buffer, sizeof buffer, 0);
        if (n > 0) {
          handler_(watched[i].fd, std::string(buffer, static_cast<std::size_t>(n)));
        } else {
          ::close(watched[i].fd);
          std::erase(clients, watched[i].fd);
        }
      }
      if (watched[0].revents != 0) {
        clients.push_back(::accept(listener_, nullptr, nullptr));
        ++connection_count;
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

  std::mutex mutex_;
  std::string unasked_;
  std::promise<void> sent_;
  Handler handler_;
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

void send_text(int fd, const std::string& text) { ::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }
void echo(int fd, const std::string& line) { send_text(fd, line); }

struct Rig {
  Rig(std::string host, std::uint16_t port) : stream{time, std::move(host), port} {}
  RealTime time;
  TcpStream stream;
  ScpiSession session{time, stream};
  Result<std::string> reply;
};

Task<void> ask(Rig& rig, std::string_view message, Duration patience) {
  const Deadline deadline{rig.time.now() + patience};
  rig.reply = co_await rig.session.query(message, deadline);
}

Result<std::string> query(Rig& rig, std::string_view message, Duration patience = 2s) {
  run_task(rig.time, ask(rig, message, patience));
  return rig.reply;
}

TEST(TcpStream, carries_questions_and_answers) {
  LineServer server{echo};
  Rig rig{"127.0.0.1", server.port};
  EXPECT_EQ(*query(rig, "hello?"), "hello?");
  EXPECT_EQ(*query(rig, "again?"), "again?");
  EXPECT_NE(rig.stream.key().local_port, 0);
  EXPECT_EQ(server.connection_count, 1);
}

TEST(TcpStream, resolves_names) {
  LineServer server{echo};
  Rig rig{"localhost", server.port};
  const auto reply = query(rig, "hello?");
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(*reply, "hello?");
}

TEST(TcpStream, a_closed_port_is_link_lost_at_once) {
  std::uint16_t port = 0;
  {
    LineServer server{echo};
    port = server.port;
  }
  Rig rig{"127.0.0.1", port};
  const TimePoint start = rig.time.now();
  EXPECT_EQ(query(rig, "hello?").error().fault, Fault::link_lost);
  EXPECT_LT(rig.time.now() - start, 1s);
  EXPECT_FALSE(rig.stream.was_open()) << "nobody heard anything";
}

TEST(TcpStream, silence_is_a_timeout_and_closes) {
  LineServer server{[](int, const std::string&) {}};
  Rig rig{"127.0.0.1", server.port};
  EXPECT_EQ(query(rig, "hello?", 50ms).error().fault, Fault::timeout);
  EXPECT_FALSE(rig.stream.is_open());
  EXPECT_TRUE(rig.stream.was_open()) << "the question may have been heard";
}

TEST(TcpStream, a_repeated_reply_is_noticed_before_the_next_request) {
  LineServer server{echo};
  Rig rig{"127.0.0.1", server.port};
  EXPECT_EQ(*query(rig, "one?"), "one?");
  server.send_unasked("one?\n");
  EXPECT_EQ(*query(rig, "two?"), "two?");
  EXPECT_EQ(rig.session.stale_reply_count(), 1U);
}

Task<void> cut_and_ask(Rig& rig, Result<std::string>& reply) {
  co_await rig.time.sleep_for(20ms);
  const TimePoint cut_at = rig.time.now();
  rig.session.cut();
  const Deadline deadline{rig.time.now() + 2s};
  reply = co_await rig.session.query("OUTP OFF;OUTP?", deadline);
  std::cout << "[ MEASURED ] cut of a hanging query, reconnect, OFF answered: "
            << std::chrono::duration_cast<std::chrono::microseconds>(rig.time.now() - cut_at).count() << " us\n";
}

TEST(TcpStream, cut_frees_a_hanging_query_and_the_next_goes_out) {
  LineServer server{[](int fd, const std::string& line) {
    if (line.starts_with("OUTP")) send_text(fd, "OFF\n");
  }};
  Rig rig{"127.0.0.1", server.port};
  rig.time.spawn(ask(rig, "MEAS:VOLT?", 10s));
  Result<std::string> reply;
  run_task(rig.time, cut_and_ask(rig, reply));
  EXPECT_EQ(rig.reply.error().fault, Fault::interrupted);
  EXPECT_EQ(*reply, "OFF");
}

TEST(TcpStream, a_peer_that_closes_is_link_lost) {
  LineServer server{[](int fd, const std::string&) { ::shutdown(fd, SHUT_RDWR); }};
  Rig rig{"127.0.0.1", server.port};
  EXPECT_EQ(query(rig, "hello?").error().fault, Fault::link_lost);
}

TEST(TcpStream, a_large_message_arrives_whole) {
  std::atomic<std::size_t> received{0};
  LineServer server{[&received](int fd, const std::string& line) {
    received += line.size();
    if (line.back() == '\n') send_text(fd, "1\n");
  }};
  Rig rig{"127.0.0.1", server.port};
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(*query(rig, large, 10s), "1");
  EXPECT_EQ(received, large.size() + 1);
}

}  // namespace
}  // namespace cellrig
