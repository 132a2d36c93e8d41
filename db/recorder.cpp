#include "db/recorder.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "controller/base/overloaded.hpp"
#include "db/audit_rows.hpp"
#include "db/failure_note.hpp"
#include "db/record_store.hpp"

namespace cellrig::db {

namespace {

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Runs, steps, events and the like that may wait for the disk.
constexpr std::size_t queue_operations_max = 1 << 16;

struct BeginRun {
  RunKey key = 0;
  RunRow row;
};
struct ResumePoint {
  RunKey run = 0;
  std::vector<std::byte> state;
};
struct ResumeRun {
  RunKey run = 0;
};
using OperationBody = std::variant<BeginRun, StepRow, StepEndRow, CycleRow, EventRow, ResumePoint, RunEndRow, AuditRow,
                                   DeviationRow, AcknowledgementRow, ProofRow, ExpectedRows, ResumeRun>;

/// A rare row, and how many samples were appended before it: order is kept although samples travel by themselves.
struct Operation {
  std::size_t samples_before = 0;
  std::size_t aux_before = 0;
  bool commit_after = false;  ///< does not even wait for the rest of its batch
  OperationBody body;
};

struct Batch {
  std::vector<SampleRow> samples;
  std::vector<AuxRow> aux;
  std::vector<Operation> operations;

  [[nodiscard]] std::size_t rows() const { return samples.size() + aux.size(); }
  [[nodiscard]] bool is_empty() const { return rows() == 0 && operations.empty(); }
  void clear() {
    samples.clear();
    aux.clear();
    operations.clear();
  }
  void reserve(std::size_t rows_max) {
    // All of it at once: growing would copy megabytes on the control thread. Untouched pages cost nothing.
    samples.reserve(rows_max);
    aux.reserve(rows_max);
    operations.reserve(queue_operations_max / 64);
  }
};

class ThreadedRecorder final : public Recorder {
 public:
  ThreadedRecorder(std::unique_ptr<RecordStore> store, const RecorderOptions& options)
      : options_(options), store_(std::move(store)), last_run_(store_->last_run()), last_step_(store_->last_step()) {
    filling_.reserve(options_.queue_rows_max);
    writing_.reserve(options_.queue_rows_max);
    thread_ = std::thread([this] { work(); });
  }
  ~ThreadedRecorder() override {
    try {
      (void)close();
    } catch (...) {  // out of memory: what was committed is safe, and the thread must end all the same
      end_thread();
    }
  }

  RunKey begin_run(const RunRow& run) override {
    const RunKey key = ++last_run_;
    push(BeginRun{key, run});
    push(audit_of_begin(key, run));
    actors_.insert_or_assign(key, Actor{run.operator_name, run.host});
    return key;
  }
  StepKey next_step_key() override { return ++last_step_; }
  void begin_step(const StepRow& step) override { push(step); }
  void end_step(const StepEndRow& end) override { push(end); }
  void append(const CycleRow& cycle) override { push(cycle); }
  void append(const EventRow& event) override {
    const bool is_trip = event.severity == Severity::trip;
    const std::optional<AuditRow> audit = audit_of_event(event, actor_of(event.run));
    if (audit) push(*audit);
    push(event, is_trip || options_.commit.interval > Duration{0}, is_trip);
  }
  void resume_point(RunKey run, std::span<const std::byte> state) override {
    push(ResumePoint{run, {state.begin(), state.end()}}, true);
  }
  void end_run(const RunEndRow& end) override {
    push(audit_of_end(end, actor_of(end.run)));
    push(end, true, true);
  }
  void audit(const AuditRow& row) override { push(row, options_.commit.interval > Duration{0}); }
  void deviation(const DeviationRow& row) override { push(row, options_.commit.interval > Duration{0}); }
  void acknowledge(const AcknowledgementRow& row, const std::string& origin) override {
    push(audit_of_acknowledgement(row, origin));
    push(row, true, true);
  }
  void proof(const ProofRow& row, const std::string& origin) override {
    push(audit_of_proof(row, origin));
    push(row, true, true);
  }
  void expected(ExpectedRows&& rows) override { push(std::move(rows)); }
  void resume_run(RunKey run, const std::string& operator_name, const std::string& host) override {
    push(ResumeRun{run}, true);
    actors_.insert_or_assign(run, Actor{operator_name, host});
  }
  void hold() override { ++holds_; }
  void release() override;
  void append(const SampleRow& sample) override { push_row(&Batch::samples, sample); }
  void append(const AuxRow& sample) override { push_row(&Batch::aux, sample); }

  Result<void> flush() override;
  Result<void> close() override;
  bool failed() const override { return failed_.load(std::memory_order_acquire); }
  std::string failure() const override {
    const std::scoped_lock lock(mutex_);
    return failure_.what;
  }
  std::uint64_t rows_written() const override { return rows_written_.load(std::memory_order_acquire); }
  Duration behind() const override {
    const std::int64_t since = writing_since_ns_.load(std::memory_order_relaxed);
    return since == 0 || options_.commit.interval <= Duration{0} ? Duration{0} : Duration{steady_ns() - since};
  }
  std::uint64_t wal_bytes() const override { return wal_bytes_.load(std::memory_order_relaxed); }

 private:
  using Lock = std::unique_lock<std::mutex>;

  template <class Row>
  void push_row(std::vector<Row> Batch::*rows, const Row& row);
  void push(OperationBody body, bool is_urgent = false, bool commit_after = false);
  void push_held();
  [[nodiscard]] bool is_full() const {
    return filling_.samples.size() >= options_.queue_rows_max || filling_.aux.size() >= options_.queue_rows_max ||
           filling_.operations.size() >= queue_operations_max;
  }
  [[nodiscard]] bool make_room(Lock& lock);
  void end_thread();
  void latch(Error error);
  [[nodiscard]] Actor actor_of(RunKey run) const {
    const auto known = actors_.find(run);
    return known == actors_.end() ? Actor{} : known->second;
  }

  // The recorder's thread.
  void work();
  void wait_for_work(Lock& lock);
  [[nodiscard]] bool has_work() const {
    return is_stopping_ || is_urgent_ || filling_.rows() >= options_.commit.rows || is_full();
  }
  [[nodiscard]] Result<void> store_batch(const Batch& batch);
  [[nodiscard]] Result<void> store_samples(const Batch& batch, std::size_t from, std::size_t to);
  [[nodiscard]] Result<void> store_operation(const OperationBody& body);
  [[nodiscard]] Result<void> store_expected(const ExpectedRows& rows);
  [[nodiscard]] Result<void> commit();

  const RecorderOptions options_;
  std::unique_ptr<RecordStore> store_;  ///< the recorder's thread's own until it has ended
  RunKey last_run_ = 0;                 ///< control thread
  StepKey last_step_ = 0;               ///< control thread
  bool is_closed_ = false;              ///< control thread
  std::map<RunKey, Actor> actors_;      ///< control thread
  int holds_ = 0;                       ///< control thread, as the three below
  std::vector<OperationBody> held_;
  bool held_is_urgent_ = false, held_commits_ = false;

  mutable std::mutex mutex_;  // guards from here to the next comment
  std::condition_variable work_available_;
  std::condition_variable progress_;
  Batch filling_;
  bool is_urgent_ = false;
  bool is_stopping_ = false;
  bool is_latched_ = false;
  std::uint64_t flush_wanted_ = 0;
  std::uint64_t flush_done_ = 0;
  Error failure_{};

  Batch writing_;                       // the recorder's thread
  std::uint64_t rows_uncommitted_ = 0;  // the recorder's thread: samples and auxiliary rows
  std::uint64_t samples_uncommitted_ = 0;
  std::chrono::steady_clock::time_point next_commit_{};

  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> rows_written_ = 0;
  std::atomic<std::uint64_t> wal_bytes_ = 0;
  std::atomic<std::int64_t> writing_since_ns_ = 0;  ///< 0: nothing waits for the disk
  std::thread thread_;
};

// ---- the control thread ---------------------------------------------------------------------------------------------

template <class Row>
void ThreadedRecorder::push_row(std::vector<Row> Batch::*rows, const Row& row) {
  if (!held_.empty()) push_held();  // a row never overtakes the step it belongs to
  Lock lock(mutex_);
  if (is_latched_ || is_stopping_) return;
  if ((filling_.*rows).size() >= options_.queue_rows_max && !make_room(lock)) return;
  (filling_.*rows).push_back(row);
  // Exactly at the mark: a notification is a system call, and the thread looks again before it sleeps.
  if (filling_.rows() == options_.commit.rows) {
    lock.unlock();
    work_available_.notify_one();
  }
}

void ThreadedRecorder::push(OperationBody body, bool is_urgent, bool commit_after) {
  if (holds_ > 0) {
    held_.push_back(std::move(body));
    held_is_urgent_ = held_is_urgent_ || is_urgent;
    held_commits_ = held_commits_ || commit_after;
    return;
  }
  Lock lock(mutex_);
  if (is_latched_ || is_stopping_) return;
  if (filling_.operations.size() >= queue_operations_max && !make_room(lock)) return;
  filling_.operations.push_back(Operation{filling_.samples.size(), filling_.aux.size(), commit_after, std::move(body)});
  if (!is_urgent) return;
  is_urgent_ = true;
  lock.unlock();
  work_available_.notify_one();
}

void ThreadedRecorder::release() {
  if (holds_ > 0 && --holds_ == 0 && !held_.empty()) push_held();
}

/// Side by side in one batch, with no sample and no commit between them: one transaction.
void ThreadedRecorder::push_held() {
  std::vector<OperationBody> held = std::exchange(held_, {});
  const bool is_urgent = std::exchange(held_is_urgent_, false);
  const bool commits = std::exchange(held_commits_, false);
  Lock lock(mutex_);
  if (is_latched_ || is_stopping_) return;
  if (filling_.operations.size() + held.size() > queue_operations_max && !make_room(lock)) return;
  for (std::size_t i = 0; i < held.size(); ++i) {
    const bool commit_after = commits && i + 1 == held.size();
    filling_.operations.push_back(Operation{filling_.samples.size(), filling_.aux.size(), commit_after, std::move(held[i])});
  }
  if (!is_urgent) return;
  is_urgent_ = true;
  lock.unlock();
  work_available_.notify_one();
}

bool ThreadedRecorder::make_room(Lock& lock) {
  if (!options_.commit.wait_when_full) {
    latch(fail(Fault::device_fault,
               "the disk is too slow: " + std::to_string(options_.queue_rows_max) + " samples or more wait to be stored"));
    return false;
  }
  work_available_.notify_one();
  progress_.wait(lock, [this] { return is_latched_ || !is_full(); });
  return !is_latched_;
}

/// With the mutex held. The first failure is the one that is told.
void ThreadedRecorder::latch(Error error) {
  if (is_latched_) return;
  is_latched_ = true;
  failure_ = std::move(error);
  failed_.store(true, std::memory_order_release);
  progress_.notify_all();
}

Result<void> ThreadedRecorder::flush() {
  Lock lock(mutex_);
  if (!is_latched_ && !is_closed_) {
    const std::uint64_t ticket = ++flush_wanted_;
    is_urgent_ = true;
    work_available_.notify_one();
    progress_.wait(lock, [this, ticket] { return is_latched_ || flush_done_ >= ticket; });
  }
  if (is_latched_) return failure_;
  return {};
}

void ThreadedRecorder::end_thread() {
  {
    const Lock lock(mutex_);
    is_stopping_ = true;
  }
  work_available_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<void> ThreadedRecorder::close() {
  if (is_closed_) return failed() ? Result<void>{fail(failure_.fault, failure())} : Result<void>{};
  const Result<void> flushed = flush();
  end_thread();
  is_closed_ = true;
  const Result<void> closed = store_->close(flushed.has_value());
  if (!flushed) write_failure_note(options_.path, flushed.error().what);
  wal_bytes_.store(0, std::memory_order_relaxed);
  if (!flushed) return flushed;
  if (!closed) {
    const Lock lock(mutex_);
    latch(closed.error());
  }
  return closed;
}

// ---- the recorder's thread ------------------------------------------------------------------------------------------

void ThreadedRecorder::wait_for_work(Lock& lock) {
  if (options_.commit.interval > Duration{0}) {
    work_available_.wait_until(lock, next_commit_, [this] { return has_work(); });
  } else {
    work_available_.wait(lock, [this] { return has_work(); });
  }
}

void ThreadedRecorder::work() {
  Lock lock(mutex_);
  bool is_last = false;
  while (!is_last) {
    next_commit_ = std::chrono::steady_clock::now() + options_.commit.interval;
    wait_for_work(lock);
    is_last = is_stopping_;
    const std::uint64_t ticket = flush_wanted_;
    is_urgent_ = false;
    std::swap(filling_, writing_);
    const bool is_refused = is_latched_;
    lock.unlock();
    progress_.notify_all();  // room again
    if (!writing_.is_empty()) writing_since_ns_.store(steady_ns(), std::memory_order_relaxed);
    Result<void> stored;
    if (!is_refused && !writing_.is_empty()) {
      try {
        stored = store_batch(writing_);
      } catch (const std::bad_alloc&) {
        stored = fail(Fault::device_fault, "out of memory");  // short enough to need none
      } catch (const std::exception& e) {
        stored = fail(Fault::device_fault, std::string("storing: ") + e.what());
      }
      if (!stored) store_->roll_back();
    }
    // At once: whoever opens this record next must know, also when this process is killed before it has closed it.
    if (!stored) write_failure_note(options_.path, stored.error().what);
    writing_.clear();
    writing_since_ns_.store(0, std::memory_order_relaxed);
    lock.lock();
    if (!stored) latch(stored.error());
    flush_done_ = ticket;
    progress_.notify_all();
  }
}

/// A batch is one transaction, unless it is longer than the policy allows or holds something that must not wait for its end.
Result<void> ThreadedRecorder::store_batch(const Batch& batch) {
  std::size_t samples = 0;
  std::size_t aux = 0;
  const auto store_rows = [&](std::size_t samples_to, std::size_t aux_to) -> Result<void> {
    if (const Result<void> done = store_samples(batch, samples, samples_to); !done) return done;
    samples = samples_to;
    const std::span<const AuxRow> rows{batch.aux.data() + aux, aux_to - aux};
    if (const Result<void> done = store_->write(rows); !done) return done;
    rows_uncommitted_ += rows.size();
    aux = aux_to;
    return {};
  };
  for (const Operation& operation : batch.operations) {
    if (const Result<void> done = store_rows(operation.samples_before, operation.aux_before); !done) return done;
    if (const Result<void> done = store_operation(operation.body); !done) return done;
    if (!operation.commit_after) continue;
    if (const Result<void> done = commit(); !done) return done;
  }
  if (const Result<void> done = store_rows(batch.samples.size(), batch.aux.size()); !done) return done;
  return commit();
}

Result<void> ThreadedRecorder::store_samples(const Batch& batch, std::size_t from, std::size_t to) {
  while (from < to) {
    const std::uint64_t room = rows_uncommitted_ < options_.commit.rows ? options_.commit.rows - rows_uncommitted_ : 1;
    const std::size_t count = std::min<std::size_t>(to - from, room);
    if (const Result<void> done = store_->write(std::span{batch.samples.data() + from, count}); !done) return done;
    from += count;
    samples_uncommitted_ += count;
    rows_uncommitted_ += count;
    if (rows_uncommitted_ < options_.commit.rows) continue;
    if (const Result<void> done = commit(); !done) return done;
  }
  return {};
}

Result<void> ThreadedRecorder::store_operation(const OperationBody& body) {
  return std::visit(overloaded{
                        [this](const BeginRun& run) { return store_->begin_run(run.key, run.row); },
                        [this](const StepRow& step) { return store_->begin_step(step); },
                        [this](const StepEndRow& end) { return store_->end_step(end); },
                        [this](const CycleRow& cycle) { return store_->write(cycle); },
                        [this](const EventRow& event) { return store_->write(event); },
                        [this](const ResumePoint& point) { return store_->resume_point(point.run, point.state); },
                        [this](const RunEndRow& end) { return store_->end_run(end); },
                        [this](const AuditRow& row) { return store_->write(row); },
                        [this](const DeviationRow& row) { return store_->write(row); },
                        [this](const AcknowledgementRow& row) { return store_->write(row); },
                        [this](const ProofRow& row) { return store_->write(row); },
                        [this](const ExpectedRows& rows) { return store_expected(rows); },
                        [this](const ResumeRun& run) { return store_->resume_run(run.run); },
                    },
                    body);
}

Result<void> ThreadedRecorder::store_expected(const ExpectedRows& rows) {
  for (const ExpectedCurveRow& row : rows.curves) {
    if (const Result<void> done = store_->write(row); !done) return done;
  }
  for (const ExpectedWayRow& row : rows.ways) {
    if (const Result<void> done = store_->write(row); !done) return done;
  }
  return {};
}

Result<void> ThreadedRecorder::commit() {
  if (const Result<void> done = store_->commit(); !done) return done;
  rows_written_.fetch_add(samples_uncommitted_, std::memory_order_release);
  wal_bytes_.store(store_->wal_bytes(), std::memory_order_relaxed);
  samples_uncommitted_ = 0;
  rows_uncommitted_ = 0;
  return {};
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(const RecorderOptions& options) {
  Result<std::unique_ptr<RecordStore>> store = RecordStore::open(options);
  if (!store) return store.error();
  if (const std::optional<EventRow> note = read_failure_note(options.path)) {
    if (const Result<void> done = (*store)->write(*note); !done) return done.error();
    if (const Result<void> done = (*store)->commit(); !done) return done.error();
    remove_failure_note(options.path);
  }
  return std::unique_ptr<Recorder>(std::make_unique<ThreadedRecorder>(std::move(*store), options));
}

Result<std::uint64_t> free_bytes(const std::string& path) {
  std::error_code ignored;  // absolute() fails only without a working directory; statvfs then says why
  std::filesystem::path place = std::filesystem::absolute(path, ignored);
  while (!std::filesystem::exists(place, ignored) && place.has_relative_path()) place = place.parent_path();
  struct statvfs info {};
  if (statvfs(place.c_str(), &info) != 0) {
    return fail(Fault::refused, "cannot ask for the free space of " + path + ": " + std::strerror(errno));
  }
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace cellrig::db
