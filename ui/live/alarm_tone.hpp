// What an alarm sounds like: a tone of its own through the sound system of the desktop, where there is one, else the desktop's beep.
#pragma once

#include <QObject>
#include <QProcess>
#include <QStringList>
#include <QTemporaryFile>
#include <memory>

namespace cellrig::ui {

/// Plays by one of the programs that come with PipeWire, PulseAudio and ALSA, the first that works: Qt's own sound would bring a
/// multimedia library for one tone. A program that fails, or is not done when the next tone is due, is not asked again
/// before the next alarm begins: a window lives for weeks, and a sound system or a disk is busy for a moment.
class AlarmTone : public QObject {
  Q_OBJECT
 public:
  /// `folders`: where to look for those programs; empty: as the desktop does.
  explicit AlarmTone(const QStringList& folders = {}, QObject* parent = nullptr);
  ~AlarmTone() override;

  /// An alarm begins: the programs are looked for anew.
  void begin();
  /// Returns at once.
  void play();
  /// True: nothing is left but the desktop's beep, which many desktops do not let out.
  [[nodiscard]] bool is_beep_only() const { return players_.isEmpty(); }

 Q_SIGNALS:
  void beep_only();  ///< until the next alarm begins
  void played();     ///< to its end
  void beeped();

 private:
  [[nodiscard]] bool has_wave();
  void drop_process();
  void next_player();
  void beep();
  void hear_end(int exit_code, QProcess::ExitStatus status);

  QStringList folders_;
  QStringList players_;  ///< full paths, the one in use first
  std::unique_ptr<QTemporaryFile> wave_;
  std::unique_ptr<QProcess> process_;
};

/// A WAV file: two tones, one after the other, within a second. 16 bits, one channel.
[[nodiscard]] QByteArray alarm_wave();

}  // namespace cellrig::ui
