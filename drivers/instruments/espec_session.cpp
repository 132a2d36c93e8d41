#include "drivers/instruments/espec_session.hpp"

#include <algorithm>
#include <utility>

#include "drivers/instruments/espec_text.hpp"

namespace cellrig {
namespace {

constexpr std::size_t line_length_max = 1000;
constexpr int late_reply_count_max = 8;
constexpr std::string_view parting_question = "TYPE?";  // "T,SCP220,190.0": no other answer begins like this
constexpr std::string_view parting_answer = "T,";

bool is_text(char c) { return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F; }

}  // namespace

EspecSession::EspecSession(TimeSource& time, ByteStream& stream, EspecSessionOptions options)
    : time_{time},
      stream_{stream},
      probe_{dynamic_cast<const UnreadProbe*>(&stream)},
      options_{std::move(options)},
      turns_{time},
      pause_{time} {}

void EspecSession::cut() noexcept {
  ++epoch_;
  turns_.cut_waiting();
  close_in_doubt();
  if (turns_.taken()) pause_.wake();
}

Error EspecSession::interrupted() const { return fail(Fault::interrupted, stream_.address() + ": cut by us"); }

void EspecSession::close_in_doubt() noexcept {
  stream_.close();
  must_part_ = probe_ != nullptr && probe_->outlives_closing();
}

Error EspecSession::distrust(Error error) {
  close_in_doubt();
  return error;
}

Error EspecSession::distrust(const std::string& what) {
  return distrust(fail(Fault::malformed, stream_.address() + ": " + what));
}

void EspecSession::begin_pause(Duration pause) {
  gap_until_ = time_.now() + options_.frame_gap;
  pause_until_ = time_.now() + pause;
}

// After every suspension the epoch is asked: once cut, the stream may already serve somebody else and is not touched.
Task<Result<void>> EspecSession::keep_pace(std::uint64_t epoch, Pace pace, Deadline deadline) {
  const TimePoint due = pace == Pace::urgent ? gap_until_ : pause_until_;
  if (due > deadline.at) co_return fail(Fault::timeout, stream_.address() + ": no time left for the pause it needs");
  pause_.forget();
  while (time_.now() < due && epoch == epoch_) co_await pause_.until(due);
  if (epoch != epoch_) co_return interrupted();
  co_return Result<void>{};
}

Task<Result<void>> EspecSession::make_ready(std::uint64_t epoch, Pace pace, Deadline deadline) {
  const Result<void> paced = co_await keep_pace(epoch, pace, deadline);
  if (!paced) co_return paced;
  // A connection with something unread is not believed: the late reply to an earlier question would answer this one.
  if (stream_.is_open() && (!received_.empty() || (probe_ != nullptr && probe_->has_unread()))) close_in_doubt();
  if (stream_.is_open()) co_return Result<void>{};
  received_.clear();
  const Deadline connecting{std::min(deadline.at, time_.now() + options_.connect_timeout)};
  const Result<void> opened = co_await stream_.open(connecting);
  if (epoch != epoch_) co_return interrupted();
  if (!opened) stream_.close();
  co_return opened;
}

Task<Result<std::string>> EspecSession::read_line(std::uint64_t epoch, Deadline deadline) {
  while (true) {
    const std::size_t end = received_.find('\n');
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      if (line.empty() || line.back() != '\r') co_return distrust("a line that does not end with CR LF");
      line.pop_back();
      if (!std::all_of(line.begin(), line.end(), is_text)) co_return distrust("a reply that is no text");
      co_return line;
    }
    if (received_.size() > line_length_max) co_return distrust("a line without end");
    const Result<std::size_t> read = co_await stream_.read_some(chunk_, deadline);
    if (epoch != epoch_) co_return interrupted();
    if (!read) {
      close_in_doubt();
      co_return read.error();
    }
    received_.append(chunk_.data(), *read);
  }
}

Task<Result<void>> EspecSession::part(std::uint64_t epoch, Deadline deadline) {
  {
    const TimeSource::InFlight in_flight{time_, stream_.key()};
    begin_pause(options_.question_pause + options_.frame_gap);
    const std::string request = options_.prefix + std::string(parting_question) + "\r\n";
    const Result<void> written = co_await stream_.write(request, deadline);
    if (epoch != epoch_) co_return interrupted();
    if (!written) {
      close_in_doubt();
      co_return written.error();
    }
    bool is_parted = false;
    for (int i = 0; !is_parted && i <= late_reply_count_max; ++i) {
      const Result<std::string> line = co_await read_line(epoch, deadline);
      if (!line) co_return line.error();
      is_parted = line->starts_with(parting_answer);
    }
    if (!is_parted) co_return distrust("late replies without end");
  }
  must_part_ = false;
  begin_pause(options_.question_pause);
  const Result<void> ready = co_await make_ready(epoch, Pace::full, deadline);
  if (ready && must_part_) co_return distrust("more lines than were asked for");
  co_return ready;
}

Task<Result<std::string>> EspecSession::transfer(std::string_view message, bool is_question, std::uint64_t epoch,
                                                 Deadline deadline) {
  const TimeSource::InFlight in_flight{time_, stream_.key()};
  const std::string request = options_.prefix + std::string(message) + "\r\n";
  const Result<void> written = co_await stream_.write(request, deadline);
  if (epoch != epoch_) co_return interrupted();
  if (!written) {
    close_in_doubt();
    co_return written.error();
  }
  Result<std::string> line = co_await read_line(epoch, deadline);
  if (line && is_question && !espec::refusal(*line)) {
    const bool is_acknowledgement = espec::is_acknowledged(*line, message);
    if (is_acknowledgement != options_.acknowledges_questions) {
      co_return distrust(is_acknowledgement
                             ? "it acknowledges questions: its panel is set to the old protocol, the model file says new"
                             : "'" + *line + "' does not acknowledge " + std::string(message) +
                                   "; is its panel set to the new protocol? The model file says old");
    }
    if (is_acknowledgement) line = co_await read_line(epoch, deadline);
  }
  if (line && !received_.empty()) co_return distrust("more lines than were asked for");
  co_return line;
}

Task<Result<std::string>> EspecSession::exchange(std::string_view message, bool is_question, Pace pace, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  const Result<void> entered = co_await turns_.enter(deadline);
  if (!entered) co_return entered.error();
  const Turnstile::Leave leave{turns_};
  if (epoch != epoch_) co_return interrupted();
  Result<void> ready = co_await make_ready(epoch, pace, deadline);
  const bool says_whose = pace == Pace::urgent && !is_question;
  if (ready && must_part_ && !says_whose) ready = co_await part(epoch, deadline);
  if (!ready) co_return ready.error();
  const Duration pause = is_question ? options_.question_pause : options_.setting_pause;
  sent_at_ = time_.now();
  // When no reply ends it the controller may have the command all the same, and counts from an answer that was lost.
  begin_pause(pause + options_.frame_gap);
  const Result<std::string> line = co_await transfer(message, is_question, epoch, deadline);
  if (epoch != epoch_) co_return interrupted();
  if (!line) co_return line.error();
  begin_pause(pause);
  const std::optional<std::string> reason = espec::refusal(*line);
  if (reason) co_return fail(Fault::refused, stream_.address() + ": it refused " + std::string(message) + ": " + *reason);
  co_return line;
}

Task<Result<std::string>> EspecSession::ask(std::string_view question, Pace pace, Deadline deadline) {
  co_return co_await exchange(question, true, pace, deadline);
}

Task<Result<void>> EspecSession::set(std::string_view command, Pace pace, Deadline deadline) {
  const Result<std::string> line = co_await exchange(command, false, pace, deadline);
  if (!line) co_return line.error();
  if (!espec::is_acknowledged(*line, command)) co_return distrust("'" + *line + "' does not acknowledge " + std::string(command));
  co_return Result<void>{};
}

}  // namespace cellrig
