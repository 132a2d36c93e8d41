// The framework with an application around it; settings of the person who runs it are not touched.
#include <QApplication>
#include <QStandardPaths>

#include <gtest/gtest.h>

#include "tests/ui/screen.hpp"
#include "ui/chart/palette.hpp"

int main(int argc, char** argv) {
  QStandardPaths::setTestModeEnabled(true);
  QApplication::setOrganizationName(QStringLiteral("cellrig-test"));
  QApplication::setApplicationName(QStringLiteral("cellrig-ui"));
  QApplication app(argc, argv);
  QApplication::setQuitOnLastWindowClosed(false);
  cellrig::ui::apply_theme(cellrig::ui::Theme::light);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
