// Signs of a soft short at the charges of one rung of a ladder of charges. Private to db/verdict.
#pragma once

#include "db/verdict/measure_parts.hpp"

namespace cellrig::verdict {

/// What the record says of one sign.
enum class Told {
  nothing,   ///< the record or its instruments cannot tell
  absent,    ///< of a sound cell
  doubtful,  ///< beyond the mark, but not by more than its uncertainty
  present,
};
struct Sign {
  Told told = Told::nothing;
  std::string text;  ///< what was seen, or why nothing was; empty where there is nothing to say
};

/// The discharge after a charge; the end of the list where there is none.
[[nodiscard]] std::vector<Execution>::const_iterator back_of(const RunFacts& run, std::size_t charge);

/// What a charge gave back in the next discharge.
struct Returned {
  double share = 0.0, expanded = 0.0;
};
[[nodiscard]] std::optional<Returned> returned_of(const Measuring& m, std::size_t charge);

/// One charge of a rung.
struct ChargeOfRung {
  std::size_t charge = 0;
  std::size_t rung_begin = 0;  ///< the first charge of the rung
  bool is_watched = false;     ///< the last one of it, before the long rest
};
/// The one that is watched, then its passes in the order of time: from there on the charges of the same rate that a discharge follows.
[[nodiscard]] std::vector<ChargeOfRung> charges_of_rung(const RunFacts& run, std::size_t from, std::size_t watched);

/// In the order of time, of a charge, the rest and the discharge after it:
/// * the discharge before it gave back less than `wanted` of what this charge put in, after a charge of the same rate;
/// * the voltage falls while charging; no rise of the voltage;
/// * the voltage falls in the rest;
/// * the resistance as the discharge begins has fallen against those of the discharges before its rung;
/// * the charge did not come back, less than `wanted` of it.
[[nodiscard]] std::vector<Sign> signs_of_charge(const Measuring& m, const ChargeOfRung& of, double wanted);

}  // namespace cellrig::verdict
