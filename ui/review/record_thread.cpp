#include "ui/review/record_thread.hpp"

#include <utility>

namespace cellrig::ui {

RecordThread::RecordThread(QObject* parent) : QObject(parent), worker_(new QObject) {
  worker_->moveToThread(&thread_);
  connect(&thread_, &QThread::finished, worker_, &QObject::deleteLater);
  // On the reading thread, as its last act: what a source has there ends there.
  connect(
      &thread_, &QThread::finished, &thread_, [this] { source_.reset(); }, Qt::DirectConnection);
  thread_.setObjectName(QStringLiteral("record"));
  thread_.start();
}

RecordThread::~RecordThread() {
  cancel();
  thread_.quit();
  thread_.wait();
}

void RecordThread::post(std::function<void()> work) {
  QMetaObject::invokeMethod(
      worker_,
      [this, work = std::move(work)] {
        orders_.push_back(work);
        do_orders();
      },
      Qt::QueuedConnection);
}

void RecordThread::do_orders() {
  if (std::exchange(is_at_work_, true)) return;
  while (!orders_.empty()) {
    const std::function<void()> order = std::move(orders_.front());
    orders_.pop_front();
    order();
  }
  is_at_work_ = false;
}

void RecordThread::answer(std::function<void()> answer) {
  QMetaObject::invokeMethod(this, std::move(answer), Qt::QueuedConnection);
}

void RecordThread::open(Make make, QObject* receiver, std::function<void(const Result<Opened>&)> done) {
  const QPointer<QObject> guard(receiver);
  post([this, guard, is_cancelled = cancelled_from_now(), make = std::move(make), done = std::move(done)] {
    auto result = std::make_shared<Result<Opened>>(Opened{});
    Result<std::unique_ptr<RecordSource>> source = make();
    if (source) {
      *result = (*source)->runs(is_cancelled);
      if (*result) source_ = *std::move(source);
    } else {
      *result = source.error();
    }
    answer([guard, result, done] {
      if (guard) done(*result);
    });
  });
}

void RecordThread::write_export(Make make, const ExportOrder& order, QObject* receiver,
                                std::function<void(const Result<ExportReport>&)> done) {
  const QPointer<QObject> guard(receiver);
  post([this, guard, is_cancelled = cancelled_from_now(), make = std::move(make), order, done = std::move(done)] {
    auto result = std::make_shared<Result<ExportReport>>(ExportReport{});
    const Result<std::unique_ptr<RecordSource>> source = make();
    *result = source ? (*source)->write_export(order, is_cancelled) : Result<ExportReport>{source.error()};
    answer([guard, result, done] {
      if (guard) done(*result);
    });
  });
}

}  // namespace cellrig::ui
