#include "drivers/modbus/rtu_line.hpp"

#include <algorithm>
#include <utility>

#include "drivers/modbus/late_replies.hpp"
#include "drivers/modbus/rtu.hpp"

namespace cellrig {
namespace {

constexpr std::size_t waiting_count_max = 64;
/// A line on which bytes keep coming that nobody asked for is given up after so many looks.
constexpr int look_count_max = 8;
constexpr std::size_t given_up_count_max = 16;

Error refused_size(const std::string& address, const char* what) { return fail(Fault::refused, address + ": " + what); }

}  // namespace

/// The face of one unit. What the line knows about a unit is here, too.
class RtuLine::Unit final : public ModbusBus {
 public:
  Unit(std::shared_ptr<RtuLine> line, RtuUnitOptions unit_options)
      : options{unit_options}, late_replies{line->options_.reply_horizon}, line_{std::move(line)} {
    ++line_->unit_count_;
  }
  ~Unit() override { --line_->unit_count_; }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  Task<Result<void>> read_holding(ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline) override {
    if (into.empty() || into.size() > modbus::read_register_count_max)
      co_return refused_size(address(), "reads 1 to 125 registers");
    const modbus::Frame request = modbus::request_read_holding(from, static_cast<std::uint16_t>(into.size()));
    modbus::Frame reply;
    const Call call = call_of(false, deadline);
    const Result<void> done = co_await line_->exchange(*this, request, reply, call);
    if (done) modbus::registers_of(reply, into);
    co_return done;
  }
  Task<Result<void>> read_coils(ModbusAddress from, std::span<bool> into, Deadline deadline) override {
    if (into.empty() || into.size() > modbus::read_coil_count_max) co_return refused_size(address(), "reads 1 to 2000 coils");
    const modbus::Frame request = modbus::request_read_coils(from, static_cast<std::uint16_t>(into.size()));
    modbus::Frame reply;
    const Call call = call_of(false, deadline);
    const Result<void> done = co_await line_->exchange(*this, request, reply, call);
    if (done) modbus::coils_of(reply, into);
    co_return done;
  }
  Task<Result<void>> write_register(ModbusAddress to, std::uint16_t value, Deadline deadline) override {
    const modbus::Frame request = modbus::request_write_register(to, value);
    return write(request, deadline);
  }
  Task<Result<void>> write_registers(ModbusAddress to, std::span<const std::uint16_t> values, Deadline deadline) override {
    if (values.empty() || values.size() > modbus::write_register_count_max) return refuse_write();
    const modbus::Frame request = modbus::request_write_registers(to, values);
    return write(request, deadline);
  }
  Task<Result<void>> write_coil(ModbusAddress to, bool value, Deadline deadline) override {
    const modbus::Frame request = modbus::request_write_coil(to, value);
    return write(request, deadline);
  }
  void cut() noexcept override {
    ++epoch;
    next_request = TimePoint{};
    line_->cut(*this);
  }
  [[nodiscard]] std::string address() const override { return line_->address(); }

  RtuUnitOptions options;
  modbus::LateReplies late_replies;
  TimePoint next_request{};
  std::uint64_t epoch = 0;  ///< counts cuts
  int silent_count = 0;     ///< time-outs in a row
  TimePoint ask_again_at{};
  std::optional<TimePoint> doubt;  ///< since when the line has brought nothing after something doubtful of this unit

 private:
  void count_urgent(int change) noexcept override { urgent_count_ += change; }
  [[nodiscard]] Call call_of(bool is_write, Deadline deadline) const {
    const Rank rank = is_write ? Rank::write : Rank::read;
    return Call{.rank = urgent_count_ > 0 ? Rank::stop : rank, .is_write = is_write, .deadline = deadline};
  }
  Task<Result<void>> write(modbus::Frame request, Deadline deadline) {
    modbus::Frame reply;
    const Call call = call_of(true, deadline);
    co_return co_await line_->exchange(*this, request, reply, call);
  }
  Task<Result<void>> refuse_write() { co_return refused_size(address(), "writes 1 to 123 registers"); }

  std::shared_ptr<RtuLine> line_;
  int urgent_count_ = 0;
};

struct RtuLine::Turn {
  enum class Phase : unsigned char { resting, waiting, opening, pausing, flying };

  Turn(RtuLine& of, Unit& by, Call what) : line{of}, unit{by}, call{what}, wait{of.time_} { line.turns_.push_back(this); }
  ~Turn() { line.leave(*this); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  RtuLine& line;
  Unit& unit;
  Call call;
  Wait wait;
  Phase phase = Phase::resting;
  TimePoint grace_over{};  ///< flying: a unit that is well has answered by then
  bool was_sent = false;
  bool is_cut = false;     ///< by its own unit
  bool is_taken = false;   ///< the line was taken away
  bool must_rest = false;  ///< the unit is in doubt, or needs its pause: the line is for the others
};

RtuLine::RtuLine(TimeSource& time, std::unique_ptr<ByteStream> stream, RtuLineOptions options)
    : time_{time}, stream_{std::move(stream)}, probe_{dynamic_cast<const UnreadProbe*>(stream_.get())}, options_{options} {}

RtuLine::~RtuLine() = default;

std::unique_ptr<ModbusBus> RtuLine::make_unit(const std::shared_ptr<RtuLine>& line, RtuUnitOptions options) {
  return std::make_unique<Unit>(line, options);
}

Error RtuLine::failure(Fault fault, const std::string& what) const { return fail(fault, address() + ": " + what); }

// ---- who has the line

/// An OFF may take it from anybody who does not turn off; everybody from a unit that did not answer the last time.
bool RtuLine::may_take_from(const Turn& waiter, const Turn& holder) {
  if (holder.is_taken || &waiter.unit == &holder.unit || holder.phase == Turn::Phase::opening) return false;
  const bool holder_is_silent = holder.unit.silent_count > 0;
  if (holder.call.rank == Rank::stop) return waiter.call.rank == Rank::stop && holder_is_silent;
  return waiter.call.rank == Rank::stop || holder_is_silent;
}

void RtuLine::end_early(Turn& turn) {
  if (turn.phase == Turn::Phase::flying || turn.phase == Turn::Phase::opening) stream_->close();
  turn.wait.wake();
}

void RtuLine::take_from_holder() {
  holder_->is_taken = true;
  end_early(*holder_);
}

void RtuLine::cut(const Unit& unit) {
  for (Turn* const turn : turns_) {
    if (&turn->unit != &unit) continue;
    turn->is_cut = true;
    end_early(*turn);
  }
}

/// What the unit itself needs it waits for without the line.
TimePoint RtuLine::rested_at(const Turn& turn) const {
  if (turn.call.is_stop_write()) return TimePoint{};
  const Unit& unit = turn.unit;
  if (!unit.doubt) return unit.next_request;
  const bool is_stop = turn.call.rank == Rank::stop;
  return std::max(unit.next_request, *unit.doubt + (is_stop ? options_.reply_grace : options_.quiet_time));
}

Task<Result<void>> RtuLine::rest(Turn& turn) {
  while (time_.now() < rested_at(turn)) {
    const TimePoint until = rested_at(turn);
    if (until >= turn.call.deadline.at) co_return failure(Fault::timeout, "the pause that the unit needs passes the deadline");
    co_await turn.wait.until(until);
    if (turn.is_cut) co_return failure(Fault::interrupted, "cut by us");
  }
  co_return Result<void>{};
}

Task<Result<void>> RtuLine::enter(Turn& turn) {
  turn.phase = Turn::Phase::waiting;
  if (holder_ == nullptr) {
    holder_ = &turn;
    co_return Result<void>{};
  }
  if (turns_.size() > waiting_count_max) co_return failure(Fault::busy, "too many requests wait for this line");
  while (holder_ != &turn) {
    TimePoint until = turn.call.deadline.at;
    if (time_.now() >= until) co_return failure(Fault::timeout, "the line stayed occupied by other requests");
    if (may_take_from(turn, *holder_)) {
      const bool is_flying = holder_->phase == Turn::Phase::flying;
      if (!is_flying || time_.now() >= holder_->grace_over) {
        take_from_holder();
      } else {
        until = std::min(until, holder_->grace_over);
      }
    }
    co_await turn.wait.until(until);
    if (turn.is_cut) co_return failure(Fault::interrupted, "cut by us");
  }
  co_return Result<void>{};
}

/// To the first of those with the best rank.
void RtuLine::leave(Turn& turn) {
  std::erase(turns_, &turn);
  if (holder_ != &turn) return;
  holder_ = nullptr;
  for (Turn* const waiter : turns_) {
    if (waiter->phase != Turn::Phase::waiting) continue;
    if (holder_ == nullptr || waiter->call.rank < holder_->call.rank) holder_ = waiter;
  }
  if (holder_ != nullptr) holder_->wait.wake();
}

// ---- one exchange

Task<Result<void>> RtuLine::exchange(Unit& unit, const modbus::Frame& request, modbus::Frame& reply, Call call) {
  const std::uint64_t epoch = unit.epoch;
  if (call.rank != Rank::stop && unit_count_ > 1 && time_.now() < unit.ask_again_at) {
    co_return failure(Fault::timeout, "the unit did not answer; the others on the line go before it for a while");
  }
  for (int look = 0; look < look_count_max;) {
    Turn turn{*this, unit, call};
    Result<void> done = co_await rest(turn);
    if (done) done = co_await enter(turn);
    if (done) done = co_await make_ready(turn);
    const bool must_part = !call.is_write && unit.late_replies.may_pass_for(request, time_.now());
    if (done && must_part) done = co_await part(turn, request, reply);
    if (done && !must_part) done = co_await ask(turn, request, reply);
    if (epoch != unit.epoch) co_return failure(Fault::interrupted, "cut by us");
    if (turn.must_rest) {
      ++look;
      continue;
    }
    if (!done && turn.is_taken) {
      const bool may_go_again = !turn.was_sent || (!call.is_write && unit.silent_count == 0);
      if (may_go_again) continue;
      done = failure(Fault::timeout, "no answer before others needed the line");
    }
    judge(unit, turn, done);
    co_return done;
  }
  co_return failure(Fault::malformed, "bytes keep coming that nobody asked for");
}

/// Nothing that was asked before will pass for the answer to `request` afterwards.
Task<Result<void>> RtuLine::part(Turn& turn, const modbus::Frame& request, modbus::Frame& reply) {
  const std::optional<modbus::Frame> question = turn.unit.late_replies.parting_question(request, time_.now());
  if (!question) co_return failure(Fault::timeout, "too many replies may still come to be told from the answer");
  const modbus::Frame& other = *question;
  const Result<void> parted = co_await ask(turn, other, reply);
  // Whoever refuses a number of values has answered, too. Busy says nothing about the question.
  const bool is_answer = parted || parted.error().fault == Fault::refused;
  if (!is_answer) co_return parted;
  turn.unit.late_replies.settle();
  if (!parted) turn.unit.late_replies.expect(other, time_.now());  // the refusal may have been an earlier one's
  turn.must_rest = true;
  co_return Result<void>{};
}

/// A time-out is charged to the unit that did not answer.
void RtuLine::judge(Unit& unit, const Turn& turn, const Result<void>& outcome) const {
  if (!turn.was_sent) return;
  const bool is_answer = outcome || outcome.error().fault == Fault::refused || outcome.error().fault == Fault::busy;
  if (is_answer) {
    unit.silent_count = 0;
    unit.ask_again_at = TimePoint{};
    return;
  }
  if (outcome.error().fault != Fault::timeout) return;
  ++unit.silent_count;
  if (unit.silent_count < 2) return;
  Duration pause = unit.options.back_off_min;
  for (int i = 2; i < unit.silent_count && pause < unit.options.back_off_max; ++i) pause *= 2;
  unit.ask_again_at = time_.now() + std::min(pause, unit.options.back_off_max);
}

Task<Result<void>> RtuLine::open(Turn& turn) {
  turn.phase = Turn::Phase::opening;
  const Deadline attempt{std::min(turn.call.deadline.at, time_.now() + options_.connect_timeout)};
  const Result<void> opened = co_await stream_->open(attempt);
  turn.phase = Turn::Phase::pausing;
  if (turn.is_cut) co_return failure(Fault::interrupted, "cut by us");
  if (!opened) stream_->close();
  free_at_ = std::max(free_at_, time_.now() + options_.frame_gap);  // it is silent when it was heard to be
  co_return opened;
}

Task<Result<void>> RtuLine::pause(Turn& turn, TimePoint until) {
  turn.phase = Turn::Phase::pausing;
  if (until >= turn.call.deadline.at) co_return failure(Fault::timeout, "the pause that the line needs passes the deadline");
  while (time_.now() < until && !turn.is_cut && !turn.is_taken) co_await turn.wait.until(until);
  if (turn.is_cut || turn.is_taken) co_return failure(Fault::interrupted, "cut while the line was made ready");
  co_return Result<void>{};
}

/// The line is open, nobody else speaks, and nothing waits to be read.
Task<Result<void>> RtuLine::make_ready(Turn& turn) {
  turn.phase = Turn::Phase::pausing;
  const Error not_rested = failure(Fault::busy, "the unit is in doubt");
  std::string stray;
  for (int look = 0; look < look_count_max; ++look) {
    turn.must_rest = time_.now() < rested_at(turn);  // another call of this unit came first, or bytes that nobody asked for
    if (turn.must_rest) co_return not_rested;
    if (!stream_->is_open()) {
      const Result<void> opened = co_await open(turn);
      if (!opened) co_return opened;
    }
    if (time_.now() < free_at_) {
      const Result<void> paused = co_await pause(turn, free_at_);
      if (!paused) co_return paused;
    }
    if (probe_ == nullptr || !probe_->has_unread()) break;
    const Result<void> read = co_await read_stray(turn, stray);
    if (!read) co_return read;
  }
  if (turn.call.rank != Rank::stop) turn.unit.doubt.reset();
  if (time_.now() < turn.call.deadline.at) co_return Result<void>{};
  co_return failure(Fault::timeout, "no time left to ask");
}

/// A late reply, or the end of the line: opening it again throws away what is on its way.
Task<Result<void>> RtuLine::read_stray(Turn& turn, std::string& stray) {
  const Result<std::size_t> read = co_await stream_->read_some(chunk_, turn.call.deadline);
  if (turn.is_cut) co_return failure(Fault::interrupted, "cut by us");
  free_at_ = std::max(free_at_, time_.now() + options_.frame_gap);
  if (read) {
    stray.append(chunk_.data(), *read);
    const Belated belated = drop_belated(stray);
    const bool is_understood = belated == Belated::perhaps || (belated == Belated::yes && stray.empty());
    if (is_understood) co_return Result<void>{};
    ++stale_reply_count_;
    turn.unit.doubt = time_.now();
  }
  stray.clear();
  stream_->close();
  co_return Result<void>{};
}

Task<Result<void>> RtuLine::ask(Turn& turn, const modbus::Frame& request, modbus::Frame& reply) {
  const std::string bytes = modbus::rtu_request(request);
  turn.phase = Turn::Phase::flying;
  turn.was_sent = true;
  turn.grace_over = time_.now() + options_.reply_grace + options_.byte_time * static_cast<std::int64_t>(bytes.size());
  for (Turn* const other : turns_) {
    if (other->phase == Turn::Phase::waiting && other != &turn && may_take_from(*other, turn))
      other->wait.wake();  // to know when
  }
  modbus::LateReplies& late_replies = turn.unit.late_replies;
  const bool parts = !late_replies.may_pass_for(request, time_.now());
  const bool parts_by_refusal = !late_replies.may_refuse(request, time_.now());
  late_replies.expect(request, time_.now());
  const TimeSource::InFlight in_flight{time_, stream_->key()};
  const Result<void> written = co_await stream_->write(bytes, turn.call.deadline);
  if (!written) co_return give_up(turn, request, written.error());
  const Result<void> received = co_await receive(turn, request, reply);
  const bool is_refused = !received && (received.error().fault == Fault::refused || received.error().fault == Fault::busy);
  if (received ? parts : is_refused && parts_by_refusal) late_replies.settle();
  free_at_ = std::max(free_at_, time_.now() + options_.frame_gap);
  if (!turn.is_cut) turn.unit.next_request = time_.now() + turn.unit.options.request_gap;
  co_return received;
}

Task<Result<void>> RtuLine::receive(Turn& turn, const modbus::Frame& request, modbus::Frame& reply) {
  const Duration on_the_line = options_.byte_time * static_cast<std::int64_t>(modbus::rtu_length_max);
  const TimePoint silent_at = time_.now() + turn.unit.options.reply_timeout + on_the_line;
  const Deadline patience{std::min(turn.call.deadline.at, silent_at)};
  std::string received;
  while (true) {
    const Result<std::size_t> read = co_await stream_->read_some(chunk_, patience);
    if (!read) co_return give_up(turn, request, read.error());
    received.append(chunk_.data(), *read);
    Result<std::size_t> length = modbus::rtu_reply_length(request, received);
    Belated belated = Belated::yes;
    while (!length && belated == Belated::yes) {
      belated = drop_belated(received);
      if (belated == Belated::yes) length = modbus::rtu_reply_length(request, received);
    }
    if (belated == Belated::perhaps) continue;
    if (!length) co_return give_up(turn, request, length.error());
    if (*length == 0 || received.size() < *length) continue;
    const Result<modbus::Frame> frame = modbus::rtu_reply(request, received);
    if (frame) {
      reply = *frame;
      co_return Result<void>{};
    }
    const bool is_answer = frame.error().fault == Fault::refused || frame.error().fault == Fault::busy;
    if (!is_answer) co_return give_up(turn, request, frame.error());
    co_return failure(frame.error().fault, frame.error().what);
  }
}

RtuLine::Belated RtuLine::drop_reply_to(const modbus::Frame& request, std::string& received) {
  const Result<std::size_t> length = modbus::rtu_reply_length(request, received);
  if (!length) return Belated::no;
  if (*length == 0 || received.size() < *length) return Belated::perhaps;
  const Result<modbus::Frame> frame = modbus::rtu_reply(request, std::string_view{received}.substr(0, *length));
  if (!frame && frame.error().fault == Fault::malformed) return Belated::no;
  received.erase(0, *length);
  return Belated::yes;
}

/// Only what cannot answer the present request comes here.
RtuLine::Belated RtuLine::drop_belated(std::string& received) {
  Belated found = Belated::no;
  for (auto given_up = given_up_.begin(); given_up != given_up_.end(); ++given_up) {
    const Belated belated = drop_reply_to(*given_up, received);
    if (belated == Belated::perhaps) found = belated;
    if (belated != Belated::yes) continue;
    given_up_.erase(given_up);
    ++stale_reply_count_;
    return belated;
  }
  return found;
}

/// What this exchange was waiting for may still come.
Error RtuLine::give_up(Turn& turn, const modbus::Frame& request, const Error& error) {
  stream_->close();
  if (error.fault == Fault::link_lost) return error;
  if (given_up_.size() >= given_up_count_max) given_up_.erase(given_up_.begin());
  given_up_.push_back(request);
  turn.unit.doubt = std::max(time_.now(), turn.grace_over);
  free_at_ = std::max(free_at_, turn.grace_over);
  if (error.fault == Fault::malformed) return failure(error.fault, error.what);
  return error;
}

}  // namespace cellrig
