// Question and answer over a ByteStream. Raw SCPI sockets have no transaction id, so a connection that ever surprised us is
// closed before anything it says is believed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/turnstile.hpp"
#include "drivers/link/unread_probe.hpp"

namespace cellrig {

struct ScpiSessionOptions {
  Duration connect_timeout = std::chrono::seconds{2};  ///< of one attempt (N6900 after power-on: connects may hang)
  Duration connect_pause = std::chrono::seconds{1};    ///< between attempts
  int connect_attempt_count_max = 1;
  /// On a serial line: for so long nothing may come after a doubtful exchange before a question is asked again.
  Duration quiet_time = std::chrono::milliseconds{250};
  Duration quiet_time_after_cut = std::chrono::milliseconds{50};  ///< an instrument that is well has answered by then
};

/// Control thread only; it must outlive its calls.
/// * query() sends one message, which must contain a question (send() one that contains none), and returns the one line that answers it, without its end.
///   It connects first when the link is down. One exchange at a time: a second caller waits its turn.
/// * The connection is closed after a timeout, a lost link, an overlong line, control characters, or bytes beyond the line; and
///   reopened when bytes wait before a request is sent (the late reply to an earlier one).
/// * Opening a serial line anew does not part replies from questions. There a question waits until quiet_time has passed in silence since
///   the last doubtful exchange (less after a cut); send() does not wait. A reply may be later than any silence: so "*IDN?" goes before
///   that question, and what comes until the identity (IEEE 488.2, 10.14: four fields, which no other answer has) is thrown away. An
///   instrument answers in order, so nothing older comes behind it; something that does, within quiet_time_after_cut, is malformed. So
///   is an identity that answers any other question.
/// * cut() ends the exchange in flight, and those that wait, with Fault::interrupted, and closes the connection.
/// * Nothing is ever sent twice.
class ScpiSession {
 public:
  ScpiSession(TimeSource& time, ByteStream& stream, ScpiSessionOptions options = {});

  [[nodiscard]] Task<Result<std::string>> query(std::string_view message, Deadline deadline);
  /// Sends one message that gets no answer and lets `settle` pass, because the instrument wants a pause after it.
  [[nodiscard]] Task<Result<void>> send(std::string_view message, Duration settle, Deadline deadline);
  /// Connects when the link is down, so that a later request need not.
  [[nodiscard]] Task<Result<void>> connect(Deadline deadline);
  void cut() noexcept;

  /// How often a connection was made. When it changed, the instrument may have lost what it was told.
  [[nodiscard]] std::uint64_t connection_count() const { return connection_count_; }
  /// How often a connection was given up because bytes waited that nobody had asked for.
  [[nodiscard]] std::uint64_t stale_reply_count() const { return stale_reply_count_; }
  [[nodiscard]] std::string address() const { return stream_.address(); }

 private:
  [[nodiscard]] Task<Result<void>> ensure_open(std::uint64_t epoch, Deadline deadline);
  [[nodiscard]] Task<Result<void>> await_quiet(std::uint64_t epoch, Deadline deadline);
  [[nodiscard]] Task<Result<void>> part(std::uint64_t epoch, Deadline deadline);
  void close_in_doubt(Duration quiet_time);
  [[nodiscard]] Task<Result<void>> put(std::string_view message, std::uint64_t epoch, Deadline deadline);
  [[nodiscard]] Task<Result<std::string>> exchange(std::string_view message, std::uint64_t epoch, Deadline deadline);
  [[nodiscard]] Task<Result<std::string>> read_line(std::uint64_t epoch, Deadline deadline);
  [[nodiscard]] Error distrust(std::string what);
  [[nodiscard]] Error interrupted() const;

  TimeSource& time_;
  ByteStream& stream_;
  const UnreadProbe* probe_;
  ScpiSessionOptions options_;
  Turnstile turns_;
  std::array<char, 4096> chunk_{};
  Wait pause_;
  std::optional<TimePoint> quiet_at_;  ///< on a serial line, after something doubtful: no question before this instant
  Duration quiet_time_{};              ///< that something which comes meanwhile begins anew
  bool must_part_ = false;             ///< a reply to an earlier question may still come
  bool is_asking_ = false;             ///< an exchange is in flight
  std::uint64_t epoch_ = 0;            ///< counts cuts
  std::uint64_t connection_count_ = 0;
  std::uint64_t stale_reply_count_ = 0;
};

}  // namespace cellrig
