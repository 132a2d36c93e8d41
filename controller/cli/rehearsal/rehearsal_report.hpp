// A rehearsal in words: for a terminal, as JSON, and as a page with a plot. Pure: what is printed is returned.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "controller/cli/rehearsal/rehearsal.hpp"

namespace cellrig::cli {

/// Of the program that was rehearsed; "line 12" for messages.
[[nodiscard]] const Step& step_at(const Program& program, std::uint32_t instruction);

/// Never reached, or ended by a bound that is a failure: "line 12, 'fast discharge': never reached". Empty: nothing to say.
[[nodiscard]] std::vector<std::string> remarks(const Program& program, const Rehearsal& rehearsal);
[[nodiscard]] std::string to_string(const JudgedCriterion& criterion);
/// "completed, every criterion met".
[[nodiscard]] std::string verdict(const Rehearsal& rehearsal);
[[nodiscard]] std::string rehearsal_text(const Program& program, const Rehearsal& rehearsal);
[[nodiscard]] boost::json::object rehearsal_json(const Program& program, const Rehearsal& rehearsal);
/// A complete HTML document that needs nothing else: the plot as SVG, and the tables of rehearsal_text().
[[nodiscard]] std::string rehearsal_page(const Program& program, const Rehearsal& rehearsal);

/// "3 d 4 h", "2 h 10 min", "45 s".
[[nodiscard]] std::string duration_text(double seconds);
/// "1.2 MB".
[[nodiscard]] std::string bytes_text(double bytes);

}  // namespace cellrig::cli
