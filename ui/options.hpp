// The command line of cellrig-ui.
#pragma once

#include <QString>
#include <QStringList>
#include <optional>

#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"

namespace cellrig::ui {

struct Options {
  std::optional<ServiceAddress> service;
  bool is_simulated = false;
  QString record;  ///< opened in Review; may be empty
  std::optional<Theme> theme;
  QString ready_file;  ///< written once a tile shows what a run measures; may be empty
  bool wants_help = false, wants_version = false;
};

struct ParsedOptions {
  std::optional<Options> options;
  QString error;  ///< what is wrong and which word was probably meant, when there are no options
};

/// Without the program's own name.
[[nodiscard]] ParsedOptions parse_options(const QStringList& words);
[[nodiscard]] QString help_text();
/// The first line of the file. Empty: it cannot be read.
[[nodiscard]] QString token_from_file(const QString& path);

}  // namespace cellrig::ui
