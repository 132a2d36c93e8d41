#pragma once

namespace cellrig {

/// Counts the calls under way, so that output_off() knows whether there is an exchange to cut.
class CallScope {
 public:
  explicit CallScope(int& count) : count_{count} { ++count_; }
  ~CallScope() { --count_; }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  int& count_;
};

}  // namespace cellrig
