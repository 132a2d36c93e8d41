// TLS in front of the server: a tunnel from the client's socket to one inside this process, so that nothing behind it knows of TLS.
#pragma once

#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>

#include "controller/api/connections.hpp"
#include "controller/async/task.hpp"
#include "controller/base/result.hpp"
#include "controller/base/time.hpp"

namespace cellrig::api {

/// TLS 1.2 or later. A tunnel keeps at most 16 KiB each way, and what the kernel keeps of its two sockets.
class TlsTunnel {
 public:
  /// refused: no certificate, or no key that fits it.
  [[nodiscard]] static Result<std::unique_ptr<TlsTunnel>> make(boost::asio::io_context& context,
                                                               const std::string& certificate_file, const std::string& key_file);
  ~TlsTunnel();
  TlsTunnel(const TlsTunnel&) = delete;
  TlsTunnel& operator=(const TlsTunnel&) = delete;

  /// The end inside, once the client has shaken hands; until then the client's socket is all that is open. Empty: it has not, within that
  /// time. The tunnel goes when either end does, and when `connection`, which lives as long as it, is closed.
  [[nodiscard]] Task<std::optional<boost::asio::generic::stream_protocol::socket>> open(boost::asio::ip::tcp::socket client,
                                                                                        Duration within,
                                                                                        std::shared_ptr<Connection> connection);

 private:
  struct Impl;
  explicit TlsTunnel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cellrig::api
