// The program itself: its command line.
#include <QDeadlineTimer>
#include <QFile>
#include <QProcess>
#include <QProcessEnvironment>
#include <QTemporaryDir>
#include <QThread>

#include <gtest/gtest.h>

#include <csignal>
#include <functional>

#include "ui/api_client/http_request.hpp"
#include "ui/options.hpp"
#include "ui/simulated_bench.hpp"

namespace cellrig::ui::test {
namespace {

struct Ended {
  int code = -1;
  std::string out, err;
};

Ended run_program(const QStringList& words) {
  QProcess process;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  environment.remove(QStringLiteral("DISPLAY"));  // help and errors need no display
  process.setProcessEnvironment(environment);
  process.start(QStringLiteral(CELLRIG_UI_PROGRAM), words);
  if (!process.waitForFinished(20'000)) return {};
  return {process.exitCode(), process.readAllStandardOutput().toStdString(), process.readAllStandardError().toStdString()};
}

constexpr int slow_machine_ms = 30'000;

bool becomes_true(const std::function<bool()>& is_true) {
  const QDeadlineTimer deadline(slow_machine_ms);
  while (!is_true() && !deadline.hasExpired()) QThread::msleep(20);
  return is_true();
}

QByteArray of_process(qint64 process, const QString& file) {
  QFile opened(QStringLiteral("/proc/%1/%2").arg(process).arg(file));
  return opened.open(QIODevice::ReadOnly) ? opened.readAll() : QByteArray();
}

/// Gone, or a zombie that nobody has asked for yet.
bool has_ended(qint64 process) {
  const QByteArray stat = of_process(process, QStringLiteral("stat"));
  return stat.isEmpty() || stat.mid(stat.lastIndexOf(')') + 2, 1) == "Z";
}

/// A window with a simulated bench: the process and that of its service, which has opened the bench.
class WindowWithBench : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("TMPDIR"), folder.path());
    window.setProcessEnvironment(environment);
    window.start(QStringLiteral(CELLRIG_UI_PROGRAM),
                 {QStringLiteral("--simulated"), QStringLiteral("-platform"), QStringLiteral("offscreen")});
    ASSERT_TRUE(window.waitForStarted(slow_machine_ms));
    const auto has_service = [&] {
      service = of_process(window.processId(), QStringLiteral("task/%1/children").arg(window.processId()))
                    .split(' ')
                    .value(0)
                    .toLongLong();
      const QByteArray words = service == 0 ? QByteArray() : of_process(service, QStringLiteral("cmdline"));
      const QByteArray ready = words.split('\0').value(6);
      return words.contains("serve") && ready.endsWith("ready.json") && QFile::exists(QString::fromUtf8(ready));
    };
    ASSERT_TRUE(becomes_true(has_service)) << window.readAllStandardError().toStdString();
  }
  void TearDown() override {
    window.kill();
    window.waitForFinished();
    if (service != 0 && !has_ended(service)) ::kill(static_cast<pid_t>(service), SIGKILL);
  }
  QTemporaryDir folder;
  QProcess window;
  qint64 service = 0;
};

// What nobody looks at any more must not go on; least of all one more with each crash.
TEST_P(WindowWithBench, leaves_no_service_behind) {
  ASSERT_FALSE(has_ended(service));
  ASSERT_EQ(::kill(static_cast<pid_t>(window.processId()), GetParam()), 0);
  ASSERT_TRUE(window.waitForFinished(slow_machine_ms));
  EXPECT_TRUE(becomes_true([&] { return has_ended(service); }));
  if (GetParam() == SIGTERM) {
    EXPECT_EQ(window.exitStatus(), QProcess::NormalExit);
    EXPECT_EQ(window.exitCode(), 128 + SIGTERM);
  }
}

INSTANTIATE_TEST_SUITE_P(However, WindowWithBench, testing::Values(SIGKILL, SIGTERM, SIGABRT), [](const auto& ended) {
  return ended.param == SIGKILL ? "killed" : ended.param == SIGTERM ? "asked_to_end" : "crashed";
});

TEST(Program, helps_without_a_display) {
  const Ended ended = run_program({QStringLiteral("--help")});
  EXPECT_EQ(ended.code, 0);
  EXPECT_NE(ended.out.find("--simulated"), std::string::npos);
  EXPECT_NE(ended.out.find("F12"), std::string::npos);
}

TEST(Program, refuses_wrong_arguments_with_code_2_and_the_nearest_word) {
  const Ended misspelt = run_program({QStringLiteral("--simulatd")});
  EXPECT_EQ(misspelt.code, 2);
  EXPECT_NE(misspelt.err.find("did you mean '--simulated'?"), std::string::npos) << misspelt.err;
  EXPECT_EQ(run_program({QStringLiteral("--connect")}).code, 2);
  EXPECT_EQ(run_program({QStringLiteral("--record"), QStringLiteral("/nowhere/x.db")}).code, 2);
  EXPECT_EQ(run_program({QStringLiteral("--theme=pink")}).code, 2);
  EXPECT_EQ(run_program({QStringLiteral("--connect=http://127.0.0.1:1"), QStringLiteral("--simulated")}).code, 2);
  EXPECT_EQ(run_program({QStringLiteral("something")}).code, 2);
}

TEST(Options, take_an_address_with_and_without_scheme) {
  const ParsedOptions parsed = parse_options({QStringLiteral("--connect"), QStringLiteral("127.0.0.1:8230")});
  ASSERT_TRUE(parsed.options && parsed.options->service) << parsed.error.toStdString();
  EXPECT_EQ(parsed.options->service->url.toString().toStdString(), "http://127.0.0.1:8230");
  EXPECT_FALSE(parse_options({QStringLiteral("--connect=ftp://x")}).options);
}

// A password goes to nobody but the service, and to that unreadable for all others.
TEST(Options, take_an_account_only_where_its_password_is_safe) {
  const auto parse = [](const char* words) { return parse_options(QString::fromLatin1(words).split(QLatin1Char(' '))); };
  const ParsedOptions local = parse("--connect 127.0.0.1:8230 --user emma");
  ASSERT_TRUE(local.options && local.options->service) << local.error.toStdString();
  EXPECT_EQ(local.options->service->user, QStringLiteral("emma"));
  EXPECT_TRUE(local.options->service->token.isEmpty());
  EXPECT_TRUE(parse("--connect https://bench.lab:8230 --user emma").options);
  EXPECT_FALSE(parse("--connect http://bench.lab:8230 --user emma").options);
  EXPECT_FALSE(parse("--connect http://bench.lab:8230").options) << "a token is a password";
  EXPECT_FALSE(parse("--connect bench.lab:8230").options);
  EXPECT_NE(parse("--connect http://192.0.2.7:8230").error.indexOf(QStringLiteral("https://")), -1);
  EXPECT_TRUE(parse("--connect http://localhost:8230").options);
  EXPECT_TRUE(parse("--connect http://[::1]:8230").options);
  EXPECT_TRUE(parse("--connect https://bench.lab:8230").options);
  EXPECT_FALSE(parse("--user emma").options);
  EXPECT_FALSE(parse("--connect https://bench.lab --user em:ma").options);
  EXPECT_FALSE(parse("--connect https://bench.lab --ca /nowhere.pem").options);
  EXPECT_FALSE(parse("--connect http://127.0.0.1:8230 --ca /nowhere.pem").options);
}

// Whatever made the address: what may be overheard is not sent.
TEST(HttpRequest, carries_no_secret_where_others_can_listen) {
  const ServiceAddress open{QUrl(QStringLiteral("http://bench.lab:8230")), QStringLiteral("secret")};
  EXPECT_FALSE(http_request(open, QStringLiteral("/bench")).hasRawHeader("Authorization"));
  const ServiceAddress safe{QUrl(QStringLiteral("https://bench.lab:8230")), QStringLiteral("secret")};
  EXPECT_EQ(http_request(safe, QStringLiteral("/bench")).rawHeader("Authorization").toStdString(), "Bearer secret");
  const ServiceAddress here{QUrl(QStringLiteral("http://127.0.0.1:8230")), QStringLiteral("secret")};
  EXPECT_EQ(http_request(here, QStringLiteral("/bench")).rawHeader("Authorization").toStdString(), "Bearer secret");
}

TEST(ReadyFile, gives_the_address_and_the_token) {
  const auto address = address_of_ready_file(R"({"url": "http://127.0.0.1:41234/", "token": "abc"})");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->url.port(), 41234);
  EXPECT_EQ(address->token, QStringLiteral("abc"));
  EXPECT_FALSE(address_of_ready_file("{}"));
  EXPECT_FALSE(address_of_ready_file("{\"url\": \"htt"));
}

}  // namespace
}  // namespace cellrig::ui::test
