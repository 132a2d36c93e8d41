// A profile, from its text to a program that was judged, described and estimated.
#include <cmath>
#include <exception>
#include <string>

#include "profiles/canonical.hpp"
#include "profiles/cell.hpp"
#include "profiles/check.hpp"
#include "profiles/compile.hpp"
#include "profiles/describe.hpp"
#include "profiles/estimate.hpp"
#include "profiles/number.hpp"
#include "profiles/reader.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace cellrig::fuzz {
namespace {

const std::string file = "input.yaml";

const Cell& a_cell() {
  static const Cell cell = read_cell_file(std::string(CELLRIG_SOURCE_DIR) + "/profiles/cells/lg-m50.yaml");
  return cell;
}

/// A bench that has everything, so that its part of the judgement is reached.
CheckContext a_bench() {
  CheckContext context{.file = file};
  CyclerCapabilities cycler;
  cycler.model = "a cycler";
  cycler.voltage_max = Volts{60.0};
  cycler.charge_current_max = cycler.discharge_current_max = Amps{60.0};
  cycler.power_max = Watts{1500.0};
  cycler.over_voltage_protection_max = Volts{66.0};
  cycler.has_constant_power = true;
  context.cycler = cycler;
  context.chamber = ChamberCapabilities{};
  context.logger = LoggerCapabilities{};
  context.stack_area_cm2 = 20.0;
  return context;
}

void numbers_are_read_back(const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    if (!field.value.is_literal()) continue;
    const double number = field.value.operations.front().number;
    require(parse_number(format_number(number), {}) == number, "a number that is written is read back");
  }
}

void the_whole_way(std::string_view text) {
  const Profile profile = read_profile(text, file);
  numbers_are_read_back(profile.limits);
  const Program program = compile(profile, a_cell());
  const std::string canonical = canonical_text(program);
  require(canonical_text(compile(profile, a_cell())) == canonical, "a profile has one meaning");
  require(sha256_hex(canonical).size() == 64, "a program has a hash");
  for (const CheckContext& context : {CheckContext{.file = file}, a_bench()}) {
    for (const Finding& finding : check(program, context)) require(!to_string(finding).empty(), "a finding says something");
  }
  require(!describe(program).empty(), "a program can be described");
  const DurationEstimate duration = estimate(program);
  require(duration.expected >= Duration{} && duration.longest >= duration.expected,
          "no time is negative, the longest is longest");
  require(duration.per_instruction.size() == program.code.size(), "each instruction has its time");
  const double rows = estimate_rows(program, duration, std::chrono::milliseconds{100}, std::chrono::seconds{1});
  require(std::isfinite(rows) && rows >= 0.0, "the rows of the record are a number");
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig;
  try {
    fuzz::the_whole_way(fuzz::Input{data, size}.rest());
  } catch (const ConfigError& error) {
    fuzz::require(error.place().file == fuzz::file, "an error names the file");
    fuzz::require(!error.message().empty() && error.message().size() < 10'000, "an error says why, in bounds");
  }
  return 0;
}
