#include "controller/runtime/bench_control.hpp"

#include <stdexcept>

namespace cellrig {

std::string_view to_string(ControlFault fault) {
  switch (fault) {
    case ControlFault::not_found: return "not_found";
    case ControlFault::bad_input: return "bad_input";
    case ControlFault::wrong_state: return "wrong_state";
    case ControlFault::busy: return "busy";
    case ControlFault::fenced: return "fenced";
    case ControlFault::forbidden: return "forbidden";
    case ControlFault::refused: return "refused";
    case ControlFault::failed: return "failed";
    case ControlFault::record: return "record";
    case ControlFault::ending: return "ending";
  }
  return "unknown";
}

std::string_view to_string(ChannelCondition condition) {
  switch (condition) {
    case ChannelCondition::idle: return "idle";
    case ChannelCondition::starting: return "starting";
    case ChannelCondition::running: return "running";
    case ChannelCondition::resting: return "resting";
    case ChannelCondition::waiting: return "waiting";
    case ChannelCondition::paused: return "paused";
    case ChannelCondition::stopping: return "stopping";
    case ChannelCondition::finished: return "finished";
    case ChannelCondition::stopped: return "stopped";
    case ChannelCondition::tripped: return "tripped";
    case ChannelCondition::failed: return "failed";
    case ChannelCondition::not_safe: return "not_safe";
  }
  return "unknown";
}

std::string_view to_string(AlarmSeverity severity) {
  switch (severity) {
    case AlarmSeverity::warning: return "warning";
    case AlarmSeverity::alarm: return "alarm";
    case AlarmSeverity::trip: return "trip";
  }
  return "unknown";
}

void throw_exception_from_error(const ControlError& error, const boost::source_location& where) {
  throw std::logic_error(std::string(where.function_name()) + ": unchecked " + std::string(to_string(error.fault)) + ": " +
                         error.message);
}

}  // namespace cellrig
