// Colours of the window: the eight of Okabe and Ito, which people with any kind of colour vision tell apart, on a light or a dark ground.
#pragma once

#include <QColor>
#include <QPalette>
#include <QString>
#include <array>
#include <functional>

namespace cellrig::ui {

struct Palette {
  bool is_dark = false;
  QColor window;   ///< behind everything
  QColor surface;  ///< tiles, charts, tables
  QColor border;
  QColor grid;
  QColor text;
  QColor muted;  ///< captions: at least 4.5 to 1 on the surface
  QColor accent;
  QColor good, warning, alarm, neutral;
  std::array<QColor, 7> series;
  std::array<QColor, 2> band;  ///< steps, in turns

  [[nodiscard]] QColor series_colour(int index) const { return series[static_cast<std::size_t>(index) % series.size()]; }
};

enum class Theme { desktop, light, dark };

/// The palette that the application runs with. Call on the GUI thread.
[[nodiscard]] const Palette& colours();
/// Light or dark as the desktop says, or as somebody chose. Sets the style of the application, too.
void apply_theme(Theme theme);
/// The desktop has another theme now: so has the application, unless somebody chose one for it.
void follow_desktop();
/// Instead of the desktop's own palette: true is dark.
void read_desktop_with(std::function<bool()> is_dark);
[[nodiscard]] Theme theme_named(const QString& name);
[[nodiscard]] QString name_of(Theme theme);
/// Black or white, whichever is readable on it.
[[nodiscard]] QColor text_on(const QColor& ground);

}  // namespace cellrig::ui
