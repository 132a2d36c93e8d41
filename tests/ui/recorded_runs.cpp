#include "tests/ui/recorded_runs.hpp"

#include <QProcess>
#include <QTemporaryDir>

namespace cellrig::ui::test {

const QString& recorded_runs() {
  static QTemporaryDir folder;
  static const QString path = [] {
    const QString db = folder.filePath(QStringLiteral("demo.db"));
    const QString common = QStringLiteral("run --simulated --bench demo --quiet --db ") + db;
    const QString cycling = common + QStringLiteral(
                                         " --expect --channel ch1=cccv-cycle --channel ch2=cccv-cycle --set cycles=4 --set "
                                         "ch2:charge_rate_C=0.7 --set rest_min=10"
                                         " --cell-id ch1=SN0041 --cell-id ch2=SN0042 --operator jane");
    const QString charging = common + QStringLiteral(
                                          " --channel ch1=fast-charge-window --set ch1:reference_cycles=1 --set "
                                          "ch1:charge_rate_C=1 --set ch1:charge_time_max_min=45"
                                          " --cell-id ch1=SN0043 --operator tom");
    QProcess::execute(QStringLiteral(CELLRIG_PROGRAM), cycling.split(QLatin1Char(' ')));
    QProcess::execute(QStringLiteral(CELLRIG_PROGRAM), charging.split(QLatin1Char(' ')));
    return db;
  }();
  return path;
}

}  // namespace cellrig::ui::test
