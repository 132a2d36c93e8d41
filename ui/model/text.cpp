#include "ui/model/text.hpp"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <cmath>

namespace cellrig::ui {

namespace {
const QString unknown = QStringLiteral("–");
}

QString to_text(const std::string& utf8) { return QString::fromStdString(utf8); }

QString number_text(double value, int decimals) {
  if (!std::isfinite(value)) return unknown;
  QString text = QString::number(value, 'f', decimals);
  // "-0.00" would look like a current that flows.
  if (text.startsWith(QLatin1Char('-')) && text.toDouble() == 0) text.remove(0, 1);
  return text;
}

QString number_text(std::optional<double> value, int decimals) { return value ? number_text(*value, decimals) : unknown; }

QString with_unit(std::optional<double> value, int decimals, const QString& unit) {
  return number_text(value, decimals) + QChar(QChar::Nbsp) + unit;
}

QString with_unit_caption(const QString& quantity, const QString& unit) {
  return unit.isEmpty() ? quantity : quantity + QStringLiteral(", ") + unit;
}

QString percent_text(std::optional<double> share, int decimals) {
  return share ? number_text(*share * 100, decimals) + QChar(QChar::Nbsp) + QLatin1Char('%') : unknown;
}

QString duration_text(double seconds) {
  if (!std::isfinite(seconds)) return unknown;
  const QString sign = seconds < 0 ? QStringLiteral("-") : QString();
  const double s = std::abs(seconds);
  const QChar space(QChar::Nbsp);
  if (s < 60) return sign + QString::number(s, 'f', 1) + space + QLatin1Char('s');
  const auto whole = static_cast<qint64>(std::llround(s));
  const auto two = [](qint64 n) { return QStringLiteral("%1").arg(n, 2, 10, QLatin1Char('0')); };
  if (whole < 3600)
    return sign + QString::number(whole / 60) + QLatin1Char(':') + two(whole % 60) + space + QStringLiteral("min");
  if (whole < 4 * 86400) {
    return sign + QString::number(whole / 3600) + QLatin1Char(':') + two(whole / 60 % 60) + QLatin1Char(':') + two(whole % 60) +
           space + QLatin1Char('h');
  }
  return sign + QString::number(whole / 86400) + space + QStringLiteral("d ") + QString::number(whole / 3600 % 24) + space +
         QLatin1Char('h');
}

QString duration_text(std::optional<double> seconds) { return seconds ? duration_text(*seconds) : unknown; }

QString instant_text(std::optional<UtcTime> utc) {
  if (!utc || utc->ns_since_epoch == 0) return unknown;
  return QDateTime::fromMSecsSinceEpoch(utc->ns_since_epoch / 1'000'000).toString(QStringLiteral("yyyy-MM-dd HH:mm:ss"));
}

QString clock_text(UtcTime utc, UtcTime now) {
  const QDateTime at = QDateTime::fromMSecsSinceEpoch(utc.ns_since_epoch / 1'000'000);
  const QDateTime today = QDateTime::fromMSecsSinceEpoch(now.ns_since_epoch / 1'000'000);
  return at.toString(at.date() == today.date() ? QStringLiteral("HH:mm:ss") : QStringLiteral("yyyy-MM-dd HH:mm:ss"));
}

UtcTime utc_now() { return UtcTime{QDateTime::currentMSecsSinceEpoch() * 1'000'000}; }

std::optional<double> parse_number(const QString& text) {
  QString plain = text.trimmed();
  plain.remove(QChar(QChar::Nbsp));
  const auto commas = plain.count(QLatin1Char(','));
  if (commas > 1 || (commas == 1 && plain.contains(QLatin1Char('.')))) return std::nullopt;
  plain.replace(QLatin1Char(','), QLatin1Char('.'));
  bool is_number = false;
  const double value = QLocale::c().toDouble(plain, &is_number);
  if (!is_number || !std::isfinite(value)) return std::nullopt;
  return value;
}

QString with_decimal_point(const QString& text) {
  if (!parse_number(text)) return text.trimmed();
  QString plain = text.trimmed();
  plain.remove(QChar(QChar::Nbsp));
  return plain.replace(QLatin1Char(','), QLatin1Char('.'));
}

}  // namespace cellrig::ui
