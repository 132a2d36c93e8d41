#include "ui/live/alarm_panel.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include "ui/chart/palette.hpp"
#include "ui/live/alarm_tone.hpp"
#include "ui/model/activity_text.hpp"
#include "ui/model/permission.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
QString place_of(const api::AlarmView& alarm) {
  if (!alarm.channel.empty()) return to_text(alarm.channel);
  return alarm.chamber.empty() ? AlarmPanel::tr("bench") : to_text(alarm.chamber);
}

QString short_number(double value) { return QString::number(value, 'g', 5); }

QString figures_of(const api::AlarmView& alarm) {
  QStringList parts;
  const QString unit = alarm.unit.empty() ? QString() : QChar(QChar::Nbsp) + to_text(alarm.unit);
  if (alarm.value) parts += AlarmPanel::tr("value %1").arg(short_number(*alarm.value) + unit);
  if (alarm.limit) parts += AlarmPanel::tr("limit %1").arg(short_number(*alarm.limit) + unit);
  if (alarm.raised_utc) parts += AlarmPanel::tr("since %1").arg(clock_text(*alarm.raised_utc, utc_now()));
  if (!alarm.is_active) parts += AlarmPanel::tr("no longer present");
  return parts.join(QStringLiteral(" · "));
}

void clear(QLayout& layout) {
  while (QLayoutItem* item = layout.takeAt(0)) {
    if (item->widget() != nullptr) item->widget()->deleteLater();
    delete item;
  }
}
}  // namespace

AlarmPanel::AlarmPanel(QWidget* parent) : QFrame(parent), tone_(new AlarmTone({}, this)), beep_([this] { tone_->play(); }) {
  setAccessibleName(tr("Alarms"));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(6);
  auto* rows = new QWidget;
  rows_ = new QVBoxLayout(rows);
  rows_->setContentsMargins(0, 0, 0, 0);
  rows_->setSpacing(6);
  auto* beside = new QHBoxLayout;
  silence_ = new QPushButton(tr("S&ilence"));
  silence_->setToolTip(tr("Ends the sound, not the alarm"));
  beside->addWidget(rows, 1);
  beep_note_ = new QLabel(tr("Beep only"));
  beep_note_->setProperty("role", QStringLiteral("caption"));
  beep_note_->setToolTip(tr("No sound system was found here. The desktop may let out a beep, or nothing."));
  auto* sound = new QVBoxLayout;
  sound->addStretch(1);
  sound->addWidget(silence_);
  sound->addWidget(beep_note_, 0, Qt::AlignHCenter);
  sound->addStretch(1);
  beside->addLayout(sound);
  layout->addLayout(beside);
  more_ = new QLabel;
  more_->setProperty("role", QStringLiteral("error"));
  layout->addWidget(more_);
  sound_.setInterval(sound_every_ms);
  connect(&sound_, &QTimer::timeout, this, [this] { beep_(); });
  connect(silence_, &QPushButton::clicked, this, [this] {
    heard_.silence();
    sound_or_not();
  });
  connect(tone_, &AlarmTone::beep_only, this, &AlarmPanel::sound_or_not);
  hide();
}

void AlarmPanel::add_row(const api::AlarmView& alarm) {
  const QColor colour = alarm.severity >= api::AlarmSeverity::alarm ? colours().alarm : colours().warning;
  auto* row = new QFrame;
  row->setProperty("role", QStringLiteral("card"));
  row->setStyleSheet(
      QStringLiteral("QFrame[role=\"card\"] { border: 2px solid %1; border-left: 10px solid %1; border-radius: 0; }")
          .arg(colour.name()));
  auto* layout = new QHBoxLayout(row);
  layout->setContentsMargins(14, 6, 8, 6);
  auto* text = new QLabel;
  text->setTextFormat(Qt::RichText);
  text->setWordWrap(true);
  const QString figures = figures_of(alarm);
  const QString action = alarm.what_to_do.empty() ? QString() : tr("What to do: %1").arg(to_text(alarm.what_to_do));
  text->setText(QStringLiteral("<span style='font-size:18px; font-weight:700'>%1 · %2 · %3</span><br>"
                               "<span style='font-size:14px'>%4%5%6</span>")
                    .arg(alarm_severity_text(alarm.severity).toHtmlEscaped(), place_of(alarm).toHtmlEscaped(),
                         to_text(alarm.text).toHtmlEscaped(), figures.toHtmlEscaped(),
                         action.isEmpty() || figures.isEmpty() ? QString() : QStringLiteral("<br>"), action.toHtmlEscaped()));
  text->setAccessibleName(alarm_severity_text(alarm.severity) + QLatin1Char(' ') + place_of(alarm) + QLatin1Char(' ') +
                          to_text(alarm.text));
  auto* button = new QPushButton(rows_->count() == 0 ? tr("Ac&knowledge…") : tr("Acknowledge…"));  // one key, one button
  button->setAccessibleDescription(tr("Acknowledge the alarm of %1").arg(place_of(alarm)));
  set_usable(*button, true, why_not_acknowledge_);
  layout->addWidget(text, 1);
  layout->addWidget(button, 0, Qt::AlignVCenter);
  connect(button, &QPushButton::clicked, this, [this, alarm] { Q_EMIT acknowledge_requested(alarm); });
  rows_->addWidget(row);
}

void AlarmPanel::show_alarms(const std::vector<api::AlarmView>& alarms) {
  clear(*rows_);
  int open = 0;
  for (const api::AlarmView& alarm : alarms) {
    if (!alarm.acknowledged_by.empty()) continue;
    if (++open <= shown_max) add_row(alarm);
  }
  more_->setVisible(open > shown_max);
  more_->setText(open > shown_max ? tr("and %n more alarm(s)", nullptr, open - shown_max) : QString());
  heard_.look(alarms);
  sound_or_not();
  setVisible(open > 0);
}

void AlarmPanel::sound_or_not() {
  if (!heard_.is_on()) {
    sound_.stop();
  } else if (!sound_.isActive()) {
    sound_.start();  // first: a tone that fails asks here again
    tone_->begin();
    beep_();
  }
  silence_->setVisible(sound_.isActive());
  beep_note_->setVisible(sound_.isActive() && tone_->is_beep_only());
}

}  // namespace cellrig::ui
