// Model files: what one model of instrument can do, where its registers are, and what is peculiar to it. Read at start-up; a
// mistake is a ConfigError with file, line and column. No instrument is needed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "controller/base/config_error.hpp"
#include "controller/base/serial_settings.hpp"
#include "controller/base/time.hpp"
#include "drivers/instruments/adam_6018.hpp"
#include "drivers/instruments/coil_module.hpp"
#include "drivers/instruments/ea_psb_plan.hpp"
#include "drivers/instruments/espec.hpp"
#include "drivers/instruments/itech.hpp"
#include "drivers/instruments/keysight_daq.hpp"
#include "drivers/instruments/keysight_n6900.hpp"
#include "drivers/instruments/register_chamber_map.hpp"
#include "drivers/instruments/register_sensor.hpp"

namespace cellrig {

enum class ModelRole : unsigned char { cycler, chamber, logger, coil_module };

inline constexpr std::string_view kind_ea_psb = "ea-psb";
inline constexpr std::string_view kind_keysight_n6900 = "keysight-n6900";
inline constexpr std::string_view kind_itech = "itech";
inline constexpr std::string_view kind_register_chamber = "register-chamber";
inline constexpr std::string_view kind_espec = "espec";
inline constexpr std::string_view kind_adam_6018 = "adam-6018";
inline constexpr std::string_view kind_keysight_daq = "keysight-daq";
inline constexpr std::string_view kind_register_sensor = "register-sensor";
inline constexpr std::string_view kind_coil_module = "coil-module";

/// The `kind:` of a model file, one of those above: which driver it is for.
[[nodiscard]] std::string load_model_kind(const std::string& path);
/// Of a cycler: how the firmware begins that its file was tried with; empty: the file does not say.
[[nodiscard]] std::vector<std::string> load_firmware_seen(const std::string& path);
[[nodiscard]] ModelRole role_of_kind(std::string_view kind);

/// What a model of any kind needs on a serial line, as far as its file says so.
struct SerialModel {
  std::optional<SerialSettings> settings;  ///< how it comes from the factory
  Duration request_gap{};                  ///< pause between its reply and the next request; instead of that in `timing`
};
struct LineModel {
  SerialModel serial;
  std::optional<int> unit;   ///< of Modbus
  Duration reply_timeout{};  ///< without an answer for so long it is silent
};
[[nodiscard]] LineModel load_line_model(const std::string& path);

[[nodiscard]] EaPsbModel load_ea_psb_model(const std::string& path);
[[nodiscard]] KeysightN6900Model load_keysight_n6900_model(const std::string& path);
[[nodiscard]] ItechModel load_itech_model(const std::string& path);
[[nodiscard]] RegisterChamberModel load_register_chamber_model(const std::string& path);
[[nodiscard]] EspecModel load_espec_model(const std::string& path);
[[nodiscard]] Adam6018Model load_adam_6018_model(const std::string& path);
[[nodiscard]] KeysightDaqModel load_keysight_daq_model(const std::string& path);
[[nodiscard]] RegisterSensorModel load_register_sensor_model(const std::string& path);
[[nodiscard]] CoilModuleModel load_coil_module_model(const std::string& path);

/// ConfigError when the file is of another role.
[[nodiscard]] CyclerCapabilities load_cycler_capabilities(const std::string& path);
[[nodiscard]] ChamberCapabilities load_chamber_capabilities(const std::string& path);
[[nodiscard]] LoggerCapabilities load_logger_capabilities(const std::string& path);

}  // namespace cellrig
