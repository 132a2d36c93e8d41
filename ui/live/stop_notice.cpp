#include "ui/live/stop_notice.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <algorithm>

#include "ui/chart/palette.hpp"

namespace cellrig::ui {

namespace {

bool is_over(const StopNews& news) { return news.state == StopNews::State::confirmed; }

QString line_of(const StopNews& news) {
  switch (news.state) {
    case StopNews::State::asking: return StopNotice::tr("Emergency stop: asking for %1 to be switched off…").arg(news.what);
    case StopNews::State::confirmed: return StopNotice::tr("Emergency stop: %1").arg(news.text);
    case StopNews::State::unconfirmed:
      return StopNotice::tr("EMERGENCY STOP NOT CONFIRMED (%1): %2. Use the hardware emergency stop of the bench. Still trying…")
          .arg(news.what, news.text);
    case StopNews::State::ended:
      return StopNotice::tr(
                 "EMERGENCY STOP NOT CONFIRMED (%1): %2. Use the hardware emergency stop of the bench. No longer trying.")
          .arg(news.what, news.text);
  }
  return {};
}

}  // namespace

StopNotice::StopNotice(QWidget* parent) : QFrame(parent) {
  setAccessibleName(tr("Emergency stop"));
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(14, 8, 8, 8);
  label_ = new QLabel;
  label_->setTextFormat(Qt::PlainText);
  label_->setWordWrap(true);
  hide_ = new QPushButton(tr("Hide"));
  hide_->setToolTip(tr("I know that it is off"));
  row->addWidget(label_, 1);
  row->addWidget(hide_, 0, Qt::AlignVCenter);
  connect(hide_, &QPushButton::clicked, this, [this] {
    std::erase_if(lines_, [](const auto& line) { return line.second.state == StopNews::State::ended; });
    show_lines();
  });
  confirmed_.setSingleShot(true);
  confirmed_.setInterval(confirmed_shown_ms);
  connect(&confirmed_, &QTimer::timeout, this, [this] {
    std::erase_if(lines_, [](const auto& line) { return is_over(line.second); });
    show_lines();
  });
  hide();
}

void StopNotice::hear(const StopNews& news) {
  const auto before = lines_.find(news.path);
  // Pressed again while the one before is not confirmed: what is known stays said.
  const bool is_known_worse = before != lines_.end() && !is_over(before->second) && news.state == StopNews::State::asking;
  if (is_known_worse) {
    before->second.state = StopNews::State::unconfirmed;
  } else {
    lines_[news.path] = news;
  }
  if (is_over(news)) {
    if (news.path == QLatin1String("/stop")) lines_ = {{news.path, news}};  // all that was to be stopped is stopped
    confirmed_.start();
  }
  show_lines();
}

QString StopNotice::text() const { return lines_.empty() ? QString() : label_->text(); }

QStringList StopNotice::unconfirmed() const {
  QStringList list;
  for (const auto& [path, news] : lines_) {
    if (!is_over(news)) list += news.what;
  }
  return list;
}

void StopNotice::show_lines() {
  QStringList texts;
  bool is_confirmed = true, has_ended = false;
  for (const auto& [path, news] : lines_) {
    texts += line_of(news);
    is_confirmed = is_confirmed && is_over(news);
    has_ended = has_ended || news.state == StopNews::State::ended;
  }
  label_->setText(texts.join(QLatin1Char('\n')));
  const QColor back = is_confirmed ? colours().surface : colours().alarm;
  const QColor front = is_confirmed ? colours().alarm : text_on(back);
  label_->setStyleSheet(
      QStringLiteral("color: %1; font-weight: 700; font-size: 20px; background: transparent;").arg(front.name()));
  setStyleSheet(QStringLiteral("cellrig--ui--StopNotice { background: %1; border-radius: 6px; }").arg(back.name()));
  hide_->setVisible(has_ended);
  setVisible(!lines_.empty());
}

}  // namespace cellrig::ui
