#include "drivers/transport/serial_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace cellrig {
namespace {

constexpr std::array<speed_t, serial_bauds.size()> speeds{B1200, B2400, B4800, B9600, B19200, B38400, B57600, B115200, B230400};

/// Linux: the slaves of pseudo-terminals, devices.txt.
constexpr unsigned pseudo_terminal_major_first = 136, pseudo_terminal_major_last = 143;

bool is_pseudo_terminal(dev_t device) {
  return major(device) >= pseudo_terminal_major_first && major(device) <= pseudo_terminal_major_last;
}

/// False: the device does not do it.
bool set_up(int fd, const SerialSettings& settings) {
  const auto known = std::find(serial_bauds.begin(), serial_bauds.end(), settings.baud);
  termios line{};
  if (known == serial_bauds.end() || ::tcgetattr(fd, &line) != 0) return false;
  const speed_t speed = speeds.at(static_cast<std::size_t>(known - serial_bauds.begin()));
  ::cfmakeraw(&line);
  line.c_iflag &= ~static_cast<tcflag_t>(IXOFF | IXANY | INPCK);
  line.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS | HUPCL);  // closing drops no modem line
  line.c_cflag |= CS8 | CREAD | CLOCAL;
  if (settings.parity != Parity::none) line.c_cflag |= PARENB;
  if (settings.parity == Parity::odd) line.c_cflag |= PARODD;
  // A character with a parity error must not look like a good one: it becomes a zero byte, and a checksum or a number fails.
  if (settings.parity != Parity::none) line.c_iflag |= INPCK;
  if (settings.stop_bits == 2) line.c_cflag |= CSTOPB;
  line.c_cc[VMIN] = 1;  // with 0 "nothing there" could not be told from the end
  line.c_cc[VTIME] = 0;
  if (::cfsetispeed(&line, speed) != 0 || ::cfsetospeed(&line, speed) != 0 || ::tcsetattr(fd, TCSANOW, &line) != 0) return false;
  termios held{};  // tcsetattr() succeeds when any of it was done
  return ::tcgetattr(fd, &held) == 0 && ::cfgetospeed(&held) == speed && (held.c_cflag & CSIZE) == CS8;
}

/// Flushing alone does not reach what a pseudo-terminal still has on its way; reading does.
void discard_input(int fd) {
  ::tcflush(fd, TCIFLUSH);
  std::array<char, 512> old{};
  constexpr int reads_max = 64;  // somebody who talks without end is found by the probe
  for (int i = 0; i<reads_max&& ::read(fd, old.data(), old.size())> 0; ++i) {
  }
}

}  // namespace

/// One wait of the reactor. Its handler holds it alive and touches nothing else, so the stream may be gone by then.
struct SerialStream::Pending {
  explicit Pending(TimeSource& time) : wait{time} {}
  Wait wait;
  boost::system::error_code error;
  bool done = false;
  bool cut = false;
};

SerialStream::SerialStream(TimeSource& time, std::string device, SerialSettings settings)
    : time_{time}, device_{std::move(device)}, settings_{settings}, port_{time.context()} {}

SerialStream::~SerialStream() { close(); }

void SerialStream::close() noexcept {
  for (std::shared_ptr<Pending>* slot : {&reading_, &writing_}) {
    if (!*slot) continue;
    (*slot)->cut = true;
    (*slot)->wait.wake();
    slot->reset();
  }
  if (!port_.is_open()) return;
  if (std::exchange(is_exclusive_, false)) ::ioctl(port_.native_handle(), TIOCNXCL);
  boost::system::error_code ignored;
  port_.close(ignored);
}

bool SerialStream::has_unread() const {
  if (!port_.is_open()) return false;
  pollfd line{const_cast<boost::asio::posix::stream_descriptor&>(port_).native_handle(), POLLIN, 0};
  return ::poll(&line, 1, 0) > 0;  // bytes, or a line that has hung up
}

Error SerialStream::broken(const boost::system::error_code& error) {
  close();
  const bool is_end = error == boost::asio::error::eof;
  return fail(Fault::link_lost, device_ + ": " + (is_end ? "the line has hung up" : error.message()));
}

Result<void> SerialStream::take_over(int fd) {
  struct stat status {};
  if (::isatty(fd) == 0 || ::fstat(fd, &status) != 0) return fail(Fault::link_lost, device_ + ": this is no serial line");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return fail(Fault::busy, device_ + ": another program uses this line");
  // What another process keeps open would stay exclusive after we are gone; that is so with a pseudo-terminal only.
  const bool is_exclusive = !is_pseudo_terminal(status.st_rdev) && ::ioctl(fd, TIOCEXCL) == 0;
  if (!set_up(fd, settings_)) {
    if (is_exclusive) ::ioctl(fd, TIOCNXCL);
    return fail(Fault::refused, device_ + ": the line does not take " + to_string(settings_));
  }
  discard_input(fd);
  key_ = LinkKey{.tty = static_cast<std::uint32_t>(minor(status.st_rdev)) + 1};
  is_exclusive_ = is_exclusive;
  return {};
}

Result<void> SerialStream::open_device() {
  const int fd = ::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    const bool is_busy = errno == EBUSY;
    return fail(is_busy ? Fault::busy : Fault::link_lost, device_ + ": " + std::strerror(errno));
  }
  const Result<void> taken = take_over(fd);
  if (!taken) {
    ::close(fd);
    return taken;
  }
  boost::system::error_code error;
  port_.assign(fd, error);
  if (!error) port_.non_blocking(true, error);
  if (!error) return {};
  if (!port_.is_open()) ::close(fd);
  return broken(error);
}

Task<Result<void>> SerialStream::open(Deadline deadline) {
  close();
  if (time_.now() >= deadline.at) co_return fail(Fault::timeout, device_ + ": no time left to open it");
  const TimeSource::LocalWork opening{time_};  // the simulator is met at this instant
  const Result<void> opened = open_device();
  if (opened) time_.link_opened(key_);
  co_return opened;
}

// After a cut the stream may have been opened again by somebody else: nothing of it is touched then.
Task<Result<void>> SerialStream::ready(Direction direction, Deadline deadline) {
  const auto pending = std::make_shared<Pending>(time_);
  std::shared_ptr<Pending>& slot = direction == Direction::read ? reading_ : writing_;
  slot = pending;
  using Port = boost::asio::posix::stream_descriptor;
  port_.async_wait(direction == Direction::read ? Port::wait_read : Port::wait_write,
                   [pending](const boost::system::error_code& error) {
                     pending->done = true;
                     pending->error = error;
                     pending->wait.wake();
                   });
  co_await pending->wait.until(deadline.at);
  if (pending->cut) co_return fail(Fault::interrupted, device_ + ": closed while in use");
  if (!pending->done) {
    close();
    co_return fail(Fault::timeout, device_ + ": no answer in time");
  }
  slot.reset();
  if (pending->error) co_return broken(pending->error);
  co_return Result<void>{};
}

Task<Result<void>> SerialStream::write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (!is_open()) co_return fail(Fault::link_lost, device_ + ": not open");
    boost::system::error_code error;
    const std::size_t n = port_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(n);
    if (error == boost::asio::error::would_block) {
      const Result<void> writable = co_await ready(Direction::write, deadline);
      if (!writable) co_return writable;
    } else if (error) {
      co_return broken(error);
    }
  }
  co_return Result<void>{};
}

Task<Result<std::size_t>> SerialStream::read_some(std::span<char> into, Deadline deadline) {
  while (true) {
    if (!is_open()) co_return fail(Fault::link_lost, device_ + ": not open");
    boost::system::error_code error;
    const std::size_t n = port_.read_some(boost::asio::buffer(into.data(), into.size()), error);
    if (!error) co_return n;
    if (error != boost::asio::error::would_block) co_return broken(error);
    const Result<void> readable = co_await ready(Direction::read, deadline);
    if (!readable) co_return readable.error();
  }
}

}  // namespace cellrig
