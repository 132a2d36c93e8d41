#include "drivers/scpi/session.hpp"

#include <algorithm>

namespace cellrig {
namespace {
constexpr std::size_t line_length_max = 10'000;
constexpr std::string_view parting_question = "*IDN?";
/// So many late replies are thrown away before an identity.
constexpr int late_reply_count_max = 8;

bool is_text(char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; }

/// A card in a slot is described like an instrument (34970A).
bool asks_for_an_identity(std::string_view message) {
  return message.find(parting_question) != std::string_view::npos || message.find("SYST:CTYP?") != std::string_view::npos;
}

bool is_identity(std::string_view line) {
  if (line.empty()) return false;
  const char first = line.front();
  const bool begins_with_a_letter = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
  constexpr std::size_t maker_least = 2;  // "T,T,T,T" are the thermocouples of a logger
  return begins_with_a_letter && line.find(',') >= maker_least && std::count(line.begin(), line.end(), ',') >= 3;
}
}  // namespace

ScpiSession::ScpiSession(TimeSource& time, ByteStream& stream, ScpiSessionOptions options)
    : time_{time},
      stream_{stream},
      probe_{dynamic_cast<const UnreadProbe*>(&stream)},
      options_{options},
      turns_{time},
      pause_{time} {}

void ScpiSession::cut() noexcept {
  ++epoch_;
  turns_.cut_waiting();
  if (is_asking_) close_in_doubt(options_.quiet_time_after_cut);
  stream_.close();
  pause_.wake();
}

/// What was asked may still be answered.
void ScpiSession::close_in_doubt(Duration quiet_time) {
  stream_.close();
  if (probe_ == nullptr || !probe_->outlives_closing()) return;
  quiet_time_ = quiet_time;
  quiet_at_ = time_.now() + quiet_time;
  must_part_ = true;
}

Error ScpiSession::interrupted() const { return fail(Fault::interrupted, stream_.address() + ": cut by us"); }

Error ScpiSession::distrust(std::string what) {
  close_in_doubt(options_.quiet_time);
  return fail(Fault::malformed, stream_.address() + ": " + std::move(what));
}

// After every suspension the epoch is asked: once cut, the stream may already serve somebody else and is not touched.
Task<Result<void>> ScpiSession::ensure_open(std::uint64_t epoch, Deadline deadline) {
  if (probe_ != nullptr && stream_.is_open() && probe_->has_unread()) {
    ++stale_reply_count_;
    close_in_doubt(std::max(quiet_time_, options_.quiet_time_after_cut));
  }
  if (stream_.is_open()) co_return Result<void>{};
  Result<void> opened;
  for (int attempt = 0; attempt < options_.connect_attempt_count_max; ++attempt) {
    if (attempt > 0) co_await time_.sleep_until(std::min(deadline.at, time_.now() + options_.connect_pause));
    if (epoch != epoch_) co_return interrupted();
    const Deadline attempt_deadline{std::min(deadline.at, time_.now() + options_.connect_timeout)};
    opened = co_await stream_.open(attempt_deadline);
    if (epoch != epoch_) co_return interrupted();
    if (opened) {
      ++connection_count_;
      co_return opened;
    }
    stream_.close();
    if (time_.now() >= deadline.at) break;
  }
  co_return opened;
}

Task<Result<std::string>> ScpiSession::read_line(std::uint64_t epoch, Deadline deadline) {
  std::string line;
  while (true) {
    const Result<std::size_t> read = co_await stream_.read_some(chunk_, deadline);
    if (epoch != epoch_) co_return interrupted();
    if (!read) {
      close_in_doubt(options_.quiet_time);
      co_return read.error();
    }
    line.append(chunk_.data(), *read);
    const std::size_t end = line.find('\n');
    if (end == std::string::npos) {
      if (line.size() > line_length_max) co_return distrust("a line without end");
      continue;
    }
    if (end + 1 != line.size()) co_return distrust("more than one line for one question");
    line.pop_back();
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.size() > line_length_max) co_return distrust("an overlong line");
    if (!std::all_of(line.begin(), line.end(), is_text)) co_return distrust("control characters in a reply");
    co_return line;
  }
}

Task<Result<void>> ScpiSession::put(std::string_view message, std::uint64_t epoch, Deadline deadline) {
  std::string request;
  request.reserve(message.size() + 1);
  request += message;
  request += '\n';
  const Result<void> written = co_await stream_.write(request, deadline);
  if (epoch != epoch_) co_return interrupted();
  if (!written) stream_.close();
  co_return written;
}

Task<Result<void>> ScpiSession::await_quiet(std::uint64_t epoch, Deadline deadline) {
  while (quiet_at_) {
    const TimePoint quiet_at = *quiet_at_;
    if (quiet_at >= deadline.at)
      co_return fail(Fault::timeout, stream_.address() + ": the line was not silent long enough in time");
    pause_.forget();
    if (time_.now() < quiet_at) co_await pause_.until(quiet_at);
    if (epoch != epoch_) co_return interrupted();
    quiet_at_.reset();
    const Result<void> opened = co_await ensure_open(epoch, deadline);  // in doubt again when something came
    if (!opened) co_return opened;
  }
  co_return Result<void>{};
}

Task<Result<std::string>> ScpiSession::exchange(std::string_view message, std::uint64_t epoch, Deadline deadline) {
  struct Asking {
    explicit Asking(bool& flag) : is_asking{flag} { is_asking = true; }
    ~Asking() { is_asking = false; }
    bool& is_asking;
  } const asking{is_asking_};
  const TimeSource::InFlight in_flight{time_, stream_.key()};
  const Result<void> written = co_await put(message, epoch, deadline);
  if (!written) co_return written.error();
  co_return co_await read_line(epoch, deadline);
}

Task<Result<void>> ScpiSession::part(std::uint64_t epoch, Deadline deadline) {
  Result<std::string> line = co_await exchange(parting_question, epoch, deadline);
  for (int i = 0; line && !is_identity(*line) && i < late_reply_count_max; ++i) {
    ++stale_reply_count_;
    line = co_await read_line(epoch, deadline);
  }
  if (!line) co_return line.error();
  if (!is_identity(*line)) co_return distrust("late replies without end");
  // An instrument answers in order. A line that changes it (F06) brings the older reply now, and it must not answer the next question.
  const TimePoint settled = std::min(deadline.at, time_.now() + options_.quiet_time_after_cut);
  pause_.forget();
  co_await pause_.until(settled);
  if (epoch != epoch_) co_return interrupted();
  if (probe_ != nullptr && probe_->has_unread()) co_return distrust("a reply behind the identity");
  must_part_ = false;
  co_return Result<void>{};
}

Task<Result<std::string>> ScpiSession::query(std::string_view message, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  if (!turns_.try_enter()) {
    const Result<void> entered = co_await turns_.enter(deadline);
    if (!entered) co_return entered.error();
  }
  const Turnstile::Leave leave{turns_};
  if (epoch != epoch_) co_return interrupted();
  Result<void> ready;
  const bool is_in_order = stream_.is_open() && (probe_ == nullptr || !probe_->has_unread());  // as nearly always
  if (!is_in_order) ready = co_await ensure_open(epoch, deadline);
  if (ready && quiet_at_) ready = co_await await_quiet(epoch, deadline);
  if (ready && must_part_) ready = co_await part(epoch, deadline);
  if (!ready) co_return ready.error();
  Result<std::string> reply = co_await exchange(message, epoch, deadline);
  const bool is_line = probe_ != nullptr && probe_->outlives_closing();
  const bool is_late = is_line && reply && is_identity(*reply) && !asks_for_an_identity(message);
  if (is_late) co_return distrust("an identity that was asked for earlier");
  co_return reply;
}

Task<Result<void>> ScpiSession::send(std::string_view message, Duration settle, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  const Result<void> entered = co_await turns_.enter(deadline);
  if (!entered) co_return entered.error();
  const Turnstile::Leave leave{turns_};
  if (epoch != epoch_) co_return interrupted();
  const Result<void> opened = co_await ensure_open(epoch, deadline);
  if (!opened) co_return opened.error();
  // Under way until the pause is over, so that simulated time does not pass the instrument before the message reached it.
  const TimeSource::InFlight in_flight{time_, stream_.key()};
  const Result<void> written = co_await put(message, epoch, deadline);
  if (!written) co_return written;
  const TimePoint settled = std::min(deadline.at, time_.now() + settle);
  co_await time_.sleep_until(settled);
  if (epoch != epoch_) co_return interrupted();
  co_return Result<void>{};
}

Task<Result<void>> ScpiSession::connect(Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  const Result<void> entered = co_await turns_.enter(deadline);
  if (!entered) co_return entered.error();
  const Turnstile::Leave leave{turns_};
  if (epoch != epoch_) co_return interrupted();
  co_return co_await ensure_open(epoch, deadline);
}

}  // namespace cellrig
