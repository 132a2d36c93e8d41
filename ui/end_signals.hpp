// SIGTERM, SIGINT and SIGHUP end the window as if somebody had closed it: what it started ends with it.
#pragma once

#include <QObject>
#include <QSocketNotifier>
#include <memory>

namespace cellrig::ui {

class EndSignals : public QObject {
  Q_OBJECT
 public:
  /// One in a process. Without a pipe (no descriptors left) the signals keep their usual meaning.
  explicit EndSignals(QObject* parent = nullptr);
  ~EndSignals() override;

 Q_SIGNALS:
  void asked_to_end(int signal);

 private:
  std::unique_ptr<QSocketNotifier> notifier_;
};

}  // namespace cellrig::ui
