// The live stream: whole for those that read, bounded for those that do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <poll.h>
#include <pthread.h>
#include <ctime>

#include "controller/api/access.hpp"
#include "controller/api/live_hub.hpp"
#include "controller/async/thread_priority.hpp"
#include "controller/api/messages_codec.hpp"
#include "tests/api/fake_bench.hpp"

namespace cellrig::api::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::SizeIs;

std::unique_ptr<Client> subscribe(const FakeBench& bench, int receive_buffer_bytes = 0) {
  auto client = std::make_unique<Client>(bench.port(), receive_buffer_bytes);
  Headers headers = FakeBench::signed_in();
  headers.merge(Headers{{"Connection", "Upgrade"},
                        {"Upgrade", "websocket"},
                        {"Sec-WebSocket-Version", "13"},
                        {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}});
  const Answer answer = client->ask(request("GET", "/api/v1/stream", headers));
  EXPECT_EQ(answer.status, 101) << answer.body;
  return client;
}

StreamMessage next(Client& client) {
  const std::optional<std::string> text = client.message();
  EXPECT_TRUE(text) << "the stream ended";
  if (!text) return {};
  const Decoded<StreamMessage> message = from_json<StreamMessage>(*text);
  EXPECT_TRUE(message) << *text;
  return message ? *message : StreamMessage{};
}

/// The next of this type; others are left out.
StreamMessage next(Client& client, StreamType type) {
  for (int i = 0; i < 1000; ++i) {
    StreamMessage message = next(client);
    if (message.type == type) return message;
  }
  ADD_FAILURE() << "no such message";
  return {};
}

TEST(Stream, begins_with_the_whole_bench_and_tells_what_changes) {
  FakeBench bench;
  const auto client = subscribe(bench);
  const StreamMessage first = next(*client);
  ASSERT_EQ(first.type, StreamType::snapshot);
  ASSERT_THAT(first.bench->channels, SizeIs(2));
  EXPECT_THAT(*first.alarms, SizeIs(1));
  bench.on_control([&] {
    FakeControl& control = bench.control();
    control.channels_[1].condition = ChannelCondition::tripped;
    control.watcher()->channel_changed("ch2");
  });
  StreamMessage changed;
  do {
    changed = next(*client, StreamType::channel);
  } while (changed.channel->channel != "ch2" || changed.channel->state != Activity::tripped);
  bench.on_control([&] {
    FakeControl& control = bench.control();
    control.alarms_.push_back({.id = 4, .text = "too cold"});
    control.watcher()->alarm_changed(control.alarms_.back());
  });
  while (next(*client, StreamType::alarm).alarm->text != "too cold") {
  }
}

TEST(Stream, brings_every_sample_once_and_in_order_to_those_that_read) {
  FakeBench bench;
  const auto client = subscribe(bench);
  ASSERT_EQ(next(*client).type, StreamType::snapshot);
  constexpr int count = 200;
  bench.on_control([&] {
    for (int i = 0; i < count; ++i) bench.control().measure();
  });
  std::vector<double> times;
  while (times.size() < count) {
    const StreamMessage message = next(*client, StreamType::samples);
    if (message.samples->channel != "ch1") continue;
    const Column& part = message.samples->columns.at("test_time_s");
    EXPECT_EQ(message.samples->columns.at("voltage_V").size(), part.size());
    times.insert(times.end(), part.begin(), part.end());
  }
  ASSERT_THAT(times, SizeIs(count));
  for (int i = 1; i < count; ++i)
    EXPECT_NEAR(times[static_cast<std::size_t>(i)] - times[static_cast<std::size_t>(i) - 1], 0.1, 1e-9);
}

TEST(Stream, ends_for_who_talks_and_is_refused_without_a_token) {
  FakeBench bench;
  const auto client = subscribe(bench);
  client->send_frame(1, "{\"stop\":true}");
  EXPECT_TRUE(client->is_closed_within(std::chrono::seconds{10}));
  Client stranger{bench.port()};
  EXPECT_EQ(stranger
                .ask(request("GET", "/api/v1/stream",
                             {{"Connection", "Upgrade"},
                              {"Upgrade", "websocket"},
                              {"Sec-WebSocket-Version", "13"},
                              {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}}))
                .status,
            401);
}

TEST(Stream, takes_no_more_subscribers_than_it_can_serve) {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.subscribers_max = 2;
  FakeBench bench{settings};
  const auto one = subscribe(bench), two = subscribe(bench);
  Client three{bench.port()};
  Headers headers = FakeBench::signed_in();
  headers.merge(Headers{{"Connection", "Upgrade"},
                        {"Upgrade", "websocket"},
                        {"Sec-WebSocket-Version", "13"},
                        {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}});
  EXPECT_EQ(three.ask(request("GET", "/api/v1/stream", headers)).status, 503);
}

// All at once: a place is taken before the handshake, not after it.
TEST(Stream, takes_no_more_subscribers_when_they_come_together) {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.subscribers_max = 2;
  FakeBench bench{settings};
  Headers headers = FakeBench::signed_in();
  headers.merge(Headers{{"Connection", "Upgrade"},
                        {"Upgrade", "websocket"},
                        {"Sec-WebSocket-Version", "13"},
                        {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}});
  std::vector<std::unique_ptr<Client>> clients(12);
  for (auto& client : clients) client = std::make_unique<Client>(bench.port());
  for (auto& client : clients) client->send(request("GET", "/api/v1/stream", headers));
  const auto accepted =
      std::count_if(clients.begin(), clients.end(), [](auto& client) { return client->receive().status == 101; });
  EXPECT_EQ(accepted, 2);
}

// One account with many windows, or a script that forgets to close, leaves room for the others.
TEST(Stream, is_never_taken_up_by_one_account) {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.subscribers_of_account_max = 2;
  settings.accounts =
      parse_accounts(account_line("vera", Role::viewer, "open") + account_line("otto", Role::operates, "open"), "accounts");
  FakeBench bench{settings};
  std::vector<std::unique_ptr<Client>> clients;
  const auto status_for = [&](const char* authorization) {
    clients.push_back(std::make_unique<Client>(bench.port()));
    return clients.back()
        ->ask(request("GET", "/api/v1/stream",
                      {{"Authorization", authorization},
                       {"Connection", "Upgrade"},
                       {"Upgrade", "websocket"},
                       {"Sec-WebSocket-Version", "13"},
                       {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}}))
        .status;
  };
  constexpr const char *vera = "Basic dmVyYTpvcGVu", *otto = "Basic b3R0bzpvcGVu";
  for (const int status : {101, 101, 503}) EXPECT_EQ(status_for(vera), status);
  EXPECT_EQ(status_for(otto), 101);
  clients.erase(clients.begin());
  int again = 503;
  for (int i = 0; i < 1000 && again == 503; ++i) again = status_for(vera);
  EXPECT_EQ(again, 101) << "a place that was left is free";
}

SharedText text_of(std::size_t bytes) { return std::make_shared<const std::string>(bytes, 'x'); }

// What waits for one that does not read: the latest of each view, and so many bytes of samples.
TEST(Subscriber, keeps_the_latest_view_and_a_bounded_number_of_samples) {
  boost::asio::io_context context;
  Subscriber subscriber{context, 1000};
  subscriber.put_snapshot(text_of(10));
  for (int i = 0; i < 100; ++i) {
    subscriber.put_view("channel:1", text_of(50));
    subscriber.put_samples(text_of(100), 7);
  }
  EXPECT_EQ(subscriber.waiting_bytes(), 10U + 50U + 1000U);
  EXPECT_EQ(subscriber.lost_in_all(), 90 * 7);
}

// Days of alarms that nobody fetched: one new snapshot says the same.
TEST(Subscriber, that_missed_too_many_views_gets_a_new_snapshot) {
  boost::asio::io_context context;
  Subscriber subscriber{context, 1000};
  subscriber.put_snapshot(text_of(10));
  for (std::size_t i = 0; i <= Subscriber::views_max; ++i) subscriber.put_view("alarm:" + std::to_string(i), text_of(100));
  EXPECT_TRUE(subscriber.needs_snapshot());
  EXPECT_LE(subscriber.waiting_bytes(), 10U);
}

#ifdef __SANITIZE_ADDRESS__
constexpr double kept_by_sanitizer_MB = 256;  ///< what was freed, so that it notices who still uses it (its quarantine)
#else
constexpr double kept_by_sanitizer_MB = 0;
#endif

double resident_MB() {
  std::ifstream file{"/proc/self/statm"};
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double metric(const FakeBench& bench, const std::string& name) {
  const std::string body = bench.get("/metrics").body;
  const std::size_t at = body.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(body.substr(at + name.size() + 2));
}

/// Reads whatever comes on all of them, until so much time has passed.
void read_all(std::vector<std::unique_ptr<Client>>& clients, std::vector<int>& messages, milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
    for (std::size_t i = 0; i < clients.size(); ++i) messages[i] += clients[i]->message() ? 1 : 0;
  }
}

constexpr std::size_t readers_count = 40, sleepers_count = 10;
constexpr milliseconds cycle_period{50};

/// CPU time of the control thread: what others do with the processor is not in it.
class ControlCpu {
 public:
  explicit ControlCpu(FakeBench& bench) {
    bench.on_control([this] { has_clock_ = pthread_getcpuclockid(pthread_self(), &clock_) == 0; });
    EXPECT_TRUE(has_clock_);
  }
  [[nodiscard]] double seconds() const {
    timespec now{};
    return clock_gettime(clock_, &now) == 0 ? static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 : 0;
  }

 private:
  clockid_t clock_{};
  bool has_clock_ = false;
};

/// What the control thread did while so many listened, all rounds together.
struct Phase {
  double time_s = 0, cpu_s = 0;
  int looks = 0;
  std::vector<double> lateness_s;
  std::vector<double> cycles_per_s;  ///< of each round
  [[nodiscard]] double cpu_per_cycle_us() const {
    return lateness_s.empty() ? 0 : cpu_s / static_cast<double>(lateness_s.size()) * 1e6;
  }
};

template <class Work>
void add_phase(Phase& phase, FakeBench& bench, const ControlCpu& cpu, const Work& work) {
  (void)bench.lateness_s();
  const auto began = std::chrono::steady_clock::now();
  const double cpu_began = cpu.seconds();
  const int looks_began = bench.control().looks();
  work();
  const double time_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  phase.time_s += time_s;
  phase.cpu_s += cpu.seconds() - cpu_began;
  phase.looks += bench.control().looks() - looks_began;
  const std::vector<double> lateness_s = bench.lateness_s();
  phase.lateness_s.insert(phase.lateness_s.end(), lateness_s.begin(), lateness_s.end());
  phase.cycles_per_s.push_back(static_cast<double>(lateness_s.size()) / time_s);
}

void print_phase(const char* name, const Phase& phase) {
  std::printf(
      "control thread %s: late by %.0f us (median), %.0f us (worst of %zu); %.0f us of CPU a cycle, %.1f looks a second\n", name,
      median(phase.lateness_s) * 1e6, *std::max_element(phase.lateness_s.begin(), phase.lateness_s.end()) * 1e6,
      phase.lateness_s.size(), phase.cpu_per_cycle_us(), phase.looks / phase.time_s);
}

/// Whatever competes with it for the processor, the work of the control thread is its own: one look per tick serves all of them, as it serves
/// one. How late it begins is compared with the phases between which it was measured, when nobody listened.
void expect_unchanged(const Phase& nobody_listens, const Phase& one, const Phase& fifty, bool is_preferred) {
  ASSERT_FALSE(nobody_listens.lateness_s.empty() || one.lateness_s.empty() || fifty.lateness_s.empty())
      << "control cycles were lost";
  print_phase("without a subscriber", nobody_listens);
  print_phase("with one", one);
  print_phase("with 50, of which 10 never read", fifty);
  // Cycles that begin late after a hang count as missed below; those that have not begun when a round ends are in no list, and missing here.
  constexpr double cycles_ratio_min = 0.5;
  const double quiet_per_s = median(nobody_listens.cycles_per_s);
  EXPECT_GT(quiet_per_s, cycles_ratio_min / to_seconds(cycle_period)) << "control hung while nobody listened";
  for (const Phase* phase : {&nobody_listens, &one, &fifty}) {
    for (const double per_s : phase->cycles_per_s) EXPECT_GT(per_s, cycles_ratio_min * quiet_per_s) << "control hung in a round";
  }
  EXPECT_GT(one.looks, 5);
  EXPECT_LE(fifty.looks, 10 * fifty.time_s + 6) << "more than one look per tick";
  constexpr double cpu_ratio_max = 2, cpu_noise_us = 100;
  EXPECT_LE(fifty.cpu_per_cycle_us(), cpu_ratio_max * one.cpu_per_cycle_us() + cpu_noise_us) << "each subscriber costs something";
  constexpr double late_ratio_max = 10;
  const double allowance_s =
      is_preferred ? 1e-3 : to_seconds(cycle_period) / 5;  // the readers of this very test want the processor, too
  EXPECT_LT(median(fifty.lateness_s), late_ratio_max * median(nobody_listens.lateness_s) + allowance_s);
  const auto missed = [](const Phase& phase) {
    const auto count = std::count_if(phase.lateness_s.begin(), phase.lateness_s.end(),
                                     [](double late) { return late > to_seconds(cycle_period); });
    return static_cast<double>(count) / static_cast<double>(phase.lateness_s.size());
  };
  constexpr double missed_more_max = 0.1;
  EXPECT_LE(missed(fifty), missed(nobody_listens) + missed_more_max) << "periods were missed";
}

/// Until the server knows of so many, and no more.
void wait_for_subscribers(const FakeBench& bench, double count) {
  for (int i = 0; i < 1000 && metric(bench, "cellrig_api_subscribers") != count; ++i) poll(nullptr, 0, 5);
  ASSERT_EQ(metric(bench, "cellrig_api_subscribers"), count);
}

// 64 channels at 20 Hz, 40 subscribers that read, 10 that never do, in turns with one and with none.
TEST(Stream, fifty_subscribers_of_which_ten_never_read_cost_bounded_memory_and_no_lateness) {
  FakeBenchSettings settings{.channel_count = 64, .limits = patient_limits()};
  settings.limits.connections_max = 200;
  settings.limits.connections_ordinary = 190;
  FakeBench bench{settings};
  bool is_preferred = false;
  bench.on_control([&] { is_preferred = prefer_this_thread(); });
  bench.measure_every(cycle_period);
  const ControlCpu cpu{bench};
  constexpr int rounds = 3;
  Phase nobody_listens, one, fifty;
  for (int round = 0; round < rounds; ++round) {
    const bool is_last = round + 1 == rounds;
    std::vector<std::unique_ptr<Client>> readers, sleepers;
    std::vector<int> messages(readers_count), of_one(1);
    add_phase(nobody_listens, bench, cpu, [] { poll(nullptr, 0, 1000); });  // real time passes, and nobody subscribed
    readers.push_back(subscribe(bench));
    add_phase(one, bench, cpu, [&] { read_all(readers, of_one, milliseconds{1000}); });
    while (readers.size() < readers_count) readers.push_back(subscribe(bench));
    while (sleepers.size() < sleepers_count) sleepers.push_back(subscribe(bench, 4096));
    read_all(readers, messages, milliseconds{is_last ? 3000 : 500});
    const double memory_MB = resident_MB();
    add_phase(fifty, bench, cpu, [&] { read_all(readers, messages, milliseconds{is_last ? 4000 : 1500}); });
    for (const int count : messages) EXPECT_GT(count, 10);
    if (is_last) {
      const double waiting = metric(bench, "cellrig_api_stream_waiting_bytes");
      EXPECT_GT(waiting, 1e6) << "nobody fell behind: the test measures nothing";
      EXPECT_LT(waiting, 50.0 * (256.0 * 1024 + 64 * 2048)) << "samples, and the latest view of each channel";
      EXPECT_LT(resident_MB() - memory_MB, 40 + kept_by_sanitizer_MB);
    }
    wait_for_subscribers(bench, readers_count + sleepers_count);
    readers.clear();
    sleepers.clear();
    if (!is_last) wait_for_subscribers(bench, 0);
  }
  expect_unchanged(nobody_listens, one, fifty, is_preferred);
  RecordProperty("lateness_without_us", static_cast<int>(median(nobody_listens.lateness_s) * 1e6));
  RecordProperty("lateness_busy_us", static_cast<int>(median(fifty.lateness_s) * 1e6));
  RecordProperty("real_time_scheduling", is_preferred ? "yes" : "no");
}

}  // namespace
}  // namespace cellrig::api::test
