// cellrig-ui: the window to a bench of cellrig.
#include <QApplication>
#include <QSaveFile>
#include <QSettings>
#include <cstdio>
#include <memory>

#include "ui/end_signals.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/stop_notice.hpp"
#include "ui/main_window.hpp"
#include "ui/options.hpp"
#include "ui/simulated_bench.hpp"

namespace {

constexpr int bad_usage = 2;

QStringList words_of(int argc, char** argv) {
  QStringList words;
  for (int i = 1; i < argc; ++i) words += QString::fromLocal8Bit(argv[i]);
  return words;
}

void write_ready_file(const QString& path) {
  QSaveFile file(path);
  const bool is_written = file.open(QIODevice::WriteOnly) && file.write("ready\n") > 0 && file.commit();
  if (!is_written) std::fprintf(stderr, "cellrig-ui: --ready-file %s: %s\n", qPrintable(path), qPrintable(file.errorString()));
}

/// Whoever reads this must know that nobody tries any more.
void say_not_confirmed(const QStringList& unconfirmed) {
  for (const QString& what : unconfirmed) {
    std::fprintf(stderr, "cellrig-ui: EMERGENCY STOP NOT CONFIRMED (%s): use the hardware emergency stop of the bench\n",
                 qPrintable(what));
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace cellrig::ui;
  // Before there is an application: help needs no display. Options of Qt's own (-platform, -style) are taken out by it afterwards.
  QStringList words = words_of(argc, argv);
  for (const QString& own :
       {QStringLiteral("-platform"), QStringLiteral("-style"), QStringLiteral("-display"), QStringLiteral("-geometry")}) {
    if (const qsizetype at = words.indexOf(own); at >= 0) words.remove(at, at + 1 < words.size() ? 2 : 1);
  }
  const ParsedOptions parsed = parse_options(words);
  if (!parsed.options) {
    std::fprintf(stderr, "cellrig-ui: %s\n", qPrintable(parsed.error));
    return bad_usage;
  }
  const Options& options = *parsed.options;
  if (options.wants_help) {
    std::fputs(qPrintable(help_text()), stdout);
    return 0;
  }
  if (options.wants_version) {
    std::printf("cellrig-ui %s\n", CELLRIG_VERSION);
    return 0;
  }
  QApplication::setOrganizationName(QStringLiteral("cellrig"));
  QApplication::setApplicationName(QStringLiteral("cellrig-ui"));
  QApplication app(argc, argv);
  apply_theme(options.theme.value_or(theme_named(QSettings().value(QStringLiteral("window/theme")).toString())));
  const EndSignals signals_to_end;
  constexpr int ended_by_signal = 128;
  MainWindow window;
  // A second signal waits for nothing.
  QObject::connect(&signals_to_end, &EndSignals::asked_to_end, &window, [&window](int signal) {
    window.end_after_stops([signal](const QStringList& unconfirmed) {
      say_not_confirmed(unconfirmed);
      QApplication::closeAllWindows();  // the layout is remembered
      QApplication::exit(ended_by_signal + signal);
    });
  });
  std::unique_ptr<SimulatedBench> bench;
  if (!options.ready_file.isEmpty()) {
    QObject::connect(&window.bench_view(), &BenchView::came_alive, &window, [&] {
      window.repaint();  // now: what the file says is on the screen
      write_ready_file(options.ready_file);
    });
  }
  if (options.is_simulated) {
    bench = std::make_unique<SimulatedBench>();
    QObject::connect(bench.get(), &SimulatedBench::ready, &window,
                     [&](const ServiceAddress& address) { window.connect_to(address); });
    QObject::connect(bench.get(), &SimulatedBench::failed, &window, &MainWindow::show_trouble);
    window.show_trouble(MainWindow::tr("Starting a simulated bench…"));
    bench->start();
  }
  if (options.service) window.connect_to(*options.service);
  if (!options.record.isEmpty()) {
    window.open_record(options.record);
    if (!options.service && !options.is_simulated) window.show_page(MainWindow::Page::review);
  }
  window.show();
  const int code = QApplication::exec();
  if (code == 0) say_not_confirmed(window.stop_notice().unconfirmed());  // closed by a person who was told
  return code;
}
