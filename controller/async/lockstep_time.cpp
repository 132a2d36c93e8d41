#include "controller/async/lockstep_time.hpp"

#include <poll.h>

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

std::int64_t parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) throw std::runtime_error("lockstep: not a number from the simulator: '" + std::string(text) + "'");
  return value;
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

LockstepTime::LockstepTime(const std::string& host, std::uint16_t port) : work_{boost::asio::make_work_guard(context())} {
  boost::asio::ip::tcp::resolver resolver{back_door_context_};
  boost::asio::connect(back_door_, resolver.resolve(host, std::to_string(port)));
  back_door_.set_option(boost::asio::ip::tcp::no_delay{true});
  const std::string answer = ask("hello lockstep\n");
  std::string_view rest = answer;
  if (next_word(rest) != "ok") throw std::runtime_error("lockstep: the simulator refused: " + answer);
  now_ = TimePoint{Duration{parse_integer(next_word(rest))}};
}

LockstepTime::~LockstepTime() = default;

UtcTime LockstepTime::utc_now() const { return UtcTime{simulated_epoch.ns_since_epoch + to_ns(now_)}; }

void LockstepTime::request_sent(LinkKey link) {
  if (link.local_port == 0) return;
  Link& entry = links_[link.local_port];
  ++entry.requests;
  entry.waiting = true;
}

void LockstepTime::exchange_over(LinkKey link) {
  if (link.local_port == 0) return;
  links_[link.local_port].waiting = false;
}

void LockstepTime::run() {
  stopped_ = false;
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
  const TimePoint to = has_wait() ? next_due() : TimePoint::max();
  std::string line = "advance " + std::to_string(to_ns(to));
  bool in_flight = false;
  for (const auto& [port, link] : links_) {
    if (!link.waiting) continue;
    in_flight = true;
    line += ' ' + std::to_string(port) + ':' + std::to_string(link.requests);
  }
  if (to == TimePoint::max() && !in_flight) {
    // Only something from outside (a signal) can go on.
    if (context().run_one_for(wall_guard) == 0) stuck("every task waits, and no instant and no reply is due");
    return;
  }
  line += '\n';
  const std::string answer = ask(line);
  std::string_view rest = answer;
  const std::string_view word = next_word(rest);
  if (word == "stuck") stuck("the simulator waits: " + std::string(rest));
  if (word != "now") throw std::runtime_error("lockstep: unexpected answer from the simulator: " + answer);
  now_ = std::max(now_, TimePoint{Duration{parse_integer(next_word(rest))}});
  wait_for_replies(rest);
}

void LockstepTime::wait_for_replies(std::string_view ports) {
  // Which request each reply answers is known now; while one reply is waited for, the owner of another may send its next request.
  std::vector<std::pair<std::uint16_t, std::uint64_t>> answered;
  while (!ports.empty()) {
    std::string_view word = next_word(ports);
    if (word.empty()) break;
    if (word.back() == '!') word.remove_suffix(1);
    const auto link = links_.find(static_cast<std::uint16_t>(parse_integer(word)));
    if (link != links_.end()) answered.emplace_back(link->first, link->second.requests);
  }
  for (const auto& [port, request] : answered) {
    for (auto link = links_.find(port); link != links_.end() && link->second.waiting && link->second.requests == request;
         link = links_.find(port)) {
      if (stopped_ || failed()) return;
      if (fire_woken() > 0) continue;
      if (context().run_one_for(wall_guard) == 0)
        stuck("a reply the simulator sent has not arrived on port " + std::to_string(port));
    }
  }
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
  for (const auto& [port, link] : links_) {
    if (link.waiting)
      text += "; request " + std::to_string(link.requests) + " on local port " + std::to_string(port) + " is under way";
  }
  throw std::runtime_error(text);
}

}  // namespace cellrig
