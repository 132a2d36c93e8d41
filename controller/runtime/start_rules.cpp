#include "controller/runtime/start_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cellrig {
namespace {

/// A narrow row is at most 80 bytes on disk; half as much again for what loggers add and for the tables' own pages (an estimate).
constexpr double bytes_per_row = 120.0;
constexpr std::int64_t ns_per_day = 86'400'000'000'000;

std::string text_of(const InstrumentIdentity& identity) {
  std::string text = identity.model;
  if (!identity.serial.empty()) text += ", serial " + identity.serial;
  if (!identity.firmware.empty()) text += ", firmware " + identity.firmware;
  return text;
}

std::string date_of(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::int64_t day_of(UtcTime utc) { return utc.ns_since_epoch / ns_per_day; }

/// The newest trial that is one of this instrument, of this kind of bench, with this delay; null: there is none.
const db::ProofRow* newest(std::span<const db::ProofRow> proofs, const WatchdogCase& known, const std::string& instrument) {
  const db::ProofRow* found = nullptr;
  for (const db::ProofRow& proof : proofs) {
    const InstrumentIdentity& identity = known.identity;
    const bool is_same = proof.model == identity.model && proof.serial == identity.serial &&
                         proof.firmware == identity.firmware &&
                         (!identity.serial.empty() || (proof.bench == known.bench && proof.instrument == instrument));
    if (is_same && proof.is_simulated == known.is_simulated && proof.delay == known.delay) found = &proof;
  }
  return found;
}

}  // namespace

Ruling judge_watchdog(const ChannelConfig& channel, const WatchdogCase& known, std::span<const db::ProofRow> proofs) {
  const std::string who = channel.name + ": " + channel.cycler + " (" + text_of(known.identity) + ")";
  if (!known.has_watchdog) {
    if (channel.accept_without_watchdog.empty()) {
      return {Ruling::Kind::refused, "no watchdog",
              channel.name + ": " + known.identity.model +
                  " has no watchdog; the bench file must say accept_without_watchdog: reason"};
    }
    return {Ruling::Kind::accepted, "no watchdog", who + " has no watchdog; accepted: " + channel.accept_without_watchdog};
  }
  if (known.rule == ProofRule::not_asked) return {};
  const Ruling::Kind without = known.rule == ProofRule::require ? Ruling::Kind::refused : Ruling::Kind::remarked;
  const db::ProofRow* const proof = newest(proofs, known, channel.cycler);
  if (proof != nullptr && proof->fired && proof->fed_by_measuring) return {};
  if (proof != nullptr) {
    return {without, "watchdog did not fire",
            fmt::format("{}: its watchdog did not fire when it was put to the test on {}; repair it, then: {}", who,
                        date_of(day_of(proof->utc)), known.how_to_prove)};
  }
  const std::string unseen =
      fmt::format("{}: nobody has seen its watchdog fire with watchdog_s: {:g}", who, to_seconds(known.delay));
  if (known.rule == ProofRule::require && !channel.accept_unproven_watchdog.empty())
    return {Ruling::Kind::accepted, "watchdog not proven", unseen + "; accepted: " + channel.accept_unproven_watchdog};
  return {without, "watchdog not proven",
          unseen + "; run: " + known.how_to_prove + " (or say accept_unproven_watchdog: reason in the bench file)"};
}

Ruling judge_firmware(const ChannelConfig& channel, const InstrumentIdentity& identity, std::span<const std::string> seen) {
  const auto begins_so = [&identity](const std::string& beginning) { return identity.firmware.starts_with(beginning); };
  if (seen.empty() || std::any_of(seen.begin(), seen.end(), begins_so)) return {};
  std::string known;
  for (const std::string& beginning : seen) known += (known.empty() ? "" : ", ") + beginning;
  return {Ruling::Kind::warned, "firmware",
          fmt::format("{}: {} has the firmware '{}'; its model file was tried with {}", channel.name, channel.cycler,
                      identity.firmware, known)};
}

Ruling judge_calibration(const InstrumentConfig& instrument, UtcTime now) {
  if (!instrument.calibrated_on) return {};
  const std::int64_t calibrated = instrument.calibrated_on->time_since_epoch().count();
  const std::int64_t today = day_of(now);
  const std::int64_t last = calibrated + instrument.calibration_days;
  const std::string on = instrument.name + " was calibrated on " + date_of(calibrated);
  if (calibrated > today + 1) {
    return {Ruling::Kind::refused, "calibration",
            fmt::format("{}, and today is {}: is the date in the bench file or the computer's clock wrong?", on, date_of(today))};
  }
  if (today <= last) return {};
  const std::string expired =
      fmt::format("{}, for {} days: the calibration expired on {}", on, instrument.calibration_days, date_of(last));
  if (instrument.accept_expired_calibration.empty()) {
    return {Ruling::Kind::refused, "calibration expired",
            expired + " (or say accept_expired_calibration: reason in the bench file)"};
  }
  return {Ruling::Kind::accepted, "calibration expired", expired + "; accepted: " + instrument.accept_expired_calibration};
}

Ruling judge_undated(const BenchConfig& bench, const ChannelConfig& channel, bool is_real) {
  std::string undated;
  for (const std::string& name : measuring_instruments_of(channel)) {
    const auto found = bench.instruments.find(name);
    if (found != bench.instruments.end() && !found->second.calibrated_on) undated += (undated.empty() ? "" : ", ") + name;
  }
  if (undated.empty()) return {};
  return {
      is_real ? Ruling::Kind::warned : Ruling::Kind::remarked, "calibration not known",
      fmt::format("{}: nobody said when {} was calibrated (calibrated_on in the bench file): the uncertainty of what is measured "
                  "is what its maker promises after a calibration",
                  channel.name, undated)};
}

std::vector<std::string> measuring_instruments_of(const ChannelConfig& channel) {
  std::vector<std::string> names{channel.cycler};
  for (const std::optional<InputRef>& input :
       {channel.cell_temperature, channel.ambient_temperature, channel.voltage, channel.stack_force, channel.gas}) {
    if (input && std::find(names.begin(), names.end(), input->instrument) == names.end()) names.push_back(input->instrument);
  }
  return names;
}

std::vector<std::string> instruments_of(const BenchConfig& bench, const ChannelConfig& channel) {
  std::vector<std::string> names = measuring_instruments_of(channel);
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  if (channel.contactor) add(channel.contactor->instrument);
  for (const InputRef& contact : channel.interlocks) add(contact.instrument);
  if (const ChamberConfig* const chamber = bench.chamber(channel.chamber)) add(chamber->instrument);
  return names;
}

Ruling judge_disk(const DiskCase& disk) {
  constexpr double bytes_per_MiB = 1 << 20;
  const double expected = disk.rows_expected * bytes_per_row;
  const double needed = expected + static_cast<double>(disk.reserve_bytes);
  if (static_cast<double>(disk.free_bytes) >= needed) return {};
  return {
      Ruling::Kind::refused, "disk",
      fmt::format("{:.0f} MiB are free where the database is; the run is expected to write some {:.0f} MiB, and {:.0f} MiB are "
                  "kept in reserve (--disk-reserve-MiB)",
                  static_cast<double>(disk.free_bytes) / bytes_per_MiB, expected / bytes_per_MiB,
                  static_cast<double>(disk.reserve_bytes) / bytes_per_MiB)};
}

}  // namespace cellrig
