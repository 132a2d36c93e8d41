// A ByteStream over TCP, for SCPI and other text. Deadlines are Waits: no Asio timer, so the same code runs on every TimeSource.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/unread_probe.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace cellrig {

/// Control thread only. It must outlive its calls. No data sent may stay unacknowledged for longer than 5 s (TCP_USER_TIMEOUT):
/// Linux alone would notice a peer without power after 15 minutes.
class TcpStream final : public ByteStream, public UnreadProbe {
 public:
  /// host: IPv4 or IPv6 in numbers, or a name (resolved at every open).
  TcpStream(TimeSource& time, std::string host, std::uint16_t port);
  ~TcpStream() override;

  [[nodiscard]] bool is_open() const override { return is_open_; }
  [[nodiscard]] bool was_open() const override { return was_open_; }
  [[nodiscard]] Task<Result<void>> open(Deadline deadline) override;
  void close() noexcept override;
  [[nodiscard]] Task<Result<void>> write(std::string_view bytes, Deadline deadline) override;
  [[nodiscard]] Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override;
  [[nodiscard]] LinkKey key() const override { return key_; }
  [[nodiscard]] std::string address() const override;
  [[nodiscard]] bool has_unread() const override;

 private:
  using Tcp = boost::asio::ip::tcp;
  struct Pending;
  enum class Direction : unsigned char { read, write };

  [[nodiscard]] Task<Result<void>> resolve(std::vector<Tcp::endpoint>& into, Deadline deadline);
  [[nodiscard]] Task<Result<void>> connect_to(Tcp::endpoint endpoint, Deadline deadline);
  [[nodiscard]] Task<Result<void>> ready(Direction direction, Deadline deadline);
  [[nodiscard]] Task<Result<void>> finish(const std::shared_ptr<Pending>& pending, Deadline deadline);
  [[nodiscard]] std::shared_ptr<Pending> begin(Direction direction);
  [[nodiscard]] bool prepare(const Tcp::endpoint& endpoint);
  [[nodiscard]] Error broken(const boost::system::error_code& error);

  TimeSource& time_;
  std::string host_;
  std::uint16_t port_;
  Tcp::socket socket_;
  Tcp::resolver resolver_;
  std::shared_ptr<Pending> reading_;
  std::shared_ptr<Pending> writing_;  ///< also connecting and resolving
  LinkKey key_;
  bool is_open_ = false;
  bool was_open_ = false;
};

}  // namespace cellrig
