// Model files: what one model of instrument can do, where its registers are, and what is peculiar to it. Read at start-up; a
// mistake is a ConfigError with file, line and column. No instrument is needed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "controller/base/config_error.hpp"
#include "drivers/instruments/adam_6018.hpp"
#include "drivers/instruments/ea_psb_plan.hpp"
#include "drivers/instruments/itech.hpp"
#include "drivers/instruments/keysight_daq.hpp"
#include "drivers/instruments/keysight_n6900.hpp"
#include "drivers/instruments/watlow_f4t.hpp"

namespace cellrig {

enum class ModelRole : unsigned char { cycler, chamber, logger };

inline constexpr std::string_view kind_ea_psb = "ea-psb";
inline constexpr std::string_view kind_keysight_n6900 = "keysight-n6900";
inline constexpr std::string_view kind_itech = "itech";
inline constexpr std::string_view kind_watlow_f4t = "watlow-f4t";
inline constexpr std::string_view kind_adam_6018 = "adam-6018";
inline constexpr std::string_view kind_keysight_daq = "keysight-daq";

/// The `kind:` of a model file, one of those above: which driver it is for.
[[nodiscard]] std::string load_model_kind(const std::string& path);
[[nodiscard]] ModelRole role_of_kind(std::string_view kind);

[[nodiscard]] EaPsbModel load_ea_psb_model(const std::string& path);
[[nodiscard]] KeysightN6900Model load_keysight_n6900_model(const std::string& path);
[[nodiscard]] ItechModel load_itech_model(const std::string& path);
[[nodiscard]] WatlowF4tModel load_watlow_f4t_model(const std::string& path);
[[nodiscard]] Adam6018Model load_adam_6018_model(const std::string& path);
[[nodiscard]] KeysightDaqModel load_keysight_daq_model(const std::string& path);

/// ConfigError when the file is of another role.
[[nodiscard]] CyclerCapabilities load_cycler_capabilities(const std::string& path);
[[nodiscard]] ChamberCapabilities load_chamber_capabilities(const std::string& path);
[[nodiscard]] LoggerCapabilities load_logger_capabilities(const std::string& path);

}  // namespace cellrig
