#include "ui/live/chamber_panel.hpp"

#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>

#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int temperature_decimals = 1;

QString held_text(const api::ChamberView& chamber) {
  QStringList names;
  for (const std::string& name : chamber.held_by) names += to_text(name);
  return names.isEmpty() ? ChamberPanel::tr("nobody holds it")
                         : ChamberPanel::tr("held by %1").arg(names.join(QStringLiteral(", ")));
}

QString waiting_text(const api::ChamberView& chamber) {
  QStringList lines;
  for (const api::ChamberWaitView& wait : chamber.waiting) {
    QString line =
        ChamberPanel::tr("%1 waits for %2").arg(to_text(wait.channel), with_unit(wait.temperature_degC, 1, QStringLiteral("°C")));
    if (!wait.why.empty()) line += QStringLiteral(": ") + to_text(wait.why);
    lines += line;
  }
  return lines.join(QStringLiteral("; "));
}
}  // namespace

ChamberPanel::ChamberPanel(QWidget* parent) : QWidget(parent) {
  cards_ = new QHBoxLayout(this);
  cards_->setContentsMargins(0, 0, 0, 0);
  cards_->setSpacing(12);
  setAccessibleName(tr("Chambers"));
}

void ChamberPanel::add_card() {
  auto* card = new QFrame;
  card->setProperty("role", QStringLiteral("card"));
  auto* layout = new QHBoxLayout(card);
  layout->setContentsMargins(14, 8, 14, 8);
  auto* label = new QLabel;
  label->setTextFormat(Qt::RichText);
  label->setWordWrap(true);
  auto* stop = new QPushButton(tr("Stop…"));
  stop->setProperty("role", QStringLiteral("danger"));
  stop->setToolTip(tr("The chamber off, and every channel in it"));
  layout->addWidget(label, 1);
  layout->addWidget(stop, 0, Qt::AlignVCenter);
  const auto index = static_cast<std::size_t>(cards_->count());
  connect(stop, &QPushButton::clicked, this, [this, index] {
    if (index < names_.size()) Q_EMIT stop_requested(names_[index]);
  });
  cards_->addWidget(card, 1);
}

QPushButton* ChamberPanel::stop_button(const std::string& chamber) const {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == chamber) return cards_->itemAt(static_cast<int>(i))->widget()->findChild<QPushButton*>();
  }
  return nullptr;
}

void ChamberPanel::show_chambers(const std::vector<api::ChamberView>& chambers) {
  const auto wanted = static_cast<int>(chambers.size());
  while (cards_->count() > wanted) {
    QLayoutItem* item = cards_->takeAt(cards_->count() - 1);
    item->widget()->deleteLater();
    delete item;
  }
  while (cards_->count() < wanted) add_card();
  names_.clear();
  for (const api::ChamberView& chamber : chambers) names_.push_back(chamber.chamber);
  for (int i = 0; i < wanted; ++i) {
    const api::ChamberView& chamber = chambers[static_cast<std::size_t>(i)];
    const QString running = chamber.is_running ? tr("running") : tr("off");
    const QString waiting = waiting_text(chamber);
    const QString text =
        QStringLiteral("<b>%1</b> &nbsp; <span style='font-size:20px; font-weight:700'>%2</span> &nbsp; %3 · %4<br>%5%6")
            .arg(to_text(chamber.chamber).toHtmlEscaped(),
                 with_unit(chamber.actual_degC, temperature_decimals, QStringLiteral("°C")),
                 tr("set %1").arg(with_unit(chamber.setpoint_degC, temperature_decimals, QStringLiteral("°C"))), running,
                 held_text(chamber).toHtmlEscaped(),
                 waiting.isEmpty() ? QString() : QStringLiteral(" · ") + waiting.toHtmlEscaped());
    const QWidget* card = cards_->itemAt(i)->widget();
    card->findChild<QPushButton*>()->setAccessibleName(
        tr("Stop chamber %1 and every channel in it").arg(to_text(chamber.chamber)));
    auto* label = card->findChild<QLabel*>();
    if (label->text() != text) label->setText(text);
  }
  setVisible(wanted > 0);
}

}  // namespace cellrig::ui
