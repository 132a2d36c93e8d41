// Errors of the N6900. -113, -224, +302 and +315 were seen on the real unit [V]; the others have the standard's codes and texts.
#pragma once

#include "sim/instruments/scpi_text.hpp"

namespace cellrig::sim::n6900_error {

inline constexpr ScpiError parameter_not_allowed{.code = -108, .text = "Parameter not allowed"};
inline constexpr ScpiError missing_parameter{.code = -109, .text = "Missing parameter"};
inline constexpr ScpiError undefined_header{.code = -113, .text = "Undefined header"};
inline constexpr ScpiError suffix_out_of_range{.code = -114, .text = "Header suffix out of range"};
inline constexpr ScpiError out_of_range{.code = -222, .text = "Data out of range"};
inline constexpr ScpiError too_much_data{.code = -223, .text = "Too much data"};
inline constexpr ScpiError illegal_parameter{.code = -224, .text = "Illegal parameter value"};
inline constexpr ScpiError stale{.code = -230, .text = "Data corrupt or stale"};
inline constexpr ScpiError not_installed{.code = 302, .text = "Option not installed"};
inline constexpr ScpiError settings_conflict{.code = 315, .text = "Settings conflict error"};

}  // namespace cellrig::sim::n6900_error
