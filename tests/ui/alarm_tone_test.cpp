// An alarm on a computer with a sound system, with one that does not work, and with none.
#include <QFile>
#include <QLabel>
#include <QTemporaryDir>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/ui/screen.hpp"
#include "ui/live/alarm_panel.hpp"
#include "ui/live/alarm_tone.hpp"

namespace cellrig::ui::test {
namespace {

/// No file takes a byte while it lives.
class FullDisk {
 public:
  FullDisk() : before_{std::signal(SIGXFSZ, SIG_IGN)} {
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    rlimit none = limit_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*before_)(int);
  rlimit limit_{};
};

class Tone : public testing::Test {
 protected:
  /// A player that does this.
  void add_player(const char* name, const char* script) {
    QFile file(folder.filePath(QString::fromLatin1(name)));
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(QByteArray("#!/bin/sh\n") + script + "\n");
    file.close();
    ASSERT_TRUE(file.setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner));
  }
  void make() {
    tone = std::make_unique<AlarmTone>(QStringList{folder.path()});
    QObject::connect(tone.get(), &AlarmTone::played, [this] { ++played; });
    QObject::connect(tone.get(), &AlarmTone::beeped, [this] { ++beeped; });
    QObject::connect(tone.get(), &AlarmTone::beep_only, [this] { ++told; });
  }

  QTemporaryDir folder;
  std::unique_ptr<AlarmTone> tone;
  int played = 0, beeped = 0, told = 0;
};

TEST_F(Tone, is_played_by_the_sound_system_of_the_desktop) {
  add_player("paplay", "head -c 12 \"$1\" > \"$0.heard\"");
  make();
  EXPECT_FALSE(tone->is_beep_only());
  tone->play();
  ASSERT_TRUE(wait_until([this] { return played == 1; }));
  QFile heard(folder.filePath(QStringLiteral("paplay.heard")));
  ASSERT_TRUE(heard.open(QIODevice::ReadOnly));
  const QByteArray begin = heard.readAll();
  EXPECT_TRUE(begin.startsWith("RIFF") && begin.endsWith("WAVE"));
  tone->play();
  EXPECT_TRUE(wait_until([this] { return played == 2; }));
  EXPECT_EQ(beeped, 0);
}

TEST_F(Tone, is_a_beep_where_there_is_no_sound_system) {
  make();
  EXPECT_TRUE(tone->is_beep_only());
  tone->play();
  EXPECT_EQ(beeped, 1);
}

// A program without a server behind it fails; another one may have one. Something is heard, or tried, at once.
TEST_F(Tone, goes_to_the_next_program_when_one_fails_and_says_when_none_is_left) {
  add_player("pw-play", "exit 1");
  add_player("aplay", "exit 0");
  make();
  tone->play();
  ASSERT_TRUE(wait_until([this] { return beeped == 1; }));
  EXPECT_FALSE(tone->is_beep_only());
  tone->play();
  ASSERT_TRUE(wait_until([this] { return played == 1; }));
  add_player("aplay", "exit 3");
  tone->play();
  ASSERT_TRUE(wait_until([this] { return told == 1; }));
  EXPECT_TRUE(tone->is_beep_only());
  tone->play();
  EXPECT_EQ(beeped, 3);
}

TEST_F(Tone, does_not_wait_for_a_program_that_hangs) {
  add_player("pw-play", "exec sleep 600");
  make();
  tone->play();
  EXPECT_EQ(beeped, 0);
  tone->play();
  EXPECT_EQ(beeped, 1);
  EXPECT_EQ(told, 1);
}

// A window lives for weeks: what was busy for a moment may let out the next alarm.
TEST_F(Tone, asks_every_program_again_when_the_next_alarm_begins) {
  add_player("pw-play", "exec sleep 600");
  make();
  tone->play();
  tone->play();
  ASSERT_TRUE(tone->is_beep_only());
  add_player("pw-play", "exit 0");
  tone->begin();
  EXPECT_FALSE(tone->is_beep_only());
  tone->play();
  EXPECT_TRUE(wait_until([this] { return played == 1; }));
  add_player("pw-play", "exec sleep 600");
  tone->play();
  tone->begin();
  tone->play();
  EXPECT_FALSE(tone->is_beep_only()) << "what hangs is of the alarm before";
}

// Nothing can be written for the moment.
TEST_F(Tone, is_no_beep_for_good_after_a_folder_was_full_once) {
  add_player("pw-play", "exit 0");
  make();
  {
    const FullDisk full;
    tone->play();
  }
  EXPECT_TRUE(tone->is_beep_only());
  EXPECT_EQ(beeped, 1);
  tone->begin();
  tone->play();
  EXPECT_TRUE(wait_until([this] { return played == 1; }));
}

// As the window asks for it: one that begins is a new one, one that goes on is not; and a tone that cannot be made is not asked for ever.
TEST_F(Tone, of_a_panel_begins_with_its_alarm) {
  const QByteArray path = qgetenv("PATH");
  add_player("pw-play", "exit 0");
  AlarmPanel panel;
  const auto is_beep_only = [&panel] {
    for (const QLabel* label : panel.findChildren<QLabel*>()) {
      if (label->text() == QLatin1String("Beep only")) return !label->isHidden();
    }
    return false;
  };
  const std::vector<api::AlarmView> alarms{{.id = 1, .severity = api::AlarmSeverity::trip, .text = "hot"}};
  qputenv("PATH", folder.path().toUtf8() + ':' + path);
  {
    const FullDisk full;
    panel.show_alarms(alarms);
  }
  EXPECT_TRUE(is_beep_only());
  panel.show_alarms({});
  panel.show_alarms({{.id = 2, .severity = api::AlarmSeverity::trip, .text = "hot again"}});
  EXPECT_FALSE(is_beep_only());
  qputenv("PATH", path);
}

TEST(AlarmWave, is_as_long_as_its_header_says_and_loud_without_being_cut) {
  const QByteArray wave = alarm_wave();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(wave.constData());
  const auto number = [bytes](int at) { return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24; };
  EXPECT_EQ(number(4), wave.size() - 8);
  EXPECT_EQ(number(40), wave.size() - 44);
  int loudest = 0;
  for (int at = 44; at + 1 < wave.size(); at += 2)
    loudest = std::max(loudest, std::abs(static_cast<std::int16_t>(bytes[at] | bytes[at + 1] << 8)));
  EXPECT_GT(loudest, 20'000);
  EXPECT_LT(loudest, 32'767);
  EXPECT_EQ(bytes[44] | bytes[45], 0) << "begins without a crack";
}

}  // namespace
}  // namespace cellrig::ui::test
