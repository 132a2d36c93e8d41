#include "db/run_origin.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "db/reader_impl.hpp"

namespace cellrig::db {

namespace {

/// Where cellrig-sim listens. An instrument behind a tunnel looks the same: it counts as simulated, too.
bool is_of_this_computer(std::string_view address) {
  constexpr std::array<std::string_view, 6> places{"127.", "localhost", "[::1]", "::1", "/dev/pts/", "/tmp/"};
  return std::any_of(places.begin(), places.end(), [&](std::string_view place) {
    const std::size_t at = address.find(place);
    if (at == 0 || at == std::string_view::npos) return at == 0;
    const char before = address[at - 1];
    return before == '/' || before == ' ' || before == ':';
  });
}

/// The serial numbers that the simulator's cyclers show unless told otherwise.
bool is_simulators(std::string_view serial) {
  constexpr std::array<std::string_view, 5> known{"1234560001", "1234560002", "800821020000000001", "800821020000000002",
                                                  "MY63000121"};
  return std::find(known.begin(), known.end(), serial) != known.end();
}

bool says_real(const std::string& detail) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(detail, error);
  if (error || !parsed.is_object()) return false;
  const boost::json::value* const word = parsed.as_object().if_contains("simulated");
  return word != nullptr && word->is_bool() && !word->as_bool();
}

Result<void> collect(Connection& connection, std::string_view sql, RunKey run, std::vector<std::string>& into) {
  Result<Statement> select = connection.prepare(sql);
  if (!select) return select.error();
  select->bind_all(run);
  while (true) {
    const Result<bool> row = select->step("reading who asked for a run");
    if (!row) return row.error();
    if (!*row) return {};
    into.push_back(select->text(0));
  }
}

}  // namespace

RunOrigin origin_of(const RunRow& row, std::span<const std::string> requests) {
  if (row.time_source == imported_time_source) return RunOrigin::imported;
  if (row.time_source != "real" || row.instruments.empty() || requests.empty()) return RunOrigin::simulated;
  const bool is_any_simulators = std::any_of(row.instruments.begin(), row.instruments.end(), [](const InstrumentRow& i) {
    return is_of_this_computer(i.address) || is_simulators(i.serial);
  });
  if (is_any_simulators || !std::all_of(requests.begin(), requests.end(), says_real)) return RunOrigin::simulated;
  return RunOrigin::measured;
}

std::string_view word_of(RunOrigin origin) {
  switch (origin) {
    case RunOrigin::measured: return "measured";
    case RunOrigin::simulated: return "simulated";
    case RunOrigin::imported: return "imported";
  }
  return "simulated";
}

std::string_view mark_of(RunOrigin origin) {
  switch (origin) {
    case RunOrigin::measured: return "";
    case RunOrigin::simulated: return "SIMULATED";
    case RunOrigin::imported: return "IMPORTED";
  }
  return "SIMULATED";
}

Result<RunOrigin> read_origin(Connection& connection, RunKey run, const RunRow& row) {
  std::vector<std::string> requests;
  if (row.time_source != "real") return origin_of(row, requests);
  // A service writes the request of a channel with the number of its run, after the run has begun.
  if (const Result<void> done =
          collect(connection, "SELECT detail FROM audit WHERE run = ? AND action = 'run requested'", run, requests);
      !done)
    return done.error();
  // `cellrig run` writes one for all channels, before any of them.
  constexpr std::string_view before =
      "SELECT detail FROM audit WHERE run = 0 AND action = 'run requested' AND audit < "
      "(SELECT min(audit) FROM audit WHERE run = ? AND action = 'run begun') ORDER BY audit DESC LIMIT 1";
  if (requests.empty()) {
    if (const Result<void> done = collect(connection, before, run, requests); !done) return done.error();
  }
  if (requests.empty()) return RunOrigin::simulated;
  if (const Result<void> done =
          collect(connection, "SELECT detail FROM audit WHERE run = ? AND action = 'run goes on'", run, requests);
      !done)
    return done.error();
  return origin_of(row, requests);
}

Result<std::vector<InstrumentRow>> read_instruments(Connection& connection, RunKey run) {
  Result<Statement> select = connection.prepare(
      "SELECT l.role, e.name, e.model, e.maker, e.serial, e.firmware, e.address FROM run_equipment AS l "
      "JOIN equipment AS e USING(equipment) WHERE l.run = ? ORDER BY l.position");
  if (!select) return select.error();
  select->bind_all(run);
  std::vector<InstrumentRow> rows;
  while (true) {
    const Result<bool> row = select->step("reading instruments");
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back(
        {select->text(0), select->text(1), select->text(2), select->text(3), select->text(4), select->text(5), select->text(6)});
  }
}

}  // namespace cellrig::db
