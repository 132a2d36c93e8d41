#include "sim/net/server_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr int events_per_wait = 256;
constexpr std::size_t hung_up_count_max = 64;

/// What a descriptor is, in the upper half of an epoll tag; the lower half is its index.
enum Kind : std::uint64_t { kind_stop = 1, kind_timer, kind_back_door, kind_listener, kind_client, kind_session };
constexpr std::uint64_t tag_of(Kind kind, std::size_t index) { return static_cast<std::uint64_t>(kind) << 32U | index; }
constexpr Kind kind_of(std::uint64_t tag) { return static_cast<Kind>(tag >> 32U); }
constexpr std::size_t index_of(std::uint64_t tag) { return tag & 0xFFFFFFFFU; }

template <class T>
std::size_t put(std::vector<std::unique_ptr<T>>& slots, std::unique_ptr<T> value) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i]) continue;
    slots[i] = std::move(value);
    return i;
  }
  slots.push_back(std::move(value));
  return slots.size() - 1;
}

Descriptor checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error{errno, std::generic_category(), what};
  return Descriptor{fd};
}

}  // namespace

SimServer::Loop::Loop(SimulatedBench& bench, ServerOptions wanted)
    : options{std::move(wanted)},
      bench_{bench},
      clock_{bench.now()},
      host_{bench, [this] { return hosts(); }, [this](const std::string& line) { tell_hosts(line); }},
      epoll_{checked(::epoll_create1(EPOLL_CLOEXEC), "epoll")},
      stop_event_{checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")},
      timer_{checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd")} {
  watch(stop_event_, tag_of(kind_stop, 0));
  watch(timer_, tag_of(kind_timer, 0));
  bind_everything();
}

SimServer::Loop::~Loop() {
  for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
    if (clients_[slot]) end_client(slot);
  }
}

void SimServer::Loop::bind_everything() {
  std::uint16_t next = options.port_base;
  const auto take_port = [&]() -> std::uint16_t { return options.port_base == 0 ? std::uint16_t{0} : next++; };
  back_door_ = bind_tcp({options.host, take_port()});
  back_door_port = local_port_of(back_door_);
  listen_on(back_door_);
  watch(back_door_, tag_of(kind_back_door, 0));
  for (const BenchPort& port : bench_.ports()) {
    Listener& listener = listener_for(port);
    const bool is_new = listener.wires.empty();
    listener.wires.push_back(port.wire);
    if (is_new && listener.form.kind != PortForm::Kind::serial) {
      listener.socket = bind_tcp({options.host, take_port()});
      listener.port = local_port_of(listener.socket);
    }
    const std::string prefix = listener.form.kind == PortForm::Kind::tcp ? "" : "rtu_over_tcp:";
    std::string address = prefix + options.host + ':' + std::to_string(listener.port);
    if (listener.form.kind == PortForm::Kind::serial) address = "serial:" + listener.tty_path;
    ports.push_back({port.instrument, port.name, std::move(address), listener.port});
  }
  update_listeners();
}

/// One for all that are on the same line.
SimServer::Loop::Listener& SimServer::Loop::listener_for(const BenchPort& port) {
  const PortForm& form = port.wire->form();
  for (Listener& listener : listeners_) {
    const bool is_same = form.kind != PortForm::Kind::tcp && listener.form.kind == form.kind && listener.form.line == form.line;
    if (is_same) return listener;
  }
  Listener& listener = listeners_.emplace_back();
  listener.form = form;
  if (form.kind == PortForm::Kind::serial) {
    if (!tty_folder_) tty_folder_ = std::make_unique<OwnFolder>();
    const std::string name = std::to_string(listeners_.size()) + '-' + form.line.substr(form.line.rfind('/') + 1);
    listener.tty_path = tty_folder_->path() + '/' + name;
  }
  return listener;
}

void SimServer::Loop::watch(const Descriptor& socket, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) {
    throw std::system_error{errno, std::generic_category(), "epoll_ctl"};
  }
}

void SimServer::Loop::unwatch(const Descriptor& socket) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket.get(), nullptr); }

void SimServer::Loop::request_stop() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_event_.get(), &one, sizeof one);
}

/// Back-door lines come last: a client that first sent its requests and then its line has them read first.
void SimServer::Loop::run() {
  std::array<epoll_event, events_per_wait> events{};
  while (!is_stopping_) {
    if (!clock_.is_frozen()) arm_timer();
    const int count = ::epoll_wait(epoll_.get(), events.data(), events_per_wait, timeout_ms());
    if (count < 0 && errno != EINTR) throw std::system_error{errno, std::generic_category(), "epoll_wait"};
    for (int i = 0; i < count; ++i) {
      if (kind_of(events[static_cast<std::size_t>(i)].data.u64) != kind_session)
        handle(events[static_cast<std::size_t>(i)].data.u64);
    }
    for (int i = 0; i < count; ++i) {
      if (kind_of(events[static_cast<std::size_t>(i)].data.u64) == kind_session)
        handle(events[static_cast<std::size_t>(i)].data.u64);
    }
    while (advance_ && try_advance()) {
    }
    if (!clock_.is_frozen()) tick_real_time();
    settle(nullptr);
  }
}

void SimServer::Loop::handle(std::uint64_t tag) {
  std::uint64_t expirations = 0;
  switch (kind_of(tag)) {
    case kind_stop: is_stopping_ = true; break;
    case kind_timer:
      if (::read(timer_.get(), &expirations, sizeof expirations) > 0) armed_for_ns_ = 0;
      break;
    case kind_back_door: accept_sessions(); break;
    case kind_listener: accept_clients(index_of(tag)); break;
    case kind_client: read_client(index_of(tag)); break;
    case kind_session: read_session(index_of(tag)); break;
  }
}

void SimServer::Loop::accept_sessions() {
  for (Accepted accepted = accept_from(back_door_); accepted.socket; accepted = accept_from(back_door_)) {
    auto session = std::make_unique<Session>();
    session->socket = std::move(accepted.socket);
    const std::size_t slot = put(sessions_, std::move(session));
    watch(sessions_[slot]->socket, tag_of(kind_session, slot));
  }
}

void SimServer::Loop::accept_clients(std::size_t listener) {
  while (listeners_[listener].is_listening) {
    Accepted accepted = accept_from(listeners_[listener].socket);
    if (!accepted.socket) return;
    add_client(listener, std::move(accepted));
  }
}

void SimServer::Loop::add_client(std::size_t listener, Accepted accepted) {
  const back_door::LinkName link{.client_port = accepted.peer_port, .server_port = listeners_[listener].port};
  read_clients_of(listener);
  auto client = std::make_unique<Client>();
  if (!open_ends(*client, listeners_[listener].wires)) {  // full, or refused
    note_gone(link);
    return;
  }
  client->socket = std::move(accepted.socket);
  client->listener = listener;
  client->link = link;
  keep_client(std::move(client));
}

/// Whoever has closed makes room for the next one, in whatever order the system reports the two. The system gives a pair of ports again only
/// after the connection before is dead: what that one sent still counts.
void SimServer::Loop::read_clients_of(std::size_t listener) {
  for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
    if (clients_[slot] && clients_[slot]->listener == listener) read_client(slot);
  }
}

/// A serial line has a client from the beginning: who has it open, if anybody, is not to be seen.
void SimServer::Loop::open_tty(std::size_t listener) {
  Listener& line = listeners_[listener];
  auto client = std::make_unique<Client>();
  if (!open_ends(*client, line.wires)) return;
  line.tty = std::make_unique<PseudoTerminal>(line.tty_path);
  line.is_listening = true;
  client->tty = line.tty.get();
  client->listener = listener;
  client->link.tty = line.tty->number();
  keep_client(std::move(client));
}

/// False: none of them is there.
bool SimServer::Loop::open_ends(Client& client, const std::vector<Wire*>& wires) {
  for (Wire* const wire : wires) client.ends.push_back(std::make_unique<End>(*wire));
  for (const auto& end : client.ends) end->id = end->wire.open(clock_.now(), *end);
  return !client.is_dropped();
}

void SimServer::Loop::keep_client(std::unique_ptr<Client> client) {
  client->serial = ++last_serial_;
  client->requests = MessageCounter{client->ends.front()->wire.framing()};
  const back_door::LinkName link = client->link;
  const std::size_t slot = put(clients_, std::move(client));
  links_[link] = slot;
  const Client& kept = *clients_[slot];
  watch(kept.tty != nullptr ? kept.tty->master() : kept.socket, tag_of(kind_client, slot));
}

bool SimServer::Loop::Client::is_dropped() const {
  return std::all_of(ends.begin(), ends.end(), [](const auto& end) { return end->id == 0; });
}

bool SimServer::Loop::Client::is_half_open(TimePoint now) const {
  if (tty != nullptr) return false;
  return std::all_of(ends.begin(), ends.end(), [now](const auto& end) { return end->wire.is_half_open(now); });
}

std::string SimServer::Loop::Client::name() const {
  std::string text;
  for (const auto& end : ends) text += (text.empty() ? "" : ", ") + end->wire.name();
  return text;
}

void SimServer::Loop::read_client(std::size_t slot) {
  if (slot >= clients_.size() || !clients_[slot]) return;  // closed earlier in the same batch
  Client& client = *clients_[slot];
  if (client.is_half_open(clock_.now())) {
    stop_reading(client);
    return;
  }
  const std::size_t before = client.unprocessed.size();
  const Received received = client.tty != nullptr ? read_into(client.tty->master(), client.unprocessed)
                                                  : receive_into(client.socket, client.unprocessed);
  switch (received) {
    case Received::nothing: return;
    case Received::bytes:
      client.requests.feed(std::string_view{client.unprocessed}.substr(before));
      if (!clock_.is_frozen()) {
        process(client, slot);
      } else if (before == 0) {
        unprocessed_.push_back(slot);
      }
      return;
    case Received::end:
      // What it sent before it closed still reaches the instrument.
      client.has_ended = true;
      if (client.unprocessed.empty()) {
        end_client(slot);
      } else {
        unwatch(client.socket);
      }
      return;
  }
}

/// For good: when the fault ends the connection is dropped. The peer may fill the socket's buffers, and nobody tells it anything.
void SimServer::Loop::stop_reading(Client& client) {
  if (client.is_unread) return;
  client.is_unread = true;
  if (!client.has_ended) unwatch(client.socket);
}

/// What was written to a pseudo-terminal may still be on its way when the back door speaks; reading fetches it.
void SimServer::Loop::read_ttys() {
  for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
    if (clients_[slot] && clients_[slot]->tty != nullptr) read_client(slot);
  }
}

void SimServer::Loop::end_client(std::size_t slot) {
  const std::unique_ptr<Client> client = std::move(clients_[slot]);
  for (const auto& end : client->ends) {
    if (const ConnectionId id = std::exchange(end->id, 0); id != 0) end->wire.close(id);
  }
  if (client->tty != nullptr) {
    Listener& line = listeners_[client->listener];
    unwatch(line.tty->master());
    if (hung_up_.size() >= hung_up_count_max) hung_up_.erase(hung_up_.begin());
    hung_up_.push_back(line.tty->hang_up());
    line.tty.reset();
    line.is_listening = false;
    if (clock_.is_frozen()) gone_lines_.insert(client->link);
  }
  if (client_of(client->link) == nullptr) note_gone(client->link);  // otherwise the name is a newcomer's by now
}

/// Only an advance asks who is gone.
void SimServer::Loop::note_gone(back_door::LinkName link) {
  if (clock_.is_frozen()) {
    links_[link] = std::nullopt;
  } else {
    links_.erase(link);
  }
}

SimServer::Loop::Client* SimServer::Loop::client_of(back_door::LinkName link) const {
  const auto known = links_.find(link);
  return known != links_.end() && known->second ? clients_[*known->second].get() : nullptr;
}

/// Before anybody is told that time has passed or a fault is in force, sockets show it.
void SimServer::Loop::settle(back_door::Tick* tick) {
  for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
    if (clients_[slot] && clients_[slot]->is_half_open(clock_.now())) stop_reading(*clients_[slot]);
    if (!clients_[slot] || !clients_[slot]->is_dropped()) continue;
    if (tick != nullptr) tick->add({clients_[slot]->link, back_door::Tick::Sent::closed});
    end_client(slot);
  }
  update_listeners();
}

/// A port that refuses stays bound, so that nobody else gets its number meanwhile. A line is there as long as one of its units is.
void SimServer::Loop::update_listeners() {
  const TimePoint now = clock_.now();
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    Listener& listener = listeners_[i];
    const bool is_wanted =
        std::any_of(listener.wires.begin(), listener.wires.end(), [now](const Wire* wire) { return !wire->refuses(now); });
    if (is_wanted == listener.is_listening) continue;
    if (listener.form.kind == PortForm::Kind::serial) {
      if (is_wanted) open_tty(i);  // otherwise its client is dropped
    } else if (is_wanted) {
      listen_on(listener.socket);
      watch(listener.socket, tag_of(kind_listener, i));
      listener.is_listening = true;
    } else {
      listener.socket.reset();
      listener.socket = bind_tcp({options.host, listener.port});
      listener.is_listening = false;
    }
  }
  for (const std::unique_ptr<Client>& client : clients_) {
    if (!client || client->ends.size() < 2) continue;
    for (const auto& end : client->ends) {
      if (end->id == 0) end->id = end->wire.open(now, *end);  // a unit that was not there
    }
  }
}

/// Whoever takes over the time counts from here.
void SimServer::Loop::count_lines_anew() {
  for (const std::unique_ptr<Client>& client : clients_) {
    if (!client || client->tty == nullptr) continue;
    client->requests = MessageCounter{client->ends.front()->wire.framing()};
    client->processed_count = 0;
  }
}

// ---- SimServer

SimServer::SimServer(SimulatedBench& bench, ServerOptions options) : loop_{std::make_unique<Loop>(bench, std::move(options))} {}

SimServer::~SimServer() { stop(); }

const std::string& SimServer::host() const { return loop_->options.host; }
std::uint16_t SimServer::back_door_port() const { return loop_->back_door_port; }
const std::vector<ServedPort>& SimServer::ports() const { return loop_->ports; }

std::string SimServer::address_of(std::string_view instrument, std::string_view name) const {
  for (const ServedPort& port : loop_->ports) {
    if (port.instrument == instrument && port.name == name) return port.address;
  }
  return {};
}

std::uint16_t SimServer::port_of(std::string_view instrument, std::string_view name) const {
  for (const ServedPort& port : loop_->ports) {
    if (port.instrument == instrument && port.name == name) return port.port;
  }
  return 0;
}

void SimServer::run() { loop_->run(); }

void SimServer::start() {
  loop_->thread = std::thread{[this] { loop_->run(); }};
}

void SimServer::request_stop() noexcept { loop_->request_stop(); }

void SimServer::stop() {
  if (!loop_->thread.joinable()) return;
  loop_->request_stop();
  loop_->thread.join();
}

}  // namespace cellrig::sim
