// How far `cellrig verify` is with its runs, on standard error: which one, how much of all, and about how long the rest will take.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "controller/runtime/listener.hpp"
#include "profiles/estimate.hpp"

namespace cellrig::cli {

/// Unlike runs one after the other: each has a cost (how often it looks at its cell), and the rest takes as long for its cost as what is
/// done took. Pure.
class SeriesClock {
 public:
  void expect(double cost) { total_ += cost; }
  /// It was finished by an earlier call: it is no part of the work.
  void pass_over(double cost) { total_ -= cost; }
  void finish(double cost) { done_ += cost; }
  /// 0 to 1; `running`: the cost of what is done of the run that goes on.
  [[nodiscard]] double share(double running) const;
  /// Nothing as long as too little is done to tell.
  [[nodiscard]] std::optional<double> seconds_left(double elapsed_s, double running) const;

 private:
  double total_ = 0.0, done_ = 0.0;
};

class VerifyProgress {
 public:
  enum class Form : unsigned char { quiet, lines, drawn };
  /// Drawn on a terminal; else a line every half minute.
  explicit VerifyProgress(bool quiet);
  ~VerifyProgress() { erase(); }
  VerifyProgress(const VerifyProgress&) = delete;
  VerifyProgress& operator=(const VerifyProgress&) = delete;

  void expect(std::size_t runs, double cost_of_each);
  /// "factorial-fest-77: run 3 of 12: claim-life with fest-77 on small-free, cell 1 of 1, about 20 min left"
  void begin_run(const std::string& claim, const std::string& what, std::optional<Program> program, double cost);
  void end_run();
  void pass_over(const std::string& claim, const std::string& what, double cost);
  /// Of the run that goes on, at any sample.
  void look(const ChannelView& view);

 private:
  [[nodiscard]] double elapsed_s() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }
  void say(const std::string& line);
  void erase();

  Form form_;
  SeriesClock clock_;
  std::size_t expected_ = 0, begun_ = 0;
  std::string claim_;
  std::optional<Program> program_;
  DurationEstimate estimate_;
  double cost_ = 0.0;
  unsigned calls_ = 0;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point began_, next_{};
};

}  // namespace cellrig::cli
