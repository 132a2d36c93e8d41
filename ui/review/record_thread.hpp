// Reads a database on a thread of its own, so that the window never waits for a disk.
#pragma once

#include <QObject>
#include <QPointer>
#include <QThread>
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "ui/review/loaded_run.hpp"

namespace cellrig::ui {

/// * The database is opened read-only; it may be written meanwhile.
/// * Orders are done one after the other; `done` is called on the GUI thread, unless `receiver` is gone by then.
/// * cancel() makes what is under way end soon, with Fault::interrupted.
class RecordThread : public QObject {
  Q_OBJECT
 public:
  explicit RecordThread(QObject* parent = nullptr);
  ~RecordThread() override;

  struct Opened {
    std::vector<db::RunInfo> runs;
    QString note;  ///< what the person should know; may be empty
  };
  void open(const QString& path, QObject* receiver, std::function<void(const Result<Opened>&)> done);
  /// Any work with the reader; an error when no database is open.
  template <class T>
  void ask(QObject* receiver, std::function<Result<T>(db::Reader&, const IsCancelled&)> work,
           std::function<void(const Result<T>&)> done) {
    const QPointer<QObject> guard(receiver);
    const std::uint64_t asked = cancelled_before_.load();
    post([this, guard, asked, work = std::move(work), done = std::move(done)] {
      const IsCancelled is_cancelled = [this, asked] { return cancelled_before_.load() != asked; };
      auto result = std::make_shared<Result<T>>(run<T>(work, is_cancelled));
      answer([guard, result, done] {
        if (guard) done(*result);
      });
    });
  }
  void cancel() { ++cancelled_before_; }

 private:
  template <class T>
  Result<T> run(const std::function<Result<T>(db::Reader&, const IsCancelled&)>& work, const IsCancelled& is_cancelled) {
    if (!reader_) return fail(Fault::refused, "no database is open");
    if (is_cancelled()) return fail(Fault::interrupted, "nobody wants it any more");
    return work(*reader_, is_cancelled);
  }
  void post(std::function<void()> work);      ///< to the reading thread
  void answer(std::function<void()> answer);  ///< to the GUI thread

  QThread thread_;
  QObject* worker_ = nullptr;           ///< lives on thread_
  std::unique_ptr<db::Reader> reader_;  ///< touched by thread_ only
  std::atomic<std::uint64_t> cancelled_before_{0};
};

}  // namespace cellrig::ui
