// What faults of the wire are to a socket, seen by a client that shares nothing with the simulator: silence without an end, an end, a
// reset, one byte at a time.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>

#include "sim/net/server.hpp"
#include "sim/net/socket.hpp"
#include "tests/unit/sim_net/fake_instrument.hpp"

namespace cellrig::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int patience_ms = 5000;

class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}, port_{port} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  void send(const std::string& text) const { ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
  [[nodiscard]] bool has_something(int within_ms = 0) const {
    pollfd readable{socket_.get(), POLLIN, 0};
    return ::poll(&readable, 1, within_ms) > 0;
  }
  struct Got {
    std::string bytes;
    bool is_end = false, is_reset = false;
  };
  [[nodiscard]] Got receive() const {
    Got got;
    if (!has_something(patience_ms)) return got;
    std::array<char, 256> buffer;
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    got.is_end = n == 0;
    got.is_reset = n < 0 && errno == ECONNRESET;
    if (n > 0) got.bytes.assign(buffer.data(), static_cast<std::size_t>(n));
    return got;
  }
  std::string ask(const std::string& line) {
    send(line + '\n');
    std::string answer;
    while (answer.find('\n') == std::string::npos) {
      const Got got = receive();
      if (got.bytes.empty()) return answer + "(nothing)";
      answer += got.bytes;
    }
    return answer.substr(0, answer.size() - 1);
  }
  /// As the back door names this connection.
  [[nodiscard]] std::string name() const { return std::to_string(local_port_of(socket_)) + '-' + std::to_string(port_); }

 private:
  Descriptor socket_;
  std::uint16_t port_;
};

class SocketFaults : public ::testing::Test {
 protected:
  SocketFaults() { server_.start(); }
  ~SocketFaults() override { server_.stop(); }
  [[nodiscard]] std::uint16_t scpi() const { return server_.port_of("fake", "scpi"); }

  FakeBench world_;
  SimServer server_{world_.bench, ServerOptions{}};
  Peer door_{server_.back_door_port()};
};

TEST_F(SocketFaults, half_open_is_silence_on_a_connection_that_stays) {
  Peer before{scpi()};
  EXPECT_EQ(before.ask("hello?"), "hello");
  EXPECT_EQ(door_.ask("fault half_open fake.scpi"), "ok");
  Peer later{scpi()};
  before.send("lost?\n");
  later.send("lost?\n");
  for (int i = 0; i < 20; ++i) EXPECT_THAT(door_.ask("now"), StartsWith("now "));  // it had every occasion
  EXPECT_FALSE(before.has_something() || later.has_something());
  EXPECT_EQ(door_.ask("clear-faults"), "ok");
  for (const Peer* peer : {&before, &later}) {
    const Peer::Got got = peer->receive();
    EXPECT_TRUE(got.is_end || got.is_reset) << got.bytes;
  }
  EXPECT_EQ(Peer{scpi()}.ask("hello?"), "hello");
  server_.stop();
  for (const std::string& line : world_.fake->lines) EXPECT_NE(line, "lost?");
}

// Whoever waits for a connection that will never be read must not wait for ever.
TEST_F(SocketFaults, half_open_does_not_hold_up_lockstep) {
  Peer client{scpi()};
  EXPECT_THAT(door_.ask("hello lockstep"), StartsWith("ok "));
  EXPECT_EQ(door_.ask("fault half_open fake.scpi for_s=1000"), "ok");
  client.send("lost?\n");
  EXPECT_THAT(door_.ask("advance 500000000000 " + client.name() + ":1"), StartsWith("now 500000000000 until "));
  EXPECT_THAT(door_.ask("advance 5000000000000"), HasSubstr(client.name() + "!"));
}

TEST_F(SocketFaults, a_reset_is_no_end) {
  Peer first{scpi()};
  EXPECT_EQ(door_.ask("fault reset fake.scpi"), "ok");
  first.send("hello?\n");
  EXPECT_TRUE(first.receive().is_reset);
  Peer second{scpi()};
  EXPECT_EQ(door_.ask("fault close fake.scpi"), "ok");
  second.send("hello?\n");
  EXPECT_TRUE(second.receive().is_end);
}

TEST_F(SocketFaults, drops_come_one_at_a_time_and_only_the_last_is_a_reply) {
  Peer client{scpi()};
  EXPECT_THAT(door_.ask("hello lockstep"), StartsWith("ok "));
  EXPECT_EQ(door_.ask("fault drip fake.scpi gap_ms=200"), "ok");
  client.send("abc?\n");
  for (const char* const byte : {"a", "b", "c", "\n"}) {
    const std::string tick = door_.ask("advance 9223372036854775807 " + client.name() + ":1");
    EXPECT_THAT(tick, HasSubstr(client.name() + (*byte == '\n' ? " until" : "? until")));
    EXPECT_EQ(client.receive().bytes, byte);
    EXPECT_FALSE(client.has_something());
  }
}

}  // namespace
}  // namespace cellrig::sim
