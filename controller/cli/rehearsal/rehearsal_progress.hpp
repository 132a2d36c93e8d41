// How far a rehearsal is, on standard error where that is a terminal: "rehearsing: 43 %, 3 d 2 h of test, about 12 s left". For a program that
// listens: a line "progress 0.43" now and then.
#pragma once

#include <chrono>

#include "controller/runtime/listener.hpp"
#include "profiles/estimate.hpp"

namespace cellrig::cli {

class RehearsalProgress {
 public:
  enum class Form : unsigned char { none, drawn, lines };
  /// The program must outlive this.
  RehearsalProgress(const Program& program, Form form);
  ~RehearsalProgress();
  RehearsalProgress(const RehearsalProgress&) = delete;
  RehearsalProgress& operator=(const RehearsalProgress&) = delete;

  /// Called at every sample; asks the clock only now and then. True: it did, which is the moment to look for a Ctrl-C, too.
  bool look(const ChannelView& view);

 private:
  void draw(const ChannelView& view, std::chrono::steady_clock::time_point now);

  const Program& program_;
  DurationEstimate estimate_;
  Form form_;
  bool was_drawn_ = false;
  unsigned calls_ = 0;
  std::chrono::steady_clock::time_point began_, next_{};
};

}  // namespace cellrig::cli
