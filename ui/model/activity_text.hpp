// Words and colours for what a channel does: never only a colour.
#pragma once

#include <QColor>
#include <QString>

#include "controller/api/messages.hpp"

namespace cellrig::ui {

[[nodiscard]] QString activity_text(api::Activity activity);
[[nodiscard]] QColor activity_colour(api::Activity activity);
[[nodiscard]] QString alarm_severity_text(api::AlarmSeverity severity);
/// "cycle 3 of 12", "cycle 3"; empty: no cycle is counted.
[[nodiscard]] QString cycle_text(const api::ChannelView& channel);
/// "SN0042 · LG M50"
[[nodiscard]] QString cell_text(const api::ChannelView& channel);

}  // namespace cellrig::ui
