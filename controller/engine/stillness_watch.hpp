// Does a reading still live? The last digits of an instrument move by its own noise, also where what it measures stands still. Those of
// one that has always moved so and now does not are no measurement any more.
#pragma once

#include <array>
#include <limits>
#include <optional>

#include "controller/base/observation.hpp"
#include "controller/base/time.hpp"

namespace cellrig {

struct StillnessOptions {
  /// By chance it stands still so long about once in e^32 readings: a thousand channels for 250 years, ten a second.
  double rarity_nepers = 32;
  double quieter_share =
      0.7;  ///< of the moves that were learned: between two codes it moves more often than in the middle of one
  int readings_min = 20;
  double reversals_min = 0.25;  ///< of its moves that go back where they came from: a steady rise without noise has none
  double wide_min = 0.05;       ///< of its readings that move by two digits or more: less noise can hide inside of one digit
};

/// What moves is learned in pages of readings; the quietest of the last few counts, and nothing is judged before two are full. Only readings
/// under an unchanged command are learned from and counted: what a new one moves is no noise. What was learned is forgotten where the
/// digits may be others: when the value gets a decimal place more or fewer before its point.
/// Contract: look() with every reading, in the order of time; one that was seen already, or is no number, tells nothing.
class StillnessWatch {
 public:
  struct Finding {
    double stands_s = 0;    ///< how long it has not moved
    double expected_s = 0;  ///< after which it is no chance any more, at this pace of readings
  };

  explicit StillnessWatch(const StillnessOptions& options) : options_{options} {}

  /// `since`: from here on the command is the same, and settled; what was before tells nothing. TimePoint::max(): there is none.
  void look(const Reading& reading, TimePoint since);
  /// The instrument measures in another way from now on: all begins anew.
  void forget();
  /// It has stood still for `hold` or longer, and for longer than can be by chance.
  [[nodiscard]] std::optional<Finding> stands_still_for(Duration hold) const;

 private:
  static constexpr int page_readings = 128;
  static constexpr int page_count = 4;

  struct Page {
    int readings = 0, moves = 0, reversals = 0, wide = 0;
    double least_step = std::numeric_limits<double>::infinity();
  };

  void moved(double step);
  void turn_page();
  void mind_decade(double value);
  [[nodiscard]] std::optional<double> readings_needed() const;

  StillnessOptions options_;
  std::array<Page, page_count> pages_{};  ///< full ones, in a ring
  int full_pages_ = 0, next_page_ = 0;
  Page page_;
  double digit_ = 0;                         ///< the least step of the last full page; 0: not known
  double decade_low_ = 0, decade_high_ = 0;  ///< of the magnitude; 0, 0: none was seen
  std::optional<Reading> last_;
  double last_step_ = 0;
  TimePoint still_since_{};
  int still_readings_ = 0;
  std::optional<double> needed_;  ///< of the full pages
};

}  // namespace cellrig
