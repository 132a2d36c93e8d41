// Words for a person, from a thread that must not wait for him.
#pragma once

#include <string>

namespace cellrig::cli {

/// Onto standard error. Never waits and never fails: a pager that stands still or a terminal that is gone must not hold up the control
/// loop; what they do not take is lost.
void tell_without_waiting(const std::string& text);

}  // namespace cellrig::cli
