#include "ui/api_client/stop_order.hpp"

#include <QNetworkProxy>
#include <QNetworkReply>
#include <utility>

#include "ui/api_client/api_client.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

StopOrder::StopOrder(Post post, QObject* parent) : QObject(parent), post_(std::move(post)) {
  network_.setProxy(QNetworkProxy::NoProxy);
  missed_.setSingleShot(true);
  missed_.setInterval(missed_after_ms);
  connect(&missed_, &QTimer::timeout, this, [this] {
    Q_EMIT heard(StopNews::State::unconfirmed, tr("the bench service has not answered within %1 s").arg(missed_after_ms / 1e3));
  });
  again_.setInterval(again_every_ms);
  connect(&again_, &QTimer::timeout, this, &StopOrder::look_again);
}

void StopOrder::press() {
  if (!since_.isValid()) {
    Q_EMIT heard(StopNews::State::asking, {});
    missed_.start();
  }
  since_.start();
  again_.start();
  attempt();
}

void StopOrder::attempt() {
  if (under_way_ >= under_way_max) return;
  ++under_way_;
  QNetworkReply* reply = post_(network_);
  connect(reply, &QNetworkReply::finished, this, [this, reply] {
    reply->deleteLater();
    --under_way_;
    if (!has_ended_) read(*reply);
  });
}

void StopOrder::look_again() {
  if (since_.elapsed() < tried_for_ms) {
    attempt();
    return;
  }
  end(StopNews::State::ended,
      trouble_.isEmpty() ? tr("the bench service has not answered for %1 s").arg(tried_for_ms / 1000) : trouble_);
}

void StopOrder::read(QNetworkReply& reply) {
  constexpr int too_many_requests = 429, client_errors = 400, server_errors = 500;
  const int status = reply.attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
  const QByteArray body = reply.isOpen() ? reply.readAll() : QByteArray();  // closed: nobody answered in time
  if (status >= 200 && status < 300) {
    // Only what the service itself says is a confirmation: whoever stands in between answers with 200, too.
    const Answer<api::Done> done = api::from_json<api::Done>(body.toStdString(), api::UnknownFields::ignored);
    if (done && reply.error() == QNetworkReply::NoError) return end(StopNews::State::confirmed, to_text(done->done));
    trouble_ = tr("what answers is not the bench service");
    missed_.stop();
    Q_EMIT heard(StopNews::State::unconfirmed, trouble_);
    return;
  }
  trouble_ = error_text(ApiClient::error_of(status, status == 0 ? reply.errorString().toUtf8() : body));
  const bool is_refused = status >= client_errors && status < server_errors && status != too_many_requests;
  if (is_refused) {  // it would be refused again
    end(StopNews::State::ended, trouble_);
    return;
  }
  missed_.stop();
  Q_EMIT heard(StopNews::State::unconfirmed, trouble_);
}

void StopOrder::end(StopNews::State state, const QString& text) {
  has_ended_ = true;
  missed_.stop();
  again_.stop();
  Q_EMIT heard(state, text);
  deleteLater();
}

}  // namespace cellrig::ui
