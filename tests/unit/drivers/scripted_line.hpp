// A serial line in memory whose units are the test. Like a real one it keeps bringing replies after it was closed and opened again.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "drivers/link/byte_stream.hpp"
#include "drivers/link/unread_probe.hpp"
#include "drivers/modbus/rtu.hpp"

namespace cellrig::testing {

/// "01 03 00 50" as bytes.
inline std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 3)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline std::string with_checksum(std::string frame) {
  const std::uint16_t checksum = modbus::rtu_checksum(frame);
  frame.push_back(static_cast<char>(checksum & 0xFFU));
  frame.push_back(static_cast<char>(checksum >> 8U));
  return frame;
}

/// The reply to a read of holding registers, or the echo of a write.
inline std::string rtu_reply_to(const std::string& request, const std::vector<int>& values = {}) {
  if (request[1] != 3) return with_checksum(request.substr(0, 6));
  std::string reply = request.substr(0, 2);
  reply.push_back(static_cast<char>(2 * values.size()));
  for (const int value : values) {
    reply.push_back(static_cast<char>(value >> 8));
    reply.push_back(static_cast<char>(value & 0xFF));
  }
  return with_checksum(reply);
}

/// How many values the request asks for.
inline std::size_t count_of(const std::string& request) {
  return static_cast<std::size_t>(static_cast<unsigned char>(request[4])) << 8U | static_cast<unsigned char>(request[5]);
}
/// The reply to a read in which every value is the same.
inline std::string rtu_reply_of(const std::string& request, int value) {
  return rtu_reply_to(request, std::vector<int>(request[1] == 3 ? count_of(request) : 0, value));
}
inline std::string rtu_exception_to(const std::string& request, char code) {
  return with_checksum({request[0], static_cast<char>(request[1] | '\x80'), code});
}

class ScriptedLine final : public ByteStream, public UnreadProbe {
 public:
  using Handler = std::function<void(ScriptedLine&, const std::string& request)>;

  ScriptedLine(TimeSource& time, Handler handler) : time_{time}, handler_{std::move(handler)}, readable_{time} {}

  void reply_after(Duration delay, std::string bytes) {
    coming_.push_back({time_.now() + delay, std::move(bytes)});
    readable_.wake();
  }
  struct Sent {
    TimePoint at;
    std::string frame;
  };
  std::vector<Sent> sent;
  int open_count = 0;

  [[nodiscard]] bool is_open() const override { return is_open_; }
  [[nodiscard]] Task<Result<void>> open(Deadline) override {
    close();
    deliver();
    unread_.clear();
    is_open_ = true;
    ++open_count;
    co_return Result<void>{};
  }
  void close() noexcept override {
    ++generation_;
    is_open_ = false;
    readable_.wake();
  }
  [[nodiscard]] Task<Result<void>> write(std::string_view bytes, Deadline) override {
    if (!is_open_) co_return fail(Fault::link_lost, "not open");
    sent.push_back({time_.now(), std::string(bytes)});
    if (handler_) handler_(*this, std::string(bytes));
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override {
    const int generation = generation_;
    while (true) {
      if (generation != generation_) co_return fail(Fault::interrupted, "closed while in use");
      deliver();
      if (!unread_.empty()) break;
      if (time_.now() >= deadline.at) {
        close();
        co_return fail(Fault::timeout, "no answer in time");
      }
      TimePoint next = deadline.at;
      for (const Sent& later : coming_) next = std::min(next, later.at);
      co_await readable_.until(next);
    }
    const std::size_t n = std::min(into.size(), unread_.size());
    std::copy_n(unread_.begin(), n, into.begin());
    unread_.erase(0, n);
    co_return n;
  }
  [[nodiscard]] LinkKey key() const override { return {}; }
  [[nodiscard]] std::string address() const override { return "line"; }
  [[nodiscard]] bool has_unread() const override {
    const auto is_due = [this](const Sent& later) { return later.at <= time_.now(); };
    return is_open_ && (!unread_.empty() || std::any_of(coming_.begin(), coming_.end(), is_due));
  }
  [[nodiscard]] bool outlives_closing() const override { return outlives; }
  bool outlives = false;  ///< what a session over it is told

 private:
  void deliver() {
    for (auto later = coming_.begin(); later != coming_.end();) {
      if (later->at > time_.now()) {
        ++later;
        continue;
      }
      unread_ += later->frame;
      later = coming_.erase(later);
    }
  }

  TimeSource& time_;
  Handler handler_;
  Wait readable_;
  std::string unread_;
  std::vector<Sent> coming_;
  int generation_ = 0;
  bool is_open_ = false;
};

}  // namespace cellrig::testing
