#include "drivers/scpi/session.hpp"

#include <algorithm>

namespace cellrig {
namespace {
constexpr std::size_t line_length_max = 10'000;

bool is_text(char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; }
}  // namespace

ScpiSession::ScpiSession(TimeSource& time, ByteStream& stream, ScpiSessionOptions options)
    : time_{time}, stream_{stream}, probe_{dynamic_cast<const UnreadProbe*>(&stream)}, options_{options}, turns_{time} {}

void ScpiSession::cut() noexcept {
  ++epoch_;
  turns_.cut_waiting();
  stream_.close();
}

Error ScpiSession::interrupted() const { return fail(Fault::interrupted, stream_.address() + ": cut by us"); }

Error ScpiSession::distrust(std::string what) {
  stream_.close();
  return fail(Fault::malformed, stream_.address() + ": " + std::move(what));
}

// After every suspension the epoch is asked: once cut, the stream may already serve somebody else and is not touched.
Task<Result<void>> ScpiSession::ensure_open(std::uint64_t epoch, Deadline deadline) {
  if (probe_ != nullptr && stream_.is_open() && probe_->has_unread()) {
    ++stale_reply_count_;
    stream_.close();
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
      stream_.close();
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
  std::string request{message};
  request += '\n';
  const Result<void> written = co_await stream_.write(request, deadline);
  if (epoch != epoch_) co_return interrupted();
  if (!written) stream_.close();
  co_return written;
}

Task<Result<std::string>> ScpiSession::exchange(std::string_view message, std::uint64_t epoch, Deadline deadline) {
  const TimeSource::InFlight in_flight{time_, stream_.key()};
  const Result<void> written = co_await put(message, epoch, deadline);
  if (!written) co_return written.error();
  co_return co_await read_line(epoch, deadline);
}

Task<Result<std::string>> ScpiSession::query(std::string_view message, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  const Result<void> entered = co_await turns_.enter(deadline);
  if (!entered) co_return entered.error();
  const Turnstile::Leave leave{turns_};
  if (epoch != epoch_) co_return interrupted();
  const Result<void> opened = co_await ensure_open(epoch, deadline);
  if (!opened) co_return opened.error();
  co_return co_await exchange(message, epoch, deadline);
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
