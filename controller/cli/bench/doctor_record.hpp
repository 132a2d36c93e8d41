// What `doctor` leaves in a record: watchdogs that were put to the test, and trips that were cleared at an instrument.
#pragma once

#include <memory>
#include <string>

#include "controller/async/time_source.hpp"
#include "controller/cli/run/unseen_output.hpp"
#include "controller/runtime/doctor.hpp"
#include "db/recorder.hpp"

namespace cellrig::cli {

struct DoctorRecordOptions {
  std::string database;  ///< empty: nothing is kept
  std::string operator_name;
  std::string bench;          ///< its name
  bool is_simulated = false;  ///< then no real bench relies on it
  bool is_real_time = true;
};

class DoctorRecord {
 public:
  DoctorRecord(TimeSource& time, DoctorRecordOptions options) : time_{time}, options_{std::move(options)} {}

  /// Takes the database for writing, once the outputs are off. Nothing to do without one.
  [[nodiscard]] Result<void> open();
  /// What was on, for a run that goes on. What cannot be kept is said.
  void keep(const FoundOutputs& found, RunListener& listener);
  /// Writes it all and closes. Nothing to do when it was not opened.
  void write(const Doctor& doctor);
  /// Empty, or why the record could not be kept.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void write_proof(const WatchdogProof& proof);
  void write_acknowledged(const AcknowledgedTrip& trip);
  void write_acknowledged(const AcknowledgedAlarm& alarm);

  TimeSource& time_;
  DoctorRecordOptions options_;
  std::unique_ptr<db::Recorder> recorder_;
  std::string failure_;
};

}  // namespace cellrig::cli
