// What a picture of 8 traces of 1 million points costs: thinning, one replace per series, and painting, at 1280x800 on the offscreen platform.
// Beside it, in the same run, the same chart with the same number of points on the screen and nothing to thin: what Qt Charts alone needs.
//
// chart_bench [--points 1000000] [--frames 60] [--short]
#include <fmt/format.h>

#include <QApplication>
#include <algorithm>
#include <cmath>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"

namespace cellrig::ui {
namespace {

constexpr int trace_count = 8, panes = 4;
constexpr double frame_ms_max = 33, frame_ms_aim = 16;
/// Of the exit code: a frame of everything against a frame of Qt Charts alone. Twice the worst that was seen.
constexpr double ratio_max = 4.0;

struct Options {
  int points = 1'000'000;
  int frames = 60;
};

struct Bench {
  TraceChart chart;
  std::vector<std::shared_ptr<Trace>> traces;
};

std::unique_ptr<Bench> make_bench(int points) {
  auto bench = std::make_unique<Bench>();
  const char* const quantities[panes] = {"Voltage", "Current", "Temperature", "Pressure"};
  const char* const units[panes] = {"V", "A", "°C", "MPa"};
  for (int p = 0; p < panes; ++p) bench->chart.add_pane({QString::fromUtf8(quantities[p]), QString::fromUtf8(units[p])});
  for (int t = 0; t < trace_count; ++t) {
    auto trace = std::make_shared<Trace>(Trace::Capacity{.recent_points = static_cast<std::size_t>(points) + Trace::block_size});
    for (int i = 0; i < points; ++i) {
      trace->append({i * 0.1, 3.7 + 0.4 * std::sin(i * 6.28 / points * 40 + t) + 0.02 * std::sin(i * 12.9898 + t)});
    }
    bench->chart.add_trace(t % panes, {QString::number(t), colours().series_colour(t)}, trace);
    bench->traces.push_back(std::move(trace));
  }
  bench->chart.resize(1280, 800);
  bench->chart.show();
  QApplication::processEvents();
  return bench;
}

/// Of this thread, which does all of it: a frame's time on a machine that does nothing else.
double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

/// Milliseconds of the median and of the slowest frame. Each frame shows another window: nothing is remembered.
struct Frames {
  double median_ms = 0, slowest_ms = 0;
};
Frames measure(TraceChart& chart, double span_s, int frames) {
  std::vector<double> times;
  for (int f = 0; f < frames; ++f) {
    const double start = cpu_ms();
    chart.show_window({span_s * 0.001 * f / frames, span_s * (1 - 0.001 * f / frames)});
    QApplication::processEvents();  // paints every pane once
    times.push_back(cpu_ms() - start);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.back()};
}

/// Thinning alone, all traces, the best of some rounds.
double thinning_ms(const Bench& bench, double span_s) {
  double best = 1e9;
  for (int round = 0; round < 10; ++round) {
    const double start = cpu_ms();
    for (const auto& trace : bench.traces) {
      if (trace->points({span_s * 0.001 * round, span_s * 0.999}, 1188).empty()) return 1e9;
    }
    best = std::min(best, cpu_ms() - start);
  }
  return best;
}

int run(const Options& options) {
  const int shown = 2 * 1188;  // two points per pixel column of the plot
  const std::unique_ptr<Bench> small = make_bench(shown);
  const std::unique_ptr<Bench> large = make_bench(options.points);
  Frames bare, full;
  for (int round = 0; round < 3; ++round) {  // in turns, the best counts: a shared machine only ever makes things slower
    const Frames a = measure(small->chart, shown * 0.1, options.frames),
                 b = measure(large->chart, options.points * 0.1, options.frames);
    if (round == 0 || a.median_ms < bare.median_ms) bare = a;
    if (round == 0 || b.median_ms < full.median_ms) full = b;
  }
  fmt::print("thinning alone: {:.1f} ms\n", thinning_ms(*large, options.points * 0.1));
  std::size_t bytes = 0;
  for (const auto& trace : large->traces) bytes += trace->memory_bytes();
  const double ratio = full.median_ms / bare.median_ms;
  fmt::print("8 traces x {} points at 1280x800: frame {:.1f} ms (slowest {:.1f}), memory {:.0f} MB\n", options.points,
             full.median_ms, full.slowest_ms, static_cast<double>(bytes) / 1e6);
  fmt::print("Qt Charts alone, {} points a trace: frame {:.1f} ms (slowest {:.1f})\n", shown, bare.median_ms, bare.slowest_ms);
  fmt::print("{} a frame within {} ms (aim {} ms): {:.1f} ms\n", full.median_ms <= frame_ms_max ? "PASS" : "FAIL", frame_ms_max,
             frame_ms_aim, full.median_ms);
  fmt::print("{} ratio to Qt Charts alone <= {}: {:.2f}\n", ratio <= ratio_max ? "PASS" : "FAIL", ratio_max, ratio);
  return ratio <= ratio_max ? 0 : 1;
}

}  // namespace
}  // namespace cellrig::ui

int main(int argc, char** argv) {
  if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication app(argc, argv);
  cellrig::ui::apply_theme(cellrig::ui::Theme::light);
  cellrig::ui::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--short") {
      options.frames = 10;
    } else if (word == "--points" && i + 1 < argc) {
      options.points = std::max(1000, std::atoi(argv[++i]));
    } else if (word == "--frames" && i + 1 < argc) {
      options.frames = std::max(3, std::atoi(argv[++i]));
    } else {
      fmt::print(stderr, "chart_bench [--points 1000000] [--frames 60] [--short]\n");
      return 2;
    }
  }
  return cellrig::ui::run(options);
}
