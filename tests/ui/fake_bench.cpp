#include "tests/ui/fake_bench.hpp"

#include <QTcpSocket>
#include <QUrlQuery>
#include <QWebSocket>
#include <QWebSocketServer>
#include <cmath>

#include "ui/model/bench_filter.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui::test {

namespace {

constexpr const char* fake_token = "a token of the test";
constexpr double charge_s = 3600, rest_s = 600, capacity_Ah = 5, current_max_A = 4;

double open_circuit_V(double soc) { return 2.95 + 1.61 * soc + 0.18 * std::sin(soc * 7) * (1 - soc) - 0.5 * std::exp(-soc * 25); }

/// How much warmer than the room: it follows the current's heat with 700 s.
double warming_K(double t) {
  constexpr double settles_in_s = 700, K_per_A = 0.6;
  struct Phase {
    double until_s, current_A;
  };
  constexpr Phase phases[] = {{2700, current_max_A}, {charge_s, 1}, {charge_s + rest_s, 0}, {1e9, 2.5}};
  double warming = 0, from = 0;
  for (const Phase& phase : phases) {
    const double goal = K_per_A * phase.current_A;
    warming = goal + (warming - goal) * std::exp(-(std::min(t, phase.until_s) - from) / settles_in_s);
    if (t <= phase.until_s) break;
    from = phase.until_s;
  }
  return warming;
}

/// Its output is off and its clock stands still.
bool stands_still(const api::ChannelView& view) {
  return view.state == api::Activity::paused || view.state == api::Activity::waiting;
}

}  // namespace

FakeCell fake_cell(double t) {
  FakeCell cell;
  constexpr double resistance_ohm = 0.03, soc_at_start = 0.1;
  double soc = soc_at_start;
  if (t < charge_s) {
    cell.step = 1;
    cell.current_A = t < 2700 ? current_max_A : current_max_A * std::exp(-(t - 2700) / 400);
    cell.charge_Ah = t < 2700 ? current_max_A * t / 3600
                              : current_max_A * 0.75 + current_max_A * 400 / 3600 * (1 - std::exp(-(t - 2700) / 400));
    soc += cell.charge_Ah / capacity_Ah;
  } else {
    const double charged = soc_at_start + current_max_A * (0.75 + 400.0 / 3600) / capacity_Ah;
    const double out_s = std::max(0.0, t - charge_s - rest_s);
    cell.step = out_s > 0 ? 3 : 2;
    cell.current_A = out_s > 0 ? -2.5 : 0;
    cell.discharge_Ah = 2.5 * out_s / 3600;
    soc = charged - cell.discharge_Ah / capacity_Ah;
  }
  cell.voltage_V = open_circuit_V(soc) + cell.current_A * resistance_ohm + 0.0008 * std::sin(t * 1.7);
  cell.temperature_degC = 25 + warming_K(t) + 0.05 * std::sin(t * 0.31);
  cell.pressure_MPa = 1 + 0.12 * soc;
  return cell;
}

FakeBench::FakeBench(int channels) {
  bench_.name = "lab 2";
  bench_.is_simulated = true;
  bench_.version = "0.1.0";
  bench_.time_source = "real";
  bench_.control_period_s = 0.1;
  for (int i = 1; i <= channels; ++i) {
    api::ChannelView view;
    view.channel = "ch" + std::to_string(i);
    view.state_text = "free";
    view.chamber = "oven";
    view.fencing_token = 100 + i;
    view.ambient_temperature_degC = 23.4;
    bench_.channels.push_back(view);
  }
  api::ChamberView chamber;
  chamber.chamber = "oven";
  chamber.setpoint_degC = 25;
  chamber.actual_degC = 24.7;
  chamber.is_running = true;
  bench_.chambers.push_back(chamber);
  sockets_ = new QWebSocketServer(QStringLiteral("fake bench"), QWebSocketServer::NonSecureMode, this);
  connect(sockets_, &QWebSocketServer::newConnection, this, &FakeBench::subscribe);
  connect(&tcp_, &QTcpServer::newConnection, this, &FakeBench::accept);
  if (!tcp_.listen(QHostAddress::LocalHost, 0)) qFatal("no free port");
}

FakeBench::~FakeBench() {
  for (QWebSocket* socket : subscribers_) socket->disconnect(this);
}

ServiceAddress FakeBench::address() const {
  return {QUrl(QStringLiteral("http://127.0.0.1:%1").arg(tcp_.serverPort())), QString::fromLatin1(fake_token)};
}

api::ChannelView& FakeBench::channel(const std::string& name) {
  for (api::ChannelView& view : bench_.channels) {
    if (view.channel == name) return view;
  }
  qFatal("no such channel in the fake bench");
}

void FakeBench::accept() {
  while (QTcpSocket* socket = tcp_.nextPendingConnection()) {
    const QPointer<QTcpSocket> guard(socket);
    connect(socket, &QTcpSocket::readyRead, this, [this, guard] { read(guard); });
    connect(socket, &QTcpSocket::disconnected, socket, &QObject::deleteLater);
  }
}

void FakeBench::read(QPointer<QTcpSocket> socket) {
  while (socket) {
    const QByteArray seen = socket->peek(1 << 20);
    const qsizetype head_end = seen.indexOf("\r\n\r\n");
    if (head_end < 0) return;
    FakeRequest request;
    const QStringList lines = QString::fromUtf8(seen.left(head_end)).split(QStringLiteral("\r\n"));
    const QStringList first = lines[0].split(QLatin1Char(' '));
    request.method = first.value(0);
    const QUrl target(first.value(1));
    request.path = target.path(QUrl::FullyDecoded).mid(7);  // without /api/v1
    request.query = target.query();
    for (qsizetype i = 1; i < lines.size(); ++i) {
      const qsizetype colon = lines[i].indexOf(QLatin1Char(':'));
      request.headers[lines[i].left(colon).toLower()] = lines[i].mid(colon + 1).trimmed();
    }
    if (request.headers.value(QStringLiteral("upgrade")).toLower() == QLatin1String("websocket")) {
      if (!lets_in_) {
        socket->abort();
        return;
      }
      socket->disconnect(this);
      sockets_->handleConnection(socket);
      Q_EMIT socket->readyRead();  // what came already was announced to us only
      return;
    }
    const qsizetype body_length = request.headers.value(QStringLiteral("content-length")).toLongLong();
    if (seen.size() < head_end + 4 + body_length) return;
    request.body = seen.mid(head_end + 4, body_length);
    socket->skip(head_end + 4 + body_length);
    if (hangs) {
      requests_.push_back(request);
      continue;
    }
    const FakeAnswer reply = answer(request);
    socket->write("HTTP/1.1 " + QByteArray::number(reply.status) + " said\r\nContent-Type: application/json\r\nContent-Length: " +
                  QByteArray::number(reply.body.size()) + "\r\n\r\n" + reply.body);
  }
}

void FakeBench::subscribe() {
  while (QWebSocket* socket = sockets_->nextPendingConnection()) {
    subscribers_ += socket;
    connect(socket, &QWebSocket::disconnected, this, [this, socket] {
      subscribers_.removeAll(socket);
      socket->deleteLater();
    });
  }
  send_snapshot();
}

void FakeBench::cut_streams() {
  lets_in_ = false;
  for (QWebSocket* socket : QList<QWebSocket*>(subscribers_)) socket->abort();
}

void FakeBench::send(const api::StreamMessage& message) {
  const QString text = QString::fromStdString(api::to_json(message));
  for (QWebSocket* socket : subscribers_) socket->sendTextMessage(text);
}

void FakeBench::send_snapshot() {
  api::StreamMessage message;
  message.type = api::StreamType::snapshot;
  message.bench = bench_;
  message.alarms = alarms_;
  send(message);
}

void FakeBench::send_channel(const std::string& name) {
  api::StreamMessage message;
  message.type = api::StreamType::channel;
  message.channel = channel(name);
  send(message);
}

void FakeBench::fill_view(api::ChannelView& view) {
  const double t = test_time_s_.value(to_text(view.channel));
  const FakeCell cell = fake_cell(t);
  const char* const names[] = {"", "cccv_charge", "rest", "cc_discharge"};
  view.test_time_s = t;
  view.voltage_V = cell.voltage_V;
  view.current_A = stands_still(view) ? 0 : cell.current_A;
  view.cell_temperature_degC = cell.temperature_degC;
  view.chamber_temperature_degC = 24.7;
  view.pressure_MPa = cell.pressure_MPa;
  view.charge_Ah = cell.charge_Ah;
  view.discharge_Ah = cell.discharge_Ah;
  view.step_name = names[cell.step];
  view.step_count = cell.step + more_steps;
  const bool goes_on = view.state == api::Activity::running || view.state == api::Activity::resting;
  if (goes_on)
    view.state = cell.step == 2 ? api::Activity::resting : api::Activity::running;  // a rest is a step with its output off
  view.state_text = view.state == api::Activity::resting ? "resting" : "running";
  view.cycle = 1;
  view.cycle_count = 12;
  view.time_left_s = 12 * 9000 - t;
  view.ends_utc = UtcTime{utc_now().ns_since_epoch + static_cast<std::int64_t>(*view.time_left_s * 1e9)};
  view.is_output_on = cell.step != 2 && !stands_still(view);
  view.regulation = t < 2700 || cell.step == 3 ? api::Regulation::cc
                    : cell.step == 1           ? api::Regulation::cv
                                               : api::Regulation::off;
}

void FakeBench::run_on(const std::string& name, double seconds) {
  api::ChannelView& view = channel(name);
  view.run = next_run_++;
  view.run_limits = {{"voltage_max_V", 4.25}, {"cell_temperature_max_degC", 55.0}};
  view.limits = view.run_limits;
  view.cell = "lg-m50";
  view.cell_id = "SN00" + std::to_string(40 + *view.run);
  view.profile = "cccv-cycle";
  view.operator_name = "jane";
  view.started_utc = utc_now();
  test_time_s_[to_text(name)] = seconds;
  view.state = api::Activity::running;
  fill_view(view);
  send_channel(name);
}

void FakeBench::advance(double seconds) {
  constexpr double sample_every_s = 1;
  for (api::ChannelView& view : bench_.channels) {
    if (!is_busy(view.state) || stands_still(view)) continue;
    api::StreamMessage message;
    message.type = api::StreamType::samples;
    message.samples = api::LiveSamples{view.channel, view.run, {}};
    double& now = test_time_s_[to_text(view.channel)];
    const double end = now + seconds;
    for (now += sample_every_s; now <= end + 1e-9; now += sample_every_s) {
      const FakeCell cell = fake_cell(now);
      const std::pair<const char*, double> values[] = {{"test_time_s", now},
                                                       {"voltage_V", cell.voltage_V},
                                                       {"current_A", cell.current_A},
                                                       {"cell_temperature_degC", cell.temperature_degC},
                                                       {"ambient_temperature_degC", 23.4},
                                                       {"pressure_MPa", cell.pressure_MPa},
                                                       {"charge_Ah", cell.charge_Ah},
                                                       {"discharge_Ah", cell.discharge_Ah}};
      for (const auto& [column, value] : values) message.samples->columns[column].push_back(value);
    }
    now = end;
    send(message);
    fill_view(view);
    send_channel(view.channel);
  }
}

void FakeBench::trip(const std::string& name) {
  api::ChannelView& view = channel(name);
  view.state = api::Activity::tripped;
  view.current_A = 0;
  view.is_output_on = false;
  view.cell_temperature_degC = 60.4;
  view.trip = api::TripView{"cell_temperature_max", "The cell is warmer than its limit", 60.4, 60.0,
                            "Keep away, wait for it to cool below 40 °C, look for smoke."};
  api::AlarmView alarm;
  alarm.id = static_cast<std::int64_t>(alarms_.size()) + 1;
  alarm.severity = api::AlarmSeverity::trip;
  alarm.channel = name;
  alarm.run = view.run;
  alarm.hazard = "cell_temperature_max";
  alarm.text = view.trip->text;
  alarm.value = 60.4;
  alarm.limit = 60.0;
  alarm.unit = "°C";
  alarm.what_to_do = view.trip->what_to_do;
  alarm.raised_utc = utc_now();
  alarms_.push_back(alarm);
  send_channel(name);
  api::StreamMessage message;
  message.type = api::StreamType::alarm;
  message.alarm = alarm;
  send(message);
}

std::string FakeBench::channel_of_run(qint64 run) const {
  for (const api::ChannelView& view : bench_.channels) {
    if (view.run == run) return view.channel;
  }
  return {};
}

std::vector<api::StepView> FakeBench::steps_of(const std::string& name) {
  const double now = test_time_s_.value(to_text(name));
  const double starts[] = {0, charge_s, charge_s + rest_s};
  const char* const names[] = {"cccv_charge", "rest", "cc_discharge"};
  const char* const types[] = {"CCCV_CHG", "REST", "CC_DCH"};
  const char* const setpoints[] = {"4.2 V, 0 to 4 A", "output off", "-2.5 A, 2.495 to 4.21 V"};
  const char* const conditions[] = {"rate_C <= 0.05 for 5 s", "step_time_s >= 600", "voltage_V <= 2.5"};
  std::vector<api::StepView> steps;
  for (int i = 0; i < 3 && now >= starts[i]; ++i) {
    api::StepView step;
    step.step_count = i + 1;
    step.step_id = i;
    step.cycle = 1;
    step.is_in_cycle = true;
    step.name = names[i];
    step.type = types[i];
    step.compared_with = 1;
    step.setpoint = setpoints[i];
    step.started_test_time_s = starts[i];
    if (i < 2 && now >= starts[i + 1]) {
      step.ended_test_time_s = starts[i + 1];
      step.reason = "condition";
      step.condition = conditions[i];
      step.value = i == 0 ? 0.0498 : 600.0;
      step.margin = i == 0 ? -0.0002 : 0.0;
      step.charge_Ah = i == 0 ? fake_cell(charge_s - 1).charge_Ah : 0;
      step.discharge_Ah = 0;
    }
    steps.push_back(step);
  }
  if (more_steps > 0) steps.back().ended_test_time_s = now;
  for (std::int64_t i = 0; i < more_steps; ++i) {
    api::StepView step = steps.back();
    ++step.step_count;
    step.name = "pulse";
    step.started_test_time_s = now + static_cast<double>(i);
    step.ended_test_time_s = step.started_test_time_s + 1;
    steps.push_back(step);
  }
  return steps;
}

}  // namespace cellrig::ui::test
