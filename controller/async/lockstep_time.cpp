#include "controller/async/lockstep_time.hpp"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "controller/async/virtual_time.hpp"

namespace cellrig {
namespace {

/// Without progress for this long somebody waits for somebody who will never come.
constexpr std::chrono::seconds wall_guard{10};
/// A reader who is going to find fault with damaged bytes has done so by then; otherwise it waits for more of them.
constexpr std::chrono::milliseconds damage_grace{30};
/// Some tenths of a second of wall time, and the first choice after some milliseconds.
constexpr std::uint64_t asks_per_choice = 4096, choosing_turn = 128;

std::int64_t parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) throw std::runtime_error("lockstep: not a number from the simulator: '" + std::string(text) + "'");
  return value;
}

TimePoint parse_instant(std::string_view ns) { return TimePoint{Duration{parse_integer(ns)}}; }

constexpr std::string_view tty_prefix = "tty";

/// As the back door writes a connection: "<local port>-<remote port>", or "tty<number>".
std::string name_of(LinkKey key) {
  if (key.tty != 0) return std::string(tty_prefix) + std::to_string(key.tty - 1);
  return std::to_string(key.local_port) + '-' + std::to_string(key.remote_port);
}

LinkKey parse_key(std::string_view name) {
  if (name.starts_with(tty_prefix)) {
    return LinkKey{.tty = static_cast<std::uint32_t>(parse_integer(name.substr(tty_prefix.size())) + 1)};
  }
  const std::size_t dash = std::min(name.find('-'), name.size());
  return LinkKey{.local_port = static_cast<std::uint16_t>(parse_integer(name.substr(0, dash))),
                 .remote_port = static_cast<std::uint16_t>(parse_integer(name.substr(std::min(dash + 1, name.size()))))};
}

/// Cuts the next word off `text`; empty at the end.
std::string_view next_word(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return text = {};
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

LockstepTime::LockstepTime(const std::string& host, std::uint16_t port, Lookahead lookahead)
    : work_{boost::asio::make_work_guard(context())}, lookahead_{lookahead} {
  boost::asio::ip::tcp::resolver resolver{back_door_context_};
  boost::asio::connect(back_door_, resolver.resolve(host, std::to_string(port)));
  back_door_.set_option(boost::asio::ip::tcp::no_delay{true});
  const std::string answer = ask("hello lockstep\n");
  std::string_view rest = answer;
  if (next_word(rest) != "ok") throw std::runtime_error("lockstep: the simulator refused: " + answer);
  now_ = simulator_at_ = parse_instant(next_word(rest));
  is_simulator_here_ = back_door_.remote_endpoint().address().is_loopback();
}

LockstepTime::~LockstepTime() = default;

UtcTime LockstepTime::utc_now() const { return UtcTime{simulated_epoch.ns_since_epoch + to_ns(now_)}; }

void LockstepTime::request_sent(LinkKey link) {
  if (link == LinkKey{}) return;
  under_way_[link] = ++requests_[link];
  has_sent_ = true;
}

/// A line that is opened again goes on where it was, unless it hung up meanwhile: then the system has given its number again.
void LockstepTime::link_opened(LinkKey link) {
  const bool is_another = link.tty == 0 || hung_up_.erase(link) > 0;
  if (is_another) requests_.erase(link);
}

/// A new connection meets the simulator at this instant, not at the latest exchange.
void LockstepTime::local_work(int change) {
  local_work_ += change;
  if (change > 0) catch_up();
}

void LockstepTime::run() {
  struct Release {
    CorePin& pin;
    ~Release() { pin.release(); }
  } const release{pin_};
  if (const int core = core_; core != no_core) pin_.hold(core);
  stopped_ = false;
  quiet_until_ = now_;  // whoever else uses the back door may have ordered something since
  context().restart();
  while (!stopped_) {
    serve_ready();
    if (stopped_) break;
    if (local_work_ > 0) {
      wait_for_local_work();
      continue;
    }
    advance();
  }
  rethrow_if_failed();
  catch_up();
}

void LockstepTime::serve_ready() {
  do {
    fire_until(now_);
  } while (!stopped_ && context().poll() > 0);
}

void LockstepTime::wait_for_local_work() {
  if (context().run_one_for(wall_guard) == 0) stuck("a connection that is being made does not come to an end");
}

void LockstepTime::advance() {
  if (!owed_.empty()) return wait_for_replies();
  const TimePoint to = has_wait() ? next_due() : TimePoint::max();
  if (to == TimePoint::max() && under_way_.empty()) {
    // Only something from outside (a signal) can go on.
    if (context().run_one_for(wall_guard) == 0) stuck("every task waits, and no instant and no reply is due");
    return;
  }
  if (may_go_alone(to)) {
    now_ = to;
  } else {
    ask_for_advance(to);
  }
}

/// What was sent and given up at this instant has still to be served at this instant.
bool LockstepTime::may_go_alone(TimePoint to) const {
  return lookahead_ == Lookahead::on && under_way_.empty() && !has_sent_ && to < quiet_until_;
}

void LockstepTime::ask_for_advance(TimePoint to) {
  std::string line = "advance " + std::to_string(to_ns(to));
  if (simulator_at_ < now_) line += " from " + std::to_string(to_ns(now_));
  for (const auto& [link, request] : under_way_) line += ' ' + name_of(link) + ':' + std::to_string(request);
  const std::string answer = ask(line + '\n');
  has_sent_ = false;
  std::string_view rest = answer;
  const std::string_view outcome = next_word(rest);
  if (outcome == "stuck") stuck("the simulator waits: " + std::string(rest));
  if (outcome != "now") throw std::runtime_error("lockstep: unexpected answer from the simulator: " + answer);
  simulator_at_ = parse_instant(next_word(rest));
  now_ = std::max(now_, simulator_at_);
  // Which request each reply answers is known now; while one reply is waited for, the owner of another may send its next request.
  std::string_view word = next_word(rest);
  for (; !word.empty() && word != "until"; word = next_word(rest)) {
    const bool is_damaged = word.back() == '?', is_closed = word.back() == '!';
    if (is_damaged || is_closed) word.remove_suffix(1);
    const LinkKey link = parse_key(word);
    if (is_closed && link.tty != 0) hung_up_.insert(link);
    const auto request = under_way_.find(link);
    if (request != under_way_.end()) owed_.push_back({request->first, request->second, is_damaged});
  }
  quiet_until_ = parse_instant(next_word(rest));
  wait_for_replies();
  share_core();
}

/// A stop in between leaves the rest for the next run(): they are on their way, and no time may pass before they are here.
void LockstepTime::wait_for_replies() {
  while (!owed_.empty() && !stopped_ && !failed()) {
    const Answered reply = owed_.front();
    wait_for_reply(reply);
    if (!stopped_ && !failed()) owed_.erase(owed_.begin());
  }
}

void LockstepTime::wait_for_reply(const Answered& reply) {
  const auto is_under_way = [&] {
    const auto waiting = under_way_.find(reply.link);
    return waiting != under_way_.end() && waiting->second == reply.request;
  };
  const std::chrono::milliseconds patience = reply.is_damaged ? damage_grace : wall_guard;
  while (is_under_way() && !stopped_ && !failed()) {
    if (fire_woken() > 0 || context().run_one_for(patience) > 0) continue;
    if (reply.is_damaged) return;
    stuck("a reply the simulator sent has not arrived on " + name_of(reply.link));
  }
}

/// Before something of the simulator is met otherwise than by a request.
void LockstepTime::catch_up() {
  if (simulator_at_ >= now_) return;
  const std::string answer = ask("follow " + std::to_string(to_ns(now_)) + '\n');
  std::string_view rest = answer;
  if (next_word(rest) != "now") throw std::runtime_error("lockstep: unexpected answer from the simulator: " + answer);
  simulator_at_ = parse_instant(next_word(rest));
}

/// Now and then one answer finds this thread wherever the system wants it, and all go on there: a core that others crowd is left that
/// way. A short run is not worth it.
void LockstepTime::share_core() {
  if (!is_simulator_here_) return;
  const std::uint64_t turn = ++asks_ % asks_per_choice;
  if (turn == choosing_turn) pin_.release();
  if (turn != choosing_turn + 1) return;
  const int core = ::sched_getcpu();
  if (core < 0) return;
  pin_.hold(core);
  if (core_.exchange(core) != core) static_cast<void>(ask("core " + std::to_string(core) + '\n'));
}

/// Whoever hands something over from a thread of its own (a bus) works in turns with the control thread.
void LockstepTime::join_core() {
  thread_local int joined = no_core;
  const int core = core_;
  if (core == joined || std::this_thread::get_id() == control_thread_) return;
  joined = core;
  stay_on_core(core);
}

void LockstepTime::post(std::function<void()> function) {
  join_core();
  TimeSource::post(std::move(function));
}

std::string LockstepTime::ask(const std::string& line) {
  boost::asio::write(back_door_, boost::asio::buffer(line));
  for (;;) {
    if (const std::size_t end = received_.find('\n'); end != std::string::npos) {
      std::string answer = received_.substr(0, end);
      received_.erase(0, end + 1);
      return answer;
    }
    // Two guards: the simulator reports its own after 10 s; twice that means it is gone.
    pollfd readable{back_door_.native_handle(), POLLIN, 0};
    const int timeout_ms = static_cast<int>(std::chrono::milliseconds{2 * wall_guard}.count());
    if (::poll(&readable, 1, timeout_ms) == 0) stuck("the simulator does not answer '" + line + "'");
    char buffer[4096];
    boost::system::error_code error;
    const std::size_t n = back_door_.read_some(boost::asio::buffer(buffer), error);
    if (error) throw std::runtime_error("lockstep: the simulator has gone away (" + error.message() + ")");
    received_.append(buffer, n);
  }
}

void LockstepTime::stuck(const std::string& why) const {
  std::string text = "lockstep: no progress for " + std::to_string(wall_guard.count()) + " s: " + why;
  for (const auto& [link, request] : under_way_) {
    text += "; request " + std::to_string(request) + " on " + name_of(link) + " is under way";
  }
  throw std::runtime_error(text);
}

}  // namespace cellrig
