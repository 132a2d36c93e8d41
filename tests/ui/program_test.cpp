// The program itself: its command line.
#include <QProcess>
#include <QProcessEnvironment>

#include <gtest/gtest.h>

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
