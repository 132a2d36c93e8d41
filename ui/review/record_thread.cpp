#include "ui/review/record_thread.hpp"

#include <utility>

namespace cellrig::ui {

RecordThread::RecordThread(QObject* parent) : QObject(parent), worker_(new QObject) {
  worker_->moveToThread(&thread_);
  connect(&thread_, &QThread::finished, worker_, &QObject::deleteLater);
  thread_.setObjectName(QStringLiteral("record"));
  thread_.start();
}

RecordThread::~RecordThread() {
  cancel();
  thread_.quit();
  thread_.wait();
}

void RecordThread::post(std::function<void()> work) { QMetaObject::invokeMethod(worker_, std::move(work), Qt::QueuedConnection); }

void RecordThread::answer(std::function<void()> answer) {
  QMetaObject::invokeMethod(this, std::move(answer), Qt::QueuedConnection);
}

void RecordThread::open(const QString& path, QObject* receiver, std::function<void(const Result<Opened>&)> done) {
  const QPointer<QObject> guard(receiver);
  post([this, guard, path = path.toStdString(), done = std::move(done)] {
    auto result = std::make_shared<Result<Opened>>(Opened{});
    Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(path);
    if (reader) {
      Result<std::vector<db::RunInfo>> runs = (*reader)->runs();
      if (runs) {
        *result = Opened{std::move(*runs), QString::fromStdString((*reader)->note())};
        reader_ = std::move(*reader);
      } else {
        *result = runs.error();
      }
    } else {
      *result = reader.error();
    }
    answer([guard, result, done] {
      if (guard) done(*result);
    });
  });
}

}  // namespace cellrig::ui
