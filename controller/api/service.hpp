// What becomes of a request: who asks, may they, what do they want, and the answer. Knows no socket and no Beast.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "controller/api/access.hpp"
#include "controller/api/accounts_file.hpp"
#include "controller/api/connections.hpp"
#include "controller/api/control_bridge.hpp"
#include "controller/api/exchange.hpp"
#include "controller/api/exports.hpp"
#include "controller/api/idempotency.hpp"
#include "controller/api/live_hub.hpp"
#include "controller/api/rate_limit.hpp"
#include "controller/api/rehearsals.hpp"
#include "controller/api/routes.hpp"
#include "controller/api/server.hpp"
#include "controller/api/worker.hpp"
#include "controller/async/task.hpp"

namespace cellrig::api {

/// What went over the sockets, for /metrics.
struct Traffic {
  std::map<std::pair<std::string_view, int>, std::uint64_t> answers;  ///< by operation and status
  std::uint64_t unsigned_requests = 0;                                ///< without a valid token or password
  std::uint64_t connections = 0, connections_refused = 0;
  std::size_t connections_open = 0;  ///< when the latest request came
  bool accounts_refused = false;     ///< the accounts file says nothing that counts: those before it are in force
};

/// API thread only.
class Service {
 public:
  Service(boost::asio::io_context& context, const ServerSettings& settings, std::shared_ptr<ControlBridge> bridge,
          std::shared_ptr<BenchWatch> watch, Catalogue& catalogue);

  /// A request that was judged: either answered already, or of somebody known and for a route that they may use.
  struct Admitted {
    std::optional<Response> refusal;
    Principal who;
    std::uint64_t generation = 0;  ///< of the accounts that knew them
    Routed routed;
  };
  [[nodiscard]] Task<Admitted> admit(const Request& request);
  /// Of an admitted request that is no stream. Never throws.
  [[nodiscard]] Task<Response> answer(const Request& request, const Admitted& admitted);

  /// Looks for changes of the accounts file as long as it runs; ends with the io_context.
  [[nodiscard]] Task<void> watch_accounts();

  /// False: they are somebody's whom the accounts of now may not know.
  [[nodiscard]] bool is_known_still(const Admitted& admitted) const {
    return admitted.who.name.empty() || admitted.generation == access_.generation();
  }

  [[nodiscard]] LiveHub& hub() { return hub_; }
  [[nodiscard]] Traffic& traffic() { return traffic_; }
  /// True: this target is a stop, whoever asks: served also when the server is full.
  [[nodiscard]] static bool is_stop(std::string_view method, std::string_view target);
  void set_port(std::uint16_t port) { port_ = port; }

 private:
  /// Everything a handler may need to know.
  struct Call {
    const Request& request;
    const Target& target;
    const Principal& who;
    const Routed& routed;
    std::uint64_t fencing_token = 0;
    [[nodiscard]] const std::string& argument() const { return routed.arguments.front(); }
  };

  // service.cpp: before it is carried out
  [[nodiscard]] std::optional<Response> wrong_host_or_origin(const Request& request) const;
  /// Why not; empty: `who` is known.
  [[nodiscard]] Task<std::optional<Response>> sign_in(const Request& request, bool is_stop, Principal& who);
  [[nodiscard]] Response unsigned_answer_counted();
  void take_accounts(AccountsFile::News news);
  [[nodiscard]] std::string why_accounts_stay(const AccountsFile::News& news) const;  ///< empty: they do not
  [[nodiscard]] Task<Response> once(const Call& call);
  [[nodiscard]] Task<Response> carry_out(const Call& call);
  [[nodiscard]] Task<Response> dispatch(const Call& call);
  [[nodiscard]] Task<std::optional<RunView>> read_run(std::int64_t run);

  // service_bench.cpp: what is seen now
  [[nodiscard]] Response session(const Call& call) const;
  [[nodiscard]] Task<Response> bench(const Call& call);
  [[nodiscard]] Task<Response> metrics();

  // service_orders.cpp: what is ordered
  [[nodiscard]] Task<Response> acknowledge(const Call& call);
  [[nodiscard]] Task<Response> preflight(const Call& call);
  using BeginQuestion = std::function<void(BenchControl&, ControlReply<cellrig::Started>)>;
  [[nodiscard]] Task<Response> begin_run(BeginQuestion question);
  [[nodiscard]] Task<Response> start(const Call& call);
  [[nodiscard]] Task<Response> go_on(const Call& call);
  [[nodiscard]] Task<Response> channel_order(const Call& call);
  [[nodiscard]] Task<Response> limits(const Call& call);
  [[nodiscard]] Task<Response> stop(const Call& call);
  [[nodiscard]] Who who_orders(const Call& call, const std::string& named) const;

  // service_record.cpp: the record, profiles and cells
  [[nodiscard]] Task<Response> record(const Call& call);
  [[nodiscard]] Task<Response> samples(const Call& call, std::int64_t run);
  [[nodiscard]] Task<Response> export_run(const Call& call, std::int64_t run);
  [[nodiscard]] Task<Response> catalogue(const Call& call);
  [[nodiscard]] Task<Response> add_cell(const Call& call);
  [[nodiscard]] Task<Response> rehearse(const Call& call);
  [[nodiscard]] Response rehearsal(const Call& call) const;
  [[nodiscard]] Task<Response> on_worker(Worker& worker, std::function<Response()> work);

  boost::asio::io_context& context_;
  ServerSettings settings_;
  std::uint16_t port_ = 0;
  std::shared_ptr<ControlBridge> bridge_;
  Catalogue& catalogue_;
  Access access_;
  IdempotencyMemory memory_;
  RateLimit limit_, failures_;
  Places stop_checks_;  ///< passwords of stops that are being looked at
  LiveHub hub_;
  Rehearsals rehearsals_;
  Exports exports_;
  std::list<std::pair<std::string, std::weak_ptr<ExportFeed>>> named_exports_;  ///< by the account that reads them
  Traffic traffic_;
  Worker record_worker_, catalogue_worker_, hash_worker_;
  Worker stop_hash_worker_;  ///< passwords of stops wait for those of stops only
};

/// The answer for what the bench refused.
[[nodiscard]] Response error_response(const ControlError& error);

/// Prometheus text.
[[nodiscard]] std::string metrics_text(const Gathered* gathered, const Traffic& traffic, const LiveHub& hub,
                                       std::size_t remembered);

}  // namespace cellrig::api
