// Rules about what a start needs, as pure functions: what is known goes in, a ruling comes out. BenchRun asks them before the first
// ampere.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "controller/runtime/config.hpp"
#include "db/record.hpp"
#include "drivers/instruments/identity.hpp"

namespace cellrig {

/// What one rule says.
struct Ruling {
  enum class Kind : unsigned char {
    good,
    remarked,  ///< the run starts, and its record says this
    warned,    ///< the same, and the person at the bench is told
    accepted,  ///< the run starts because a person gave a reason; record and audit trail say so
    refused,
  };
  Kind kind = Kind::good;
  std::string what;  ///< the kind of event in the record: "watchdog not proven"
  std::string text;  ///< one sentence
};

/// What counts when nobody has seen a watchdog fire.
enum class ProofRule : unsigned char {
  not_asked,  ///< a bench inside this process
  remark,     ///< a simulator: the record says it
  require,    ///< a real bench: no start
};

struct WatchdogCase {
  bool has_watchdog = true;
  InstrumentIdentity identity;  ///< as the instrument gave it just now
  Duration delay{};             ///< of the bench file
  bool is_simulated = false;    ///< then only what a simulated instrument was seen to do counts, else only a real one
  std::string bench;            ///< its name
  ProofRule rule = ProofRule::not_asked;
  std::string how_to_prove;  ///< the command that does it
};

/// The newest trial of this instrument with this delay counts. One that was seen not to fire is not to be accepted by any reason.
/// An instrument without a serial number is known by its bench and its name there.
[[nodiscard]] Ruling judge_watchdog(const ChannelConfig& channel, const WatchdogCase& known,
                                    std::span<const db::ProofRow> proofs);

/// Warns of a firmware that begins like none of those the model file was tried with. A file that lists none says nothing.
[[nodiscard]] Ruling judge_firmware(const ChannelConfig& channel, const InstrumentIdentity& identity,
                                    std::span<const std::string> seen);

/// A date that lies more than a day ahead is refused, too: it is a slip, or the clock is wrong.
[[nodiscard]] Ruling judge_calibration(const InstrumentConfig& instrument, UtcTime now);

/// Tells of what a channel measures with and nobody gave a date for. On a real bench a person is told, too.
[[nodiscard]] Ruling judge_undated(const BenchConfig& bench, const ChannelConfig& channel, bool is_real);

/// Cycler and loggers, each once.
[[nodiscard]] std::vector<std::string> measuring_instruments_of(const ChannelConfig& channel);
/// Cycler, loggers, chamber, relays and contacts of a channel, each once.
[[nodiscard]] std::vector<std::string> instruments_of(const BenchConfig& bench, const ChannelConfig& channel);

struct DiskCase {
  std::uint64_t free_bytes = 0;
  std::uint64_t reserve_bytes = 0;
  double rows_expected = 0.0;  ///< of all channels
};
[[nodiscard]] Ruling judge_disk(const DiskCase& disk);

}  // namespace cellrig
