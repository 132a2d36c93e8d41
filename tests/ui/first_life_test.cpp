// How long a newcomer waits: from the start of 'cellrig-ui --simulated' to the first tile that shows what a run measures.
#include <QElapsedTimer>
#include <QFile>
#include <QProcess>
#include <QProcessEnvironment>
#include <QTemporaryDir>
#include <QThread>
#include <algorithm>
#include <ctime>
#include <vector>

#include <gtest/gtest.h>

#include <csignal>

namespace cellrig::ui::test {
namespace {

constexpr int limit_ms = 3000, patience_ms = 60'000, looks_every_ms = 5;

/// How much longer than on a quiet machine something takes right now: wall time of a piece of work by its CPU time.
double crowding() {
  constexpr double work_s = 0.1;
  timespec now{};
  const auto cpu_s = [&now] {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  };
  QElapsedTimer wall;
  wall.start();
  const double began = cpu_s();
  while (cpu_s() - began < work_s) {
  }
  return std::max(1.0, static_cast<double>(wall.nsecsElapsed()) / 1e9 / work_s);
}

struct FirstLife {
  qint64 after_ms = -1;
  int exit_code = -1;
  std::string words;
};

FirstLife start_window(const QString& folder, int number) {
  const QString ready = folder + QStringLiteral("/ready-%1").arg(number);
  QProcess window;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  environment.insert(QStringLiteral("XDG_CONFIG_HOME"), folder);  // nothing is remembered: a newcomer
  window.setProcessEnvironment(environment);
  window.setProcessChannelMode(QProcess::MergedChannels);
  QElapsedTimer clock;
  clock.start();
  window.start(QStringLiteral(CELLRIG_UI_PROGRAM), {QStringLiteral("--simulated"), QStringLiteral("--ready-file"), ready});
  FirstLife life;
  while (clock.elapsed() < patience_ms && window.state() != QProcess::NotRunning) {
    if (QFile::exists(ready)) {
      life.after_ms = clock.elapsed();
      break;
    }
    window.waitForFinished(looks_every_ms);
  }
  window.terminate();
  if (!window.waitForFinished(patience_ms)) window.kill();
  life.exit_code = window.exitStatus() == QProcess::NormalExit ? window.exitCode() : -1;
  life.words = window.readAll().toStdString();
  return life;
}

// The best of three counts, and what else the machine does is taken out: a shared machine only ever makes things slower.
TEST(FirstLife, of_a_simulated_bench_comes_within_three_seconds) {
  const QTemporaryDir folder;
  double best_ms = patience_ms, best_quiet_ms = patience_ms;
  for (int round = 0; round < 3; ++round) {
    const double before = crowding();
    const FirstLife life = start_window(folder.path(), round);
    const double crowd = std::max(before, crowding());
    ASSERT_GE(life.after_ms, 0) << life.words;
    EXPECT_EQ(life.exit_code, 128 + SIGTERM) << "SIGTERM ends it: " << life.words;
    std::printf(
        "first tile with live data after %lld ms (limit %d ms on a quiet machine; this one took %.1f times as long as a quiet "
        "one)\n",
        static_cast<long long>(life.after_ms), limit_ms, crowd);
    best_ms = std::min(best_ms, static_cast<double>(life.after_ms));
    best_quiet_ms = std::min(best_quiet_ms, static_cast<double>(life.after_ms) / crowd);
  }
  RecordProperty("milliseconds_until_life", static_cast<int>(best_ms));
  EXPECT_LT(best_quiet_ms, limit_ms);
}

}  // namespace
}  // namespace cellrig::ui::test
