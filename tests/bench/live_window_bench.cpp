// What the bench view costs while 64 channels are live: in real time, at 1280x800 on the offscreen platform, by the CPU time of the one thread
// that does all of it. First with a view and a sample of each channel ten times a second from memory: decoding the JSON, the model, painting.
// Then as a client of the real server over a WebSocket, whose channels measure ten times a second.
//
// live_window_bench [--channels 64] [--seconds 20] [--short]
#include <fmt/format.h>

#include <QApplication>
#include <QUrl>
#include <QTimer>
#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/messages_codec.hpp"
#include "tests/api/fake_bench.hpp"
#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/model/bench_model.hpp"

namespace cellrig::ui {
namespace {

constexpr double share_max = 0.25;
constexpr int period_ms = 100;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

api::ChannelView view_of(int channel, int tick) {
  api::ChannelView view;
  view.channel = "ch" + std::to_string(channel + 1);
  view.state = api::Activity::running;
  view.run = channel + 1;
  view.cell = "lg-m50";
  view.cell_id = "SN" + std::to_string(4000 + channel);
  view.profile = "cccv-cycle";
  view.step_name = "cc_discharge";
  view.cycle = 3;
  view.cycle_count = 12;
  view.voltage_V = 3.7 + 0.2 * std::sin(tick * 0.01 + channel);
  view.current_A = -2.5 + 0.001 * (tick % 7);
  view.cell_temperature_degC = 25 + 0.01 * (tick % 100);
  view.charge_Ah = 0;
  view.discharge_Ah = tick * 7e-5;
  view.time_left_s = 9000 - tick * 0.1;
  return view;
}

std::vector<std::string> messages_of(int channels, int tick) {
  std::vector<std::string> texts;
  for (int c = 0; c < channels; ++c) {
    api::StreamMessage view, samples;
    view.type = api::StreamType::channel;
    view.channel = view_of(c, tick);
    samples.type = api::StreamType::samples;
    samples.samples = api::LiveSamples{view.channel->channel, view.channel->run, {}};
    samples.samples->columns = {
        {"test_time_s", {tick * 0.1}}, {"voltage_V", {*view.channel->voltage_V}}, {"current_A", {*view.channel->current_A}}};
    texts.push_back(api::to_json(samples));
    texts.push_back(api::to_json(view));
  }
  return texts;
}

bool judge(const char* how, double share) {
  fmt::print("{} {}: at most {:.0f} % of one core: {:.1f} %\n", share <= share_max ? "PASS" : "FAIL", how, share_max * 100,
             share * 100);
  return share <= share_max;
}

bool run_from_memory(int channels, int seconds) {
  ApiClient client;
  BenchModel model(client);
  BenchView window(model);
  api::StreamMessage snapshot;
  snapshot.bench = api::BenchView{};
  for (int c = 0; c < channels; ++c) snapshot.bench->channels.push_back(view_of(c, 0));
  model.apply(snapshot);
  window.resize(1280, 800);
  window.show();
  QApplication::processEvents();
  int tick = 0, ticks = seconds * 1000 / period_ms;
  double encoding = 0, started = cpu_seconds();
  QTimer timer;
  timer.setTimerType(Qt::PreciseTimer);
  QObject::connect(&timer, &QTimer::timeout, [&] {
    const double before = cpu_seconds();
    const std::vector<std::string> texts = messages_of(channels, ++tick);
    encoding += cpu_seconds() - before;  // the service's work, not the window's
    for (const std::string& text : texts) {
      if (const auto message = api::from_json<api::StreamMessage>(text, api::UnknownFields::ignored)) model.apply(*message);
    }
    if (tick >= ticks) QApplication::quit();
  });
  timer.start(period_ms);
  timespec wall_from{}, wall_to{};
  clock_gettime(CLOCK_MONOTONIC, &wall_from);
  QApplication::exec();
  clock_gettime(CLOCK_MONOTONIC, &wall_to);
  const double wall =
      static_cast<double>(wall_to.tv_sec - wall_from.tv_sec) + static_cast<double>(wall_to.tv_nsec - wall_from.tv_nsec) / 1e9;
  const double used = cpu_seconds() - started - encoding;
  fmt::print("{} channels, {} ticks in {:.1f} s: {:.2f} s of CPU, {:.1f} ms a tick\n", channels, tick, wall, used,
             used / tick * 1e3);
  return judge("from memory", used / wall);
}

bool run_over_socket(int channels, int seconds) {
  api::test::FakeBench bench{{.channel_count = channels, .limits = api::test::patient_limits()}};
  bench.measure_every(std::chrono::milliseconds{period_ms});
  ApiClient client;
  BenchModel model(client);
  BenchView window(model);
  window.resize(1280, 800);
  window.show();
  std::size_t samples = 0;
  QObject::connect(&model, &BenchModel::samples_came, &model, [&samples](const api::LiveSamples& came) {
    if (!came.columns.empty()) samples += came.columns.begin()->second.size();
  });
  const QString url = QStringLiteral("http://127.0.0.1:%1").arg(bench.port());
  client.connect_to({QUrl(url), QString::fromLatin1(api::test::FakeBench::token)});
  const auto wait = [](int milliseconds) {
    QTimer::singleShot(milliseconds, &QApplication::quit);
    QApplication::exec();
  };
  for (int i = 0; i < 100 && samples == 0; ++i) wait(period_ms);
  samples = 0;
  const double started = cpu_seconds();
  timespec wall_from{}, wall_to{};
  clock_gettime(CLOCK_MONOTONIC, &wall_from);
  wait(seconds * 1000);
  clock_gettime(CLOCK_MONOTONIC, &wall_to);
  const double wall =
      static_cast<double>(wall_to.tv_sec - wall_from.tv_sec) + static_cast<double>(wall_to.tv_nsec - wall_from.tv_nsec) / 1e9;
  const double rate = static_cast<double>(samples) / wall / channels, used = cpu_seconds() - started;
  fmt::print("{} channels over a socket: {:.1f} samples a second of each\n", channels, rate);
  constexpr double rate_min = 5;  // of 10: less is no live bench, whatever it costs
  if (rate < rate_min) fmt::print("FAIL too few samples came\n");
  return judge("over a socket", used / wall) && rate >= rate_min;
}

int run(int channels, int seconds) {
  const bool is_good = run_from_memory(channels, seconds);
  return run_over_socket(channels, seconds) && is_good ? 0 : 1;
}

}  // namespace
}  // namespace cellrig::ui

int main(int argc, char** argv) {
  if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication app(argc, argv);
  cellrig::ui::apply_theme(cellrig::ui::Theme::light);
  int channels = 64, seconds = 20;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--short") {
      seconds = 3;
    } else if (word == "--channels" && i + 1 < argc) {
      channels = std::clamp(std::atoi(argv[++i]), 1, 1000);
    } else if (word == "--seconds" && i + 1 < argc) {
      seconds = std::clamp(std::atoi(argv[++i]), 1, 3600);
    } else {
      fmt::print(stderr, "live_window_bench [--channels 64] [--seconds 20] [--short]\n");
      return 2;
    }
  }
  return cellrig::ui::run(channels, seconds);
}
