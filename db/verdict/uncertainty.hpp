// The uncertainty budget of a result, as the guide to the expression of uncertainty (GUM) adds it up. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "db/verdict/statistics.hpp"

namespace cellrig::verdict {

/// One input and what it does to the result, in the unit of the result.
struct Contribution {
  std::string name;           ///< "current", "reference capacity"
  double standard = 0.0;      ///< standard uncertainty of the result by this input alone
  double dof = infinite_dof;  ///< of an estimate from few repeats
  std::string how;            ///< "0.05 % of 60 A, evenly distributed"
};

struct Uncertainty {
  double standard = 0.0;      ///< combined
  double dof = infinite_dof;  ///< effective degrees of freedom (Welch and Satterthwaite)
  double coverage = 2.0;
  double expanded = 0.0;  ///< coverage times standard: about 95 %
};

/// Independent inputs: a root of squares. Inputs that are known to go together were added up before they came here.
[[nodiscard]] Uncertainty combine(const std::vector<Contribution>& budget);

/// Of a bound within which every value is as likely as any other (GUM 4.3.7).
[[nodiscard]] double standard_of_bound(double bound);

/// Gain and offset of the range that measures a value, as bounds.
struct RangeBound {
  double gain_fraction = 0.0;
  double offset = 0.0;
  std::size_t range = 0;
};
[[nodiscard]] RangeBound range_bound(const Accuracy& accuracy, double value);

/// Standard uncertainty of value / value of the ratio of two readings of one instrument. In one range the gain cancels, and of the
/// offset what differs; between ranges nothing does.
[[nodiscard]] double relative_standard_of_ratio(const Accuracy& accuracy, double numerator, double denominator);

}  // namespace cellrig::verdict
