// Where the bench service is, and who asks it.
#pragma once

#include <QList>
#include <QSslCertificate>
#include <QString>
#include <QUrl>

namespace cellrig::ui {

struct ServiceAddress {
  QUrl url;  ///< http://127.0.0.1:8230
  QString token;
  QString user{};                        ///< an account of the service; empty: the token is used
  QString password{};                    ///< never written anywhere
  QList<QSslCertificate> authorities{};  ///< who may have signed the service's certificate; none: those of the system
};

/// True: what is sent there leaves this machine readable by whoever listens on the way. Neither a token nor a password goes there.
[[nodiscard]] bool is_open_to_listeners(const QUrl& url);

}  // namespace cellrig::ui
