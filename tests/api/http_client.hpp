// A client of plain sockets: what it sends is what the test wrote, byte for byte.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cellrig::api::test {

struct Answer {
  int status = 0;  ///< 0: the connection was closed without one
  std::map<std::string, std::string> headers;
  std::string body;
};

/// One connection. Every wait ends after wait_max, so that a test fails instead of hanging.
class Client {
 public:
  static constexpr std::chrono::seconds wait_max{20};

  /// `from`: one of this machine's own addresses, such as 127.0.0.2, to be another client than the rest.
  explicit Client(std::uint16_t port, int receive_buffer_bytes = 0, const char* from = "127.0.0.1");
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool send(std::string_view bytes);
  /// Nothing more will be sent; what comes is still received.
  void end();
  /// The next answer on this connection.
  [[nodiscard]] Answer receive();
  /// True: the server has closed it, within that time.
  [[nodiscard]] bool is_closed_within(std::chrono::milliseconds time);
  Answer ask(std::string_view bytes) {
    send(bytes);
    return receive();
  }

  /// After the answer 101: the next text message; empty: closed.
  [[nodiscard]] std::optional<std::string> message();
  void send_frame(unsigned char opcode, std::string_view payload);

 private:
  [[nodiscard]] bool fill(std::chrono::milliseconds time);
  [[nodiscard]] bool need(std::size_t count);
  [[nodiscard]] bool read_chunks(std::string& body);

  int socket_ = -1;
  std::string buffer_;
};

using Headers = std::map<std::string, std::string>;
/// As text; Host and Content-Length are added.
[[nodiscard]] std::string request(std::string_view method, std::string_view target, const Headers& headers = {},
                                  std::string_view body = {});
/// On a connection of its own.
[[nodiscard]] Answer ask(std::uint16_t port, std::string_view method, std::string_view target, const Headers& headers = {},
                         std::string_view body = {});

}  // namespace cellrig::api::test
