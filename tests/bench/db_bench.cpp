// D1: samples a second through the recorder, against a plain loop around one prepared INSERT of the same row, in the same run.
// Bytes per row in the file, and what append() costs the control thread. Prints figures; judges only with --check.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "db/recorder.hpp"
#include "db/sqlite.hpp"

namespace cellrig::db {
namespace {

constexpr int rows = 1'000'000;
constexpr std::size_t batch_rows = 10'000;
constexpr int rounds = 3;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A long cycle-life test at its thousandth hour: times need 8 bytes, nothing is round, one direction of current.
std::vector<SampleRow> make_samples() {
  std::vector<SampleRow> samples(rows);
  constexpr std::int64_t start_ns = 1000LL * 3600 * 1'000'000'000;
  for (int i = 0; i < rows; ++i) {
    const double x = i % 3000;
    SampleRow& row = samples[static_cast<std::size_t>(i)];
    row.step = 20'000 + i / 3000;
    row.test_time_ns = start_ns + i * 100'000'000LL + i % 977;
    row.flags = sample_flag::output_on | (x > 2000 ? sample_flag::constant_voltage : 0U);
    row.voltage_V = 3.7 + 0.1 * std::sin(x);
    row.current_A = 2.5 + 0.01 * std::cos(x);
    row.cell_temperature_degC = 25.1 + 0.3 * std::sin(0.1 * x);
    row.ambient_temperature_degC = 25.03 + 0.1 * std::cos(0.1 * x);
    row.charge_Ah = x * 6.9512e-5;
    row.charge_Wh = x * 2.5718e-4;
  }
  return samples;
}

void must(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().what.c_str());
  std::exit(1);
}
template <class T>
T must(Result<T> result) {
  if (!result) must(Result<void>{result.error()});
  return std::move(*result);
}

struct Place {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("cellrig-bench-" + std::to_string(getpid()));
  Place() { std::filesystem::create_directories(path); }
  ~Place() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string fresh(const std::string& name) const {
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove((path / (name + suffix)));
    return (path / name).string();
  }
};

void bind_row(sqlite3_stmt* insert, const SampleRow& row) {
  sqlite3_bind_int64(insert, 1, row.step);
  sqlite3_bind_int64(insert, 2, row.test_time_ns);
  sqlite3_bind_int64(insert, 3, row.flags);
  const double values[] = {
      row.voltage_V,    row.current_A, row.cell_temperature_degC, row.ambient_temperature_degC, row.charge_Ah,
      row.discharge_Ah, row.charge_Wh, row.discharge_Wh};
  for (int i = 0; i < 8; ++i) sqlite3_bind_double(insert, 4 + i, values[i]);
}

/// What anyone would write first.
double plain_loop(const std::string& path, const std::vector<SampleRow>& samples, bool synchronous_full) {
  Connection connection = must(Connection::open(path, OpenMode::write));
  (void)must(connection.query_text("PRAGMA journal_mode = WAL"));
  must(connection.execute(synchronous_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF", "bench"));
  must(
      connection.execute("CREATE TABLE sample(step INTEGER, test_time_ns INTEGER, flags INTEGER, voltage_V REAL, current_A "
                         "REAL, t1 REAL, t2 REAL, q1 REAL, q2 REAL, e1 REAL, e2 REAL)",
                         "bench"));
  Statement insert = must(connection.prepare("INSERT INTO sample VALUES(?,?,?,?,?,?,?,?,?,?,?)"));
  Statement begin = must(connection.prepare("BEGIN"));
  Statement commit = must(connection.prepare("COMMIT"));
  const Clock::time_point start = Clock::now();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i % batch_rows == 0) must(begin.run("bench"));
    bind_row(insert.handle(), samples[i]);
    must(insert.run("bench"));
    if ((i + 1) % batch_rows == 0) must(commit.run("bench"));
  }
  return static_cast<double>(samples.size()) / seconds_since(start);
}

double through_recorder(const std::string& path, const std::vector<SampleRow>& samples, bool synchronous_full) {
  RecorderOptions options{.path = path, .commit = CommitPolicy::simulated()};
  options.commit.rows = batch_rows;
  options.commit.synchronous_full = synchronous_full;
  auto recorder = must(Recorder::open(options));
  const Clock::time_point start = Clock::now();
  for (const SampleRow& row : samples) recorder->append(row);
  must(recorder->flush());
  const double rate = static_cast<double>(samples.size()) / seconds_since(start);
  must(recorder->close());
  return rate;
}

struct AppendCost {
  double first_ns = 0;  ///< the first time round: the operating system hands out the pages of the queue
  double later_ns = 0;
};

/// What the control thread itself pays while the recorder's thread has nothing to do.
AppendCost append_cost(const std::string& path, const std::vector<SampleRow>& samples) {
  constexpr std::size_t count = 200'000;
  RecorderOptions options{.path = path, .commit = CommitPolicy::simulated()};
  options.commit.rows = count + 1;
  auto recorder = must(Recorder::open(options));
  AppendCost cost{0, 1e9};
  constexpr int passes = 6;  // the two buffers take turns
  for (int pass = 0; pass < passes; ++pass) {
    const Clock::time_point start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) recorder->append(samples[i]);
    const double ns = 1e9 * seconds_since(start) / static_cast<double>(count);
    if (pass == 0) cost.first_ns = ns;
    if (pass >= 2) cost.later_ns = std::min(cost.later_ns, ns);
    must(recorder->flush());
  }
  must(recorder->close());
  return cost;
}

double read_rate(const std::string& path) {
  Connection connection = must(Connection::open(path, OpenMode::read));
  Statement select = must(connection.prepare("SELECT * FROM sample"));
  const Clock::time_point start = Clock::now();
  double sum = 0;
  while (must(select.step("bench"))) sum += select.real(3);
  return sum > 0 ? rows / seconds_since(start) : 0;
}

int run(bool is_checked) {
  const Place place;
  const std::vector<SampleRow> samples = make_samples();
  bool is_good = true;
  for (const bool full : {false, true}) {
    double plain = 0;
    double ours = 0;
    for (int round = 0; round < rounds; ++round) {
      plain = std::max(plain, plain_loop(place.fresh("plain.db"), samples, full));
      ours = std::max(ours, through_recorder(place.fresh("ours.db"), samples, full));
    }
    std::printf("synchronous %s, batch %zu: recorder %.2f M rows/s, plain loop %.2f M rows/s, ratio %.2f (bar 0.7)\n",
                full ? "FULL" : "OFF", batch_rows, ours / 1e6, plain / 1e6, ours / plain);
    is_good = is_good && ours / plain >= 0.7;
  }
  const double bytes = static_cast<double>(std::filesystem::file_size(place.path / "ours.db")) / rows;
  std::printf("bytes per row in the file: %.1f (bar 80)\n", bytes);
  std::printf("full scan: %.2f M rows/s\n", read_rate((place.path / "ours.db").string()) / 1e6);
  const AppendCost cost = append_cost(place.fresh("append.db"), samples);
  std::printf("append(SampleRow): %.0f ns, the first time round %.0f ns (bar 50)\n", cost.later_ns, cost.first_ns);
  is_good = is_good && bytes <= 80 && cost.later_ns <= 50;
  return is_checked && !is_good ? 1 : 0;
}

}  // namespace
}  // namespace cellrig::db

int main(int argc, char** argv) { return cellrig::db::run(argc > 1 && std::strcmp(argv[1], "--check") == 0); }
