#include "sim/net/pseudo_terminal.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace cellrig::sim {
namespace {

namespace fs = std::filesystem;

void make_raw(int fd) {
  termios line{};
  if (::tcgetattr(fd, &line) != 0) fail_with("pseudo-terminal");
  ::cfmakeraw(&line);
  if (::tcsetattr(fd, TCSANOW, &line) != 0) fail_with("pseudo-terminal");
}

}  // namespace

OwnFolder::OwnFolder() {
  path_ = (fs::temp_directory_path() / "cellrig-sim-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) fail_with("can't make a folder " + path_);
}

OwnFolder::~OwnFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

PseudoTerminal::PseudoTerminal(std::string path)
    : path_{std::move(path)}, master_{::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)} {
  std::array<char, 128> device{};
  if (!master_ || ::grantpt(master_.get()) != 0 || ::unlockpt(master_.get()) != 0 ||
      ::ptsname_r(master_.get(), device.data(), device.size()) != 0) {
    fail_with("no pseudo-terminal");
  }
  slave_ = Descriptor{::open(device.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  struct stat status {};
  if (!slave_ || ::fstat(slave_.get(), &status) != 0) fail_with(std::string("can't open ") + device.data());
  number_ = minor(status.st_rdev);
  make_raw(slave_.get());
  std::error_code error;
  fs::remove(path_, error);
  fs::create_symlink(device.data(), path_, error);
  if (error) throw std::system_error{error, "can't make " + path_};
}

PseudoTerminal::~PseudoTerminal() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

bool PseudoTerminal::send(std::string_view bytes) const {
  const ssize_t n = ::write(master_.get(), bytes.data(), bytes.size());
  if (n <= 0 && !bytes.empty()) ::tcflush(slave_.get(), TCIFLUSH);
  return n == static_cast<ssize_t>(bytes.size());
}

Descriptor PseudoTerminal::hang_up() {
  master_.reset();
  return std::move(slave_);
}

Received read_into(const Descriptor& master, std::string& into) {
  std::array<char, 4096> chunk;
  const ssize_t n = ::read(master.get(), chunk.data(), chunk.size());
  if (n > 0) {
    into.append(chunk.data(), static_cast<std::size_t>(n));
    return Received::bytes;
  }
  const bool is_nothing = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return is_nothing ? Received::nothing : Received::end;
}

}  // namespace cellrig::sim
