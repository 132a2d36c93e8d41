#include "controller/cli/usage.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>

#include "controller/base/config_error.hpp"

namespace cellrig::cli {
namespace {

/// The innermost one: "verify" of `cellrig db verify`.
const CLI::App& chosen_verb(const CLI::App& app) {
  const std::vector<CLI::App*> verbs = app.get_subcommands();
  return verbs.empty() ? app : chosen_verb(*verbs.front());
}

int depth_of(const CLI::App& verb) { return verb.get_parent() == nullptr ? 0 : 1 + depth_of(*verb.get_parent()); }

std::string name_of(const CLI::App& verb) {
  return verb.get_parent() == nullptr ? "cellrig" : name_of(*verb.get_parent()) + " " + verb.get_name();
}

bool has_verbs(const CLI::App& verb) {
  return !verb.get_subcommands([](const CLI::App*) { return true; }).empty();
}

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* const verb : app.get_subcommands([](const CLI::App*) { return true; })) words.push_back(verb->get_name());
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return words;
}

}  // namespace

void report_usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const CLI::App& verb = chosen_verb(app);
  const std::vector<std::string> known = words_of(verb);
  const std::string program = name_of(verb);
  // By exit code: CLI11 gives some of its errors the name of the verb.
  const int kind = error.get_exit_code();
  const bool is_extra =
      kind == static_cast<int>(CLI::ExitCodes::ExtrasError) || kind == static_cast<int>(CLI::ExitCodes::RequiredError);
  for (int i = 1; is_extra && i < argc; ++i) {
    const std::string_view word = std::string_view(argv[i]).substr(0, std::string_view(argv[i]).find('='));
    const bool is_option = word.size() > 2 && word.substr(0, 2) == "--";
    const bool is_verb_place = i == 1 + depth_of(verb) && has_verbs(verb);
    const bool is_known = std::find(known.begin(), known.end(), word) != known.end();
    if (is_known || !(is_option || is_verb_place)) continue;
    fmt::print(stderr, "{}: unknown {} '{}'{}\n", program, is_option ? "option" : "verb", word, suggestion(word, known));
    return;
  }
  fmt::print(stderr, "{}: {}\n", program, error.what());
  fmt::print(stderr, "'{} --help' shows what there is.\n", program);
}

}  // namespace cellrig::cli
