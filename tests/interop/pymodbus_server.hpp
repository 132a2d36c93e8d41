// pymodbus as a process that plays instruments, and what joins a serial line to it. Needs the definitions INTEROP_PYTHON and
// CELLRIG_SOURCE_DIR.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace cellrig::testing {

/// The server's process. It says where it listens once it does.
class PymodbusServer {
 public:
  /// A script of this folder, and its words.
  explicit PymodbusServer(const std::vector<std::string>& words) {
    const std::string script = std::string(CELLRIG_SOURCE_DIR) + "/tests/interop/" + words.front();
    std::vector<const char*> arguments{INTEROP_PYTHON, "-B", script.c_str()};
    for (std::size_t i = 1; i < words.size(); ++i) arguments.push_back(words[i].c_str());
    arguments.push_back(nullptr);
    std::array<int, 2> said{};
    if (::pipe2(said.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(said[1], STDOUT_FILENO);
      ::execv(INTEROP_PYTHON, const_cast<char* const*>(arguments.data()));
      ::_exit(127);
    }
    ::close(said[1]);
    std::string text;
    std::array<char, 32> buffer{};
    for (ssize_t n = 1; n > 0 && text.find('\n') == std::string::npos;) {
      n = ::read(said[0], buffer.data(), buffer.size());
      if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    ::close(said[0]);
    if (text.find('\n') == std::string::npos)
      throw std::runtime_error("the pymodbus server does not run; what is missing it says above");
    std::size_t end = 0;
    port_ = static_cast<std::uint16_t>(std::stoi(text, &end));
    if (text.at(end) == ' ') scpi_port_ = static_cast<std::uint16_t>(std::stoi(text.substr(end)));
  }
  ~PymodbusServer() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  PymodbusServer(const PymodbusServer&) = delete;
  PymodbusServer& operator=(const PymodbusServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Of the SCPI that an instrument of several faces speaks beside its Modbus.
  [[nodiscard]] std::uint16_t scpi_port() const { return scpi_port_; }

 private:
  pid_t process_ = -1;
  std::uint16_t port_ = 0, scpi_port_ = 0;
};

/// What a serial server does: bytes of a line into a TCP connection and back.
class SerialServer {
 public:
  SerialServer(int line, std::uint16_t port) : line_{line}, socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("connect");
    thread_ = std::thread{[this] { pass_on(); }};
  }
  ~SerialServer() {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  SerialServer(const SerialServer&) = delete;
  SerialServer& operator=(const SerialServer&) = delete;

 private:
  void pass_on() {
    while (!stopping_) {
      std::array<pollfd, 2> ends{pollfd{line_, POLLIN, 0}, pollfd{socket_, POLLIN, 0}};
      ::poll(ends.data(), ends.size(), -1);
      std::array<char, 512> buffer{};
      if ((ends[0].revents & POLLIN) != 0) {
        const ssize_t n = ::read(line_, buffer.data(), buffer.size());
        if (n > 0) static_cast<void>(!::send(socket_, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL));
      }
      if (ends[1].revents != 0) {
        const ssize_t n = ::recv(socket_, buffer.data(), buffer.size(), 0);
        if (n <= 0) return;
        static_cast<void>(!::write(line_, buffer.data(), static_cast<std::size_t>(n)));
      }
    }
  }
  int line_;
  int socket_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// What a cable between two serial ports does.
class NullModem {
 public:
  NullModem(int one, int other) : ends_{one, other}, thread_{[this] { pass_on(); }} {}
  ~NullModem() {
    stopping_ = true;
    thread_.join();
  }
  NullModem(const NullModem&) = delete;
  NullModem& operator=(const NullModem&) = delete;

 private:
  static constexpr int look_period_ms = 50;

  void pass_on() {
    while (!stopping_) {
      std::array<pollfd, 2> ends{pollfd{ends_[0], POLLIN, 0}, pollfd{ends_[1], POLLIN, 0}};
      ::poll(ends.data(), ends.size(), look_period_ms);
      for (std::size_t from = 0; from < ends.size(); ++from) {
        if ((ends.at(from).revents & POLLIN) == 0) continue;
        std::array<char, 512> buffer{};
        const ssize_t n = ::read(ends_.at(from), buffer.data(), buffer.size());
        if (n > 0) static_cast<void>(!::write(ends_.at(1 - from), buffer.data(), static_cast<std::size_t>(n)));
      }
    }
  }
  std::array<int, 2> ends_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace cellrig::testing
