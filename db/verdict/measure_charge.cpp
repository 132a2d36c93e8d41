// Capacities, energies, ratios of them, retention and efficiencies.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "db/verdict/measure_parts.hpp"

namespace cellrig::verdict {
namespace {

/// Of a storage, that went by while nobody looked: with more of it nobody knows at which temperature it was stored.
constexpr double unseen_share_max = 0.1;
constexpr double days_per_year = 365.25;
constexpr double days_per_month = 30.0;
constexpr double coulombic_efficiency_max_pct = 105.0;  // instruments err by less
constexpr double exponent_of_storage = 0.5;             // growth of a layer through itself

bool is_energy(ClaimQuantity quantity) {
  return quantity == ClaimQuantity::energy || quantity == ClaimQuantity::specific_energy ||
         quantity == ClaimQuantity::energy_density || quantity == ClaimQuantity::energy_ratio ||
         quantity == ClaimQuantity::energy_efficiency;
}

/// The last execution of the reference that began before this one.
Result<std::size_t> reference_before(const Measuring& m, std::size_t index) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.reference);
  for (auto i = all.rbegin(); i != all.rend(); ++i) {
    if (*i < index) return *i;
  }
  return find_last(m.run, m.request.reference);
}

/// Charges and the discharges that followed them.
struct ChargeCycles {
  std::vector<std::size_t> in, out;
  bool was_first_left_out = false;
};

/// Of several cycles only those count whose charge began where a discharge had ended: nobody knows how full the cell was before the
/// first one. A charge without a discharge after it, or a discharge without a charge before it, is no cycle. Where that leaves nothing
/// (one cycle of a new cell; a charge after the discharge), all executions count.
ChargeCycles whole_cycles(const RunFacts& run, const std::vector<std::size_t>& in, const std::vector<std::size_t>& out) {
  std::vector<ChargeCycles> cycles;
  bool was_discharge = false, is_first_after_discharge = false;
  const auto is_of = [](const std::vector<std::size_t>& all, std::size_t i) {
    return std::find(all.begin(), all.end(), i) != all.end();
  };
  for (std::size_t i = 0; i < run.executions.size(); ++i) {
    const Execution& e = run.executions[i];
    if (e.is_rest() || (e.charge_Ah == 0.0 && e.discharge_Ah == 0.0)) continue;
    if (is_of(in, i)) {
      if (cycles.empty() || !cycles.back().out.empty()) {  // a charge in stages is one
        if (cycles.empty()) is_first_after_discharge = was_discharge;
        cycles.emplace_back();
      }
      cycles.back().in.push_back(i);
    } else if (is_of(out, i) && !cycles.empty()) {
      cycles.back().out.push_back(i);
    }
    was_discharge = !e.is_charge();
  }
  std::erase_if(cycles, [](const ChargeCycles& c) { return c.out.empty(); });
  ChargeCycles all;
  all.was_first_left_out = cycles.size() > 1 && !is_first_after_discharge;
  for (std::size_t i = all.was_first_left_out ? 1 : 0; i < cycles.size(); ++i) {
    all.in.insert(all.in.end(), cycles[i].in.begin(), cycles[i].in.end());
    all.out.insert(all.out.end(), cycles[i].out.begin(), cycles[i].out.end());
  }
  return cycles.empty() ? ChargeCycles{in, out} : all;
}

/// The executions that count together with this one: of reference cycles, back to the first step that is none. A part of one is left out.
std::vector<std::size_t> counting_with(const Measuring& m, std::size_t last, Measured& result) {
  std::vector<std::size_t> counting{last};
  const std::string& name = m.run.executions[last].name;
  if (!m.run.executions[last].is_reference) return counting;
  for (std::size_t i = last; i-- > 0;) {
    const Execution& e = m.run.executions[i];
    if (!e.is_reference) break;
    if (e.name != name || !e.has_ended) continue;
    if (const Result<void> whole = require_whole(m.run, e); !whole) {
      add_note(result, whole.error().what + ", and is left out");
      continue;
    }
    counting.push_back(i);
  }
  return counting;
}

/// Of `value` = one window over another: what dQ/dV over Q differs by, times what the voltmeter is not known by.
EndShift end_shift(const Measuring& m, double value, const Execution& above, const EndSlopes& above_ends, const Execution& below,
                   const EndSlopes& below_ends, bool energy) {
  const double volt = standard_of_bound(m.instruments.voltage.bound_at(below.mean_V()));
  const auto share = [energy](const Execution& e, double slope_Ah_per_V, double limit_V) {
    return energy ? slope_Ah_per_V * limit_V / e.net_Wh() : slope_Ah_per_V / e.net_Ah();
  };
  const double bottom = share(above, above_ends.bottom_Ah_per_V, above_ends.bottom_V) -
                        share(below, below_ends.bottom_Ah_per_V, below_ends.bottom_V);
  const double top =
      share(above, above_ends.top_Ah_per_V, above_ends.top_V) - share(below, below_ends.top_Ah_per_V, below_ends.top_V);
  return {value * volt * bottom, value * volt * top};
}

Contribution contribution_of_ends(const EndShift& shift) {
  return {ends_of_window, std::hypot(shift.bottom, shift.top), infinite_dof, "voltage accuracy times what dQ/dV differs by"};
}

/// A reference test with the ends of its window.
struct ReferenceTest {
  std::size_t index = 0;
  EndSlopes ends;
};

/// One reference test over the first one, as if it were the last.
Result<Measured> retention_at(const Measuring& m, const ReferenceTest& reference, const ReferenceTest& test, EndShift& shift) {
  const std::size_t first = reference.index, index = test.index;
  const Execution &before = m.run.executions[first], &e = m.run.executions[index];
  Measured result;
  result.value = 100.0 * e.net_Ah() / before.net_Ah();
  result.budget.push_back({"current",
                           result.value * relative_standard_of_ratio(m.instruments.current, e.mean_A(), before.mean_A()),
                           infinite_dof, "gain cancels in one range; of the offset what differs"});
  shift = end_shift(m, result.value, e, test.ends, before, reference.ends, false);
  result.budget.push_back(contribution_of_ends(shift));
  result.budget.push_back(
      {"repeatability", std::sqrt(2.0) * m.request.repeatability_pct / 100.0 * result.value, infinite_dof, "assumed, of both"});
  if (const Result<void> unseen = add_unseen(m, {first, index}, result); !unseen) return unseen.error();
  add_temperature(m, result);
  return result;
}

/// Divides by what is weighed or measured by hand, and adds its doubt.
Result<double> divide(Measured& result, const std::optional<double>& by, double standard, const std::string& what) {
  if (!by) return fail(Fault::refused, "the cell's file gives no " + what);
  result.value /= *by;
  for (Contribution& c : result.budget) c.standard /= *by;
  result.budget.push_back({what, result.value * standard / *by, infinite_dof, "measured by hand"});
  return result.value;
}

/// Of one charge and the discharge after it, which are among `count`.
Result<Measured> excess_of(const Measuring& m, std::size_t in, std::size_t out, std::size_t count) {
  const Execution &charge = m.run.executions[in], &discharge = m.run.executions[out];
  const double ratio = 100.0 * charge.net_Ah() / discharge.net_Ah();
  Measured result;
  result.value = ratio - 100.0;
  result.budget.push_back({"current",
                           ratio * relative_standard_of_ratio(m.instruments.current, charge.mean_A(), -discharge.mean_A()),
                           infinite_dof, "offset, of either sign"});
  // The greatest of many lies above the truth by what they scatter, the further the more of them there are.
  const double worst = coverage_factor_of_worst(infinite_dof, static_cast<int>(count)) / coverage_factor(infinite_dof);
  result.budget.push_back({"repeatability", worst * ratio * m.request.repeatability_pct / 100.0, infinite_dof,
                           count > 1 ? fmt::format("assumed, of the greatest of {}", count) : "assumed"});
  if (const Result<void> unseen = add_unseen(m, {in, out}, result); !unseen) return unseen.error();
  return result;
}

}  // namespace

Result<Course> course_of(const Measuring& m, const std::vector<std::size_t>& references, bool by_days) {
  const Execution& first = m.run.executions[references.front()];
  const Result<EndSlopes> first_ends = end_slopes(m.run, references.front());
  if (!first_ends) return first_ends.error();
  std::vector<std::int64_t> ageing;  // cycles of them only: reference cycles are tests, whatever number they carry
  std::size_t seen = 0;
  Course course;
  for (const std::size_t index : references) {
    for (; seen < index; ++seen) {
      const Execution& e = m.run.executions[seen];
      const bool counts =
          e.cycle > 0 && !e.is_reference && e.has_ended && !e.is_rest() && !e.is_charge() && e.net_Ah() > 0.1 * first.net_Ah();
      if (counts && (ageing.empty() || ageing.back() != e.cycle)) ageing.push_back(e.cycle);
    }
    const Execution& e = m.run.executions[index];
    if (const Result<void> whole = require_whole(m.run, e); !whole) {
      course.left_out += (course.left_out.empty() ? "" : "; ") + whole.error().what + ", and is left out";
      continue;
    }
    if (!e.is_reference) continue;
    const bool is_first = index == references.front();
    const Result<EndSlopes> ends = is_first ? first_ends : end_slopes(m.run, index);
    if (!ends) return ends.error();
    EndShift shift;
    Result<Measured> here = retention_at(m, {references.front(), *first_ends}, {index, *ends}, shift);
    if (!here) return here.error();
    const double stored_s = e.started_s - first.started_s + unseen_seconds(m.run, first.started_s, e.started_s);
    const double at = by_days ? stored_s / seconds_per_day : static_cast<double>(ageing.size());
    course.points.push_back({at, here->value, combine(here->budget)});
    course.tests.push_back(*std::move(here));
    course.ends.push_back(shift);
  }
  return course;
}

Result<Measured> measure_charge(const Measuring& m) {
  const Result<std::size_t> index = find_last(m.run, m.request.step);
  if (!index) return index.error();
  const Execution& e = m.run.executions[*index];
  if (const Result<void> whole = require_whole(m.run, e); !whole) return whole.error();
  const bool energy = is_energy(m.request.quantity);
  const Result<double> window = standard_of_window(m, *index, energy);
  if (!window) return window.error();
  Measured result;
  const std::vector<std::size_t> counting = counting_with(m, *index, result);
  for (const std::size_t i : counting) {
    const Execution& one = m.run.executions[i];
    result.value += (energy ? one.net_Wh() : one.net_Ah()) / static_cast<double>(counting.size());
  }
  result.budget.push_back(
      {"current", result.value * relative_of_current(m.instruments, e), infinite_dof, "accuracy of the range used"});
  if (energy)
    result.budget.push_back(
        {"voltage", result.value * relative_of_voltage(m.instruments, e), infinite_dof, "accuracy of the range used"});
  result.budget.push_back({ends_of_window, *window, infinite_dof, "voltage accuracy times dQ/dV at both ends"});
  result.budget.push_back({"time", result.value * standard_of_time_s(m.instruments) / std::max(e.seconds, 1.0), infinite_dof,
                           "the end is seen at the next look"});
  Contribution repeat = repeatability(m, m.request.step, result.value);
  if (counting.size() > 1) {
    repeat.standard /= std::sqrt(static_cast<double>(counting.size()));
    repeat.how += fmt::format(", of the mean of {} counting cycles", counting.size());
  }
  result.budget.push_back(std::move(repeat));
  if (const Result<void> unseen = add_unseen(m, counting, result); !unseen) return unseen.error();
  add_temperature(m, result);
  if (m.request.quantity == ClaimQuantity::specific_energy) {
    const Result<double> divided = divide(result, m.cell.mass_kg, m.cell.mass_standard_kg, "mass_kg");
    if (!divided) return divided.error();
  }
  if (m.request.quantity == ClaimQuantity::energy_density) {
    const Result<double> divided = divide(result, m.cell.volume_L, m.cell.volume_standard_L, "dimensions");
    if (!divided) return divided.error();
  }
  return result;
}

Result<Measured> measure_ratio(const Measuring& m) {
  const Result<std::size_t> above = find_last(m.run, m.request.step);
  if (!above) return above.error();
  const Result<std::size_t> below = reference_before(m, *above);
  if (!below) return below.error();
  if (*above == *below)
    return fail(Fault::refused, fmt::format("'{}' (step {}) is its own reference: there is nothing to compare it with",
                                            m.run.executions[*above].name, m.run.executions[*above].count));
  const Execution& cold = m.run.executions[*above];
  const Execution& warm = m.run.executions[*below];
  if (!(cold.net_Ah() > 0.0) || !(warm.net_Ah() > 0.0))
    return fail(Fault::refused, "no charge was moved by '" + (cold.net_Ah() > 0.0 ? m.request.reference : m.request.step) + "'");
  if (const Result<void> whole = require_all_whole(m.run, {*above, *below}); !whole) return whole.error();
  const Result<EndSlopes> cold_ends = end_slopes(m.run, *above);
  if (!cold_ends) return cold_ends.error();
  const Result<EndSlopes> warm_ends = end_slopes(m.run, *below);
  if (!warm_ends) return warm_ends.error();
  const bool energy = is_energy(m.request.quantity);
  Measured result;
  result.value = 100.0 * (energy ? cold.net_Wh() / warm.net_Wh() : cold.net_Ah() / warm.net_Ah());
  result.budget.push_back({"current",
                           result.value * relative_standard_of_ratio(m.instruments.current, cold.mean_A(), warm.mean_A()),
                           infinite_dof, "gain cancels in one range; of the offset what differs"});
  if (energy)
    result.budget.push_back({"voltage",
                             result.value * relative_standard_of_ratio(m.instruments.voltage, cold.mean_V(), warm.mean_V()),
                             infinite_dof, "gain cancels in one range; of the offset what differs"});
  result.budget.push_back(contribution_of_ends(end_shift(m, result.value, cold, *cold_ends, warm, *warm_ends, energy)));
  Contribution repeat = repeatability(m, m.request.reference, result.value);
  repeat.standard *= std::sqrt(2.0);
  repeat.how += ", of both";
  result.budget.push_back(std::move(repeat));
  if (const Result<void> unseen = add_unseen(m, {*above, *below}, result); !unseen) return unseen.error();
  add_temperature(m, result);
  return result;
}

Result<Measured> measure_retention(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.reference);
  if (all.size() < 2) {
    const Result<std::size_t> one = find_first(m.run, m.request.reference);
    if (!one) return one.error();
    return fail(Fault::refused, "'" + m.request.reference + "' was carried out once only: nothing to compare with");
  }
  const bool by_days = m.request.quantity == ClaimQuantity::retention_extrapolated;
  const Execution& first = m.run.executions[all.front()];
  if (const Result<void> whole = require_whole(m.run, first); !whole) return whole.error();
  if (!(first.net_Ah() > 0.0)) return fail(Fault::refused, "the first reference moved no charge");
  // Of a course one point may be missing; a retention alone is the last one or nothing.
  const Result<void> is_last_whole = require_whole(m.run, m.run.executions[all.back()]);
  if (!by_days && !m.request.is_life && !is_last_whole) return is_last_whole.error();
  const Result<Course> course = course_of(m, all, by_days);
  if (!course) return course.error();
  if (course->points.size() < 2)
    return fail(Fault::refused, course->left_out.empty() ? "'" + m.request.reference + "' is no reference cycle of this profile"
                                                         : "there is no second reference to compare with: " + course->left_out);
  Measured result = course->tests.back();
  result.life = course->points;
  if (!course->left_out.empty()) add_note(result, course->left_out);
  if (!by_days) return result;
  const std::optional<Extrapolation> far = extrapolate(result.life, m.request.at_years * days_per_year, exponent_of_storage);
  if (!far) return fail(Fault::refused, "an extrapolation needs a reference before the storage and two after parts of it");
  const double scale = std::sqrt(m.request.at_years * days_per_year / std::max(result.life.back().at, 1e-9));
  for (Contribution& c : result.budget) c.standard *= scale;  // the loss is stretched, and its doubt with it
  result.budget.push_back({"extrapolation", far->standard_pct, far->dof, "scatter about k t^0.5"});
  result.value = far->retention_pct;
  add_note(result, "extrapolated by loss = k t^0.5: another law gives another number");
  return result;
}

Result<Measured> measure_efficiency(const Measuring& m) {
  std::vector<std::size_t> out = find_all(m.run, m.request.step);
  std::vector<std::size_t> in = find_all(m.run, m.request.reference);
  if (out.empty()) return find_last(m.run, m.request.step).error();
  if (in.empty()) return find_last(m.run, m.request.reference).error();
  const bool energy = is_energy(m.request.quantity);
  Measured result;
  if (m.request.step != m.request.reference) {
    ChargeCycles cycles = whole_cycles(m.run, in, out);
    if (cycles.was_first_left_out)
      result.note = "without the first cycle, whose charge did not begin where a discharge had ended";
    in = std::move(cycles.in);
    out = std::move(cycles.out);
  }
  const bool is_both = m.request.step == m.request.reference;
  std::vector<std::size_t> used = out;
  if (!is_both) used.insert(used.end(), in.begin(), in.end());
  if (const Result<void> whole = require_all_whole(m.run, used); !whole) return whole.error();
  double out_s = 0.0, in_s = 0.0, out_Ah = 0.0, in_Ah = 0.0, out_Wh = 0.0, in_Wh = 0.0;
  for (const std::size_t i : out) {
    const Execution& e = m.run.executions[i];
    out_Ah += is_both ? e.discharge_Ah : e.net_Ah();
    out_Wh += is_both ? e.discharge_Wh : e.net_Wh();
    out_s += is_both ? 0.5 * e.seconds : e.seconds;  // how it was divided nobody asks: a mean current is enough
  }
  for (const std::size_t i : in) {
    const Execution& e = m.run.executions[i];
    in_Ah += is_both ? e.charge_Ah : e.net_Ah();
    in_Wh += is_both ? e.charge_Wh : e.net_Wh();
    in_s += is_both ? 0.5 * e.seconds : e.seconds;
  }
  const double out_sum = energy ? out_Wh : out_Ah;
  const double in_sum = energy ? in_Wh : in_Ah;
  if (!(in_sum > 0.0) || !(out_sum > 0.0)) return fail(Fault::refused, "no charge went in, or none came back");
  result.value = 100.0 * out_sum / in_sum;
  if (!energy && result.value > coulombic_efficiency_max_pct)
    return fail(
        Fault::refused,
        fmt::format("{:.1f} % of the charge of '{}' came back: more than {:.0f} % is no efficiency. The cell was not where the "
                    "discharge leaves it when the charge began; cycle it once before",
                    result.value, m.request.reference, coulombic_efficiency_max_pct));
  // The reading of a discharge has the other sign: gains still cancel, offsets add.
  const double out_A = 3600.0 * out_Ah / out_s, in_A = 3600.0 * in_Ah / in_s;
  result.budget.push_back({"current", result.value * relative_standard_of_ratio(m.instruments.current, out_A, -in_A),
                           infinite_dof, "offset, of either sign"});
  if (energy)
    result.budget.push_back({"voltage",
                             result.value * relative_standard_of_ratio(m.instruments.voltage, out_Wh / out_Ah, in_Wh / in_Ah),
                             infinite_dof, "gain cancels in one range; of the offset what differs"});
  result.budget.push_back(repeatability(m, m.request.step, result.value));
  if (const Result<void> unseen = add_unseen(m, used, result); !unseen) return unseen.error();
  add_temperature(m, result);
  return result;
}

Result<Measured> measure_self_discharge(const Measuring& m) {
  const Result<std::size_t> left = find_last(m.run, m.request.step);
  if (!left) return left.error();
  const Result<std::size_t> reference = reference_before(m, *left);
  if (!reference) return reference.error();
  double rest_s = 0.0, began_s = m.run.executions[*left].started_s;
  for (std::size_t i = *left; i-- > *reference;) {
    const Execution& e = m.run.executions[i];
    if (!e.is_rest()) break;  // back to the charge before the storage
    rest_s += e.seconds;
    began_s = e.started_s;
  }
  // While nobody looked the cell went on losing charge, at whatever temperature.
  const double unseen_s = unseen_seconds(m.run, began_s, m.run.executions[*left].started_s);
  if (unseen_s > unseen_share_max * (rest_s + unseen_s))
    return fail(Fault::refused,
                fmt::format("nobody looked for {:.1f} of {:.1f} days of the storage: how warm it was is not known",
                            unseen_s / seconds_per_day, (rest_s + unseen_s) / seconds_per_day));
  rest_s += unseen_s;
  if (!(rest_s > 0.0)) return fail(Fault::refused, "no rest before '" + m.request.step + "'");
  MeasureRequest as_ratio = m.request;
  as_ratio.quantity = ClaimQuantity::capacity_ratio;
  const Result<Measured> kept = measure_ratio({m.run, as_ratio, m.instruments, m.cell});
  if (!kept) return kept.error();
  const double per_month = days_per_month * seconds_per_day / rest_s;
  Measured result = *kept;
  result.value = (100.0 - kept->value) * per_month;
  for (Contribution& c : result.budget) c.standard *= per_month;
  return result;
}

Result<Measured> measure_charge_excess(const Measuring& m) {
  const std::vector<std::size_t> charges = find_all(m.run, m.request.step);
  if (charges.empty()) return find_last(m.run, m.request.step).error();
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  Measured unknown;
  for (const std::size_t index : charges) {
    for (std::size_t i = index + 1; i < m.run.executions.size(); ++i) {
      const Execution& out = m.run.executions[i];
      if (!out.has_ended || out.is_rest()) continue;
      if (const Result<void> whole = require_all_whole(m.run, {index, i}); !whole) {
        unknown.is_least = true;  // the worst may be among those that are not known
        add_note(unknown, whole.error().what);
        break;
      }
      if (!out.is_charge()) pairs.emplace_back(index, i);
      break;
    }
  }
  if (pairs.empty())
    return fail(Fault::refused, unknown.is_least ? unknown.note : "no discharge follows '" + m.request.step + "'");
  std::vector<Measured> excesses;
  for (const auto& [in, out] : pairs) {
    Result<Measured> excess = excess_of(m, in, out, pairs.size());
    if (!excess) return excess.error();
    excesses.push_back(*std::move(excess));
  }
  Measured result = worst_of(excesses, true);
  result.is_least = unknown.is_least;
  if (unknown.is_least) result.note = unknown.note + (result.note.empty() ? "" : "; ") + result.note;
  return result;
}

}  // namespace cellrig::verdict
