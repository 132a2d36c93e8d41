// The one writer of a record. The control thread appends; a thread of its own stores and commits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "controller/base/result.hpp"
#include "db/record.hpp"

namespace cellrig::db {

/// When rows become durable. It belongs to the time source (DESIGN: real 250 ms and FULL; virtual 10,000 rows).
struct CommitPolicy {
  Duration interval = std::chrono::milliseconds{250};  ///< wall time, 0 = by rows only
  std::size_t rows = 10'000;
  bool synchronous_full = true;
  bool wait_when_full = false;  ///< virtual and lockstep: a full queue holds the caller; real: it is a failure

  [[nodiscard]] static CommitPolicy real() { return {}; }
  [[nodiscard]] static CommitPolicy simulated() { return {Duration{0}, 10'000, false, true}; }
};

struct RecorderOptions {
  std::string path;
  CommitPolicy commit;
  std::size_t queue_rows_max = 1 << 18;  ///< samples that may wait for the disk
  std::size_t database_bytes_max = 0;    ///< 0 = no bound; else SQLite answers "full" (tests, quotas)
};

/// A disk that hangs for so long is told, and is no disk any more.
inline constexpr Duration behind_alarm = std::chrono::seconds{10}, behind_max = std::chrono::seconds{30};
inline constexpr std::uint64_t wal_bytes_alarm = 256ULL << 20;

/// Opens, migrates, takes the lock file, writes. Control thread only.
/// * Nothing here blocks on the disk but open(), flush() and close(); with wait_when_full also append.
/// * After a failure everything is refused and failure() says why: the caller stops the run, safely (exit code 5).
/// * A trip, an end of run and a resume point are committed at once, with all that came before.
class Recorder {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Recorder>> open(const RecorderOptions& options);
  virtual ~Recorder() = default;

  [[nodiscard]] virtual RunKey begin_run(const RunRow& run) = 0;
  [[nodiscard]] virtual StepKey next_step_key() = 0;
  virtual void begin_step(const StepRow& step) = 0;
  virtual void append(const SampleRow& sample) = 0;
  virtual void append(const AuxRow& sample) = 0;
  virtual void end_step(const StepEndRow& end) = 0;
  virtual void append(const CycleRow& cycle) = 0;
  virtual void append(const EventRow& event) = 0;
  /// Stored in the transaction of the rows appended before it. `state` is opaque and versioned by the engine.
  virtual void resume_point(RunKey run, std::span<const std::byte> state) = 0;
  virtual void end_run(const RunEndRow& end) = 0;
  /// A beginning and an end of a run, a trip and a stop write their audit rows themselves, in the name of the run's operator.
  virtual void audit(const AuditRow& /*row*/) {}
  virtual void deviation(const DeviationRow& /*row*/) {}
  /// With its row in the audit trail. Origin: where the person sits.
  virtual void acknowledge(const AcknowledgementRow& /*row*/, const std::string& /*origin*/) {}
  /// With its row in the audit trail. Origin: where the person sits.
  virtual void proof(const ProofRow& /*row*/, const std::string& /*origin*/) {}
  /// Right after begin_run(). However many they are, they wait for the disk as one: they do not fill the queue.
  virtual void expected(ExpectedRows&& /*rows*/) {}
  /// A run of this database goes on: its sums are read back, and its status is `running` again.
  virtual void resume_run(RunKey /*run*/, const std::string& /*operator_name*/, const std::string& /*host*/) {}
  /// Between hold() and release() steps, cycles, events, resume points and the like wait: they are stored in one transaction,
  /// all or none. Samples go their way; the rare rows of one hold() come after them.
  virtual void hold() {}
  virtual void release() {}

  /// Everything appended so far is on disk when this returns, or it says why not.
  [[nodiscard]] virtual Result<void> flush() = 0;
  /// flush, then checkpoint, unlock and close. Idempotent.
  [[nodiscard]] virtual Result<void> close() = 0;
  [[nodiscard]] virtual bool failed() const = 0;
  [[nodiscard]] virtual std::string failure() const = 0;
  /// Samples committed: every one of them is in the record, whatever happens to this process.
  [[nodiscard]] virtual std::uint64_t rows_written() const = 0;
  /// For how long the disk has kept what it was given to itself: a power loss now takes what was measured in this time, and a second.
  /// 0 in simulated time, where the bench waits for the disk.
  [[nodiscard]] virtual Duration behind() const { return Duration{0}; }
  /// Size of the write-ahead log. Above wal_bytes_alarm a reader has been inside one SELECT for too long.
  [[nodiscard]] virtual std::uint64_t wal_bytes() const { return 0; }
};

/// Bytes free for an ordinary user where `path` lives (or will live).
[[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& path);

}  // namespace cellrig::db
