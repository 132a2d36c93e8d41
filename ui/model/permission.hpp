// What the signed-in person may not do, and why: said on the button before the service has to say it.
#pragma once

#include <QString>
#include <optional>

#include "controller/api/messages.hpp"

class QAbstractButton;

namespace cellrig::ui {

/// Empty: it is allowed, or nobody knows yet; the service decides in any case.
[[nodiscard]] QString why_not_allowed(const std::optional<api::SessionView>& session, api::Role needed);
/// "viewer", "operator", "engineer".
[[nodiscard]] QString role_text(api::Role role);
/// Enabled when it is possible and allowed; not allowed, its tool tip says why instead of what it does.
void set_usable(QAbstractButton& button, bool is_possible, const QString& why_not);

}  // namespace cellrig::ui
