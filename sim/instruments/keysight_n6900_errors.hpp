// Errors of the N6900: -113 and -224 of the standard and its own +302 and +315 were seen on the real unit [V]; that the others are the
// standard's is assumed.
#pragma once

#include "sim/instruments/scpi_arguments.hpp"

namespace cellrig::sim::n6900_error {

using scpi_error::illegal_parameter;
using scpi_error::missing_parameter;
using scpi_error::out_of_range;
using scpi_error::parameter_not_allowed;
using scpi_error::stale;
using scpi_error::suffix_out_of_range;
using scpi_error::too_much_data;
using scpi_error::undefined_header;
inline constexpr ScpiError not_installed{.code = 302, .text = "Option not installed"};
inline constexpr ScpiError conflicting_settings{.code = 315, .text = "Settings conflict error"};

}  // namespace cellrig::sim::n6900_error
