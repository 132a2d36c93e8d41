// Several units on one Modbus RTU line (a tty, or RTU frames in TCP), each behind a ModbusBus of its own. One owner per line.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/modbus_bus.hpp"
#include "drivers/link/unread_probe.hpp"
#include "drivers/modbus/adu.hpp"

namespace cellrig {

struct RtuLineOptions {
  Duration frame_gap = std::chrono::microseconds{1750};  ///< silence between two frames
  Duration byte_time{};                                  ///< of one character on the line; zero where that is not known (TCP)
  Duration quiet_time = std::chrono::milliseconds{250};  ///< a unit that did something doubtful is not believed earlier
  Duration reply_grace = std::chrono::milliseconds{50};  ///< a unit that is well has begun to answer by then
  Duration connect_timeout = std::chrono::seconds{2};
  Duration reply_horizon = std::chrono::seconds{10};  ///< a reply that has not come by then never comes
};

struct RtuUnitOptions {
  Duration request_gap{};                                   ///< pause the unit needs between its reply and the next request to it
  Duration reply_timeout = std::chrono::milliseconds{500};  ///< without an answer for so long the unit is silent
  Duration back_off_min =
      std::chrono::milliseconds{250};  ///< pause after the second time-out in a row, doubled with every further one
  Duration back_off_max = std::chrono::seconds{2};
};

/// Control thread only; units must outlive their calls, and the TimeSource must outlive the line.
/// * Order: what turns an output off (ModbusBus::Urgent), then writes, then reads; in each rank first come first served.
/// * RTU carries no transaction number: a late reply would answer the next question. After a time-out, a malformed reply or a cut the
///   line is closed, and that unit is asked again only after the line has brought nothing for quiet_time. What is asked in order to
///   turn off waits for reply_grace only, and a write for neither: its echo tells what it answers.
/// * Silence alone does not part a very late reply from the next answer. While one may still come that would pass for the answer to a
///   read, that read is asked only after the unit has answered for another number of values from the same address (LateReplies).
/// * Nobody speaks before reply_grace has passed since a request that was cut: its reply may be on the line. A late reply that can only
///   be that to a request that was given up is thrown away, whoever is being asked.
/// * An OFF takes the line from another unit's exchange once that has had reply_grace. A read so ended is asked again by itself; a
///   write ends with Fault::timeout, for it may have been carried out. What had not been sent waits in line again.
/// * A unit that did not answer may be asked again, but gives way to everybody else after reply_grace; from the second time-out in
///   a row on its calls fail at once with Fault::timeout until a growing pause is over. Alone on a line it is never held back.
/// * cut() of a unit ends its own calls, and no other's.
class RtuLine {
 public:
  RtuLine(TimeSource& time, std::unique_ptr<ByteStream> stream, RtuLineOptions options);
  ~RtuLine();
  RtuLine(const RtuLine&) = delete;
  RtuLine& operator=(const RtuLine&) = delete;

  /// The unit keeps the line alive.
  [[nodiscard]] static std::unique_ptr<ModbusBus> make_unit(const std::shared_ptr<RtuLine>& line, RtuUnitOptions options);

  [[nodiscard]] std::string address() const { return stream_->address(); }
  /// How often bytes were found that nobody had asked for.
  [[nodiscard]] std::uint64_t stale_reply_count() const { return stale_reply_count_; }

 private:
  class Unit;
  enum class Rank : unsigned char { stop, write, read };
  /// One call that waits for the line or has it. It gives the line back when it ends, also when its task is dropped.
  struct Turn;
  struct Call {
    Rank rank = Rank::read;
    bool is_write = false;
    Deadline deadline;
    [[nodiscard]] bool is_stop_write() const { return rank == Rank::stop && is_write; }
  };

  [[nodiscard]] Task<Result<void>> exchange(Unit& unit, const modbus::Frame& request, modbus::Frame& reply, Call call);
  [[nodiscard]] Task<Result<void>> rest(Turn& turn);
  [[nodiscard]] Task<Result<void>> enter(Turn& turn);
  [[nodiscard]] Task<Result<void>> make_ready(Turn& turn);
  [[nodiscard]] Task<Result<void>> open(Turn& turn);
  [[nodiscard]] Task<Result<void>> read_stray(Turn& turn, std::string& stray);
  [[nodiscard]] Task<Result<void>> pause(Turn& turn, TimePoint until);
  [[nodiscard]] Task<Result<void>> ask(Turn& turn, const modbus::Frame& request, modbus::Frame& reply);
  [[nodiscard]] Task<Result<void>> part(Turn& turn, const modbus::Frame& request, modbus::Frame& reply);
  [[nodiscard]] Task<Result<void>> receive(Turn& turn, const modbus::Frame& request, modbus::Frame& reply);

  [[nodiscard]] TimePoint rested_at(const Turn& turn) const;
  void leave(Turn& turn);
  void cut(const Unit& unit);
  [[nodiscard]] static bool may_take_from(const Turn& waiter, const Turn& holder);
  void take_from_holder();
  void end_early(Turn& turn);
  [[nodiscard]] Error give_up(Turn& turn, const modbus::Frame& request, const Error& error);
  enum class Belated : unsigned char { no, perhaps, yes };
  [[nodiscard]] Belated drop_belated(std::string& received);
  [[nodiscard]] static Belated drop_reply_to(const modbus::Frame& request, std::string& received);
  void judge(Unit& unit, const Turn& turn, const Result<void>& outcome) const;
  [[nodiscard]] Error failure(Fault fault, const std::string& what) const;

  TimeSource& time_;
  std::unique_ptr<ByteStream> stream_;
  const UnreadProbe* probe_;
  RtuLineOptions options_;
  std::vector<Turn*> turns_;  ///< every call, in the order in which they came
  Turn* holder_ = nullptr;
  std::array<char, 512> chunk_{};
  TimePoint free_at_{};                  ///< no frame begins earlier
  std::vector<modbus::Frame> given_up_;  ///< the latest requests whose replies may still come
  std::size_t unit_count_ = 0;
  std::uint64_t stale_reply_count_ = 0;
};

}  // namespace cellrig
