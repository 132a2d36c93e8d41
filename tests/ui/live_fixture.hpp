// A window that is shown on the bench of the tests.
#pragma once

#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/ui/fake_bench.hpp"
#include "tests/ui/screen.hpp"
#include "ui/dialogs/start_page.hpp"
#include "ui/main_window.hpp"

namespace cellrig::ui::test {

class Live : public testing::Test {
 protected:
  void SetUp() override { QSettings().clear(); }
  void connect_window() {
    window.connect_to(bench.address());
    show_in(window, small_screen);
    ASSERT_TRUE(wait_until([&] { return window.model().is_known(); }));
  }
  void click(QWidget& widget) { QTest::mouseClick(&widget, Qt::LeftButton); }
  void fill_start_page() {
    click(window.page_button(MainWindow::Page::start));
    QTest::keyClicks(&window.start_page().operator_field(), QStringLiteral("jane"));
    QTest::keyClicks(&window.start_page().barcode_field(), QStringLiteral("SN0099\r"));
  }
  /// Of the last request whose path ends like that.
  std::string body_of(const QString& ending) const {
    std::string body;
    for (const FakeRequest& request : bench.requests()) {
      if (request.path.endsWith(ending)) body = request.body.toStdString();
    }
    return body;
  }
  bool answered(const QString& write) {
    return wait_until([&] { return bench.writes().contains(write); });
  }

  FakeBench bench{4};
  MainWindow window;
};

}  // namespace cellrig::ui::test
