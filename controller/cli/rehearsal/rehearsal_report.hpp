// A rehearsal in words: for a terminal, as JSON, and as a page with a plot. Pure: what is printed is returned.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "controller/cli/rehearsal/rehearsal.hpp"

namespace cellrig::cli {

/// Of the program that was rehearsed; "line 12" for messages.
[[nodiscard]] const Step& step_at(const Program& program, std::uint32_t instruction);

/// The file of an included profile that a step stands in, without its folder; empty: the profile's own.
[[nodiscard]] std::string file_text(const Program& program, SourceSpot spot);
/// "12"; of an included profile "check-up.yaml:12".
[[nodiscard]] std::string line_text(const Program& program, SourceSpot spot);

/// Never reached, or ended by a bound that is a failure: "line 12, 'fast discharge': never reached". Empty: nothing to say.
[[nodiscard]] std::vector<std::string> remarks(const Program& program, const Rehearsal& rehearsal);
[[nodiscard]] std::string to_string(const JudgedCriterion& criterion);
/// "completed, every criterion met".
[[nodiscard]] std::string verdict(const Rehearsal& rehearsal);
[[nodiscard]] std::string rehearsal_text(const Program& program, const Rehearsal& rehearsal);
[[nodiscard]] boost::json::object rehearsal_json(const Program& program, const Rehearsal& rehearsal);
/// The curves of a rehearsal: test_time_s, voltage_V, current_A and cell_temperature_degC, two points for each of its pieces, so that least
/// and greatest values are in it; null: not measured.
[[nodiscard]] boost::json::object curve_json(const Rehearsal& rehearsal);
/// A complete HTML document that needs nothing else: the plot as SVG, and the tables of rehearsal_text().
[[nodiscard]] std::string rehearsal_page(const Program& program, const Rehearsal& rehearsal);

/// "3 d 4 h", "2 h 10 min", "45 s".
[[nodiscard]] std::string duration_text(double seconds);
/// "1.2 MB".
[[nodiscard]] std::string bytes_text(double bytes);

}  // namespace cellrig::cli
