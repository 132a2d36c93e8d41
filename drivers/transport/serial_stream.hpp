// A ByteStream over a serial line: RS-232, RS-485, a USB virtual port, or a pseudo-terminal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "drivers/link/byte_stream.hpp"
#include "controller/base/serial_settings.hpp"
#include "drivers/link/unread_probe.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

namespace cellrig {

/// Control thread only. It must outlive its calls.
/// * The line is raw: no echo, no flow control, no translation. What waited to be read is thrown away by open().
/// * It is ours alone while it is open: locked against every program that asks (flock), and, unless it is a pseudo-terminal, against
///   those that do not (TIOCEXCL). Somebody else's lock is Fault::busy.
/// * A line that hangs up, or a converter that is pulled out, is link_lost. The next open() looks for the device anew.
class SerialStream final : public ByteStream, public UnreadProbe {
 public:
  SerialStream(TimeSource& time, std::string device, SerialSettings settings);
  ~SerialStream() override;

  [[nodiscard]] bool is_open() const override { return port_.is_open(); }
  [[nodiscard]] Task<Result<void>> open(Deadline deadline) override;
  void close() noexcept override;
  [[nodiscard]] Task<Result<void>> write(std::string_view bytes, Deadline deadline) override;
  [[nodiscard]] Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override;
  [[nodiscard]] LinkKey key() const override { return key_; }
  [[nodiscard]] std::string address() const override { return device_; }
  [[nodiscard]] bool has_unread() const override;
  [[nodiscard]] bool outlives_closing() const override { return true; }

 private:
  struct Pending;
  enum class Direction : unsigned char { read, write };

  [[nodiscard]] Result<void> open_device();
  [[nodiscard]] Result<void> take_over(int fd);
  [[nodiscard]] Task<Result<void>> ready(Direction direction, Deadline deadline);
  [[nodiscard]] Error broken(const boost::system::error_code& error);

  TimeSource& time_;
  std::string device_;
  SerialSettings settings_;
  boost::asio::posix::stream_descriptor port_;
  std::shared_ptr<Pending> reading_;
  std::shared_ptr<Pending> writing_;
  LinkKey key_;
  bool is_exclusive_ = false;
};

}  // namespace cellrig
