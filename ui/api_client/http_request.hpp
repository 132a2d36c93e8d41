// Requests to the bench service, signed in.
#pragma once

#include <QNetworkRequest>
#include <QString>

#include "ui/api_client/service_address.hpp"

namespace cellrig::ui {

/// `path` below /api/v1, with its query. Goes nowhere but there: a redirection is not followed.
[[nodiscard]] QNetworkRequest http_request(const ServiceAddress& address, const QString& path);

}  // namespace cellrig::ui
