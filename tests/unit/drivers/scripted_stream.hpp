// A ByteStream in memory whose other end is the test. It shows what TcpStream shows: bytes in pieces, late, too many, or none.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "drivers/link/byte_stream.hpp"
#include "drivers/link/unread_probe.hpp"

namespace cellrig::testing {

class ScriptedStream final : public ByteStream, public UnreadProbe {
 public:
  using Handler = std::function<void(ScriptedStream&, const std::string& line)>;

  ScriptedStream(TimeSource& time, Handler handler) : time_{time}, handler_{std::move(handler)}, readable_{time} {}

  // The other end.
  void push(const std::string& bytes) {
    incoming_ += bytes;
    readable_.wake();
  }
  void push_later(Duration delay, std::string bytes) { scheduled_.push_back(Scheduled{time_.now() + delay, std::move(bytes)}); }
  void drop() {
    peer_closed_ = true;
    readable_.wake();
  }
  int open_count = 0;
  bool refuses_connection = false;
  std::vector<std::string> lines;  ///< every message that went out

  [[nodiscard]] bool is_open() const override { return is_open_; }
  [[nodiscard]] Task<Result<void>> open(Deadline) override {
    close();
    if (refuses_connection) co_return fail(Fault::link_lost, "connection refused");
    is_open_ = true;
    peer_closed_ = false;
    incoming_.clear();
    scheduled_.clear();  // what an old connection would have sent is lost with it
    readable_.forget();
    ++open_count;
    co_return Result<void>{};
  }
  void close() noexcept override {
    if (is_open_) ++generation_;
    is_open_ = false;
    readable_.wake();
  }
  [[nodiscard]] Task<Result<void>> write(std::string_view bytes, Deadline) override {
    if (!is_open_) co_return fail(Fault::link_lost, "not connected");
    std::string line{bytes};
    line.pop_back();
    lines.push_back(line);
    if (handler_) handler_(*this, line);
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<std::size_t>> read_some(std::span<char> into, Deadline deadline) override {
    const int generation = generation_;
    while (true) {
      if (generation != generation_) co_return fail(Fault::interrupted, "closed while in use");
      deliver();
      if (!incoming_.empty()) break;
      if (peer_closed_) {
        close();
        co_return fail(Fault::link_lost, "closed by the peer");
      }
      if (time_.now() >= deadline.at) {
        close();
        co_return fail(Fault::timeout, "no answer in time");
      }
      TimePoint next = deadline.at;
      for (const Scheduled& later : scheduled_) next = std::min(next, later.at);
      co_await readable_.until(next);
    }
    const std::size_t n = std::min(into.size(), incoming_.size());
    std::copy_n(incoming_.begin(), n, into.begin());
    incoming_.erase(0, n);
    co_return n;
  }
  [[nodiscard]] LinkKey key() const override { return {}; }
  [[nodiscard]] std::string address() const override { return "scripted"; }
  [[nodiscard]] bool has_unread() const override {
    const auto is_due = [this](const Scheduled& later) { return later.at <= time_.now(); };
    return is_open_ && (!incoming_.empty() || peer_closed_ || std::any_of(scheduled_.begin(), scheduled_.end(), is_due));
  }

 private:
  struct Scheduled {
    TimePoint at;
    std::string bytes;
  };
  void deliver() {
    for (auto later = scheduled_.begin(); later != scheduled_.end();) {
      if (later->at > time_.now()) {
        ++later;
        continue;
      }
      incoming_ += later->bytes;
      later = scheduled_.erase(later);
    }
  }

  TimeSource& time_;
  Handler handler_;
  Wait readable_;
  std::string incoming_;
  std::vector<Scheduled> scheduled_;
  int generation_ = 0;
  bool is_open_ = false;
  bool peer_closed_ = false;
};

}  // namespace cellrig::testing
