// The writing half of pybamm_experiment.hpp.
#include <utility>

#include "controller/base/overloaded.hpp"
#include "profiles/exchange/pybamm_experiment.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

std::string pybamm_temperature_text(double degC) { return "temperature=\"" + format_short(degC) + "oC\""; }

std::string pybamm_step_text(const PybammStep& step) {
  const std::string text = "\"" + to_pybamm(step) + "\"";
  return step.temperature_degC ? "pybamm.step.string(" + text + ", " + pybamm_temperature_text(*step.temperature_degC) + ")"
                               : text;
}

std::string pybamm_indent(std::size_t depth) { return std::string(4 * depth, ' '); }

/// A bracketed run of what stands side by side, and the groups that repeat, joined by '+'.
class PythonSum {
 public:
  PythonSum(bool is_tuple, std::size_t depth) : is_tuple_{is_tuple}, depth_{depth} {}

  void add_items(const std::vector<PybammItem>& items) {
    for (const PybammItem& item : items) {
      std::visit(overloaded{
                     [this](const PybammStep& step) { add_element(pybamm_step_text(step)); },
                     [this](const PybammGroup& group) { add_group(group); },
                 },
                 item.what);
    }
  }

  std::string text() {
    end_run();
    return sum_.empty() ? brackets("") : sum_;
  }

  [[nodiscard]] bool is_one_term() const { return term_count_ + (run_.empty() ? 0 : 1) <= 1; }

 private:
  void add_element(const std::string& element) { run_ += pybamm_indent(depth_ + 1) + element + ",\n"; }

  void add_group(const PybammGroup& group) {
    if (group.is_cycle) {
      PythonSum cycle{true, depth_ + 1};
      cycle.add_items(group.items);
      if (group.times == 1) return add_element(cycle.text());
      end_run();
      add_element(cycle.text());
      return end_run(group.times);
    }
    end_run();
    PythonSum body{is_tuple_, depth_};
    body.add_items(group.items);
    const bool is_bare = body.is_one_term() && body.sum_.empty();
    const std::string inner = body.text();
    add_term((is_bare ? inner : "(" + inner + ")") + times_text(group.times));
  }

  void end_run(std::uint64_t times = 1) {
    if (run_.empty()) return;
    add_term(brackets(std::exchange(run_, "")) + (times == 1 ? "" : times_text(times)));
  }

  void add_term(const std::string& term) {
    sum_ += (sum_.empty() ? "" : "\n" + pybamm_indent(depth_) + "+ ") + term;
    ++term_count_;
  }

  [[nodiscard]] std::string brackets(const std::string& elements) const {
    const std::string inside = elements.empty() ? "" : "\n" + elements + pybamm_indent(depth_);
    return (is_tuple_ ? "(" : "[") + inside + (is_tuple_ ? ")" : "]");
  }

  static std::string times_text(std::uint64_t times) { return " * " + std::to_string(times); }

  bool is_tuple_;
  std::size_t depth_;
  std::string sum_;
  std::string run_;
  std::size_t term_count_ = 0;
};

void collect_strings(const std::vector<PybammItem>& items, std::vector<std::string>& strings) {
  for (const PybammItem& item : items) {
    std::visit(overloaded{
                   [&](const PybammStep& step) { strings.push_back(to_pybamm(step)); },
                   [&](const PybammGroup& group) { collect_strings(group.items, strings); },
               },
               item.what);
  }
}

}  // namespace

std::string write_pybamm(const PybammExperiment& experiment, const std::vector<std::string>& comments) {
  std::string text;
  for (const std::string& line : comments) text += "# " + line + "\n";
  PythonSum sum{false, 1};
  sum.add_items(experiment.items);
  text += "import pybamm\n\nexperiment = pybamm.Experiment(\n" + pybamm_indent(1) + sum.text();
  if (experiment.period_s) text += ",\n" + pybamm_indent(1) + "period=\"" + to_pybamm_time(*experiment.period_s) + "\"";
  if (experiment.temperature_degC) text += ",\n" + pybamm_indent(1) + pybamm_temperature_text(*experiment.temperature_degC);
  return text + ",\n)\n";
}

std::vector<std::string> pybamm_strings(const PybammExperiment& experiment) {
  std::vector<std::string> strings;
  collect_strings(experiment.items, strings);
  return strings;
}

}  // namespace cellrig
