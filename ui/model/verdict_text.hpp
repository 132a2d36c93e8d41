// Words and colours for how a run ended, and for how grave something is.
#pragma once

#include <QColor>
#include <QString>

#include "db/reader.hpp"
#include "ui/model/choice.hpp"

namespace cellrig::ui {

[[nodiscard]] QString verdict_text(Verdict verdict);
[[nodiscard]] QColor verdict_colour(Verdict verdict);
[[nodiscard]] Verdict verdict_of(const db::RunInfo& run);
/// "measured", "SIMULATED", "IMPORTED": what is no measurement of a bench stands out.
[[nodiscard]] QString origin_text(db::RunOrigin origin);
[[nodiscard]] QString severity_text(db::Severity severity);
[[nodiscard]] QColor severity_colour(db::Severity severity);

}  // namespace cellrig::ui
