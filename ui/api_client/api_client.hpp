// Talks to the bench service: requests over HTTP, the live stream over a WebSocket. Never blocks the window.
#pragma once

#include <QHash>
#include <QNetworkAccessManager>
#include <QObject>
#include <QPointer>
#include <QSet>
#include <QTimer>
#include <QUrl>
#include <functional>
#include <optional>

#include "controller/api/messages_codec.hpp"
#include "ui/api_client/service_address.hpp"
#include "ui/api_client/stop_order.hpp"

class QNetworkReply;
class QWebSocket;

namespace cellrig::ui {

/// What came back: the message, or what the service (or the network) said instead.
template <class M>
using Answer = api::Decoded<M>;

/// refused: the service is there and does not know the token, or the name and password. Nothing is tried again by itself then.
enum class LinkState { none, connecting, live, lost, refused };

/// * Reconnects by itself, soon at first and then every five seconds, for as long as it lives.
/// * A stream that says nothing and answers no ping for `silence_max` counts as lost: a dead peer does not say goodbye.
/// * Writes carry an idempotency key and are tried again with the same key when the network failed, so that they are done once.
/// * Answers come on the GUI thread, unless `receiver` is gone by then.
class ApiClient : public QObject {
  Q_OBJECT
 public:
  static constexpr int silence_max_ms = 6000;
  explicit ApiClient(QObject* parent = nullptr);
  ~ApiClient() override;

  void connect_to(const ServiceAddress& address);
  void disconnect_from();
  [[nodiscard]] LinkState link() const { return link_; }
  /// The last sign of life; none: there was none yet.
  [[nodiscard]] std::optional<UtcTime> last_heard() const { return last_heard_; }
  [[nodiscard]] const ServiceAddress& address() const { return address_; }
  /// Who is signed in, with which role; none: not known yet.
  [[nodiscard]] const std::optional<api::SessionView>& session() const { return session_; }
  /// Why the last attempt to connect came to nothing; empty: it did not.
  [[nodiscard]] const QString& trouble() const { return trouble_; }

  template <class M>
  void get(const QString& path, QObject* receiver, std::function<void(const Answer<M>&)> done) {
    send(new_request(path), {}, guarded<M>(receiver, std::move(done)));
  }
  struct Write {
    QString path;
    std::optional<std::int64_t> fencing_token{};
  };
  template <class M, class Order>
  void post(const Write& write, const Order& order, QObject* receiver, std::function<void(const Answer<M>&)> done) {
    send(new_write(write), QByteArray::fromStdString(api::to_json(order)), guarded<M>(receiver, std::move(done)));
  }
  /// Off, at once: `path` is that of the bench, a chamber or a channel, `what` says so to a person. What becomes of it: stop_heard().
  void stop(const QString& path, const QString& what, const api::PersonOrder& order);
  /// A stop that nobody has confirmed or refused yet: it is still being tried.
  [[nodiscard]] bool has_open_stop() const;
  [[nodiscard]] QSet<QString> open_stops() const;  ///< their paths
  /// Status 0: no answer, and `body` says why.
  [[nodiscard]] static api::ErrorDetail error_of(int status, const QByteArray& body);

 Q_SIGNALS:
  void link_changed(cellrig::ui::LinkState link);
  void session_changed();
  void sign_in_refused(const QString& why);
  void trouble_changed();
  void streamed(const cellrig::api::StreamMessage& message);
  /// The stream said something that this program does not understand.
  void misunderstood(const QString& what);
  void stop_heard(const cellrig::ui::StopNews& news);

 private:
  /// Status 0: no answer, and `body` says why.
  using Done = std::function<void(int status, const QByteArray& body)>;
  struct Request {
    QString path;
    QByteArray idempotency_key;  ///< empty: it only reads
    std::optional<std::int64_t> fencing_token;
    int attempts_left = 1;
  };

  template <class M>
  static Done guarded(QObject* receiver, std::function<void(const Answer<M>&)> done) {
    const QPointer<QObject> guard(receiver);
    return [guard, done = std::move(done)](int status, const QByteArray& body) {
      if (!guard) return;
      if (status >= 200 && status < 300) {
        done(api::from_json<M>(body.toStdString(), api::UnknownFields::ignored));
      } else {
        done(Answer<M>(error_of(status, body)));
      }
    };
  }
  [[nodiscard]] static Request new_request(const QString& path);
  [[nodiscard]] static Request new_write(const Write& write);
  void send(Request request, QByteArray body, Done done);
  void sign_in();
  void set_trouble(const QString& trouble);
  void open_stream();
  void lose_stream();
  void try_again_later();
  void hear();
  void read_message(const QString& text);
  void look_after_stream();
  void set_link(LinkState link);

  ServiceAddress address_;
  QNetworkAccessManager network_;
  QHash<QString, QPointer<StopOrder>> stops_;  ///< by path; under way
  QWebSocket* stream_ = nullptr;
  QTimer reconnect_, pulse_;
  int reconnect_ms_ = 0;
  LinkState link_ = LinkState::none;
  std::optional<UtcTime> last_heard_;
  std::optional<api::SessionView> session_;
  QString trouble_;
  int sign_ins_ = 0;  ///< answers to earlier ones are dropped
};

/// "message (where; did you mean 'x'?)": one sentence for a person.
[[nodiscard]] QString error_text(const api::ErrorDetail& error);

}  // namespace cellrig::ui
