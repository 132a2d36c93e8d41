#include "ui/api_client/api_client.hpp"

#include <QNetworkReply>
#include <QSslConfiguration>
#include <QUuid>
#include <QWebSocket>
#include <algorithm>
#include <utility>

#include "ui/api_client/http_request.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int reconnect_first_ms = 250, reconnect_max_ms = 5000;
constexpr int pulse_every_ms = 2000;
constexpr int not_signed_in = 401;
constexpr int write_attempts = 3;
constexpr quint64 message_bytes_max = 16U << 20;
}  // namespace

ApiClient::ApiClient(QObject* parent) : QObject(parent) {
  network_.setProxy(QNetworkProxy::NoProxy);
  reconnect_.setSingleShot(true);
  connect(&reconnect_, &QTimer::timeout, this, &ApiClient::sign_in);
  pulse_.setInterval(pulse_every_ms);
  connect(&pulse_, &QTimer::timeout, this, &ApiClient::look_after_stream);
}

ApiClient::~ApiClient() { disconnect_from(); }

void ApiClient::connect_to(const ServiceAddress& address) {
  disconnect_from();
  address_ = address;
  last_heard_.reset();
  session_.reset();
  Q_EMIT session_changed();
  reconnect_ms_ = reconnect_first_ms;
  pulse_.start();
  sign_in();
}

void ApiClient::disconnect_from() {
  reconnect_.stop();
  pulse_.stop();
  if (stream_ != nullptr) {
    stream_->disconnect(this);
    stream_->abort();
    stream_->deleteLater();
    stream_ = nullptr;
  }
  ++sign_ins_;
  set_trouble({});
  set_link(LinkState::none);
}

void ApiClient::set_trouble(const QString& trouble) {
  if (trouble == trouble_) return;
  trouble_ = trouble;
  Q_EMIT trouble_changed();
}

// Before the stream, which could not say why it was refused; and again with each new connection: the accounts may be others by then.
void ApiClient::sign_in() {
  set_link(last_heard_ ? LinkState::lost : LinkState::connecting);
  send(new_request(QStringLiteral("/session")), {}, [this, asked = ++sign_ins_](int status, const QByteArray& body) {
    if (asked != sign_ins_) return;
    const Answer<api::SessionView> view = api::from_json<api::SessionView>(body.toStdString(), api::UnknownFields::ignored);
    if (status == 200 && view) {
      session_ = *view;
      set_trouble({});
      Q_EMIT session_changed();
      open_stream();
      return;
    }
    const QString why = error_text(error_of(status, body));
    set_trouble(why);
    if (status != not_signed_in) {
      try_again_later();
      return;
    }
    pulse_.stop();
    set_link(LinkState::refused);
    Q_EMIT sign_in_refused(why);
  });
}

void ApiClient::set_link(LinkState link) {
  if (link == link_) return;
  link_ = link;
  Q_EMIT link_changed(link);
}

void ApiClient::open_stream() {
  if (stream_ != nullptr) {
    stream_->disconnect(this);
    stream_->deleteLater();
  }
  stream_ = new QWebSocket(QString(), QWebSocketProtocol::VersionLatest, this);
  stream_->setProxy(QNetworkProxy::NoProxy);
  stream_->setMaxAllowedIncomingMessageSize(message_bytes_max);
  if (!address_.authorities.isEmpty()) {
    QSslConfiguration tls = stream_->sslConfiguration();
    tls.setCaCertificates(address_.authorities);
    stream_->setSslConfiguration(tls);
  }
  connect(stream_, &QWebSocket::connected, this, &ApiClient::hear);
  connect(stream_, &QWebSocket::textMessageReceived, this, &ApiClient::read_message);
  connect(stream_, &QWebSocket::pong, this, &ApiClient::hear);
  connect(stream_, &QWebSocket::disconnected, this, &ApiClient::lose_stream);
  connect(stream_, QOverload<QAbstractSocket::SocketError>::of(&QWebSocket::error), this, &ApiClient::lose_stream);
  QNetworkRequest request = http_request(address_, QStringLiteral("/stream"));
  QUrl url = request.url();
  url.setScheme(address_.url.scheme() == QLatin1String("https") ? QStringLiteral("wss") : QStringLiteral("ws"));
  request.setUrl(url);
  stream_->open(request);
}

void ApiClient::hear() {
  last_heard_ = utc_now();
  reconnect_ms_ = reconnect_first_ms;
  set_trouble({});
  set_link(LinkState::live);
}

void ApiClient::lose_stream() {
  if (reconnect_.isActive() || stream_ == nullptr) return;
  stream_->disconnect(this);
  stream_->abort();
  set_trouble(tr("the stream ended: %1").arg(stream_->errorString()));
  try_again_later();
}

void ApiClient::try_again_later() {
  set_link(last_heard_ ? LinkState::lost : LinkState::connecting);
  reconnect_.start(reconnect_ms_);
  reconnect_ms_ = std::min(reconnect_ms_ * 2, reconnect_max_ms);
}

void ApiClient::look_after_stream() {
  if (link_ != LinkState::live || stream_ == nullptr) return;
  const double silent_ms = static_cast<double>(utc_now().ns_since_epoch - last_heard_->ns_since_epoch) / 1e6;
  if (silent_ms > silence_max_ms) {
    lose_stream();
  } else {
    stream_->ping();
  }
}

void ApiClient::read_message(const QString& text) {
  hear();
  const Answer<api::StreamMessage> message = api::from_json<api::StreamMessage>(text.toStdString(), api::UnknownFields::ignored);
  if (!message) {
    Q_EMIT misunderstood(error_text(message.error()));
    return;
  }
  Q_EMIT streamed(*message);
}

ApiClient::Request ApiClient::new_request(const QString& path) { return {path, {}, {}, 1}; }

ApiClient::Request ApiClient::new_write(const Write& write) {
  return {write.path, QUuid::createUuid().toByteArray(QUuid::WithoutBraces), write.fencing_token, write_attempts};
}

void ApiClient::send(Request request, QByteArray body, Done done) {
  QNetworkRequest http = http_request(address_, request.path);
  QNetworkReply* reply = nullptr;
  if (request.idempotency_key.isEmpty()) {
    reply = network_.get(http);
  } else {
    http.setHeader(QNetworkRequest::ContentTypeHeader, QStringLiteral("application/json"));
    http.setRawHeader("Idempotency-Key", request.idempotency_key);
    if (request.fencing_token) http.setRawHeader("Fencing-Token", QByteArray::number(qint64(*request.fencing_token)));
    reply = network_.post(http, body);
  }
  connect(reply, &QNetworkReply::finished, this, [this, reply, request, body, done] {
    reply->deleteLater();
    const int status = reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
    if (status != 0) {
      done(status, reply->readAll());
      return;
    }
    if (request.attempts_left > 1) {
      Request again = request;
      --again.attempts_left;
      send(std::move(again), body, done);
      return;
    }
    done(0, reply->errorString().toUtf8());
  });
}

void ApiClient::stop(const QString& path, const QString& what, const api::PersonOrder& order) {
  QPointer<StopOrder>& under_way = stops_[path];
  if (under_way) {
    under_way->press();
    return;
  }
  if (address_.url.isEmpty()) {
    Q_EMIT stop_heard({StopNews::State::ended, path, what, tr("this window has no bench service")});
    return;
  }
  QNetworkRequest http = http_request(address_, path);
  http.setTransferTimeout(StopOrder::answer_within_ms);
  http.setHeader(QNetworkRequest::ContentTypeHeader, QStringLiteral("application/json"));
  const QByteArray body = QByteArray::fromStdString(api::to_json(order));
  under_way = new StopOrder([http, body](QNetworkAccessManager& network) { return network.post(http, body); }, this);
  connect(under_way, &StopOrder::heard, this,
          [this, path, what, made = under_way.data()](StopNews::State state, const QString& text) {
            const bool has_ended = state == StopNews::State::confirmed || state == StopNews::State::ended;
            if (has_ended && stops_.value(path) == made) stops_.remove(path);  // pressed again, it is a new one
            Q_EMIT stop_heard({state, path, what, text});
          });
  under_way->press();
}

bool ApiClient::has_open_stop() const { return !open_stops().isEmpty(); }

QSet<QString> ApiClient::open_stops() const {
  QSet<QString> paths;
  for (auto stop = stops_.begin(); stop != stops_.end(); ++stop) {
    if (!stop.value().isNull()) paths.insert(stop.key());
  }
  return paths;
}

api::ErrorDetail ApiClient::error_of(int status, const QByteArray& body) {
  if (status == 0) return {"no_answer", "the bench service does not answer: " + body.toStdString(), {}, {}};
  const Answer<api::ErrorBody> error = api::from_json<api::ErrorBody>(body.toStdString(), api::UnknownFields::ignored);
  if (error) return error->error;
  return {"http_" + std::to_string(status), "the bench service answered " + std::to_string(status), {}, {}};
}

QString error_text(const api::ErrorDetail& error) {
  QString text = to_text(error.message);
  QStringList more;
  if (error.where) more += to_text(*error.where);
  if (error.nearest) more += ApiClient::tr("did you mean '%1'?").arg(to_text(*error.nearest));
  return more.isEmpty() ? text : text + QStringLiteral(" (") + more.join(QStringLiteral("; ")) + QLatin1Char(')');
}

}  // namespace cellrig::ui
