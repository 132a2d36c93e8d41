#include "controller/api/tls_tunnel.hpp"

#include <fcntl.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace cellrig::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Inside = asio::local::stream_protocol::socket;
using Outside = asio::ssl::stream<tcp::socket>;

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t buffer_bytes = 16 * 1024;

struct Ends {
  Outside outside;
  Inside inside;
  std::shared_ptr<Connection> connection;  ///< counted for as long as there are sockets
  void close() {
    boost::system::error_code ignored;
    outside.lowest_layer().close(ignored);
    inside.close(ignored);
  }
};

Task<void> inwards(std::shared_ptr<Ends> ends) {
  std::array<char, buffer_bytes> bytes{};
  while (true) {
    const auto space = asio::buffer(bytes);
    const auto [cut, count] = co_await ends->outside.async_read_some(space, quiet);
    if (cut) break;
    const auto full = asio::buffer(bytes, count);
    const auto [lost, written] = co_await asio::async_write(ends->inside, full, quiet);
    if (lost) break;
  }
  boost::system::error_code ignored;
  ends->inside.shutdown(asio::socket_base::shutdown_send, ignored);  // what is on its way out still goes
}

Task<void> outwards(std::shared_ptr<Ends> ends) {
  std::array<char, buffer_bytes> bytes{};
  while (true) {
    const auto space = asio::buffer(bytes);
    const auto [cut, count] = co_await ends->inside.async_read_some(space, quiet);
    if (cut) break;
    const auto full = asio::buffer(bytes, count);
    const auto [lost, written] = co_await asio::async_write(ends->outside, full, quiet);
    if (lost) break;
  }
  // The end is said, so that nobody takes a cut answer for a whole one; a client that does not answer to it is not waited for.
  asio::steady_timer limit{ends->outside.get_executor()};
  limit.expires_after(std::chrono::seconds{2});
  limit.async_wait([ends](const boost::system::error_code& error) {
    if (!error) ends->close();
  });
  co_await ends->outside.async_shutdown(quiet);
  ends->close();
}

}  // namespace

struct TlsTunnel::Impl {
  asio::io_context& context;
  asio::ssl::context tls{asio::ssl::context::tls_server};
};

TlsTunnel::TlsTunnel(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
TlsTunnel::~TlsTunnel() = default;

Result<std::unique_ptr<TlsTunnel>> TlsTunnel::make(asio::io_context& context, const std::string& certificate_file,
                                                   const std::string& key_file) {
  auto impl = std::unique_ptr<Impl>{new Impl{context}};
  boost::system::error_code error;
  impl->tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
                        error);
  impl->tls.use_certificate_chain_file(certificate_file, error);
  if (error) return fail(Fault::refused, certificate_file + ": is no certificate: " + error.message());
  impl->tls.use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) return fail(Fault::refused, key_file + ": is no key for this certificate: " + error.message());
  return std::unique_ptr<TlsTunnel>{new TlsTunnel{std::move(impl)}};
}

Task<std::optional<asio::generic::stream_protocol::socket>> TlsTunnel::open(tcp::socket client, Duration within,
                                                                            std::shared_ptr<Connection> connection) {
  using Opened = std::optional<asio::generic::stream_protocol::socket>;
  const auto ends =
      std::shared_ptr<Ends>{new Ends{Outside{std::move(client), impl_->tls}, Inside{impl_->context}, std::move(connection)}};
  const std::weak_ptr<Ends> weak = ends;
  ends->connection->close = [weak] {
    if (const auto alive = weak.lock()) alive->close();
  };
  asio::steady_timer limit{impl_->context};
  limit.expires_after(within);
  limit.async_wait([ends](const boost::system::error_code& cancelled) {
    if (!cancelled) ends->close();
  });
  const auto [refused] = co_await ends->outside.async_handshake(asio::ssl::stream_base::server, quiet);
  limit.cancel();
  boost::system::error_code error;
  Inside there{impl_->context};
  if (!refused) asio::local::connect_pair(ends->inside, there, error);
  if (refused || error) co_return Opened();
  for (const int one : {ends->inside.native_handle(), there.native_handle()}) ::fcntl(one, F_SETFD, FD_CLOEXEC);
  asio::co_spawn(impl_->context, inwards(ends), asio::detached);
  asio::co_spawn(impl_->context, outwards(ends), asio::detached);
  co_return Opened(std::move(there));
}

}  // namespace cellrig::api
