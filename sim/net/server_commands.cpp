// What the back door can ask of a running server.
#include <utility>

#include <fmt/format.h>

#include "controller/base/overloaded.hpp"
#include "sim/faults.hpp"
#include "sim/net/server_loop.hpp"

namespace cellrig::sim {
namespace {

constexpr std::size_t line_size_max = 65536;

}  // namespace

void SimServer::Loop::read_session(std::size_t slot) {
  if (slot >= sessions_.size() || !sessions_[slot]) return;  // closed earlier in the same batch
  if (receive_into(sessions_[slot]->socket, sessions_[slot]->received) == Received::end) {
    end_session(slot);
    return;
  }
  Session& session = *sessions_[slot];
  if (session.is_ending) {
    session.received.clear();
    return;
  }
  // Before its first line is whole: a request that a browser was made to send must never be taken for commands.
  session.is_http = session.is_http || (!session.has_spoken && http::speaks_http(session.received));
  session.has_spoken = session.has_spoken || !session.received.empty();
  if (session.is_http) {
    serve_http(slot);
  } else {
    serve_lines(slot);
  }
}

/// A line that must wait (an advance) holds up those behind it.
void SimServer::Loop::serve_lines(std::size_t slot) {
  while (sessions_[slot]) {
    if (advance_ && lockstep_session_ == slot) return;
    std::string& received = sessions_[slot]->received;
    const std::size_t end = received.find('\n');
    if (end == std::string::npos) {
      if (received.size() > line_size_max) end_session(slot);
      return;
    }
    const std::string line = received.substr(0, end);
    received.erase(0, end + 1);
    if (std::optional<std::string> reply = execute(slot, line)) answer(slot, std::move(*reply));
  }
}

std::optional<std::string> SimServer::Loop::execute(std::size_t slot, std::string_view line) {
  Result<back_door::Command> command = back_door::parse(line);
  if (!command) return "error " + command.error().what;
  const TimePoint now = clock_.now();
  return std::visit(overloaded{
                        [&](const back_door::HelloLockstep&) -> std::optional<std::string> {
                          if (lockstep_session_ && *lockstep_session_ != slot) return "error another connection keeps the time";
                          lockstep_session_ = slot;
                          clock_.freeze();
                          count_lines_anew();
                          bench_.let_events_happen(clock_.now());
                          return "ok " + std::to_string(to_ns(clock_.now()));
                        },
                        [&](back_door::Advance& advance) -> std::optional<std::string> {
                          if (lockstep_session_ != slot) return "error say 'hello lockstep' first";
                          if (advance.from) follow(*advance.from);
                          advance_ = PendingAdvance{std::move(advance), monotonic_ns() + options.stuck_after.count()};
                          return std::nullopt;  // answered by try_advance()
                        },
                        [&](const back_door::Follow& order) -> std::optional<std::string> {
                          if (lockstep_session_ != slot) return "error say 'hello lockstep' first";
                          follow(order.to);
                          return "now " + std::to_string(to_ns(clock_.now()));
                        },
                        [&](const back_door::ShareCore& share) -> std::optional<std::string> {
                          if (lockstep_session_ != slot) return "error say 'hello lockstep' first";
                          core_pin_.hold(share.core);
                          return "ok";
                        },
                        [&](const back_door::JoinHost& host) -> std::optional<std::string> {
                          sessions_[slot]->host_is_lockstep = host.is_lockstep;
                          return "ok";
                        },
                        [&](const back_door::Truth&) -> std::optional<std::string> {
                          bench_.let_events_happen(now);
                          return bench_.truth_json();
                        },
                        [&](const back_door::InjectFault& fault) -> std::optional<std::string> {
                          bench_.let_events_happen(now);
                          const Result<void> done = apply_fault(bench_, now, fault.order);
                          settle(nullptr);
                          return done ? "ok" : "error " + done.error().what;
                        },
                        [&](const back_door::ClearFaults&) -> std::optional<std::string> {
                          bench_.let_events_happen(now);
                          clear_faults(bench_, now);
                          settle(nullptr);
                          return "ok";
                        },
                        [&](const back_door::Faults&) -> std::optional<std::string> {
                          bench_.let_events_happen(now);
                          return faults_json(bench_, now);
                        },
                        [&](const back_door::FaultKinds&) -> std::optional<std::string> { return fault_kinds_json(); },
                        [&](const back_door::Now&) -> std::optional<std::string> { return "now " + std::to_string(to_ns(now)); },
                        [&](const back_door::State&) -> std::optional<std::string> { return state_json(); },
                        [&](const back_door::Quit&) -> std::optional<std::string> {
                          is_stopping_ = true;
                          return "ok";
                        },
                    },
                    *command);
}

void SimServer::Loop::answer(std::size_t slot, std::string line) {
  line += '\n';
  if (sessions_[slot] && !send_all(sessions_[slot]->socket, line)) end_session(slot);
}

RemoteHost::Listeners SimServer::Loop::hosts() const {
  RemoteHost::Listeners found;
  for (const std::unique_ptr<Session>& session : sessions_) {
    if (!session || !session->host_is_lockstep) continue;
    ++found.count;
    found.keep_own_time = found.keep_own_time && !*session->host_is_lockstep;
  }
  return found;
}

void SimServer::Loop::tell_hosts(const std::string& line) {
  for (std::size_t slot = 0; slot < sessions_.size(); ++slot) {
    if (sessions_[slot] && sessions_[slot]->host_is_lockstep) answer(slot, line);
  }
}

void SimServer::Loop::end_session(std::size_t slot) {
  sessions_[slot].reset();
  if (lockstep_session_ == slot) leave_lockstep();
}

std::string SimServer::Loop::state_json() const {
  std::string text = fmt::format(R"({{"schema_version":1,"mode":"{}","now_ns":{},"held_replies":{},"connections":[)",
                                 clock_.is_frozen() ? "lockstep" : "real", to_ns(clock_.now()), held_.size());
  bool is_first = true;
  for (const std::unique_ptr<Client>& client : clients_) {
    if (!client) continue;
    const std::string tty = client->link.tty ? fmt::format(R"(,"tty":{})", *client->link.tty) : std::string{};
    for (const auto& end : client->ends) {
      text += fmt::format(R"({}{{"instrument":"{}","port":"{}","peer_port":{}{},"requests":{}}})", is_first ? "" : ",",
                          end->wire.instrument(), end->wire.port_name(), client->link.client_port, tty, client->requests.count());
      is_first = false;
    }
  }
  return text + "]}";
}

}  // namespace cellrig::sim
