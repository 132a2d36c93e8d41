// Instruments behind a serial-to-Ethernet converter serve one client at a time: the next one gets in as soon as the last one has closed.
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>

#include "controller/base/resources.hpp"
#include "sim/bench.hpp"
#include "sim/net/server.hpp"

namespace cellrig::sim {
namespace {

using boost::asio::ip::tcp;

constexpr int client_count = 100;
constexpr int try_count_max = 3;
constexpr int refused_count_max = 5;
const std::string read_temperature{"\0\1\0\0\0\6\1\3\x11\xA9\0\2", 12};
constexpr std::size_t reply_size = 13;

class OneClient : public ::testing::Test {
 protected:
  void SetUp() override { server_.start(); }
  void TearDown() override { server_.stop(); }

  tcp::socket connect() {
    tcp::socket socket{context_};
    socket.connect(tcp::endpoint{boost::asio::ip::make_address(server_.host()), server_.port_of("binder", "modbus")});
    return socket;
  }
  /// Whether a question is answered.
  static bool is_served(tcp::socket& socket) {
    boost::system::error_code failed;
    boost::asio::write(socket, boost::asio::buffer(read_temperature), failed);
    std::array<char, reply_size> reply{};
    return boost::asio::read(socket, boost::asio::buffer(reply), failed) == reply_size;
  }

 private:
  std::unique_ptr<SimulatedBench> bench_ = SimulatedBench::load(
      std::string(CELLRIG_SOURCE_DIR) + "/sim/benches/three-chambers.yaml", BenchOptions{{cell_directory()}, 1});
  SimServer server_{*bench_, ServerOptions{}};
  boost::asio::io_context context_{1};
};

/// The network keeps the order within a connection, not between two: a newcomer may be seen before the last one's end.
TEST_F(OneClient, the_next_one_gets_in_when_the_last_one_has_closed) {
  int refused_count = 0;
  for (int i = 0; i < client_count; ++i) {
    tcp::socket socket = connect();
    for (int again = 0; again < try_count_max && !is_served(socket); ++again) {
      ++refused_count;
      socket = connect();
    }
    ASSERT_TRUE(is_served(socket)) << i;
    socket.close();
  }
  EXPECT_LE(refused_count, refused_count_max);
}

TEST_F(OneClient, a_second_one_is_sent_away_and_disturbs_nobody) {
  tcp::socket first = connect();
  ASSERT_TRUE(is_served(first));
  tcp::socket second = connect();
  EXPECT_FALSE(is_served(second));
  EXPECT_TRUE(is_served(first));
}

}  // namespace
}  // namespace cellrig::sim
