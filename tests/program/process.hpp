// Real processes for tests: cellrig and cellrig-sim as a person starts them. Waiting is waiting for an event with a deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cellrig::test {

using Seconds = std::chrono::duration<double>;

/// Asks again every few milliseconds until it is true. False: it was not within `limit`.
[[nodiscard]] bool eventually(Seconds limit, const std::function<bool()>& predicate);

/// What standard error is to the child.
enum class Errors {
  file,
  nobody_reads,  ///< a pipe whose reader has gone
  stuck,         ///< a pipe that is full, and whose reader stands still
  terminal,      ///< a terminal, and standard input too: see type()
};

struct ProcessOptions {
  std::string folder;                              ///< working directory; a new temporary one when empty
  std::map<std::string, std::string> environment;  ///< on top of ours
  Errors errors = Errors::file;
  std::optional<std::uint64_t> file_bytes_max;  ///< RLIMIT_FSIZE: what a full disk is to a process
};

/// A child process with its output in files. Killed when this object goes, and when the test program dies.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command, ProcessOptions options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  [[nodiscard]] bool has_ended();
  /// The exit code; 128 + n when signal n killed it; nothing while it still runs after `limit`.
  [[nodiscard]] std::optional<int> wait(Seconds limit);
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;
  /// With Errors::terminal: what a person types.
  void type(const std::string& text) const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& folder() const { return options_.folder; }

 private:
  int open_errors();
  int open_terminal();

  ProcessOptions options_;
  std::string out_path_, err_path_;
  pid_t pid_ = -1;
  int pid_descriptor_ = -1;
  int pipe_[2] = {-1, -1};     ///< standard error, when it is no file
  mutable std::string shown_;  ///< on the terminal so far
  std::optional<int> ended_;
};

struct Finished {
  int exit_code = -1;
  std::string out, err;
};
/// Runs `cellrig` with these words, to its end (a minute at most). Leases lie in a folder of this test program.
[[nodiscard]] Finished cellrig(const std::vector<std::string>& words, ProcessOptions options = {});
[[nodiscard]] std::vector<std::string> cellrig_command(const std::vector<std::string>& words);
[[nodiscard]] ProcessOptions with_leases(ProcessOptions options);

struct ChannelTruth {
  double current_A = 0, voltage_V = 0, soc = 0;
  double current_max_A = 0, current_min_A = 0;
  bool output_on = false, contactor_closed = false;
};

/// A cellrig-sim of its own, with its back door.
class Simulator {
 public:
  /// A name in sim/benches, or the text of a bench file.
  explicit Simulator(const std::string& bench);
  ~Simulator();

  [[nodiscard]] const std::string& bench_file() const { return bench_file_; }
  [[nodiscard]] const std::string& ready_file() const { return ready_file_; }
  /// One line to the back door, one line back.
  std::string ask(const std::string& line);
  void fault(const std::string& order);
  [[nodiscard]] ChannelTruth truth(const std::string& channel);
  /// No current, and the output off or the cell cut off from it.
  [[nodiscard]] bool is_off(const std::string& channel);
  [[nodiscard]] Process& process() { return *process_; }

 private:
  std::string folder_, bench_file_, ready_file_;
  std::unique_ptr<Process> process_;
  int door_ = -1;
};

/// Writes a file into a new temporary folder (or `folder`), and returns its path.
[[nodiscard]] std::string file_with(const std::string& text, const std::string& name, const std::string& folder = "");

}  // namespace cellrig::test
