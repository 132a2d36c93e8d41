#include "ui/model/permission.hpp"

#include <QAbstractButton>
#include <QCoreApplication>
#include <QVariant>

#include "controller/api/messages_words.hpp"

namespace cellrig::ui {

QString role_text(api::Role role) {
  const std::string_view word = api::Words<api::Role>::list[static_cast<std::size_t>(role)];
  return QString::fromUtf8(word.data(), static_cast<qsizetype>(word.size()));
}

QString why_not_allowed(const std::optional<api::SessionView>& session, api::Role needed) {
  if (!session || session->role >= needed) return {};
  return QCoreApplication::translate("Permission", "This needs the role %1; yours is %2.")
      .arg(role_text(needed), role_text(session->role));
}

void set_usable(QAbstractButton& button, bool is_possible, const QString& why_not) {
  const char* const hint = "hint_when_allowed";
  if (!button.property(hint).isValid()) button.setProperty(hint, button.toolTip());
  button.setEnabled(is_possible && why_not.isEmpty());
  button.setToolTip(why_not.isEmpty() ? button.property(hint).toString() : why_not);
}

}  // namespace cellrig::ui
