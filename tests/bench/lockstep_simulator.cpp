#include "tests/bench/lockstep_simulator.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/bench_harness.hpp"

namespace cellrig::bench {
namespace {

constexpr auto ready_within = std::chrono::seconds{30};
constexpr int look_again_ms = 5;
constexpr std::string_view back_door_key = R"("back_door":"127.0.0.1:)";

int checked(int fd) {
  if (fd < 0) throw std::runtime_error("no descriptor for the benchmark");
  return fd;
}

/// Waits for the end of the child, and looks for the file meanwhile.
void await_file(const std::string& path, pid_t child) {
  const int child_fd = checked(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const auto give_up = std::chrono::steady_clock::now() + ready_within;
  bool has_ended = false;
  while (!has_ended && !std::filesystem::exists(path) && std::chrono::steady_clock::now() < give_up) {
    pollfd watched{child_fd, POLLIN, 0};
    has_ended = ::poll(&watched, 1, look_again_ms) > 0;
  }
  ::close(child_fd);
  if (has_ended || !std::filesystem::exists(path)) throw std::runtime_error("cellrig-sim does not get ready");
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

SimulatorProcess::SimulatorProcess(const std::string& program, const std::string& bench_file)
    : ready_file_{test::temporary_folder() + "/ready.json"} {
  const std::string cells = std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells";
  pid_ = ::fork();
  if (pid_ == 0) {
    ::execl(program.c_str(), program.c_str(), bench_file.c_str(), "--ready-file", ready_file_.c_str(), "--cells", cells.c_str(),
            "--quiet", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  if (pid_ < 0) throw std::runtime_error("fork failed");
  await_file(ready_file_, pid_);
}

SimulatorProcess::~SimulatorProcess() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

double SimulatorProcess::cpu_s() const {
  clockid_t clock{};
  timespec t{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

BackDoorCounter::BackDoorCounter(const std::string& ready_file) : ready_file_{test::temporary_folder() + "/ready.json"} {
  std::ifstream stream{ready_file};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  const std::size_t at = text.find(back_door_key);
  if (at == std::string::npos) throw std::runtime_error("no back door in " + ready_file);
  const std::size_t begin = at + back_door_key.size();
  const std::size_t end = text.find('"', begin);
  simulator_port_ = static_cast<std::uint16_t>(std::stoi(text.substr(begin, end - begin)));

  listener_ = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 1) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("no port for the benchmark");
  }
  text.replace(begin, end - begin, std::to_string(ntohs(address.sin_port)));
  std::ofstream{ready_file_} << text;
  stop_event_ = checked(::eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread{[this] { forward(); }};
}

BackDoorCounter::~BackDoorCounter() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(stop_event_, &one, sizeof one);
  thread_.join();
  ::close(listener_);
  ::close(stop_event_);
}

void BackDoorCounter::forward() {
  pollfd waiting[]{{listener_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
  ::poll(waiting, std::size(waiting), -1);
  if (waiting[1].revents != 0) return;
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int simulator = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(simulator_port_);
  bool is_open = client >= 0 && ::connect(simulator, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  no_delay(client);
  no_delay(simulator);
  std::array<char, 65536> buffer{};
  const auto pass_on = [&](int from, int to) {
    const ssize_t n = ::recv(from, buffer.data(), buffer.size(), 0);
    if (n <= 0 || ::send(to, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) {
      is_open = false;
      return;
    }
    if (from == simulator) answers_ += static_cast<std::uint64_t>(std::count(buffer.data(), buffer.data() + n, '\n'));
  };
  while (is_open) {
    pollfd watched[]{{client, POLLIN, 0}, {simulator, POLLIN, 0}, {stop_event_, POLLIN, 0}};
    ::poll(watched, std::size(watched), -1);
    if (watched[2].revents != 0) break;
    if (watched[0].revents != 0) pass_on(client, simulator);
    if (watched[1].revents != 0) pass_on(simulator, client);
  }
  ::close(client);
  ::close(simulator);
}

}  // namespace cellrig::bench
