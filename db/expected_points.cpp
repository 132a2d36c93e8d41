#include "db/expected_points.hpp"

#include <array>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>
#include <limits>

namespace cellrig::db {

namespace {

constexpr std::array<double, 4> column_scale{1e6, 1e5, 1e3, 1e3};

/// The shortest text that reads back exactly, of the rounded value.
void append_number(std::string& text, double value, double scale) {
  if (!std::isfinite(value)) {
    text += "null";
    return;
  }
  std::array<char, 32> digits{};
  const double rounded = std::round(value * scale) / scale + 0.0;  // a negative zero becomes a zero
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), rounded);
  text.append(digits.data(), end.ptr);
}

/// A number, or NaN for null. False: something else.
bool read_number(const boost::json::value& value, double& into) {
  if (value.is_null()) {
    into = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (!value.is_number()) return false;
  into = value.to_number<double>();
  return std::isfinite(into);
}

}  // namespace

std::string points_text(const std::vector<ExpectedPointRow>& points) {
  std::string text = "[";
  for (const ExpectedPointRow& p : points) {
    text += text.size() == 1 ? "[" : ",[";
    const std::array<double, 4> values{p.at, p.voltage_V, p.cell_temperature_degC, p.around_degC};
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text += ',';
      append_number(text, values[i], column_scale[i]);
    }
    text += ']';
  }
  return text + "]";
}

Result<std::vector<ExpectedPointRow>> points_of(std::string_view text) {
  const Error broken = fail(Fault::malformed, "the points of an expected curve are not as cellrig writes them");
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(boost::json::string_view{text.data(), text.size()}, error);
  if (error || !parsed.is_array()) return broken;
  std::vector<ExpectedPointRow> points;
  for (const boost::json::value& item : parsed.get_array()) {
    const boost::json::array* const values = item.if_array();
    if (values == nullptr || values->size() != column_scale.size()) return broken;
    ExpectedPointRow p;
    const bool is_read = read_number((*values)[0], p.at) && read_number((*values)[1], p.voltage_V) &&
                         read_number((*values)[2], p.cell_temperature_degC) && read_number((*values)[3], p.around_degC);
    if (!is_read || !std::isfinite(p.at) || (!points.empty() && p.at < points.back().at)) return broken;
    points.push_back(p);
  }
  return points;
}

}  // namespace cellrig::db
