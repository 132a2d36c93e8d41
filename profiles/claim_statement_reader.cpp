#include <algorithm>
#include <cmath>

#include "profiles/claim_parts.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

const std::vector<std::string>& condition_names() {
  static const std::vector<std::string> names{claim_conditions.begin(), claim_conditions.end()};
  return names;
}

ClaimQuantity read_quantity(const YamlEntry& entry) {
  static const std::vector<std::string> known = [] {
    std::vector<std::string> names;
    for (const ClaimQuantityWord& word : claim_quantities) names.emplace_back(word.name);
    return names;
  }();
  const std::string& name = claim_word(entry, known);
  const auto word = std::find_if(claim_quantities.begin(), claim_quantities.end(), [&](const auto& w) { return w.name == name; });
  return word->quantity;
}

template <class Word, std::size_t count>
Word read_choice(const YamlEntry& entry, const std::array<Word, count>& choices) {
  std::vector<std::string> known;
  for (const Word choice : choices) known.emplace_back(to_string(choice));
  const std::string& name = claim_word(entry, known);
  return *std::find_if(choices.begin(), choices.end(), [&](Word w) { return to_string(w) == name; });
}

Testable read_testable(const YamlEntry& entry) {
  const std::string& word = claim_word(entry, {"yes", "surrogate", "no"});
  return word == "yes" ? Testable::yes : word == "surrogate" ? Testable::surrogate : Testable::no;
}

void read_conditions(const ClaimCircumstances& from, ClaimStatement& into) {
  if (from.conditions != nullptr) {
    const YamlMap map{from.conditions->value, "conditions", condition_names()};
    for (const std::string& name : condition_names()) {
      const YamlEntry* const entry = map.find(name);
      if (entry == nullptr) continue;
      into.conditions[name] = ClaimCondition{claim_text(*entry), {}, {}};
    }
  }
  if (from.chosen == nullptr) return;
  const YamlMap map{from.chosen->value, "chosen", condition_names()};
  for (const std::string& name : condition_names()) {
    const YamlEntry* const entry = map.find(name);
    if (entry == nullptr) continue;
    const YamlMap choice{entry->value, "chosen '" + name + "'", {"value", "range"}};
    ClaimCondition& condition = into.conditions[name];
    condition.chosen = claim_text(choice.required("value"));
    condition.range = claim_text(choice.required("range"));
  }
}

/// Nothing is left out: what the source does not say is said to be unspecified, with what the bench does instead.
void require_conditions(const ClaimStatement& statement) {
  for (const std::string& name : condition_names()) {
    const auto found = statement.conditions.find(name);
    const std::string who = "statement '" + statement.id + "': ";
    if (found == statement.conditions.end() || found->second.stated.empty())
      throw ConfigError{statement.place,
                        who + "condition '" + name + "' is missing: write what the source says, or 'unspecified'"};
    if (found->second.is_open() && found->second.chosen.empty() && statement.testable != Testable::no)
      throw ConfigError{statement.place,
                        who + "'" + name + "' is unspecified, and 'chosen' does not say what the bench does: {value, range}"};
  }
}

void read_change(const YamlMap& map, ClaimRunChange& change) {
  change.cell = map.text_or("cell", "");
  change.channel = map.text_or("channel", "");
  if (const YamlEntry* const set = map.find("set")) change.settings = claim_settings(*set);
}

/// Both sides of a comparison are run under the same circumstances unless the variant says that they are not: nothing is assumed.
void read_change_against(const YamlMap& map, ClaimVariant& variant) {
  const YamlEntry* const against = map.find("against");
  if (against == nullptr) {
    if (!variant.own.channel.empty() || !variant.own.settings.empty())
      throw ConfigError{variant.place,
                        "this variant changes how one side of the comparison is run: say what becomes of the other one, "
                        "'against: same', 'against: unchanged', or what changes there {cell, channel, set}"};
    return;
  }
  if (against->value.is_map()) {
    read_change(YamlMap{against->value, "'against' of a variant", {"cell", "channel", "set"}}, variant.against);
    if (!variant.against.changes()) throw ConfigError{against->place, "'against' changes nothing: give cell, channel or set"};
    return;
  }
  if (claim_word(*against, {"same", "unchanged"}) == "unchanged") return;
  if (!variant.own.cell.empty())
    throw ConfigError{against->value.place(), "'against: same' with a 'cell' compares that cell with itself"};
  if (!variant.own.changes())
    throw ConfigError{against->value.place(), "'against: same', and there is no channel or set to repeat"};
  variant.against = variant.own;
}

ClaimVariant read_variant(const YamlNode& node, bool is_comparison) {
  const YamlMap map{node, "variant", {"varies", "to", "cell", "channel", "set", "value", "against"}};
  ClaimVariant variant;
  variant.place = node.place();
  variant.varies = claim_word(map.required("varies"), condition_names());
  variant.to = claim_text(map.required("to"));
  read_change(map, variant.own);
  if (const YamlEntry* const value = map.find("value")) variant.value = as_number(value->value, "value");
  if (is_comparison) {
    read_change_against(map, variant);
  } else if (const YamlEntry* const against = map.find("against")) {
    throw ConfigError{against->place, "'against' of a variant, and the statement is 'against' nothing"};
  }
  if (!variant.own.changes() && !variant.against.changes() && !variant.value)
    throw ConfigError{variant.place, "this variant changes nothing: give cell, channel, set, value or against"};
  return variant;
}

double number_at_least(const YamlMap& map, std::string_view key, double otherwise, double least) {
  const double value = map.number_or(key, otherwise);
  if (value < least)
    throw ConfigError{map.required(key).value.place(), "'" + std::string(key) + "' is at least " + format_short(least)};
  return value;
}

void read_limit(const YamlMap& map, ClaimStatement& statement) {
  statement.quantity = read_quantity(map.required("quantity"));
  statement.comparator = read_choice(map.required("comparator"),
                                     std::array{Comparator::at_least, Comparator::at_most, Comparator::within, Comparator::none});
  const YamlEntry* const value = map.find("value");
  if (statement.comparator == Comparator::none) {
    if (value != nullptr) throw ConfigError{value->place, "'report' compares with nothing: there is no 'value'"};
  } else {
    statement.value = map.number("value");
    if (statement.comparator == Comparator::within && !(statement.value > 0.0))
      throw ConfigError{map.required("value").place, "'within' needs a 'value' above zero: so far either way"};
    statement.value_from = claim_text(map.required("value_from"));
  }
  if (const YamlEntry* const statistic = map.find("statistic")) {
    statement.statistic = read_choice(*statistic, std::array{LotStatistic::each_cell, LotStatistic::relative_spread,
                                                             LotStatistic::capability, LotStatistic::outliers});
  }
  statement.against = map.text_or("against", "");
  std::string expected{word_of(statement.quantity).unit};
  if (!statement.against.empty() || statement.statistic == LotStatistic::capability ||
      statement.statistic == LotStatistic::outliers)
    expected = "1";
  if (statement.statistic == LotStatistic::relative_spread) expected = "%";
  const YamlEntry& unit = map.required("unit");
  statement.unit = claim_word(unit, {expected});
  if (statement.statistic == LotStatistic::capability) {
    statement.tolerance_low = map.number("tolerance_low");
    statement.tolerance_high = map.number("tolerance_high");
    if (!(statement.tolerance_low < statement.tolerance_high))
      throw ConfigError{map.required("tolerance_low").place, "'tolerance_low' is not below 'tolerance_high'"};
  }
}

/// Of these there is no ratio of two cells.
void require_comparable(const YamlMap& map, const ClaimStatement& statement) {
  const SourcePlace place = map.required("against").place;
  if (statement.quantity == ClaimQuantity::mass_loss) throw ConfigError{place, "a weighing has no run to compare with"};
  if (statement.quantity == ClaimQuantity::activation_energy)
    throw ConfigError{place, "an activation energy is a ratio already, of 'run' and 'cold': it has no 'against'"};
  const auto is = [&](auto... quantities) { return ((statement.quantity == quantities) || ...); };
  using Q = ClaimQuantity;
  if (is(Q::loss_exponent, Q::resistance_growth_exponent, Q::pressure_exponent))
    throw ConfigError{place, "of two exponents there is no ratio that means something: it has no 'against'"};
  if (is(Q::voltage_slope_least, Q::rest_slope_least))
    throw ConfigError{
        place, "a slope is about zero where all is well: of two there is no ratio that means something, it has no 'against'"};
  if (statement.quantity == ClaimQuantity::retention && statement.cycles > 0.0)
    throw ConfigError{place, "a life of 'cycles' is judged cell by cell: it has no 'against'"};
}

/// A life is judged by what is left, at least so much: "at most" would be judged the other way round.
void require_life_limit(const YamlMap& map, const ClaimStatement& statement) {
  const bool is_life = statement.quantity == ClaimQuantity::retention && statement.cycles > 0.0 &&
                       statement.statistic == LotStatistic::each_cell;  // a spread is judged as any other one
  if (!is_life || statement.comparator == Comparator::at_least || statement.comparator == Comparator::none) return;
  throw ConfigError{map.required("comparator").value.place(), "a life of 'cycles' keeps '>=' so much, or is a 'report'"};
}

/// Over which time a slope is taken.
void read_slope(const YamlMap& map, ClaimStatement& statement) {
  const auto within = [&](const std::string& key, ClaimQuantity quantity, double least, double most) {
    const YamlEntry& entry = map.required(key);
    if (statement.quantity != quantity) throw ConfigError{entry.place, "'" + key + "' is of " + std::string(to_string(quantity))};
    const double value = map.number(key);
    if (!(value >= least && value <= most))
      throw ConfigError{entry.value.place(), "'" + key + "' is " + format_short(least) + " to " + format_short(most)};
    return value;
  };
  constexpr double window_min_s = 1.0, window_max_s = 3600.0, last_min_h = 0.1, last_max_h = 8760.0;
  if (map.find("window_s") != nullptr)
    statement.window_s = within("window_s", ClaimQuantity::voltage_slope_least, window_min_s, window_max_s);
  if (map.find("last_h") != nullptr || statement.quantity == ClaimQuantity::rest_slope_least)
    statement.last_h = within("last_h", ClaimQuantity::rest_slope_least, last_min_h, last_max_h);
}

/// What these cannot be measured without, and what measures nothing.
void require_steps(const YamlMap& map, const ClaimStatement& statement) {
  const auto is = [&](auto... quantities) { return ((statement.quantity == quantities) || ...); };
  using Q = ClaimQuantity;
  if (is(Q::activation_energy)) (void)map.required("cold");
  if (is(Q::retention_extrapolated)) (void)map.required("at_years");
  if (is(Q::loss_exponent)) (void)map.required("reference");
  if (is(Q::resistance_growth_exponent, Q::pressure_exponent, Q::voltage_slope_least, Q::rest_slope_least))
    (void)map.required("step");
  const bool is_over_another = is(Q::capacity_ratio, Q::energy_ratio, Q::self_discharge, Q::step_time);
  if (is_over_another && !statement.step.empty() && statement.step == statement.reference)
    throw ConfigError{map.required("reference").value.place(),
                      "'reference' is the step itself, '" + statement.step + "': " + std::string(to_string(statement.quantity)) +
                          " compares it with another one; of the last over the first of one step there is 'retention'"};
}

void read_what_is_run(const YamlMap& map, ClaimStatement& statement) {
  statement.run = map.text_or("run", "");
  statement.step = map.text_or("step", "");
  statement.reference = map.text_or("reference", "");
  statement.cold = map.text_or("cold", "");
  statement.cold_degC = map.number_or("cold_degC", 0.0);
  statement.warm_degC = map.number_or("warm_degC", 25.0);
  statement.cycles = number_at_least(map, "cycles", 0.0, 0.0);
  statement.at_years = number_at_least(map, "at_years", 0.0, 0.0);
  statement.at_s = number_at_least(map, "at_s", 0.0, 0.0);
  if (const YamlEntry* const executions = map.find("executions")) {
    const double count = map.number("executions");
    if (statement.quantity != ClaimQuantity::step_time)
      throw ConfigError{executions->place, "'executions' is of step_time: the worst of so many"};
    if (!(count >= 1.0) || !(count <= claim_executions_max) || count != std::floor(count))
      throw ConfigError{executions->place, "'executions' is a whole number from 1 to " + std::to_string(claim_executions_max)};
    statement.executions = static_cast<int>(count);
  }
  read_slope(map, statement);
  statement.returned_min_pct = number_at_least(map, "returned_min_pct", 99.0, 0.0);
  statement.repeatability_pct = number_at_least(map, "repeatability_pct", 0.1, 0.0);
  statement.temperature_pct_per_K = map.number_or("temperature_pct_per_K", 0.0);
  const bool is_weighed = statement.quantity == ClaimQuantity::mass_loss;
  if (is_weighed) {
    statement.measured_before = claim_text(map.required("measured_before"));
    statement.measured_after = claim_text(map.required("measured_after"));
    statement.measured_standard = map.number("measured_standard");
  } else if (statement.run.empty()) {
    throw ConfigError{statement.place, "statement '" + statement.id + "': 'run' is missing: what does the bench do?"};
  }
  require_steps(map, statement);
  require_life_limit(map, statement);
  if (!statement.against.empty()) require_comparable(map, statement);
  const YamlEntry* const variants = map.find("variants");
  if (variants == nullptr) return;
  if (statement.quantity == ClaimQuantity::mass_loss)
    throw ConfigError{variants->place, "a weighing has no run that could be varied"};
  if (statement.statistic != LotStatistic::each_cell)
    throw ConfigError{variants->place, "a variant is run on one cell, and this statement is about a lot"};
  for (const YamlNode& variant : as_list(variants->value, "variants"))
    statement.variants.push_back(read_variant(variant, !statement.against.empty()));
  if (statement.variants.size() > claim_variants_max)
    throw ConfigError{variants->place, "more than " + std::to_string(claim_variants_max) + " variants"};
}

}  // namespace

const std::string& claim_word(const YamlEntry& entry, const std::vector<std::string>& known) {
  const std::string& word = as_text(entry.value, entry.key);
  if (std::find(known.begin(), known.end(), word) == known.end())
    throw ConfigError{entry.value.place(), "'" + entry.key + "' cannot be '" + word + "'" + suggestion(word, known)};
  return word;
}

ClaimStatement read_claim_statement(const YamlEntry& entry, const ClaimCircumstances& common) {
  const YamlMap map{entry.value,
                    "statement '" + entry.key + "'",
                    {"text",
                     "quantity",
                     "comparator",
                     "value",
                     "value_from",
                     "unit",
                     "conditions",
                     "chosen",
                     "testable",
                     "reason",
                     "run",
                     "step",
                     "reference",
                     "against",
                     "cold",
                     "cold_degC",
                     "warm_degC",
                     "cycles",
                     "at_years",
                     "at_s",
                     "executions",
                     "window_s",
                     "last_h",
                     "returned_min_pct",
                     "repeatability_pct",
                     "temperature_pct_per_K",
                     "statistic",
                     "tolerance_low",
                     "tolerance_high",
                     "measured_before",
                     "measured_after",
                     "measured_standard",
                     "variants"}};
  ClaimStatement statement;
  statement.id = entry.key;
  statement.place = entry.place;
  statement.text = claim_text(map.required("text"));
  statement.testable = read_testable(map.required("testable"));
  if (statement.testable != Testable::yes) statement.reason = claim_text(map.required("reason"));
  if (statement.testable == Testable::no) return statement;
  read_limit(map, statement);
  read_conditions(common, statement);
  read_conditions({map.find("conditions"), map.find("chosen")}, statement);
  require_conditions(statement);
  read_what_is_run(map, statement);
  return statement;
}

}  // namespace cellrig
