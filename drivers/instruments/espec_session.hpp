// Lines to and from an ESPEC controller, at the pace it bears. Behind the network there is a serial line: one client, one command
// at a time, and nothing that says which question an answer belongs to.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/turnstile.hpp"
#include "drivers/link/unread_probe.hpp"

namespace cellrig {

struct EspecSessionOptions {
  Duration connect_timeout = std::chrono::seconds{2};
  Duration question_pause = std::chrono::milliseconds{300};  ///< from the end of one exchange to the next command
  Duration setting_pause = std::chrono::milliseconds{500};
  Duration frame_gap = std::chrono::milliseconds{100};  ///< what the wire needs in any case; an urgent command keeps only this
  bool acknowledges_questions = false;                  ///< the older protocol: "OK:TEMP?" in a line before the data
  std::string prefix;                                   ///< "1," on RS-485, before every message and in no reply
};

/// Control thread only; it must outlive its calls.
/// * ask() returns the data line of a question, set() verifies the echo of a setting. "NA:reason" is Fault::refused and keeps the
///   connection; anything else than expected closes it.
/// * Both connect first when the link is down, and wait until the controller takes the next command: the pause runs on, whatever
///   happened to the connection. `urgent` waits for the gap between frames alone.
/// * The connection is closed after a timeout, a lost link, bytes that are no text, or more lines than were asked for; and reopened when
///   bytes wait before a command is sent (the late reply to an earlier one).
/// * A serial line outlives being closed: after any doubt it is asked TYPE? first, whose answer no other question has, and lines before that are
///   thrown away. An urgent setting does not wait for it: its echo says whose answer it is.
/// * cut() ends the exchange or the pause under way, and those that wait, with Fault::interrupted, and closes the connection.
/// * Nothing is ever sent twice.
class EspecSession {
 public:
  enum class Pace : unsigned char { full, urgent };

  EspecSession(TimeSource& time, ByteStream& stream, EspecSessionOptions options);

  [[nodiscard]] Task<Result<std::string>> ask(std::string_view question, Pace pace, Deadline deadline);
  [[nodiscard]] Task<Result<void>> set(std::string_view command, Pace pace, Deadline deadline);
  void cut() noexcept;
  /// When the last message went out, the pause before it not counted.
  [[nodiscard]] TimePoint sent_at() const { return sent_at_; }
  /// What was read makes no sense to the caller: the connection is closed.
  [[nodiscard]] Error distrust(Error error);

 private:
  [[nodiscard]] Task<Result<std::string>> exchange(std::string_view message, bool is_question, Pace pace, Deadline deadline);
  [[nodiscard]] Task<Result<void>> make_ready(std::uint64_t epoch, Pace pace, Deadline deadline);
  /// Asks what it is and throws away every line before the answer: late replies to earlier questions.
  [[nodiscard]] Task<Result<void>> part(std::uint64_t epoch, Deadline deadline);
  /// What is on its way is lost with a connection, but not with a serial line.
  void close_in_doubt() noexcept;
  [[nodiscard]] Task<Result<void>> keep_pace(std::uint64_t epoch, Pace pace, Deadline deadline);
  [[nodiscard]] Task<Result<std::string>> transfer(std::string_view message, bool is_question, std::uint64_t epoch,
                                                   Deadline deadline);
  [[nodiscard]] Task<Result<std::string>> read_line(std::uint64_t epoch, Deadline deadline);
  [[nodiscard]] Error distrust(const std::string& what);
  [[nodiscard]] Error interrupted() const;
  void begin_pause(Duration pause);

  TimeSource& time_;
  ByteStream& stream_;
  const UnreadProbe* probe_;
  EspecSessionOptions options_;
  Turnstile turns_;
  Wait pause_;
  TimePoint gap_until_{}, pause_until_{}, sent_at_{};
  std::string received_;
  std::array<char, 1024> chunk_{};
  std::uint64_t epoch_ = 0;  ///< counts cuts
  bool must_part_ = false;   ///< a reply to an earlier command may still come
};

}  // namespace cellrig
