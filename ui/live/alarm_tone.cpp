#include "ui/live/alarm_tone.hpp"

#include <QApplication>
#include <QDataStream>
#include <QDir>
#include <QFileInfo>
#include <QIODevice>
#include <QStandardPaths>
#include <cmath>

namespace cellrig::ui {

namespace {

constexpr int rate_Hz = 22'050;
constexpr double tone_s = 0.3, fade_s = 0.01, pi = 3.14159265358979;
constexpr double tones_Hz[] = {880, 660};  // a third apart, where people who hear high tones badly hear, too
constexpr double loudness = 0.8 * 32'767;

void append_tone(QDataStream& out, double frequency_Hz) {
  const int count = static_cast<int>(tone_s * rate_Hz);
  for (int i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / rate_Hz;
    const double fade = std::min({1.0, t / fade_s, (tone_s - t) / fade_s});  // no crack where it begins and ends
    out << static_cast<qint16>(loudness * fade * std::sin(2 * pi * frequency_Hz * t));
  }
}

}  // namespace

QByteArray alarm_wave() {
  QByteArray samples;
  QDataStream tones(&samples, QIODevice::WriteOnly);
  tones.setByteOrder(QDataStream::LittleEndian);
  for (const double frequency_Hz : tones_Hz) append_tone(tones, frequency_Hz);
  constexpr quint32 format_bytes = 16, header_bytes = 36;
  constexpr quint16 pcm = 1, channels = 1, bytes_a_sample = 2, bits = 16;
  QByteArray wave;
  QDataStream out(&wave, QIODevice::WriteOnly);
  out.setByteOrder(QDataStream::LittleEndian);
  const auto word = [&out](const char* text) { out.writeRawData(text, 4); };
  const auto length = static_cast<quint32>(samples.size());
  word("RIFF");
  out << header_bytes + length;
  word("WAVE");
  word("fmt ");
  out << format_bytes << pcm << channels << static_cast<quint32>(rate_Hz) << static_cast<quint32>(rate_Hz * bytes_a_sample)
      << bytes_a_sample << bits;
  word("data");
  out << length;
  return wave + samples;
}

AlarmTone::AlarmTone(const QStringList& folders, QObject* parent) : QObject(parent), folders_(folders) { begin(); }

void AlarmTone::begin() {
  drop_process();  // of an alarm before: what it is still at says nothing of this one
  players_.clear();
  for (const char* const name : {"pw-play", "paplay", "aplay"}) {
    const QString path = QStandardPaths::findExecutable(QString::fromLatin1(name), folders_);
    if (!path.isEmpty()) players_ += path;
  }
}

AlarmTone::~AlarmTone() {
  if (process_) process_->disconnect(this);
}

/// Made anew when it is gone: whoever cleans the folder for such files does not know that a window lives for weeks.
bool AlarmTone::has_wave() {
  if (wave_ && QFileInfo::exists(wave_->fileName())) return true;
  wave_ = std::make_unique<QTemporaryFile>(QDir::tempPath() + QStringLiteral("/cellrig-alarm-XXXXXX.wav"));
  const QByteArray wave = alarm_wave();
  const bool is_whole = wave_->open() && wave_->write(wave) == wave.size() && wave_->flush();
  if (!is_whole) wave_.reset();  // half a tone is none
  return is_whole;
}

void AlarmTone::play() {
  if (process_ && process_->state() != QProcess::NotRunning) next_player();  // it hangs: as on a sound system that is not there
  if (!players_.isEmpty() && !has_wave()) {
    players_.clear();
    Q_EMIT beep_only();
  }
  if (players_.isEmpty()) return beep();
  process_ = std::make_unique<QProcess>();
  process_->setStandardOutputFile(QProcess::nullDevice());
  process_->setStandardErrorFile(QProcess::nullDevice());
  connect(process_.get(), &QProcess::finished, this, &AlarmTone::hear_end);
  connect(process_.get(), &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart) hear_end(1, QProcess::CrashExit);
  });
  process_->start(players_.front(), {wave_->fileName()}, QIODevice::NotOpen);
}

/// One that failed has let nothing out: somebody must hear something now.
void AlarmTone::hear_end(int exit_code, QProcess::ExitStatus status) {
  if (status == QProcess::NormalExit && exit_code == 0) {
    Q_EMIT played();
    return;
  }
  next_player();
  beep();
}

void AlarmTone::drop_process() {
  if (!process_) return;
  process_->disconnect(this);
  process_->kill();
  process_.release()->deleteLater();
}

void AlarmTone::next_player() {
  drop_process();
  if (players_.isEmpty()) return;
  players_.removeFirst();
  if (players_.isEmpty()) Q_EMIT beep_only();
}

void AlarmTone::beep() {
  QApplication::beep();
  Q_EMIT beeped();
}

}  // namespace cellrig::ui
