// B5: the cycle table counted from rows against a plain loop over the same columns and against pandas, the opening of a long run, export against a plain CSV
// writer, and the memory that all of it takes. Prints figures; the exit code follows ratios of this run only.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/record_views.hpp"
#include "db/analysis/cycle_summary.hpp"
#include "db/analysis/cycle_table.hpp"
#include "db/analysis/overview.hpp"
#include "db/analysis/step_totals.hpp"
#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "db/reader.hpp"
#include "db/recorder.hpp"
#include "db/sqlite.hpp"
#include "tests/bench/review_memory.hpp"

namespace cellrig::db {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int rounds = 3;
constexpr int rows_a_step = 1800, steps_a_cycle = 2;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

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

/// The least time of some rounds: a shared machine only ever makes things slower.
template <class Work>
double best_seconds(const Work& work) {
  double best = 1e99;
  for (int round = 0; round < rounds; ++round) {
    const Clock::time_point start = Clock::now();
    work();
    best = std::min(best, seconds_since(start));
  }
  return best;
}

bool judge(bool is_good, const char* what, double value, const char* bar) {
  std::printf("%s %s: %.3g (%s)\n", is_good ? "PASS" : "FAIL", what, value, bar);
  return is_good;
}

// ---- a long run -------------------------------------------------------------------------------------------------------

RunKey write_run(const std::string& path, std::size_t rows) {
  RecorderOptions options{.path = path, .commit = CommitPolicy::simulated()};
  auto recorder = must(Recorder::open(options));
  RunRow run;
  run.channel = "ch1";
  run.cell_name = "cell";
  run.profile_name = "life";
  run.time_source = "virtual";
  run.nominal_capacity_Ah = 5;
  const RunKey key = recorder->begin_run(run);
  CycleRow cycle{.run = key};
  for (std::size_t at = 0; at < rows;) {
    const std::size_t step_index = at / rows_a_step;
    const bool is_charge = step_index % 2 == 0;
    StepRow step{.step = recorder->next_step_key(), .run = key, .step_count = static_cast<std::int64_t>(step_index) + 1};
    step.cycle = static_cast<std::int64_t>(step_index / steps_a_cycle) + 1;
    step.in_cycle = true;
    step.type = is_charge ? "CC_CHG" : "CC_DCH";
    step.started_test_time_ns = static_cast<std::int64_t>(at) * 100'000'000;
    recorder->begin_step(step);
    StepEndRow end{.step = step.step, .reason = "condition"};
    for (int i = 0; i < rows_a_step && at < rows; ++i, ++at) {
      SampleRow row{.step = step.step,
                    .test_time_ns = static_cast<std::int64_t>(at) * 100'000'000 + static_cast<std::int64_t>(at % 977)};
      row.flags = sample_flag::output_on;
      row.voltage_V = 3.7 + 0.1 * std::sin(0.001 * i);
      row.current_A = (is_charge ? 2.5 : -2.4) + 0.01 * std::cos(i);
      row.cell_temperature_degC = 25.1 + 0.3 * std::sin(0.01 * i);
      row.ambient_temperature_degC = 25.03 + 0.1 * std::cos(0.1 * i);
      (is_charge ? row.charge_Ah : row.discharge_Ah) = i * 6.9512e-5;
      (is_charge ? row.charge_Wh : row.discharge_Wh) = i * 2.5718e-4;
      recorder->append(row);
      if (i % 10 == 0) recorder->append(AuxRow{step.step, row.test_time_ns, "stack_pressure_MPa", 0.5 + 0.001 * (i % 50)});
      end.ended_test_time_ns = row.test_time_ns;
      end.charge_Ah = row.charge_Ah;
      end.discharge_Ah = row.discharge_Ah;
    }
    recorder->end_step(end);
    cycle.cycle = step.cycle;
    cycle.charge_Ah = cycle.discharge_Ah = 0.12;
    if (!is_charge) recorder->append(cycle);
  }
  recorder->end_run({.run = key, .status = "completed"});
  must(recorder->close());
  return key;
}

double peak_MiB() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

bool bench_opening(const std::string& path, RunKey run, std::size_t rows) {
  std::uint64_t seen = 0;
  std::size_t pieces = 0, cycles = 0;
  const double opening = best_seconds([&] {
    auto reader = must(Reader::open(path));
    if (must(reader->runs()).empty()) std::exit(1);
    cycles = must(summarise(*reader, run)).cycles.size();
    const Overview picture = must(overview(*reader, run));
    pieces = picture.pieces.size();
    seen = picture.rows;
  });
  const double scanning = best_seconds([&] {
    auto reader = must(Reader::open(path));
    must(reader->for_each_sample(run, [](const SampleView&) { return true; }));
  });
  std::printf(
      "%zu rows: list, %zu cycles and the first plot (%zu pieces of %llu rows) in %.3f s (bar 0.5 s at 10 million); reading "
      "every row %.2f s\n",
      rows, cycles, pieces, static_cast<unsigned long long>(seen), opening, scanning);
  if (seen != rows) return judge(false, "rows that the plot stands for", static_cast<double>(seen), "all");
  // 10 million rows are read in 4.2 s and more: a tenth of that is within the half second.
  return judge(opening / scanning <= 0.1, "opening, of the time to read every row", opening / scanning, "bar 0.1");
}

/// What the service answers for a picture of the run, and for a look into its middle.
bool bench_samples(const std::string& path, RunKey run, std::size_t rows) {
  const double end_s = static_cast<double>(rows) * 0.1;
  const auto seconds_of = [&](const api::SamplesQuery& query) {
    return best_seconds([&] {
      const api::SamplesView view = must(api::samples_view(path, query));
      if (view.columns.at("test_time_s").empty()) std::exit(1);
    });
  };
  const std::vector<std::string> shown{"voltage_V", "current_A", "cell_temperature_degC", "ambient_temperature_degC"};
  const double all = best_seconds([&] {
    auto reader = must(Reader::open(path));
    must(reader->for_each_sample(run, [](const SampleView&) { return true; }));
  });
  const std::size_t points = rows / 5000;  // 2,000 of 10 million
  const double few = seconds_of({.run = run, .points = points, .quantities = shown});
  const double many = seconds_of({.run = run, .points = 20'000, .quantities = shown});
  const double close =
      seconds_of({.run = run, .from_s = 0.5 * end_s, .to_s = 0.5 * end_s + 600, .points = 20'000, .quantities = shown});
  std::printf(
      "samples over the interface of %zu rows: %zu points %.3f s, 20,000 points %.3f s, ten minutes of it %.3f s; reading "
      "every row %.2f s\n",
      rows, points, few, many, close, all);
  bool is_good = judge(few / all <= 0.35, "a picture of a run, of the time to read every row", few / all, "bar 0.35");
  is_good = judge(close / all <= 0.2, "ten minutes of a run, of the time to read every row", close / all, "bar 0.2") && is_good;
  return is_good;
}

// ---- the summary of cycles --------------------------------------------------------------------------------------------

/// Every row of a run, and the steps they belong to.
struct Rows {
  std::vector<StepInfo> steps;
  SampleColumns columns;
};

Rows rows_of(Reader& reader, RunKey run) {
  Rows rows;
  rows.steps = must(reader.steps(run));
  must(reader.for_each_page(run, [&rows](const SampleColumns& page) {
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(rows.columns.step, page.step);
    append(rows.columns.test_time_ns, page.test_time_ns);
    append(rows.columns.flags, page.flags);
    append(rows.columns.voltage_V, page.voltage_V);
    append(rows.columns.current_A, page.current_A);
    append(rows.columns.cell_temperature_degC, page.cell_temperature_degC);
  }));
  return rows;
}

/// What anyone would write first over columns: one pass, trapezoids into the entry of the step.
std::vector<Sums> plain_loop(const SampleColumns& c) {
  std::vector<Sums> sums(static_cast<std::size_t>(c.step.back()) + 1);
  for (std::size_t i = 1; i < c.step.size(); ++i) {
    if (c.step[i] != c.step[i - 1]) continue;
    const double half_hours = 0.5 * static_cast<double>(c.test_time_ns[i] - c.test_time_ns[i - 1]) / 3.6e12;
    const double ia = c.current_A[i - 1], ib = c.current_A[i], pa = ia * c.voltage_V[i - 1], pb = ib * c.voltage_V[i];
    Sums& s = sums[static_cast<std::size_t>(c.step[i])];
    s.charge_Ah += half_hours * (std::max(ia, 0.0) + std::max(ib, 0.0));
    s.discharge_Ah += half_hours * (std::max(-ia, 0.0) + std::max(-ib, 0.0));
    s.charge_Wh += half_hours * (std::max(pa, 0.0) + std::max(pb, 0.0));
    s.discharge_Wh += half_hours * (std::max(-pa, 0.0) + std::max(-pb, 0.0));
  }
  return sums;
}

/// Reads the same record, then makes the same sums; both times are told.
constexpr const char* pandas_program = R"py(
import sqlite3, sys, time
try:
    import pandas as pd
except ImportError:
    print("none"); sys.exit(0)
db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
def summary():
    df = pd.read_sql("SELECT step, test_time_ns AS t, voltage_V AS V, current_A AS I FROM sample", db)
    read = time.perf_counter()
    h = df["t"].diff() * (0.5 / 3.6e12)
    h[df["step"] != df["step"].shift()] = 0
    P = df["V"] * df["I"]
    out = pd.DataFrame({"step": df["step"]})
    for name, x in (("Qc", df["I"].clip(lower=0)), ("Qd", (-df["I"]).clip(lower=0)), ("Ec", P.clip(lower=0)), ("Ed", (-P).clip(lower=0))):
        out[name] = h * (x + x.shift())
    return out.groupby("step").sum(), read
best, best_sums = 1e99, 1e99
for _ in range(3):
    start = time.perf_counter(); result, read = summary(); end = time.perf_counter()
    best = min(best, end - start); best_sums = min(best_sums, end - read)
print(best, best_sums, float(result["Qc"].sum()))
)py";

struct Pandas {
  double seconds = 0;          ///< with reading the record
  double seconds_of_sums = 0;  ///< of columns that are in memory
};

/// None: there is no pandas here.
std::optional<Pandas> pandas_summary(const std::string& folder, const std::string& database, double expected_Ah) {
  std::ofstream(folder + "/summary.py") << pandas_program;
  Pandas pandas;
  double sum_Ah = 0;
  int read = 0;
  for (const char* const python : {"python3", "/usr/bin/python3"}) {  // the first may be one without the system's packages
    FILE* const pipe = popen((std::string(python) + " " + folder + "/summary.py " + database + " 2>/dev/null").c_str(), "r");
    if (pipe == nullptr) continue;
    read = std::fscanf(pipe, "%lf %lf %lf", &pandas.seconds, &pandas.seconds_of_sums, &sum_Ah);
    pclose(pipe);
    if (read == 3) break;
  }
  if (read != 3) return std::nullopt;
  if (std::abs(sum_Ah - expected_Ah) > 1e-6 * expected_Ah) {
    std::fprintf(stderr, "pandas counts %.9g Ah, we %.9g Ah\n", sum_Ah, expected_Ah);
    std::exit(1);
  }
  return pandas;
}

double charge_Ah(const std::vector<Sums>& sums) {
  double total = 0;
  for (const Sums& s : sums) total += s.charge_Ah;
  return total;
}

/// The cycle table from rows in memory, against a plain loop and pandas over the same columns; and from the record, against pandas that
/// reads the same record.
bool bench_summary(const std::string& folder, const std::string& path, RunKey run, bool is_short) {
  auto reader = must(Reader::open(path));
  const Rows rows = rows_of(*reader, run);
  const double n = static_cast<double>(rows.columns.step.size());
  double ours = 1e99, plain = 1e99, ours_Ah = 0, plain_Ah = 0;
  for (int turn = 0; turn < 3; ++turn) {  // they take turns: a build beside it should meet both
    plain = std::min(plain, best_seconds([&] { plain_Ah = charge_Ah(plain_loop(rows.columns)); }));
    ours = std::min(ours, best_seconds([&] {
                      StepTotalsCounter counter(rows.steps);
                      counter.add(rows.columns);
                      ours_Ah = 0;
                      for (const auto& [step, totals] : counter.totals()) ours_Ah += totals.sums.charge_Ah;
                    }));
  }
  if (std::abs(ours_Ah - plain_Ah) > 1e-9 * plain_Ah) std::exit(1);
  double table_Ah = 0, from_record = 1e99, stored = 1e99;
  std::optional<Pandas> pandas;
  for (int turn = 0; turn < 3;
       ++turn) {  // so do these: both spend their time in SQLite, and what runs beside one of them counts double
    from_record = std::min(from_record, best_seconds([&] {
                             table_Ah = 0;
                             for (const CycleRow& cycle : must(recompute_cycles(*reader, run))) table_Ah += cycle.charge_Ah;
                           }));
    stored = std::min(stored, best_seconds([&] {
                        if (must(summarise(*reader, run)).cycles.empty()) std::exit(1);
                      }));
    const std::optional<Pandas> again = pandas_summary(folder, path, ours_Ah);
    if (!again) continue;
    if (!pandas) pandas = again;
    pandas->seconds = std::min(pandas->seconds, again->seconds);
    pandas->seconds_of_sums = std::min(pandas->seconds_of_sums, again->seconds_of_sums);
  }
  if (std::abs(table_Ah - plain_Ah) > 1e-9 * plain_Ah) std::exit(1);
  std::printf(
      "cycle table of %.0f rows: in memory ours %.0f M rows/s, plain loop %.0f M rows/s; from the record %.2f M rows/s; as "
      "stored, what "
      "`cycles` shows, in %.2g s\n",
      n, n / ours / 1e6, n / plain / 1e6, n / from_record / 1e6, stored);
  bool is_good = judge(plain / ours >= 0.5, "cycle table in memory, of a plain loop's speed", plain / ours, "bar 0.5");
  if (!pandas) {
    std::printf("SKIP cycle table against pandas: python3 has no pandas here (package python3-pandas)\n");
    return is_good;
  }
  std::printf("pandas: in memory %.0f M rows/s, from the record %.2f M rows/s\n", n / pandas->seconds_of_sums / 1e6,
              n / pandas->seconds / 1e6);
  const double in_memory = pandas->seconds_of_sums / ours, read_anew = pandas->seconds / from_record;
  is_good = judge(in_memory >= 5, "cycle table in memory, times pandas", in_memory, "bar 5") && is_good;
  is_good =
      judge(pandas->seconds / stored >= 5, "cycles as stored, times pandas from the record", pandas->seconds / stored, "bar 5") &&
      is_good;
  // The short form runs in CI beside whatever there is, on a fifth of the rows: 5.07 is the least that was seen there.
  const double bar = is_short ? 4 : 5;
  return judge(read_anew >= bar, "cycle table from the record, times pandas", read_anew, is_short ? "aim 5, bar 4" : "bar 5") &&
         is_good;
}

// ---- export -----------------------------------------------------------------------------------------------------------

/// The columns of our CSV by hand: one SELECT, to_chars, one buffer.
class PlainWriter {
 public:
  explicit PlainWriter(const std::string& path) : file_(std::fopen(path.c_str(), "wb")) {}
  ~PlainWriter() {
    flush();
    std::fclose(file_);
  }
  template <class T>
  void cell(T value, char after = ',') {
    const auto end = std::to_chars(at_, buffer_.data() + buffer_.size(), value);
    at_ = end.ptr;
    *at_++ = after;
    if (at_ > buffer_.data() + buffer_.size() - 64) flush();
  }
  void text(const char* value, std::size_t length) {
    std::memcpy(at_, value, length);
    at_ += length;
    *at_++ = ',';
    if (at_ > buffer_.data() + buffer_.size() - 64) flush();
  }

 private:
  void flush() {
    std::fwrite(buffer_.data(), 1, static_cast<std::size_t>(at_ - buffer_.data()), file_);
    at_ = buffer_.data();
  }
  FILE* file_;
  std::array<char, 1 << 16> buffer_{};
  char* at_ = buffer_.data();
};

void plain_export(const std::string& path, const std::string& out) {
  Connection connection = must(Connection::open(path, OpenMode::read));
  Statement select = must(connection.prepare(
      "SELECT x.rowid, x.test_time_ns, x.flags, x.voltage_V, x.current_A, x.cell_temperature_degC, "
      "x.ambient_temperature_degC, x.charge_Ah, x.discharge_Ah, x.charge_Wh, x.discharge_Wh, s.step_count, s.step_id, "
      "s.cycle, s.in_cycle, s.is_reference, s.started_test_time_ns, s.cycle_charge_Ah, s.cycle_discharge_Ah, "
      "s.cycle_charge_Wh, s.cycle_discharge_Wh, s.run_charge_Ah, s.run_discharge_Ah, s.run_charge_Wh, s.run_discharge_Wh "
      "FROM sample AS x JOIN step AS s ON s.step = x.step ORDER BY x.rowid"));
  PlainWriter writer(out);
  while (must(select.step("bench"))) {
    const double t = static_cast<double>(select.integer(1)) / 1e9;
    writer.cell(select.integer(0));
    writer.cell(t);
    writer.cell(t);
    writer.cell(select.integer(11));
    writer.cell(select.integer(12));
    writer.text("cc", 2);
    writer.text("CC_CHG", 6);
    writer.cell(t - static_cast<double>(select.integer(16)) / 1e9);
    for (const int column : {13, 14, 15}) writer.cell(select.integer(column));
    writer.cell(select.integer(2) & 1);
    writer.text("CC", 2);
    writer.cell((select.integer(2) >> 6) & 1);
    const double v = select.real(3), i = select.real(4);
    for (const double value : {v, i, v * i, select.real(5), select.real(6)}) writer.cell(value);
    for (int column = 7; column < 11; ++column) writer.cell(select.real(column));
    for (int column = 7; column < 11; ++column) writer.cell(select.real(column) + select.real(column + 10));
    for (int column = 7; column < 11; ++column)
      writer.cell(select.real(column) + select.real(column + 14), column == 10 ? '\n' : ',');
  }
}

bool bench_export(const std::string& folder, const std::string& path, RunKey run, std::size_t rows) {
  const double n = static_cast<double>(rows);
  const double before_MiB = peak_MiB();
  auto reader = must(Reader::open(path));
  double plain = 1e99, csv = 1e99, bdf = 1e99;
  for (int turn = 0; turn < 3; ++turn) {  // they take turns, as above
    plain = std::min(plain, best_seconds([&] { plain_export(path, folder + "/plain.csv"); }));
    csv = std::min(csv, best_seconds([&] { must(export_csv(*reader, run, {folder + "/ours.csv", true})); }));
    bdf = std::min(bdf, best_seconds([&] { must(export_bdf(*reader, run, {folder + "/ours.bdf.csv", true})); }));
  }
  const auto megabytes = [&folder](const char* name) {
    return static_cast<double>(std::filesystem::file_size(folder + name)) / 1e6;
  };
  std::printf(
      "export of %zu rows: CSV %.2f M rows/s (%.0f MB/s), BDF %.2f M rows/s (%.0f MB/s), plain writer %.2f M rows/s (%.0f "
      "MB/s)\n",
      rows, n / csv / 1e6, megabytes("/ours.csv") / csv, n / bdf / 1e6, megabytes("/ours.bdf.csv") / bdf, n / plain / 1e6,
      megabytes("/plain.csv") / plain);
  bool is_good = judge(plain / csv >= 0.7, "CSV export, of a plain writer's rows a second", plain / csv, "bar 0.7");
  // Battery Data Format has more columns: judged by what it writes.
  const double ratio = megabytes("/ours.bdf.csv") / bdf / (megabytes("/plain.csv") / plain);
  is_good = judge(ratio >= 0.7, "BDF export, of a plain writer's bytes a second", ratio, "bar 0.7") && is_good;
  const double grown_MiB = peak_MiB() - before_MiB;
  return judge(grown_MiB <= 32, "memory that exports added at their peak, MiB", grown_MiB, "bar 32, whatever the length") &&
         is_good;
}

bool bench_memory(const std::string& folder, int few, int many, double bar_MiB) {
  const ProgramPeaks small = peaks_of_life(folder, few), great = peaks_of_life(folder, many);
  std::printf(
      "memory of the program, of a run of %d and of %d cycles of some 10,000 rows: report %.1f and %.1f MiB, verify %.1f and "
      "%.1f "
      "MiB\n",
      few, many, small.report_MiB, great.report_MiB, small.verify_MiB, great.verify_MiB);
  const double report_MiB = great.report_MiB - small.report_MiB, verify_MiB = great.verify_MiB - small.verify_MiB;
  // A line of a table for each cycle, and nothing for a row: one number for each would be 16 MiB of the whole form.
  char bar[32];
  std::snprintf(bar, sizeof bar, "bar %.0f", bar_MiB);
  const bool is_good = judge(report_MiB <= bar_MiB, "memory that `report` takes more of the long run, MiB", report_MiB, bar);
  return judge(verify_MiB <= bar_MiB, "memory that `verify` takes more of the long run, MiB", verify_MiB, bar) && is_good;
}

int run(bool is_short) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("cellrig-review-bench-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::size_t run_rows = is_short ? 500'000 : 10'000'000, export_rows = is_short ? 200'000 : 1'000'000;
  const std::string long_path = (folder / "long.db").string(), short_path = (folder / "export.db").string();
  bool is_good = bench_memory(folder.string(), 5, is_short ? 50 : 200, is_short ? 3 : 8);
  const RunKey exported = write_run(short_path, export_rows);
  is_good = bench_summary(folder.string(), short_path, exported, is_short) && is_good;
  is_good = bench_export(folder.string(), short_path, exported, export_rows) && is_good;
  const RunKey long_run = write_run(long_path, run_rows);
  is_good = bench_opening(long_path, long_run, run_rows) && is_good;
  is_good = bench_samples(long_path, long_run, run_rows) && is_good;
  std::filesystem::remove_all(folder);
  return is_good ? 0 : 1;
}

}  // namespace
}  // namespace cellrig::db

int main(int argc, char** argv) { return cellrig::db::run(argc > 1 && std::strcmp(argv[1], "--short") == 0); }
