// Who hears what loggers, chambers and contacts say of one channel: its run, and between runs whoever shows it.
#pragma once

#include <cstddef>
#include <string>

#include "controller/base/observation.hpp"
#include "db/record.hpp"

namespace cellrig {

class SensorSink {
 public:
  virtual ~SensorSink() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;  ///< of the channel
  virtual void sensor(Measurand measurand, const Reading& reading) = 0;
  /// Of all contacts of this channel on one module.
  virtual void interlock(std::size_t module, const Reading& reading) = 0;
  /// For the record of its run: what an instrument that it shares with others did.
  virtual void remark(db::Severity /*severity*/, const std::string& /*kind*/, const std::string& /*text*/) {}
};

}  // namespace cellrig
