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
/// With the end of its range (`up_to_V`), which must reach `most`, and `finer_ranges` where the instrument has them, with a
/// `range_choice` unless it chooses by itself.
[[nodiscard]] Accuracy read_ranged_accuracy(ModelMap map, const std::string& unit, double most);
[[nodiscard]] CyclerCapabilities read_cycler_capabilities(ModelMap& file, const std::string& model);
void read_watchdog(ModelMap& map, CyclerCapabilities& into);

/// As many inputs that measure a temperature as `capabilities` says.
void add_temperature_inputs(LoggerCapabilities& capabilities);

struct Timing {
  Duration reply_typical{}, attempt_timeout{}, request_gap{};
};
[[nodiscard]] Timing read_timing(ModelMap map);

/// The section `serial`, which any model may have.
[[nodiscard]] SerialModel read_serial(ModelMap map);

}  // namespace cellrig
