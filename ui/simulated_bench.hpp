// A simulated bench of the window's own: 'cellrig serve --simulated' as a child, which ends with the window, however that ends.
#pragma once

#include <QObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QTimer>

#include "ui/api_client/api_client.hpp"

namespace cellrig::ui {

class SimulatedBench : public QObject {
  Q_OBJECT
 public:
  /// `program`: cellrig; empty: the one beside this program, else the one in PATH.
  explicit SimulatedBench(const QString& program = {}, QObject* parent = nullptr);
  /// Ends the child: it switches its outputs off first.
  ~SimulatedBench() override;
  void start();
  [[nodiscard]] QString record_path() const;

 Q_SIGNALS:
  void ready(const cellrig::ui::ServiceAddress& address);
  void failed(const QString& why);

 private:
  void look_for_ready_file();
  [[nodiscard]] QString ready_path() const;

  QString program_;
  QTemporaryDir folder_;
  QProcess process_;
  QTimer look_;
};

/// What the ready file says: "url", or "listen" ("127.0.0.1:41234"), and "token" or "token_file". None: it says no address.
[[nodiscard]] std::optional<ServiceAddress> address_of_ready_file(const QByteArray& json);

}  // namespace cellrig::ui
