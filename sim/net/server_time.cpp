// When things happen: replies that are due, the world's own pace in real time, and the steps of lockstep.
#include <sys/timerfd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "sim/net/server_loop.hpp"

namespace cellrig::sim {
namespace {

constexpr Duration world_period = std::chrono::milliseconds{50};
constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t ns_per_ms = 1'000'000;

}  // namespace

void SimServer::Loop::process(Client& client, std::size_t slot) {
  deliveries_.clear();
  for (const auto& end : client.ends) {
    if (end->id != 0) bench_.receive(end->wire, clock_.now(), end->id, client.unprocessed, deliveries_);
  }
  client.unprocessed.clear();
  for (Delivery& delivery : deliveries_) {
    const std::uint64_t number = client.processed_count + delivery.nth + 1;
    held_.push_back({std::move(delivery), ++last_sequence_, slot, client.serial, number});
    std::push_heap(held_.begin(), held_.end());
  }
  client.processed_count = client.requests.count();
}

/// Lockstep: in an order that does not depend on which bytes came first. Ports in the order of the bench file, connections by age.
void SimServer::Loop::process_all() {
  const auto rank = [this](std::size_t slot) { return std::pair{clients_[slot]->listener, clients_[slot]->serial}; };
  std::erase_if(unprocessed_, [this](std::size_t slot) { return !clients_[slot] || clients_[slot]->unprocessed.empty(); });
  std::sort(unprocessed_.begin(), unprocessed_.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  for (const std::size_t slot : unprocessed_) {
    process(*clients_[slot], slot);
    if (clients_[slot]->has_ended) end_client(slot);
  }
  unprocessed_.clear();
}

void SimServer::Loop::drop_stale_front() {
  while (!held_.empty()) {
    const Held& first = held_.front();
    if (clients_[first.slot] && clients_[first.slot]->serial == first.serial) return;
    std::pop_heap(held_.begin(), held_.end());
    held_.pop_back();
  }
}

void SimServer::Loop::send_due(TimePoint now, back_door::Tick* tick) {
  for (drop_stale_front(); !held_.empty() && held_.front().delivery.due <= now; drop_stale_front()) {
    std::pop_heap(held_.begin(), held_.end());
    const Held held = std::move(held_.back());
    held_.pop_back();
    const Client& client = *clients_[held.slot];
    const back_door::LinkName link = client.link;
    // On a line whoever asked may have given up and asked again: this answers nothing then, or the wrong question.
    const bool is_belated =
        client.ends.front()->wire.form().kind != PortForm::Kind::tcp && client.requests.count() > held.request_number;
    // A client that does not read what it asked for until the socket is full is cut off.
    bool is_sent = true;
    bool is_complete = true;
    if (client.tty != nullptr) {
      is_complete = client.tty->send(held.delivery.bytes);
    } else if (!held.delivery.bytes.empty()) {
      is_sent = send_all(client.socket, held.delivery.bytes);
    }
    const bool is_closed = held.delivery.closes || !is_sent;
    if (held.delivery.resets && client.tty == nullptr) reset_on_close(clients_[held.slot]->socket);
    if (is_closed) end_client(held.slot);
    if (is_closed) update_listeners();  // a line that hung up is there again at once
    if (tick == nullptr) continue;
    using Sent = back_door::Tick::Sent;
    const bool is_answer = held.delivery.is_whole && is_complete && !is_belated;
    tick->add({link, is_closed ? Sent::closed : is_answer ? Sent::whole : Sent::damaged});
  }
}

void SimServer::Loop::tick_real_time() {
  const TimePoint now = clock_.now();
  if (now >= last_world_advance_ + world_period) {
    bench_.advance(now);
    last_world_advance_ = now;
  } else {
    bench_.let_events_happen(now);
  }
  send_due(now, nullptr);
}

/// When the next reply leaves or the next event happens, if nobody sends anything.
TimePoint SimServer::Loop::next_by_itself() {
  drop_stale_front();
  const TimePoint event = bench_.next_event().value_or(TimePoint::max());
  return held_.empty() ? event : std::min(event, held_.front().delivery.due);
}

void SimServer::Loop::arm_timer() {
  const TimePoint next = std::min(last_world_advance_ + world_period, next_by_itself());
  const std::int64_t at_ns = std::max<std::int64_t>(clock_.monotonic_ns_of(next), 1);
  if (at_ns == armed_for_ns_) return;
  armed_for_ns_ = at_ns;
  itimerspec spec{};
  spec.it_value.tv_sec = at_ns / ns_per_s;
  spec.it_value.tv_nsec = at_ns % ns_per_s;
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

int SimServer::Loop::timeout_ms() const {
  if (!advance_) return -1;
  const std::int64_t left_ns = advance_->stuck_at_ns - monotonic_ns();
  return static_cast<int>(std::clamp<std::int64_t>(left_ns / ns_per_ms + 1, 0, 60'000));
}

/// A connection that is gone delivers nothing more: it is reported, not waited for. The client may have closed it itself and not yet
/// heard of it (a bus thread that found stale bytes).
bool SimServer::Loop::has_all_requests(back_door::Tick& gone) const {
  bool is_complete = true;
  for (const back_door::InFlight& wanted : advance_->request.in_flight) {
    const Client* const client = client_of(wanted.link);
    if (client != nullptr && client->requests.count() >= wanted.request_count) continue;
    if (client != nullptr && client->is_half_open(clock_.now())) continue;  // it will never be read
    is_complete = false;
    if (client != nullptr ? client->has_ended : links_.contains(wanted.link))
      gone.add({wanted.link, back_door::Tick::Sent::closed});
  }
  return is_complete;
}

/// Each of them, and whatever became of it: its number comes again, and what was counted on it must not be counted on the next one.
void SimServer::Loop::tell_of_gone_lines(back_door::Tick& tick) {
  for (const back_door::LinkName line : gone_lines_) tick.add({line, back_door::Tick::Sent::closed});
  gone_lines_.clear();
}

std::string SimServer::Loop::who_waits() const {
  std::string text;
  for (const back_door::InFlight& wanted : advance_->request.in_flight) {
    const Client* const client = client_of(wanted.link);
    if (client == nullptr) {
      text += "; no connection " + format(wanted.link) + " is open";
    } else if (client->requests.count() < wanted.request_count) {
      text += "; the connection " + format(wanted.link) + " to " + client->name() + " has delivered " +
              std::to_string(client->requests.count()) + " of " + std::to_string(wanted.request_count) + " requests";
    }
  }
  return text.empty() ? "nothing" : text.substr(2);
}

/// False: requests are still missing.
bool SimServer::Loop::try_advance() {
  settle(nullptr);
  read_ttys();
  back_door::Tick tick;
  if (!has_all_requests(tick)) {
    if (tick.entries.empty() && monotonic_ns() < advance_->stuck_at_ns) return false;
    const bool is_stuck = tick.entries.empty();
    tick.now = tick.quiet_until = clock_.now();  // what else was sent is still to be served
    tell_of_gone_lines(tick);
    answer_advance(is_stuck ? "stuck " + who_waits() : format(tick));
    return true;
  }
  process_all();
  drop_stale_front();
  TimePoint to = advance_->request.to;
  if (!held_.empty()) to = std::min(to, held_.front().delivery.due);
  if (to == TimePoint::max()) {
    answer_advance("stuck no reply is held and no instant was named: every request under way has lost its reply");
    return true;
  }
  clock_.move_to(to);
  tick.now = clock_.now();
  bench_.let_events_happen(tick.now);
  settle(&tick);
  send_due(tick.now, &tick);
  tick.quiet_until = next_by_itself();
  tell_of_gone_lines(tick);
  answer_advance(format(tick));
  return true;
}

/// To where the controller went by itself. It was told that nothing happens on the way; only what was ordered meanwhile through
/// another session may, and happens in its order.
void SimServer::Loop::follow(TimePoint to) {
  clock_.move_to(to);
  bench_.let_events_happen(clock_.now());
  settle(nullptr);
}

void SimServer::Loop::answer_advance(const std::string& line) {
  advance_.reset();
  const std::size_t slot = *lockstep_session_;
  answer(slot, line);
  serve_lines(slot);
}

void SimServer::Loop::leave_lockstep() {
  lockstep_session_.reset();
  advance_.reset();
  gone_lines_.clear();
  core_pin_.release();
  process_all();
  std::erase_if(links_, [](const auto& link) { return !link.second; });
  clock_.go_on();
  last_world_advance_ = clock_.now();
  armed_for_ns_ = 0;
}

}  // namespace cellrig::sim
