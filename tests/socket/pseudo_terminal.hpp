// The far end of a serial line: a pseudo-terminal whose master a test holds, and a thread that answers on it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace cellrig::testing {

class PseudoTerminal {
 public:
  PseudoTerminal() : master_{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)} {
    std::array<char, 128> name{};
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0 ||
        ::ptsname_r(master_, name.data(), name.size()) != 0) {
      throw std::runtime_error("no pseudo-terminal");
    }
    path_ = name.data();
  }
  ~PseudoTerminal() { hang_up(); }
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int master() const { return master_; }
  void send(const std::string& bytes) const {
    if (::write(master_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      throw std::runtime_error("pty: write");
  }
  /// What came, within a second.
  [[nodiscard]] std::string receive(std::size_t size) const {
    std::string bytes;
    while (bytes.size() < size) {
      pollfd line{master_, POLLIN, 0};
      if (::poll(&line, 1, 1000) <= 0) break;
      std::array<char, 512> buffer{};
      const ssize_t n = ::read(master_, buffer.data(), buffer.size());
      if (n <= 0) break;
      bytes.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return bytes;
  }
  /// What is there.
  [[nodiscard]] std::string receive_now() const {
    pollfd line{master_, POLLIN, 0};
    std::array<char, 512> buffer{};
    if (::poll(&line, 1, 0) <= 0) return {};
    const ssize_t n = ::read(master_, buffer.data(), buffer.size());
    return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string{};
  }
  void hang_up() {
    if (master_ >= 0) ::close(std::exchange(master_, -1));
  }

 private:
  int master_ = -1;
  std::string path_;
};

}  // namespace cellrig::testing
