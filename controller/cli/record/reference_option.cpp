#include "controller/cli/record/reference_option.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "controller/base/config_error.hpp"

namespace cellrig::cli {
namespace {

std::optional<double> whole_number(const std::string& text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = !text.empty() && end.ec == std::errc{} && end.ptr == text.data() + text.size() && std::isfinite(value);
  return is_number ? std::optional<double>{value} : std::nullopt;
}

[[noreturn]] void refuse_reference(const std::string& text) {
  const std::string word = text.substr(0, text.find(':'));
  throw ConfigError{SourcePlace{},
                    fmt::format("--reference: '{}' is none{}; it is first, the number of a cycle, median:40, rated, or rated:5.0",
                                text, suggestion(word, {"first", "median", "rated"}))};
}

db::LifeReference reference_of(const std::string& text, double nominal_Ah) {
  if (text == "first") return {};
  if (text == "rated") return {db::ReferenceKind::rated, 0, nominal_Ah};
  const std::size_t colon = text.find(':');
  const std::optional<double> number = whole_number(colon == std::string::npos ? text : text.substr(colon + 1));
  if (!number || !(*number > 0)) refuse_reference(text);
  const bool is_whole = *number == std::floor(*number);
  if (colon == std::string::npos && is_whole) return {db::ReferenceKind::cycle, static_cast<std::int64_t>(*number), 0};
  const std::string word = text.substr(0, colon);
  if (word == "median" && is_whole) return {db::ReferenceKind::median, static_cast<std::int64_t>(*number), 0};
  if (word == "rated") return {db::ReferenceKind::rated, 0, *number};
  refuse_reference(text);
}

db::SocWindow window_of(const SummaryWords& words) {
  const std::size_t colon = words.window.find(':');
  const std::optional<double> from = whole_number(words.window.substr(0, colon));
  const std::optional<double> to = colon == std::string::npos ? std::nullopt : whole_number(words.window.substr(colon + 1));
  if (!from || !to || !(*from < *to) || *from < 0 || *to > 100) {
    throw ConfigError{SourcePlace{}, "--window: '" + words.window + "' is none: two states of charge in percent, such as 15:90"};
  }
  if (!(words.start_soc_pct <= *from)) {
    throw ConfigError{SourcePlace{}, fmt::format("--start-soc: the charge begins at {:g} %, above the window's {:g} %",
                                                 words.start_soc_pct, *from)};
  }
  return {*from, *to, words.start_soc_pct, words.capacity_Ah};
}

}  // namespace

void add_summary_options(CLI::App& verb, SummaryWords& words) {
  verb.add_option(
      "--reference", words.reference,
      "what retention is a share of: first, the number of a cycle, median:N of the first N, rated (the nominal capacity), "
      "rated:AH");
  verb.add_flag("--reference-cycles", words.only_reference_cycles, "capacities of reference cycles only");
  verb.add_option("--window", words.window, "also the time from one state of charge to another, such as 15:90 (reads the rows)");
  verb.add_option("--start-soc", words.start_soc_pct, "with --window: state of charge in percent at which every charge begins")
      ->check(CLI::Range(0.0, 100.0));
  verb.add_option("--capacity", words.capacity_Ah, "with --window: what 100 % is, in Ah; 0: the nominal capacity")
      ->check(CLI::NonNegativeNumber);
}

db::SummaryOptions summary_options(const SummaryWords& words, double nominal_Ah) {
  db::SummaryOptions options;
  options.reference = reference_of(words.reference, nominal_Ah);
  options.source = words.only_reference_cycles ? db::CapacitySource::reference_cycles : db::CapacitySource::every_cycle;
  if (!words.window.empty()) options.window = window_of(words);
  return options;
}

std::string reference_text(const db::LifeReference& reference) {
  switch (reference.kind) {
    case db::ReferenceKind::first: return "the first capacity";
    case db::ReferenceKind::cycle: return fmt::format("cycle {}", reference.number);
    case db::ReferenceKind::median: return fmt::format("the median of the first {}", reference.number);
    case db::ReferenceKind::rated: return fmt::format("{:g} Ah rated", reference.rated_Ah);
  }
  return "";
}

}  // namespace cellrig::cli
