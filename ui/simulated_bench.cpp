#include "ui/simulated_bench.hpp"

#include <sys/prctl.h>

#include <QCoreApplication>
#include <QFile>
#include <QFileInfo>
#include <QJsonDocument>
#include <QJsonObject>
#include <QStandardPaths>

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "ui/options.hpp"

namespace cellrig::ui {

namespace {
constexpr int look_every_ms = 25, end_within_ms = 10'000;

QString service_program() {
  const QString beside = QCoreApplication::applicationDirPath() + QStringLiteral("/cellrig");
  return QFileInfo(beside).isExecutable() ? beside : QStandardPaths::findExecutable(QStringLiteral("cellrig"));
}
}  // namespace

std::optional<ServiceAddress> address_of_ready_file(const QByteArray& json) {
  const QJsonObject object = QJsonDocument::fromJson(json).object();
  QString url = object.value(QStringLiteral("url")).toString();
  if (url.isEmpty()) url = object.value(QStringLiteral("listen")).toString();
  if (url.isEmpty()) return std::nullopt;
  if (!url.contains(QStringLiteral("://"))) url.prepend(QStringLiteral("http://"));
  QUrl parsed(url);
  parsed.setPath(QString());
  QString token = object.value(QStringLiteral("token")).toString();
  const QString token_file = object.value(QStringLiteral("token_file")).toString();
  if (token.isEmpty() && !token_file.isEmpty()) token = token_from_file(token_file);
  return ServiceAddress{parsed, token};
}

SimulatedBench::SimulatedBench(const QString& program, QObject* parent)
    : QObject(parent), program_(program.isEmpty() ? service_program() : program) {
  look_.setInterval(look_every_ms);
  connect(&look_, &QTimer::timeout, this, &SimulatedBench::look_for_ready_file);
  process_.setProcessChannelMode(QProcess::MergedChannels);
  // A window that is killed or crashes says goodbye to nobody: the kernel tells the child, which switches off and ends. In the child, before exec: nothing
  // is called here that is not safe between fork and exec.
  process_.setChildProcessModifier([window = ::getpid()] {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != window) ::_exit(0);  // it was faster
  });
  connect(&process_, &QProcess::finished, this, [this](int code, QProcess::ExitStatus) {
    look_.stop();
    const QString words = QString::fromUtf8(process_.readAll()).trimmed().right(800);
    Q_EMIT failed(tr("The simulated bench ended (exit code %1). %2").arg(code).arg(words));
  });
  connect(&process_, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart)
      Q_EMIT failed(tr("%1 could not be started: %2").arg(process_.program(), process_.errorString()));
  });
  // Nobody reads all it says; a full pipe would stop it.
  connect(&process_, &QProcess::readyRead, this, [this] {
    constexpr qint64 kept_max = 65'536;
    while (process_.bytesAvailable() > kept_max) process_.read(process_.bytesAvailable() - kept_max);
  });
}

SimulatedBench::~SimulatedBench() {
  process_.disconnect(this);
  if (process_.state() == QProcess::NotRunning) return;
  process_.terminate();
  if (!process_.waitForFinished(end_within_ms)) process_.kill();
}

QString SimulatedBench::ready_path() const { return folder_.filePath(QStringLiteral("ready.json")); }

QString SimulatedBench::record_path() const { return folder_.filePath(QStringLiteral("simulated.db")); }

void SimulatedBench::start() {
  if (program_.isEmpty()) {
    Q_EMIT failed(tr("'cellrig' was found neither beside this program nor in PATH."));
    return;
  }
  process_.start(program_, {QStringLiteral("serve"), QStringLiteral("--simulated"), QStringLiteral("--listen"),
                            QStringLiteral("127.0.0.1:0"), QStringLiteral("--ready-file"), ready_path(), QStringLiteral("--db"),
                            record_path(), QStringLiteral("--quiet")});
  look_.start();
}

void SimulatedBench::look_for_ready_file() {
  QFile file(ready_path());
  if (!file.open(QIODevice::ReadOnly)) return;
  const std::optional<ServiceAddress> address = address_of_ready_file(file.readAll());
  if (!address) return;  // it is being written
  look_.stop();
  Q_EMIT ready(*address);
}

}  // namespace cellrig::ui
