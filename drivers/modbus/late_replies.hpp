// Replies of one unit that may still come, and the question that tells them from the next answer. Pure but for the clock it is told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "controller/base/time.hpp"
#include "drivers/modbus/adu.hpp"

namespace cellrig::modbus {

/// An RTU reply names no question: it shows its function, and how many values it carries or what it echoes. That is its form, and
/// any reply of one form passes for any other of it.
/// * A unit answers in the order in which it was asked. So when a question was answered whose reply no earlier one could be mistaken
///   for, nothing earlier comes any more.
/// * A reply that has not come `horizon` after its question never comes.
class LateReplies {
 public:
  explicit LateReplies(Duration horizon) : horizon_{horizon} {}

  /// It was sent, and its reply has not come.
  void expect(const Frame& request, TimePoint now);
  /// Everything that was asked so far has been answered, or never will be.
  void settle() { asked_.clear(); }
  /// The reply to an earlier request would pass for the reply to this one.
  [[nodiscard]] bool may_pass_for(const Frame& request, TimePoint now) const;
  /// An exception would pass for the answer to this one, though it answers an earlier request.
  [[nodiscard]] bool may_refuse(const Frame& request, TimePoint now) const;
  /// For a read: one of another number of values from the same address, whose form is not expected. Fewer values if that is possible,
  /// for a unit may refuse more. Empty: every such form is expected.
  [[nodiscard]] std::optional<Frame> parting_question(const Frame& request, TimePoint now) const;

 private:
  Duration horizon_;
  std::map<std::string, TimePoint> asked_;  ///< by form: when last
};

}  // namespace cellrig::modbus
