#include "controller/cli/bench/doctor_record.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "controller/cli/bench/host.hpp"

namespace cellrig::cli {

Result<void> DoctorRecord::open() {
  if (options_.database.empty()) return {};
  const db::CommitPolicy commit = options_.is_real_time ? db::CommitPolicy::real() : db::CommitPolicy::simulated();
  Result<std::unique_ptr<db::Recorder>> opened =
      db::Recorder::open(db::RecorderOptions{.path = options_.database, .commit = commit});
  if (!opened) {
    failure_ = opened.error().what;
    return opened.error();
  }
  recorder_ = std::move(*opened);
  return {};
}

void DoctorRecord::keep(const FoundOutputs& found, RunListener& listener) {
  if (recorder_) keep_or_say(found, {}, *recorder_, listener);
}

void DoctorRecord::write(const Doctor& doctor) {
  if (!recorder_) return;
  for (const AcknowledgedTrip& trip : doctor.acknowledged()) write_acknowledged(trip);
  for (const AcknowledgedAlarm& alarm : doctor.acknowledged_alarms()) write_acknowledged(alarm);
  for (const WatchdogProof& proof : doctor.proofs()) write_proof(proof);
  const Result<void> closed = recorder_->close();
  if (!closed) failure_ = closed.error().what;
}

void DoctorRecord::write_proof(const WatchdogProof& proof) {
  db::ProofRow row{.utc = time_.utc_now(), .operator_name = options_.operator_name, .bench = options_.bench};
  row.channel = proof.channel;
  row.instrument = proof.instrument;
  row.model = proof.identity.model;
  row.serial = proof.identity.serial;
  row.firmware = proof.identity.firmware;
  row.is_simulated = options_.is_simulated;
  row.delay = proof.delay;
  row.silence = proof.silence;
  row.fed_by_measuring = proof.fed_by_measuring;
  row.off_within = proof.off_within;
  row.fired = proof.fired;
  recorder_->proof(row, host_name());
}

void DoctorRecord::write_acknowledged(const AcknowledgedTrip& trip) {
  const boost::json::object detail{{"bench", options_.bench},           {"channel", trip.channel},
                                   {"instrument", trip.instrument},     {"model", trip.identity.model},
                                   {"serial", trip.identity.serial},    {"firmware", trip.identity.firmware},
                                   {"simulated", options_.is_simulated}};
  recorder_->audit(
      db::AuditRow{.utc = time_.utc_now(),
                   .operator_name = options_.operator_name,
                   .origin = host_name(),
                   .verb = "doctor",
                   .action = trip.cleared ? "trip acknowledged at the instrument" : "trip not acknowledged by the instrument",
                   .reason = trip.text,
                   .detail = boost::json::serialize(detail)});
}

void DoctorRecord::write_acknowledged(const AcknowledgedAlarm& alarm) {
  const boost::json::object detail{
      {"bench", options_.bench}, {"output", alarm.alarm.name()}, {"simulated", options_.is_simulated}};
  recorder_->audit(db::AuditRow{.utc = time_.utc_now(),
                                .operator_name = options_.operator_name,
                                .origin = host_name(),
                                .verb = "doctor",
                                .action = acknowledged_action(alarm.alarm.label()),
                                .reason = alarm.text,
                                .detail = boost::json::serialize(detail)});
}

}  // namespace cellrig::cli
