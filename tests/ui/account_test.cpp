// Who may do what, and the window that says so beforehand: on the bench of the tests, then on the real service with an account of each role.
#include <QCheckBox>
#include <QFile>
#include <QLabel>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/ui/live_fixture.hpp"
#include "ui/dialogs/limits_dialog.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/dialogs/sign_in_dialog.hpp"
#include "ui/live/alarm_panel.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/live/run_page.hpp"
#include "ui/model/bench_filter.hpp"
#include "ui/options.hpp"
#include "ui/simulated_bench.hpp"

namespace cellrig::ui::test {
namespace {

constexpr int slow_machine_ms = 30'000;

class Account : public Live {
 protected:
  void TearDown() override { set_signed_in_name({}); }
  void type_password(const QString& password) {
    ASSERT_TRUE(wait_until([&] { return window.sign_in_dialog() != nullptr && window.sign_in_dialog()->isVisible(); }));
    QTest::keyClicks(&window.sign_in_dialog()->password_field(), password);
    QTest::keyClick(&window.sign_in_dialog()->password_field(), Qt::Key_Return);
  }
};

TEST_F(Account, asks_for_the_password_until_it_is_right_and_never_by_itself) {
  bench.account = "emma:right";
  bench.session = {"emma", api::Role::operates};
  show_in(window, small_screen);
  window.connect_to({.url = bench.address().url, .token = {}, .user = QStringLiteral("emma")});
  EXPECT_TRUE(bench.requests().empty()) << "nothing is asked without a password";
  ASSERT_NO_FATAL_FAILURE(type_password(QStringLiteral("wrong")));
  ASSERT_TRUE(wait_until([&] { return bench.requests().size() == 1 && window.sign_in_dialog() != nullptr; }));
  QTest::qWait(600);  // longer than the first pause between two attempts
  EXPECT_EQ(bench.requests().size(), 1U) << "a wrong password is not tried again: the service slows down who guesses";
  ASSERT_NO_FATAL_FAILURE(type_password(QStringLiteral("right")));
  ASSERT_TRUE(wait_until([&] { return window.model().is_known(); }));
  bench.run_on("ch1", 2000);
  ASSERT_TRUE(wait_until([&] { return window.model().channel("ch1")->run.has_value(); }));
  window.run_page().open_channel("ch1");
  window.show_page(MainWindow::Page::run);
  window.run_page().ask(RunPage::Order::note);
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  EXPECT_EQ(dialog->name_field().text(), QStringLiteral("emma"));
  EXPECT_TRUE(dialog->name_field().isReadOnly()) << "an account signs with its own name";
}

TEST_F(Account, of_a_viewer_may_look_and_stop_and_is_told_why_nothing_else) {
  bench.session = {"vic", api::Role::viewer};
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  bench.trip("ch2");
  RunPage& page = window.run_page();
  click(*window.bench_view().tile("ch1"));
  ASSERT_TRUE(wait_until([&] { return window.alarm_panel().isVisible(); }));
  for (const RunPage::Order order : {RunPage::Order::pause, RunPage::Order::skip, RunPage::Order::note}) {
    EXPECT_FALSE(page.button(order).isEnabled());
    EXPECT_TRUE(page.button(order).toolTip().contains(QStringLiteral("operator"))) << qPrintable(page.button(order).toolTip());
  }
  EXPECT_FALSE(page.limits_button().isEnabled());
  EXPECT_TRUE(page.button(RunPage::Order::stop).isEnabled());
  EXPECT_FALSE(window.bench_view().start_button().isEnabled());
  for (const QPushButton* button : window.alarm_panel().findChildren<QPushButton*>()) {
    if (!button->text().contains(QStringLiteral("knowledge"))) continue;
    EXPECT_FALSE(button->isEnabled());
    EXPECT_TRUE(button->toolTip().contains(QStringLiteral("viewer"))) << qPrintable(button->toolTip());
  }
  click(window.page_button(MainWindow::Page::start));
  EXPECT_FALSE(window.start_page().start_button().isEnabled());
  EXPECT_TRUE(window.start_page().obstacle_text().contains(QStringLiteral("operator")))
      << qPrintable(window.start_page().obstacle_text());
  click(window.stop_button());
  EXPECT_TRUE(answered(QStringLiteral("POST /stop")));
}

TEST_F(Account, of_an_operator_tightens_limits_and_widens_none) {
  bench.session = {"olga", api::Role::operates};
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch1"));
  EXPECT_TRUE(window.run_page().button(RunPage::Order::pause).isEnabled());
  click(window.run_page().limits_button());
  auto* dialog = window.findChild<LimitsDialog*>();
  ASSERT_NE(dialog, nullptr);
  EXPECT_FALSE(dialog->widen_box().isEnabled());
  EXPECT_TRUE(dialog->widen_box().toolTip().contains(QStringLiteral("engineer")));
}

/// A key, and a certificate for 127.0.0.1 that it signed itself.
void write_certificate(const QString& certificate_file, const QString& key_file) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("bench"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* const names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  FILE* const for_certificate = std::fopen(qPrintable(certificate_file), "w");
  PEM_write_X509(for_certificate, certificate);
  std::fclose(for_certificate);
  FILE* const for_key = std::fopen(qPrintable(key_file), "w");
  PEM_write_PrivateKey(for_key, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(for_key);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

/// The real service over TLS with an account of each role; its password is the role's name and "1".
class RealAccounts : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] QString path(const char* name) const { return folder.filePath(QString::fromLatin1(name)); }
  void make_accounts() {
    QByteArray lines;
    for (const QString& role : {QStringLiteral("viewer"), QStringLiteral("operator"), QStringLiteral("engineer")}) {
      QProcess make;
      make.start(QStringLiteral(CELLRIG_PROGRAM),
                 {QStringLiteral("serve"), QStringLiteral("--make-account"), QStringLiteral("the-") + role, role});
      ASSERT_TRUE(make.waitForStarted());
      make.write((role + QLatin1Char('1')).toUtf8());
      make.closeWriteChannel();
      ASSERT_TRUE(make.waitForFinished(slow_machine_ms));
      ASSERT_EQ(make.exitCode(), 0) << make.readAllStandardError().toStdString();
      lines += make.readAllStandardOutput();
    }
    QFile accounts(path("accounts"));
    ASSERT_TRUE(accounts.open(QIODevice::WriteOnly));
    accounts.write(lines);
    accounts.close();
    accounts.setPermissions(QFile::ReadOwner | QFile::WriteOwner);
  }
  void SetUp() override {
    QSettings().clear();
    ASSERT_NO_FATAL_FAILURE(make_accounts());
    write_certificate(path("bench.pem"), path("bench.key"));
    service.setProcessChannelMode(QProcess::MergedChannels);
    service.start(QStringLiteral(CELLRIG_PROGRAM),
                  {QStringLiteral("serve"), QStringLiteral("--simulated"), QStringLiteral("--quiet"), QStringLiteral("--listen"),
                   QStringLiteral("127.0.0.1:0"), QStringLiteral("--db"), path("bench.db"), QStringLiteral("--ready-file"),
                   path("ready.json"), QStringLiteral("--accounts"), path("accounts"), QStringLiteral("--tls-certificate"),
                   path("bench.pem"), QStringLiteral("--tls-key"), path("bench.key")});
    const auto is_ready = [&] {
      QFile file(path("ready.json"));
      if (file.open(QIODevice::ReadOnly)) ready = address_of_ready_file(file.readAll());
      return ready.has_value();
    };
    ASSERT_TRUE(wait_until(is_ready, slow_machine_ms)) << service.readAll().toStdString();
  }
  void TearDown() override {
    set_signed_in_name({});
    service.terminate();
    if (!service.waitForFinished(slow_machine_ms)) service.kill();
  }
  /// As its command line says, then with the password.
  void sign_in(const QStringList& more_words) {
    const QString role = QString::fromLatin1(GetParam());
    const ParsedOptions parsed = parse_options(
        QStringList{QStringLiteral("--connect"), ready->url.toString(), QStringLiteral("--user"), QStringLiteral("the-") + role} +
        more_words);
    ASSERT_TRUE(parsed.options) << parsed.error.toStdString();
    window.connect_to(*parsed.options->service);
    show_in(window, small_screen);
    ASSERT_NE(window.sign_in_dialog(), nullptr);
    QTest::keyClicks(&window.sign_in_dialog()->password_field(), role + QLatin1Char('1'));
    QTest::keyClick(&window.sign_in_dialog()->password_field(), Qt::Key_Return);
  }
  [[nodiscard]] bool says(const QString& text) const {
    for (const QLabel* label : window.findChildren<QLabel*>()) {
      if (label->isVisible() && label->text().contains(text)) return true;
    }
    return false;
  }
  QTemporaryDir folder;
  QProcess service;
  std::optional<ServiceAddress> ready;
  MainWindow window;
};

TEST_P(RealAccounts, may_what_the_window_says_they_may) {
  const std::string role = GetParam();
  ASSERT_EQ(ready->url.scheme(), QStringLiteral("https"));
  ASSERT_NO_FATAL_FAILURE(sign_in({QStringLiteral("--ca"), path("bench.pem")}));
  const auto running = [&]() -> const api::ChannelView* {
    for (const api::ChannelView& channel : window.model().channels()) {
      if (channel.state == api::Activity::running || channel.state == api::Activity::resting) return &channel;
    }
    return nullptr;
  };
  ASSERT_TRUE(wait_until([&] { return running() != nullptr; }, slow_machine_ms)) << service.readAll().toStdString();
  EXPECT_TRUE(says(QStringLiteral("the-") + QString::fromStdString(role)));
  const std::string channel = running()->channel;
  RunPage& page = window.run_page();
  page.open_channel(channel);
  window.show_page(MainWindow::Page::run);
  EXPECT_EQ(page.button(RunPage::Order::note).isEnabled(), role != "viewer");
  EXPECT_EQ(window.bench_view().start_button().isEnabled(), role != "viewer");
  if (role != "viewer") {
    page.ask(RunPage::Order::note);
    auto* note = window.findChild<PersonDialog*>();
    ASSERT_NE(note, nullptr);
    QTest::keyClicks(&note->reason_field(), QStringLiteral("looked at"));
    QTest::mouseClick(&note->action_button(), Qt::LeftButton);
    EXPECT_TRUE(wait_until([&] { return says(QStringLiteral("noted")); }, slow_machine_ms)) << qPrintable(window.message());
    page.ask(RunPage::Order::stop);  // its dialog comes beside the one that closes
    ASSERT_TRUE(wait_until([&] { return window.findChildren<PersonDialog*>().size() == 1; }));
  } else {
    page.ask(RunPage::Order::stop);
  }
  QTest::mouseClick(&window.findChild<PersonDialog*>()->action_button(), Qt::LeftButton);
  EXPECT_TRUE(wait_until([&] { return says(QStringLiteral("OFF is on its way to channel")); }, slow_machine_ms))
      << qPrintable(window.message());
  EXPECT_TRUE(wait_until([&] { return window.model().channel(channel)->state == api::Activity::stopped; }, slow_machine_ms));
}

// A service that anybody could have put there gets no password.
TEST_P(RealAccounts, give_no_password_to_a_service_whose_certificate_nobody_vouches_for) {
  if (std::string(GetParam()) != "viewer") GTEST_SKIP() << "the same for every role";
  ASSERT_NO_FATAL_FAILURE(sign_in({}));
  ASSERT_TRUE(wait_until([&] { return says(QStringLiteral("certificate")); }, slow_machine_ms));
  EXPECT_FALSE(window.model().is_known());
}

INSTANTIATE_TEST_SUITE_P(OfEachRole, RealAccounts, testing::Values("viewer", "operator", "engineer"),
                         [](const auto& role) { return std::string(role.param); });

}  // namespace
}  // namespace cellrig::ui::test
