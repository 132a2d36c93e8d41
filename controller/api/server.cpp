// Sockets, HTTP framing, TLS and WebSocket: everything that Beast does. What a request means is decided in service.cpp.
#include "controller/api/server.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <algorithm>
#include <optional>
#include <thread>

#include "controller/api/connections.hpp"
#include "controller/api/exports.hpp"
#include "controller/api/service.hpp"
#include "controller/api/tls_tunnel.hpp"

namespace cellrig::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t stream_send_buffer_bytes = 128 * 1024;  // what the kernel keeps for a subscriber that does not read
constexpr std::size_t stream_message_max = 1024;              // of what a subscriber may say, which is nothing
constexpr std::size_t read_ahead_bytes = 4096;

/// One kind of stream for TCP and for what comes out of a TLS tunnel: Beast's templates are costly to compile twice.
using Stream = beast::basic_stream<asio::generic::stream_protocol>;
using Socket = websocket::stream<Stream>;
using Parser = http::request_parser<http::string_body>;

Request request_of(const http::request<http::string_body>& message, const std::string& remote) {
  Request request{.method = std::string{message.method_string()}, .target = std::string{message.target()}, .remote = remote};
  for (const auto& field : message) {
    std::string name{field.name_string()};
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    // Twice the same one: two readers would take another of them each; neither is valid then.
    if (!request.headers.emplace(name, field.value()).second) request.headers[name] = "";
  }
  request.body = message.body();
  return request;
}

template <class Message>
void set_headers(Message& message, const Response& response, bool keeps_alive) {
  message.set(http::field::server, "cellrig");
  message.set(http::field::content_type, response.content_type);
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keeps_alive);
}

http::response<http::string_body> message_of(Response&& response, unsigned version, bool keeps_alive) {
  http::response<http::string_body> message{http::int_to_status(static_cast<unsigned>(response.status)), version};
  set_headers(message, response, keeps_alive);
  message.body() = std::move(response.body);
  message.prepare_payload();
  return message;
}

/// Of what never became a request.
std::optional<Response> refusal_of(const boost::system::error_code& error) {
  if (error == http::error::body_limit)
    return error_response(413, {.code = "too_large", .message = "the body is larger than anything that can be asked for here"});
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return error_response(431, {.code = "too_large", .message = "the headers are larger than they can be"});
  if (error == beast::error::timeout) return error_response(408, {.code = "too_slow", .message = "the request took too long"});
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error.category() == http::make_error_code(http::error::bad_target).category())
    return error_response(400, {.code = "malformed", .message = "this is no HTTP request: " + error.message()});
  return std::nullopt;
}

void run_quietly(asio::io_context& context) {
  constexpr int lowered = 5;  // the control thread goes first
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lowered);
  pthread_setname_np(pthread_self(), "cellrig-api");
  context.run();
}

}  // namespace

struct Server::Impl {
  Impl(ServerSettings given, TimeSource& time, BenchControl& control, Catalogue& catalogue)
      : settings{std::move(given)},
        bench{control},
        watch{std::make_shared<BenchWatch>()},
        bridge{std::make_shared<ControlBridge>(time, control, context)},
        service{context, settings, bridge, watch, catalogue},
        connections{settings.limits.connections_max},
        handshakes{settings.limits.handshakes_max, settings.limits.handshakes_of_one_address_max},
        acceptor{context} {}

  [[nodiscard]] Result<void> listen();
  [[nodiscard]] Result<void> use_certificate();
  [[nodiscard]] Task<void> accept();
  [[nodiscard]] Task<void> welcome(tcp::socket socket, std::string remote, std::shared_ptr<Connection> self);
  [[nodiscard]] Task<void> serve(std::shared_ptr<Stream> stream, std::string remote, std::shared_ptr<Connection> self);
  [[nodiscard]] Task<std::optional<Response>> read(Stream& stream, beast::flat_buffer& buffer, Parser& parser, Connection& self);
  [[nodiscard]] Task<bool> write_pieces(Stream& stream, Response response, bool keeps_alive);
  [[nodiscard]] Task<bool> write(Stream& stream, Response response, unsigned version, bool keeps_alive);
  [[nodiscard]] Task<void> broadcast(std::shared_ptr<Stream> stream, http::request<http::string_body> request,
                                     Service::Admitted admitted);
  [[nodiscard]] Task<void> watch_subscriber(std::shared_ptr<Socket> socket, std::shared_ptr<Subscriber> subscriber);
  [[nodiscard]] Task<Response> respond(const Request& request, const Service::Admitted& admitted);
  [[nodiscard]] std::optional<Response> why_no_stream(const std::string& account);

  ServerSettings settings;
  BenchControl& bench;
  asio::io_context context{1};
  std::unique_ptr<TlsTunnel> tunnel;  ///< none: plain HTTP
  std::shared_ptr<BenchWatch> watch;
  std::shared_ptr<ControlBridge> bridge;
  Service service;
  Connections connections;
  Handshakes handshakes;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  std::thread thread;
};

Result<void> Server::Impl::use_certificate() {
  if (settings.access.certificate_file.empty()) return {};
  Result<std::unique_ptr<TlsTunnel>> made = TlsTunnel::make(context, settings.access.certificate_file, settings.access.key_file);
  if (!made) return made.error();
  tunnel = *std::move(made);
  return {};
}

Result<void> Server::Impl::listen() {
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(settings.address, error);
  if (error) return fail(Fault::refused, "'" + settings.address + "' is no address to listen on, such as 127.0.0.1");
  const std::string why = why_address_is_refused(address.to_string(), settings.access);
  if (!why.empty()) return fail(Fault::refused, why);
  if (const Result<void> done = use_certificate(); !done) return done;
  const tcp::endpoint endpoint{address, settings.port};
  acceptor.open(endpoint.protocol(), error);
  if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // a child must not keep the port
  if (!error) acceptor.set_option(asio::socket_base::reuse_address{true}, error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail(Fault::link_lost,
                settings.address + ":" + std::to_string(settings.port) + " cannot be listened on: " + error.message());
  port = acceptor.local_endpoint().port();
  service.set_port(port);
  return {};
}

Task<void> Server::Impl::accept() {
  asio::steady_timer pause{context};
  while (true) {
    tcp::socket socket{context};
    const auto [error] = co_await acceptor.async_accept(socket, quiet);
    boost::system::error_code problem = error;
    if (!problem) ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!problem) problem = socket.set_option(tcp::no_delay{true}, problem);
    const tcp::endpoint client = problem ? tcp::endpoint() : socket.remote_endpoint(problem);
    ++service.traffic().connections;
    if (!problem && !connections.make_room()) {
      ++service.traffic().connections_refused;
      continue;
    }
    if (problem) {  // out of descriptors, as a rule: it gets better when somebody leaves
      pause.expires_after(std::chrono::milliseconds{50});
      co_await pause.async_wait(quiet);
      continue;
    }
    const std::string remote = client.address().to_string();
    auto self = std::make_shared<Connection>();
    self->waits_since = std::chrono::steady_clock::now();
    connections.add(self);
    if (tunnel) {
      asio::co_spawn(context, welcome(std::move(socket), remote, std::move(self)), asio::detached);
    } else {
      auto stream = std::make_shared<Stream>(std::move(socket));
      self->close = [weak = std::weak_ptr<Stream>{stream}] {
        if (const auto alive = weak.lock()) alive->close();
      };
      asio::co_spawn(context, serve(std::move(stream), remote, std::move(self)), asio::detached);
    }
  }
}

/// A client that does not get through the handshake costs a descriptor, a place among the connections and a deadline.
Task<void> Server::Impl::welcome(tcp::socket socket, std::string remote, std::shared_ptr<Connection> self) {
  handshakes.begin(remote, self);
  std::optional<asio::generic::stream_protocol::socket> inside =
      co_await tunnel->open(std::move(socket), settings.limits.handshake_within, self);
  handshakes.end(self);
  if (!inside) co_return;
  auto stream = std::make_shared<Stream>(*std::move(inside));
  co_await serve(std::move(stream), std::move(remote), self);
  self->is_waiting = true;  // for the client to take its leave, which others need not wait for
}

/// The next request into `parser`. A response: it is none, and this is said before the connection is closed; one with status 0: nothing is.
Task<std::optional<Response>> Server::Impl::read(Stream& stream, beast::flat_buffer& buffer, Parser& parser, Connection& self) {
  const Response silence = Response();
  Response gone = silence;
  gone.status = 0;
  self.is_waiting = true;
  self.waits_since = std::chrono::steady_clock::now();
  if (buffer.size() == 0) {
    stream.expires_after(settings.limits.idle_within);
    auto space = buffer.prepare(read_ahead_bytes);
    const auto [error, count] = co_await stream.async_read_some(space, quiet);
    if (error) co_return gone;
    buffer.commit(count);
  }
  stream.expires_after(settings.limits.header_within);
  const auto [error, count] = co_await http::async_read_header(stream, buffer, parser, quiet);
  boost::system::error_code problem = error;
  if (!problem && parser.get()[http::field::expect] == "100-continue" && !parser.is_done()) {
    http::response<http::empty_body> go_on{http::status::continue_, parser.get().version()};
    const auto [lost, sent] = co_await http::async_write(stream, go_on, quiet);
    problem = lost;
  }
  if (!problem && !parser.is_done()) {
    stream.expires_after(settings.limits.body_within);
    const auto [cut, rest] = co_await http::async_read(stream, buffer, parser, quiet);
    problem = cut;
  }
  self.is_waiting = false;
  if (!problem) co_return std::nullopt;
  co_return refusal_of(problem).value_or(gone);
}

/// Chunk by chunk, at the pace of whoever reads. What was begun and cannot be ended is cut off, so that nobody takes it for the whole.
Task<bool> Server::Impl::write_pieces(Stream& stream, Response response, bool keeps_alive) {
  constexpr unsigned http_1_1 = 11;
  http::response<http::empty_body> head{http::int_to_status(static_cast<unsigned>(response.status)), http_1_1};
  set_headers(head, response, keeps_alive);
  head.chunked(true);
  http::response_serializer<http::empty_body> serializer{head};
  stream.expires_after(settings.limits.write_within);
  const auto [lost, sent] = co_await http::async_write_header(stream, serializer, quiet);
  bool is_whole = false, goes_on = !lost;
  while (goes_on) {
    stream.expires_never();
    const ExportFeed::Piece piece = co_await response.feed->next();
    if (piece.error) break;
    stream.expires_after(settings.limits.write_within);
    if (piece.text.empty()) {
      const auto last = http::make_chunk_last();
      const auto [error, count] = co_await asio::async_write(stream, last, quiet);
      is_whole = !error;
      break;
    }
    const auto chunk = http::make_chunk(asio::buffer(piece.text));
    const auto [error, count] = co_await asio::async_write(stream, chunk, quiet);
    goes_on = !error;
  }
  response.feed->close();
  co_return is_whole&& keeps_alive;
}

Task<bool> Server::Impl::write(Stream& stream, Response response, unsigned version, bool keeps_alive) {
  constexpr unsigned http_1_1 = 11;
  if (response.feed && version >= http_1_1) co_return co_await write_pieces(stream, std::move(response), keeps_alive);
  if (response.feed) {  // its end could not be told from a connection that was lost
    response.feed->close();
    ErrorDetail error;
    error.code = "too_old";
    error.message = "an export comes in chunks, which takes HTTP/1.1";
    response = error_response(505, std::move(error));
  }
  auto message = message_of(std::move(response), version, keeps_alive);
  stream.expires_after(settings.limits.write_within);
  const auto [error, count] = co_await http::async_write(stream, message, quiet);
  co_return !error && keeps_alive;
}

Task<Response> Server::Impl::respond(const Request& request, const Service::Admitted& admitted) {
  if (admitted.refusal) co_return *admitted.refusal;
  service.traffic().connections_open = connections.count();
  co_return co_await service.answer(request, admitted);
}

std::optional<Response> Server::Impl::why_no_stream(const std::string& account) {
  const auto& subscribers = service.hub().subscribers();
  const auto of_account = static_cast<std::size_t>(std::count_if(
      subscribers.begin(), subscribers.end(), [&account](const auto& subscriber) { return subscriber->owner() == account; }));
  const bool has_enough = !account.empty() && of_account >= settings.limits.subscribers_of_account_max;
  if (!has_enough && subscribers.size() < settings.limits.subscribers_max) return std::nullopt;
  ErrorDetail error{.code = "busy"};
  error.message = has_enough ? "this account has as many subscribers of the stream as one can have"
                             : "there are as many subscribers of the stream as there can be";
  return error_response(503, std::move(error));
}

namespace {

/// Has this client left? One whose connection is gone has.
std::function<bool()> watch_of(const std::weak_ptr<Stream>& stream) {
  const std::shared_ptr<Stream> alive = stream.lock();
  if (!alive) return [] { return true; };
  return client_watch(alive->socket().native_handle());
}

}  // namespace

Task<void> Server::Impl::serve(std::shared_ptr<Stream> stream, std::string remote, std::shared_ptr<Connection> self) {
  beast::flat_buffer buffer{settings.limits.header_bytes_max + settings.limits.body_bytes_max + read_ahead_bytes};
  bool goes_on = true;
  while (goes_on) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(settings.limits.header_bytes_max));
    parser.body_limit(settings.limits.body_bytes_max);
    std::optional<Response> refusal = co_await read(*stream, buffer, parser, *self);
    if (refusal) {
      if (refusal->status != 0) (void)co_await write(*stream, *std::move(refusal), 11, false);
      break;
    }
    const unsigned version = parser.get().version();
    const bool keeps_alive = parser.get().keep_alive(), is_upgrade = websocket::is_upgrade(parser.get());
    Request request = request_of(parser.get(), remote);
    request.watch_client = [weak = std::weak_ptr<Stream>{stream}] { return watch_of(weak); };
    stream->expires_never();
    if (connections.count() > settings.limits.connections_ordinary && !Service::is_stop(request.method, request.target)) {
      ErrorDetail error;
      error.code = "busy";
      error.message = "too many connections; only stops are served now";
      (void)co_await write(*stream, error_response(503, std::move(error)), version, false);
      break;
    }
    Service::Admitted admitted = co_await service.admit(request);
    if (!admitted.refusal && is_upgrade && admitted.routed.route->operation == Operation::stream) {
      admitted.refusal = why_no_stream(admitted.who.name);
      if (!admitted.refusal) {
        co_await broadcast(stream, parser.release(), admitted);
        co_return;
      }
    }
    Response response = co_await respond(request, admitted);
    goes_on = co_await write(*stream, std::move(response), version, keeps_alive);
  }
  boost::system::error_code ignored;
  stream->socket().shutdown(tcp::socket::shutdown_send, ignored);
}

/// Reads, so that pings are answered and a close is noticed; a subscriber has nothing to say.
Task<void> Server::Impl::watch_subscriber(std::shared_ptr<Socket> socket, std::shared_ptr<Subscriber> subscriber) {
  beast::flat_buffer buffer;
  const auto [error, count] = co_await socket->async_read(buffer, quiet);
  (void)error;
  (void)count;
  subscriber->close();
  beast::get_lowest_layer(*socket).close();
}

Task<void> Server::Impl::broadcast(std::shared_ptr<Stream> stream, http::request<http::string_body> request,
                                   Service::Admitted admitted) {
  // Before the handshake, while which others are looked at: this place is taken from now on.
  const Subscription place = service.hub().subscribe(admitted.who.name);
  const std::shared_ptr<Subscriber>& subscriber = place.subscriber();
  boost::system::error_code ignored;
  stream->socket().set_option(asio::socket_base::send_buffer_size{static_cast<int>(stream_send_buffer_bytes)}, ignored);
  const auto socket = std::make_shared<Socket>(std::move(*stream));
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = settings.limits.header_within;
  timeout.idle_timeout = settings.limits.stream_idle_within;
  timeout.keep_alive_pings = true;
  socket->set_option(timeout);
  socket->read_message_max(stream_message_max);
  socket->auto_fragment(false);  // a message is a frame: a client may be twenty lines
  const auto [refused] = co_await socket->async_accept(request, quiet);
  if (refused) co_return;
  // Whose account went while the stream was being accepted is not told of its end.
  if (!service.is_known_still(admitted)) subscriber->close();
  asio::co_spawn(context, watch_subscriber(socket, subscriber), asio::detached);
  socket->text(true);
  while (true) {
    const SharedText text = co_await subscriber->next();
    if (!text) break;
    const auto bytes = asio::buffer(*text);
    const auto [error, count] = co_await socket->async_write(bytes, quiet);
    if (error) break;
  }
  beast::get_lowest_layer(*socket).close();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

Result<std::unique_ptr<Server>> Server::start(ServerSettings settings, TimeSource& time, BenchControl& bench,
                                              Catalogue& catalogue) {
  auto impl = std::make_unique<Impl>(std::move(settings), time, bench, catalogue);
  if (const Result<void> done = impl->listen(); !done) return done.error();
  asio::co_spawn(impl->context, impl->accept(), asio::detached);
  asio::co_spawn(impl->context, impl->service.hub().run(), asio::detached);
  if (!impl->settings.access.accounts_file.empty()) asio::co_spawn(impl->context, impl->service.watch_accounts(), asio::detached);
  bench.add_watcher(*impl->watch);
  // Signals are for the control thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  impl->thread = std::thread{[&context = impl->context] { run_quietly(context); }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

Server::~Server() {
  impl_->bench.remove_watcher(*impl_->watch);
  impl_->bridge->close();
  impl_->context.stop();
  impl_->thread.join();
}

std::uint16_t Server::port() const { return impl_->port; }

std::string Server::url() const {
  const bool is_v6 = impl_->settings.address.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + impl_->settings.address + "]" : impl_->settings.address;
  return std::string{impl_->tunnel ? "https" : "http"} + "://" + host + ":" + std::to_string(impl_->port);
}

}  // namespace cellrig::api
