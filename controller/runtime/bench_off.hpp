// OFF for outputs and chambers of a bench, all at once and verified: no profile, no record. What `off` does, what every start does
// first, and what is left to do after a failure of our own. Exhausts and fans are left as they are; where OFF is not confirmed the
// siren goes on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/runtime/bench_alarms.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/lease.hpp"
#include "controller/runtime/null_recorder.hpp"

namespace cellrig {

/// How an output was found, in the exchange right before its OFF.
struct OutputFound {
  bool is_known = false;  ///< false: no answer in time, or OFF without a current to show it; OFF did not wait
  bool is_on = false;
  Amps current{0.0};
  std::optional<bool> contactor_was_closed{};  ///< by its module, before anything of ours; nothing: it has none, or did not say
  std::optional<UtcTime> off_at{};             ///< when its OFF was confirmed
};

/// How long a cycler is asked for that nothing of ours has ever reached. It has no power yet, perhaps: after a loss of power a computer is
/// back before its instruments. Only a call that comes after a first OFF, and its contactor, has this.
struct Patience {
  Duration at_most{};
  std::function<bool()> is_given_up;  ///< somebody wants to end
};

struct BenchOffOptions {
  ChannelOptions channel;
  std::set<std::string> look_at;  ///< channels of which found() is to tell how they were
  bool take_leases = true;        ///< of what is switched off; refused: left alone, and said
  std::string lease_directory;
  std::optional<Patience> patience;
};

class BenchOff {
 public:
  BenchOff(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, RunListener& listener,
           BenchOffOptions options);

  /// Everything named, side by side: one that hangs holds up no other.
  [[nodiscard]] Task<void> run(std::vector<std::string> channels, std::vector<std::string> chambers);

  /// What could not be done, a line each.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  /// Somebody else has the right to one of them, and it was left alone.
  [[nodiscard]] bool found_busy() const { return found_busy_; }
  /// Channels whose OFF was not confirmed, and why: a line of problems() each.
  [[nodiscard]] const std::map<std::string, std::string>& not_off() const { return not_off_; }
  /// Those of BenchOffOptions::look_at that nothing of ours has ever reached, and whose contactor, if they have one, we have not opened as
  /// far as anybody can tell: what they say when they come is as good as a first look.
  [[nodiscard]] const std::set<std::string>& out_of_reach() const { return out_of_reach_; }
  /// Those of them that no contactor cut either: the current may flow on.
  [[nodiscard]] const std::set<std::string>& maybe_on() const { return maybe_on_; }
  /// By channel: those of BenchOffOptions::look_at that were switched off.
  [[nodiscard]] const std::map<std::string, OutputFound>& found() const { return found_; }
  /// The wires of what give_leases() gives.
  [[nodiscard]] const std::set<std::string>& leased() const { return leased_; }
  /// What was taken stays ours after this object is gone.
  [[nodiscard]] std::vector<Lease> give_leases() { return std::move(leases_); }

 private:
  void make_alarms(std::vector<std::string> channels, const std::vector<std::string>& chambers);
  [[nodiscard]] bool is_ours(const std::string& name, const std::string& instrument);
  Task<void> channel_off(ChannelRunner& runner, Cycler& cycler);
  Task<void> look(const std::string& channel, Cycler& cycler, Duration timeout);
  Task<void> look_at_contactor(const std::string& channel);
  Task<void> note_whether_in_reach(ChannelRunner& runner, Cycler& cycler);
  Task<void> reach(const std::string& channel, Cycler& cycler);
  Task<void> chamber_off(std::string name, Chamber& chamber);

  TimeSource& time_;
  const BenchConfig& bench_;
  BenchInstruments& instruments_;
  RunListener& listener_;
  BenchOffOptions options_;
  NullRecorder recorder_;
  Program nothing_;
  std::unique_ptr<BenchAlarms> alarms_;  ///< the siren of them
  std::vector<std::unique_ptr<ChannelRunner>> runners_;
  std::vector<Lease> leases_;
  std::set<std::string> leased_;  ///< the wires of them
  std::vector<std::string> problems_;
  std::map<std::string, std::string> not_off_;
  std::set<std::string> maybe_on_, out_of_reach_;
  bool found_busy_ = false;
  std::map<std::string, OutputFound> found_;
};

/// Chambers in which only these channels have a cell: nobody else is harmed when they stop.
[[nodiscard]] std::vector<std::string> chambers_of_only(const BenchConfig& bench, const std::vector<std::string>& channels);

}  // namespace cellrig
