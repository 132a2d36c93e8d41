// One stop, of the bench, a chamber or a channel: asked for until the service has said that OFF is on its way.
#pragma once

#include <QElapsedTimer>
#include <QNetworkAccessManager>
#include <QObject>
#include <QTimer>
#include <functional>

class QNetworkReply;

namespace cellrig::ui {

/// What became of a stop so far.
struct StopNews {
  enum class State {
    asking,       ///< not a word yet, and it is too early to miss it
    unconfirmed,  ///< no answer in time; it goes on trying
    confirmed,    ///< the service has it
    ended,        ///< refused, or nobody answered for `tried_for_ms`: nothing more comes of it
  };
  State state = State::asking;
  QString path;  ///< "/stop", "/channels/ch1/stop"
  QString what;  ///< "every output", for a person
  QString text;  ///< what the service said, or what is wrong
};

/// * The first answer that is missed is told after `missed_after_ms`: somebody stands there and must go for the switch of the bench.
/// * Goes on trying all the same, on new connections: an old one may be dead. A slow answer to an earlier attempt counts.
/// * The service carries a stop out as often as it comes, which does no harm.
/// * Has connections of its own, so that it waits for no other order and no other stop.
class StopOrder : public QObject {
  Q_OBJECT
 public:
  static constexpr int missed_after_ms = 1500, again_every_ms = 1500, tried_for_ms = 60'000;
  static constexpr int answer_within_ms = 6000;  ///< of one attempt: the service itself waits 5 s for its control thread
  static constexpr int under_way_max = 5;        ///< a manager keeps six connections to a host

  using Post = std::function<QNetworkReply*(QNetworkAccessManager&)>;
  explicit StopOrder(Post post, QObject* parent = nullptr);
  /// Once more at once, and for another `tried_for_ms`.
  void press();

 Q_SIGNALS:
  void heard(cellrig::ui::StopNews::State state, const QString& text);

 private:
  void attempt();
  void look_again();
  void read(QNetworkReply& reply);
  void end(StopNews::State state, const QString& text);

  Post post_;
  QNetworkAccessManager network_;
  QTimer missed_, again_;
  QElapsedTimer since_;
  QString trouble_;
  int under_way_ = 0;
  bool has_ended_ = false;
};

}  // namespace cellrig::ui
