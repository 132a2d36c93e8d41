// The record of a bench that a service holds, over its HTTP interface.
#pragma once

#include <QNetworkAccessManager>
#include <QNetworkReply>
#include <QString>
#include <functional>
#include <memory>

#include "controller/api/messages_codec.hpp"
#include "ui/api_client/service_address.hpp"
#include "ui/review/record_source.hpp"

class QFile;

namespace cellrig::ui {

/// * Waits for each answer, on the thread that made it; looks twenty times a second whether anybody still wants it.
/// * A run comes thinned out by the service where it has more rows than `points_of_run`: every least and greatest value is there. A stretch, and
///   the curves of a cycle, are asked for anew.
class ServiceRecord final : public RecordSource {
 public:
  static constexpr int points_of_run = 20'000;  ///< as many as the service gives at once
  explicit ServiceRecord(ServiceAddress address);

  [[nodiscard]] Result<Opened> runs(const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<std::shared_ptr<const LoadedRun>> overview(db::RunKey run) override;
  [[nodiscard]] Result<std::shared_ptr<const LoadedRun>> whole(db::RunKey run, const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<std::shared_ptr<const RunTraces>> stretch(const StretchOrder& order,
                                                                 const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<std::vector<CycleCurve>> curves(const CurveOrder& order, const IsCancelled& is_cancelled) override;
  [[nodiscard]] Result<ExportReport> write_export(const ExportOrder& order, const IsCancelled& is_cancelled) override;

 private:
  /// Called with each piece of an answer that is a success, as it comes. False: enough, which is an error.
  using Take = std::function<bool(const QByteArray&)>;
  [[nodiscard]] Result<void> fetch(const QString& path, const Take& take, const IsCancelled& is_cancelled);
  /// One attempt. Fault::busy: the service asks to come again.
  [[nodiscard]] Result<void> try_to_fetch(const QString& path, const Take& take, const IsCancelled& is_cancelled);
  void wait_for(QNetworkReply& reply, const IsCancelled& is_cancelled, const std::function<void()>& on_data);
  template <class M>
  [[nodiscard]] Result<M> get(const QString& path, const IsCancelled& is_cancelled);

  [[nodiscard]] Result<std::vector<api::StepView>> steps(db::RunKey run, const IsCancelled& is_cancelled);
  [[nodiscard]] Result<std::vector<db::CycleRow>> cycles(db::RunKey run, const IsCancelled& is_cancelled);
  [[nodiscard]] Result<std::vector<api::ExpectedCurveView>> expected(db::RunKey run, const IsCancelled& is_cancelled);
  [[nodiscard]] Result<void> add_pressure(db::RunKey run, RunTraces& traces, const IsCancelled& is_cancelled);
  [[nodiscard]] Result<void> add_expected(db::RunKey run, const std::vector<api::StepView>& steps, RunTraces& traces,
                                          const IsCancelled& is_cancelled);
  [[nodiscard]] Result<std::uint64_t> download(const QString& path, const QString& file, const IsCancelled& is_cancelled);

  ServiceAddress address_;
  QNetworkAccessManager network_;
};

}  // namespace cellrig::ui
