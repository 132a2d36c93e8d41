#include "ui/options.hpp"

#include <QFile>
#include <algorithm>
#include <vector>

namespace cellrig::ui {

namespace {

const char* const flags[] = {"--connect", "--token-file", "--user",       "--ca",   "--simulated",
                             "--record",  "--theme",      "--ready-file", "--help", "--version"};
constexpr int near_enough = 3;

int edit_distance(const QString& a, const QString& b) {
  std::vector<int> row(static_cast<std::size_t>(b.size()) + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = static_cast<int>(j);
  for (qsizetype i = 0; i < a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) + 1;
    for (qsizetype j = 0; j < b.size(); ++j) {
      const auto at = static_cast<std::size_t>(j) + 1;
      const int replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[at];
      row[at] = std::min({row[at] + 1, row[at - 1] + 1, replaced});
    }
  }
  return row.back();
}

QString nearest(const QString& word) {
  QString best;
  int least = near_enough + 1;
  for (const char* flag : flags) {
    const QString candidate = QString::fromLatin1(flag);
    const int distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

bool is_flag(const QString& word) {
  return std::any_of(std::begin(flags), std::end(flags), [&](const char* flag) { return word == QLatin1String(flag); });
}

ParsedOptions refused(const QString& text) { return {std::nullopt, text}; }

ParsedOptions unknown_option(const QString& word) {
  const QString meant = nearest(word);
  const QString hint =
      meant.isEmpty() ? QStringLiteral("; cellrig-ui --help lists them") : QStringLiteral(", did you mean '%1'?").arg(meant);
  return refused(QStringLiteral("unknown option '%1'").arg(word) + hint);
}

/// The service's URL; none: it is none.
std::optional<QUrl> service_url(const QString& text) {
  const QUrl url(text.contains(QStringLiteral("://")) ? text : QStringLiteral("http://") + text);
  const bool is_http = url.scheme() == QLatin1String("http") || url.scheme() == QLatin1String("https");
  // A name and a password in it would be shown on the screen, and would go past the rule for --user.
  if (!url.isValid() || !is_http || url.host().isEmpty() || !url.userInfo().isEmpty()) return std::nullopt;
  return url;
}

/// Empty: name and authorities are good; else what is wrong.
QString add_account(Options& options, const QString& user, const QString& authorities_file, bool has_token_file) {
  if (user.isEmpty() && authorities_file.isEmpty()) return {};
  if (!options.service) return QStringLiteral("--user and --ca belong to --connect");
  if (!user.isEmpty() && has_token_file) return QStringLiteral("--user and --token-file exclude each other");
  const QUrl& url = options.service->url;
  const bool has_tls = url.scheme() == QLatin1String("https");
  if (authorities_file.isEmpty()) return {};
  if (!has_tls) return QStringLiteral("--ca is for an https:// address");
  options.service->authorities =
      QSslCertificate::fromPath(authorities_file, QSsl::Pem, QSslCertificate::PatternSyntax::FixedString);
  if (options.service->authorities.isEmpty())
    return QStringLiteral("--ca %1: there is no certificate in it, or it cannot be read").arg(authorities_file);
  return {};
}

}  // namespace

QString token_from_file(const QString& path) {
  constexpr qint64 token_length_max = 4096;
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) return {};
  return QString::fromUtf8(file.readLine(token_length_max)).trimmed();
}

QString help_text() {
  return QStringLiteral(
      "cellrig-ui: the window to a bench of cellrig\n"
      "\n"
      "  cellrig-ui --simulated                            a simulated bench of its own, running at once\n"
      "  cellrig-ui --connect URL --token-file FILE        the bench that 'cellrig serve' holds\n"
      "  cellrig-ui --connect URL --user NAME              the same, signed in with an account; asks for the password\n"
      "  cellrig-ui --record FILE                          review a record; needs no service\n"
      "\n"
      "  --connect URL       address of the bench service: http://127.0.0.1:8230; to another machine https:// only\n"
      "  --token-file FILE   holds the token of the service in its first line; or set CELLRIG_TOKEN\n"
      "  --user NAME         an account of the service instead of its token: viewer, operator or engineer\n"
      "  --ca FILE           PEM: who signed the certificate of an https:// service, if not one whom this system knows\n"
      "  --simulated         starts 'cellrig serve --simulated' and shows its bench\n"
      "  --record FILE       opens this record in Review, read-only\n"
      "  --theme WORD        light, dark or desktop\n"
      "  --ready-file FILE   written once a tile shows what a run measures, for scripts\n"
      "  --help, --version\n"
      "\n"
      "F12 or Pause, from everywhere in the window: emergency stop, every output of the bench off.\n"
      "Exit code 0, or 2 for wrong arguments; 143 after SIGTERM, 130 after SIGINT.\n");
}

ParsedOptions parse_options(const QStringList& words) {
  Options options;
  QString url, token = qEnvironmentVariable("CELLRIG_TOKEN"), user, authorities_file;
  bool has_token_file = false;
  for (qsizetype i = 0; i < words.size(); ++i) {
    QString word = words[i];
    std::optional<QString> attached;
    if (const qsizetype equals = word.indexOf(QLatin1Char('=')); word.startsWith(QStringLiteral("--")) && equals > 0) {
      attached = word.mid(equals + 1);
      word = word.left(equals);
    }
    const bool takes_value = word == QLatin1String("--connect") || word == QLatin1String("--token-file") ||
                             word == QLatin1String("--user") || word == QLatin1String("--ca") ||
                             word == QLatin1String("--record") || word == QLatin1String("--theme") ||
                             word == QLatin1String("--ready-file");
    if (!takes_value && attached)
      return is_flag(word) ? refused(QStringLiteral("%1 takes no value").arg(word)) : unknown_option(word);
    if (takes_value && !attached && i + 1 >= words.size()) return refused(QStringLiteral("%1 needs a value").arg(word));
    const QString value = attached ? *attached : takes_value ? words[++i] : QString();
    if (word == QLatin1String("--connect")) {
      url = value;
    } else if (word == QLatin1String("--token-file")) {
      token = token_from_file(value);
      has_token_file = true;
      if (token.isEmpty())
        return refused(QStringLiteral("--token-file %1: there is no token in it, or it cannot be read").arg(value));
    } else if (word == QLatin1String("--user")) {
      if (value.isEmpty() || value.contains(QLatin1Char(':'))) return refused(QStringLiteral("--user: a name without a colon"));
      user = value;
    } else if (word == QLatin1String("--ca")) {
      authorities_file = value;
    } else if (word == QLatin1String("--record")) {
      if (!QFile::exists(value)) return refused(QStringLiteral("--record %1: there is no such file").arg(value));
      options.record = value;
    } else if (word == QLatin1String("--theme")) {
      if (value != name_of(theme_named(value))) return refused(QStringLiteral("--theme %1: light, dark or desktop").arg(value));
      options.theme = theme_named(value);
    } else if (word == QLatin1String("--ready-file")) {
      options.ready_file = value;
    } else if (word == QLatin1String("--simulated")) {
      options.is_simulated = true;
    } else if (word == QLatin1String("--help") || word == QLatin1String("-h")) {
      options.wants_help = true;
    } else if (word == QLatin1String("--version")) {
      options.wants_version = true;
    } else {
      return unknown_option(word);
    }
  }
  if (options.is_simulated && !url.isEmpty()) return refused(QStringLiteral("--simulated and --connect exclude each other"));
  if (!url.isEmpty()) {
    const std::optional<QUrl> address = service_url(url);
    if (!address) return refused(QStringLiteral("--connect %1: no address of a service; http://127.0.0.1:8230 is one").arg(url));
    if (is_open_to_listeners(*address))
      return refused(
          QStringLiteral("--connect %1: http:// to another machine would send the %2 readable through the network: use "
                         "https://, or a tunnel that ends on this machine (ssh -L 8230:127.0.0.1:8230)")
              .arg(url, user.isEmpty() ? QStringLiteral("token") : QStringLiteral("password")));
    options.service = ServiceAddress{*address, user.isEmpty() ? token : QString(), user};
  }
  const QString obstacle = add_account(options, user, authorities_file, has_token_file);
  return obstacle.isEmpty() ? ParsedOptions{options, {}} : refused(obstacle);
}

}  // namespace cellrig::ui
