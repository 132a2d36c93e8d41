// Reads a record on a thread of its own, so that the window waits for neither a disk nor a network.
#pragma once

#include <QObject>
#include <QPointer>
#include <QThread>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>

#include "ui/review/record_source.hpp"

namespace cellrig::ui {

/// * Orders are done one after the other; `done` is called on the GUI thread, unless `receiver` is gone by then.
/// * cancel() makes what is under way end soon, with Fault::interrupted.
class RecordThread : public QObject {
  Q_OBJECT
 public:
  explicit RecordThread(QObject* parent = nullptr);
  ~RecordThread() override;

  using Opened = RecordSource::Opened;
  /// Called on the reading thread, where what it makes lives and ends.
  using Make = std::function<Result<std::unique_ptr<RecordSource>>()>;
  /// The one before stays when this one cannot be opened, or its runs cannot be read.
  void open(Make make, QObject* receiver, std::function<void(const Result<Opened>&)> done);
  /// With a source of its own, which is gone afterwards.
  void write_export(Make make, const ExportOrder& order, QObject* receiver,
                    std::function<void(const Result<ExportReport>&)> done);
  /// Any work with the source; an error when none is open.
  template <class T>
  void ask(QObject* receiver, std::function<Result<T>(RecordSource&, const IsCancelled&)> work,
           std::function<void(const Result<T>&)> done) {
    const QPointer<QObject> guard(receiver);
    post([this, guard, is_cancelled = cancelled_from_now(), work = std::move(work), done = std::move(done)] {
      auto result = std::make_shared<Result<T>>(run<T>(work, is_cancelled));
      answer([guard, result, done] {
        if (guard) done(*result);
      });
    });
  }
  void cancel() { ++cancelled_before_; }

 private:
  template <class T>
  Result<T> run(const std::function<Result<T>(RecordSource&, const IsCancelled&)>& work, const IsCancelled& is_cancelled) {
    if (!source_) return fail(Fault::refused, "no record is open");
    if (is_cancelled()) return fail(Fault::interrupted, "nobody wants it any more");
    return work(*source_, is_cancelled);
  }
  [[nodiscard]] IsCancelled cancelled_from_now() {
    return [this, asked = cancelled_before_.load()] { return cancelled_before_.load() != asked; };
  }
  void post(std::function<void()> work);  ///< to the reading thread
  void do_orders();
  void answer(std::function<void()> answer);  ///< to the GUI thread

  QThread thread_;
  QObject* worker_ = nullptr;  ///< lives on thread_
  // Touched by thread_ only. A source that waits for the network lets further orders come in meanwhile: they stand in line.
  std::unique_ptr<RecordSource> source_;
  std::deque<std::function<void()>> orders_;
  bool is_at_work_ = false;
  std::atomic<std::uint64_t> cancelled_before_{0};
};

}  // namespace cellrig::ui
