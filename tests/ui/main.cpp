// The framework with an application around it; settings of the person who runs it are not touched.
#include <QApplication>
#include <QStandardPaths>

#include <gtest/gtest.h>

#include "tests/ui/screen.hpp"
#include "ui/chart/palette.hpp"

int main(int argc, char** argv) {
  // In test mode all programs of one person share a folder, and those that run beside each other clear each other's settings.
  if (!qEnvironmentVariableIsSet("XDG_CONFIG_HOME")) QStandardPaths::setTestModeEnabled(true);
  QApplication::setOrganizationName(QStringLiteral("cellrig-test"));
  QApplication::setApplicationName(QStringLiteral("cellrig-ui"));
  QApplication app(argc, argv);
  QApplication::setQuitOnLastWindowClosed(false);
  cellrig::ui::apply_theme(cellrig::ui::Theme::light);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
