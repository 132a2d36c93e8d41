#pragma once

#include <string>

namespace cellrig {

struct InstrumentIdentity {
  std::string maker;
  std::string model;
  std::string serial;
  std::string firmware;
};

}  // namespace cellrig
