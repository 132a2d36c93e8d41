// Parts that model files of several kinds have in common. Private to drivers/models.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "drivers/models/model_file.hpp"
#include "drivers/models/model_map.hpp"

namespace cellrig {

[[nodiscard]] const std::vector<std::string>& kinds();

/// What every model file begins with. Returns the model's name.
[[nodiscard]] std::string read_head(ModelMap& file, std::string_view kind);

[[nodiscard]] Accuracy read_accuracy(ModelMap map, const std::string& offset_key);
[[nodiscard]] CyclerCapabilities read_cycler_capabilities(ModelMap& file, const std::string& model);
void read_watchdog(ModelMap& map, CyclerCapabilities& into);

struct Timing {
  Duration reply_typical{}, attempt_timeout{}, request_gap{};
};
[[nodiscard]] Timing read_timing(ModelMap map);

}  // namespace cellrig
