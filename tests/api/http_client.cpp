#include "tests/api/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace cellrig::api::test {

Client::Client(std::uint16_t port, int receive_buffer_bytes, const char* from)
    : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  if (receive_buffer_bytes > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &own.sin_addr);
  if (own.sin_addr.s_addr != htonl(INADDR_LOOPBACK)) ::bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof own);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    socket_ = -1;
  }
}

Client::~Client() {
  if (socket_ >= 0) ::close(socket_);
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd ready{socket_, POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(std::chrono::milliseconds{wait_max}.count())) != 1) return false;
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Client::end() { ::shutdown(socket_, SHUT_WR); }

bool Client::fill(std::chrono::milliseconds time) {
  pollfd ready{socket_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(time.count())) != 1) return false;
  char bytes[16384];
  const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

bool Client::need(std::size_t count) {
  while (buffer_.size() < count) {
    if (!fill(wait_max)) return false;
  }
  return true;
}

/// False: it broke off.
bool Client::read_chunks(std::string& body) {
  while (true) {
    std::size_t line_end = 0;
    while ((line_end = buffer_.find("\r\n")) == std::string::npos) {
      if (!fill(wait_max)) return false;
    }
    const std::size_t length = std::stoul(buffer_.substr(0, line_end), nullptr, 16);
    if (!need(line_end + 2 + length + 2)) return false;
    body += buffer_.substr(line_end + 2, length);
    buffer_.erase(0, line_end + 2 + length + 2);
    if (length == 0) return true;
  }
}

Answer Client::receive() {
  Answer answer;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill(wait_max)) return answer;
  }
  const std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  answer.status = std::atoi(head.substr(9, 3).c_str());
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t line_end = head.find("\r\n", at), colon = head.find(": ", at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = head.substr(colon + 2, line_end - colon - 2);
    at = line_end + 2;
  }
  if (answer.status == 100) return receive();
  if (answer.headers["transfer-encoding"] == "chunked") return read_chunks(answer.body) ? answer : Answer{};
  const auto length = static_cast<std::size_t>(std::atoll(answer.headers["content-length"].c_str()));
  if (!need(length)) return {};
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

bool Client::is_closed_within(std::chrono::milliseconds time) {
  const auto limit = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < limit) {
    pollfd ready{socket_, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
    if (::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)) + 1) != 1) return false;
    char bytes[4096];
    if (::recv(socket_, bytes, sizeof bytes, 0) <= 0) return true;
  }
  return false;
}

std::optional<std::string> Client::message() {
  while (true) {
    if (!need(2)) return std::nullopt;
    const auto opcode = static_cast<unsigned char>(buffer_[0]) & 0x0FU;
    std::size_t length = static_cast<unsigned char>(buffer_[1]) & 0x7FU, head = 2;
    const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (!need(head + extra)) return std::nullopt;
    if (extra > 0) length = 0;
    for (std::size_t i = 0; i < extra; ++i) length = length * 256 + static_cast<unsigned char>(buffer_[head + i]);
    head += extra;
    if (!need(head + length)) return std::nullopt;
    std::string payload = buffer_.substr(head, length);
    buffer_.erase(0, head + length);
    constexpr unsigned close = 8, ping = 9, pong = 10;
    if (opcode == close) return std::nullopt;
    if (opcode == ping) send_frame(pong, payload);
    if (opcode < close) return payload;
  }
}

void Client::send_frame(unsigned char opcode, std::string_view payload) {
  std::string frame;
  frame += static_cast<char>(0x80U | opcode);
  frame += static_cast<char>(0x80U | (payload.size() < 126 ? payload.size() : 126U));
  if (payload.size() >= 126) {
    frame += static_cast<char>(payload.size() / 256);
    frame += static_cast<char>(payload.size() % 256);
  }
  frame += std::string(4, '\0');  // a mask that changes nothing
  frame += payload;
  send(frame);
}

std::string request(std::string_view method, std::string_view target, const Headers& headers, std::string_view body) {
  std::string text = std::string{method} + " " + std::string{target} + " HTTP/1.1\r\n";
  if (!headers.contains("Host")) text += "Host: localhost\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string{body};
}

Answer ask(std::uint16_t port, std::string_view method, std::string_view target, const Headers& headers, std::string_view body) {
  return Client{port}.ask(request(method, target, headers, body));
}

}  // namespace cellrig::api::test
