#include "ui/api_client/http_request.hpp"

#include <QHostAddress>
#include <QSslConfiguration>

#include "controller/api/messages.hpp"

namespace cellrig::ui {

bool is_open_to_listeners(const QUrl& url) {
  const bool has_tls = url.scheme() == QLatin1String("https");
  const bool is_local = url.host() == QLatin1String("localhost") || QHostAddress(url.host()).isLoopback();
  return !has_tls && !is_local;
}

QNetworkRequest http_request(const ServiceAddress& address, const QString& path) {
  constexpr int request_timeout_ms = 15'000;
  // Taken apart here: QUrl::setPath would percent-encode the question mark of a query.
  const qsizetype query = path.indexOf(QLatin1Char('?'));
  QUrl url = address.url;
  url.setPath(QString::fromLatin1(api::api_prefix) + path.left(query));
  if (query >= 0) url.setQuery(path.mid(query + 1));
  QNetworkRequest request(url);
  const QByteArray account = (address.user + QLatin1Char(':') + address.password).toUtf8().toBase64();
  if (!is_open_to_listeners(address.url))
    request.setRawHeader("Authorization", address.user.isEmpty() ? "Bearer " + address.token.toUtf8() : "Basic " + account);
  if (!address.authorities.isEmpty()) {
    QSslConfiguration tls = request.sslConfiguration();
    tls.setCaCertificates(address.authorities);
    request.setSslConfiguration(tls);
  }
  request.setTransferTimeout(request_timeout_ms);
  request.setAttribute(QNetworkRequest::RedirectPolicyAttribute, QNetworkRequest::ManualRedirectPolicy);
  return request;
}

}  // namespace cellrig::ui
