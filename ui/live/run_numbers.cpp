#include "ui/live/run_numbers.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>

#include "ui/model/activity_text.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int number_size = 26, step_width_max = 300;

void put(QLabel& label, const QString& text) {
  if (label.text() != text) label.setText(text);
}
}  // namespace

RunNumbers::RunNumbers(QWidget* parent) : QWidget(parent) {
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(20);
  voltage_ = add(tr("Voltage"));
  current_ = add(tr("Current"));
  temperature_ = add(tr("Cell"));
  pressure_ = add(tr("Pressure"));
  charge_ = add(tr("Step, Ah in / out"));
  step_ = add(tr("Step"));
  left_ = add(tr("Time left"));
  layout->addStretch(1);
}

RunNumbers::Number RunNumbers::add(const QString& caption) {
  auto* box = new QVBoxLayout;
  box->setSpacing(0);
  Number number{new QLabel(QStringLiteral("–")), new QLabel(caption)};
  QFont font = number.value->font();
  font.setPixelSize(number_size);
  font.setBold(true);
  number.value->setFont(font);
  number.value->setAccessibleName(caption);
  number.caption->setProperty("role", QStringLiteral("caption"));
  box->addWidget(number.value);
  box->addWidget(number.caption);
  static_cast<QHBoxLayout*>(layout())->addLayout(box);
  return number;
}

void RunNumbers::show_channel(const api::ChannelView& channel) {
  put(*voltage_.value, with_unit(channel.voltage_V, 3, QStringLiteral("V")));
  put(*current_.value, with_unit(channel.current_A, 3, QStringLiteral("A")));
  put(*temperature_.value, with_unit(channel.cell_temperature_degC, 1, QStringLiteral("°C")));
  put(*pressure_.value, with_unit(channel.pressure_MPa, 3, QStringLiteral("MPa")));
  pressure_.value->setVisible(channel.pressure_MPa.has_value());
  pressure_.caption->setVisible(channel.pressure_MPa.has_value());
  put(*charge_.value, number_text(channel.charge_Ah, 3) + QStringLiteral(" / ") + number_text(channel.discharge_Ah, 3));
  const QString step = channel.step_name.empty() ? QStringLiteral("–") : to_text(channel.step_name);
  put(*step_.value, QFontMetrics(step_.value->font()).elidedText(step, Qt::ElideRight, step_width_max));
  step_.value->setToolTip(step);
  const QString cycle = cycle_text(channel);
  put(*step_.caption, cycle.isEmpty() ? tr("Step") : cycle);
  put(*left_.value, duration_text(channel.time_left_s));
  put(*left_.caption,
      channel.ends_utc ? tr("Time left, until %1").arg(clock_text(*channel.ends_utc, utc_now())) : tr("Time left"));
}

}  // namespace cellrig::ui
