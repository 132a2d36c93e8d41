// A bench service for tests of the window: speaks the messages of controller/api over HTTP and a WebSocket, on a free port of this machine,
// and does at once what it is told. It keeps the rules that the window must keep: token, idempotency key, fencing token.
#pragma once

#include <QHash>
#include <QObject>
#include <QPointer>
#include <QStringList>
#include <QTcpServer>
#include <functional>
#include <vector>

#include "controller/api/messages_codec.hpp"
#include "ui/api_client/api_client.hpp"

class QWebSocket;
class QWebSocketServer;

namespace cellrig::ui::test {

struct FakeRequest {
  QString method, path, query;
  QHash<QString, QString> headers;  ///< names in lower case
  QByteArray body;
};

struct FakeAnswer {
  int status = 200;
  QByteArray body = "{}";
};

class FakeBench : public QObject {
  Q_OBJECT
 public:
  explicit FakeBench(int channels);
  ~FakeBench() override;
  [[nodiscard]] ServiceAddress address() const;

  /// A channel that already ran for `seconds`: a charge, a rest, and a discharge that goes on.
  void run_on(const std::string& channel, double seconds);
  /// Time goes on: samples and views go to all subscribers.
  void advance(double seconds);
  void trip(const std::string& channel);
  void cut_streams();  ///< and refuses new ones until let_in()
  void let_in() { lets_in_ = true; }
  [[nodiscard]] api::ChannelView& channel(const std::string& name);
  [[nodiscard]] api::BenchView& bench() { return bench_; }
  void send_snapshot();
  void send(const api::StreamMessage& message);
  void send_channel(const std::string& name);

  [[nodiscard]] QStringList writes() const { return writes_; }  ///< "POST /channels/ch1/stop"
  [[nodiscard]] const std::vector<FakeRequest>& requests() const { return requests_; }
  [[nodiscard]] const std::vector<api::AlarmView>& alarms() const { return alarms_; }
  bool hangs = false;  ///< takes requests and never answers them
  api::SessionView session{"", api::Role::engineer};
  QByteArray account;           ///< "name:password" that may sign in, too
  std::int64_t more_steps = 0;  ///< short ones, one a second, behind those of the run
  bool refuses_preflight = false, refuses_check = false, rehearsal_trips = false;

 private:
  void accept();
  void read(QPointer<class QTcpSocket> socket);
  void subscribe();
  [[nodiscard]] FakeAnswer answer(const FakeRequest& request);
  [[nodiscard]] FakeAnswer answer_get(const FakeRequest& request);
  [[nodiscard]] FakeAnswer answer_run(const FakeRequest& request, const QString& what);
  [[nodiscard]] FakeAnswer answer_write(const FakeRequest& request);
  [[nodiscard]] FakeAnswer order(const FakeRequest& request, const std::string& channel, const QString& verb);
  [[nodiscard]] FakeAnswer start(const FakeRequest& request, api::ChannelView& channel);
  void fill_view(api::ChannelView& channel);
  [[nodiscard]] std::vector<api::StepView> steps_of(const std::string& channel);
  [[nodiscard]] std::string channel_of_run(qint64 run) const;

  QTcpServer tcp_;
  QWebSocketServer* sockets_ = nullptr;
  QList<QWebSocket*> subscribers_;
  bool lets_in_ = true;
  api::BenchView bench_;
  std::vector<api::AlarmView> alarms_;
  std::vector<FakeRequest> requests_;
  QStringList writes_;
  std::vector<api::CellView> added_cells_;
  QHash<QString, double> test_time_s_;
  qint64 next_run_ = 7;
};

/// What a cell of 5 Ah does: charge for an hour, rest for ten minutes, discharge from then on.
struct FakeCell {
  double voltage_V = 0, current_A = 0, temperature_degC = 0, pressure_MPa = 0, charge_Ah = 0, discharge_Ah = 0;
  int step = 0;
};
[[nodiscard]] FakeCell fake_cell(double test_time_s);

}  // namespace cellrig::ui::test
