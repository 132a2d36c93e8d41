// Clients that are broken, slow, or mean it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "controller/api/messages_codec.hpp"
#include "controller/api/routes.hpp"
#include "tests/api/fake_bench.hpp"

namespace cellrig::api::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsEmpty;

const std::string head = "POST /api/v1/stop HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer 0123456789abcdef\r\n";

TEST(Hostile, what_is_too_large_is_refused_before_it_is_read) {
  FakeBench bench;
  Client announced{bench.port()};  // not one byte of the body comes
  EXPECT_EQ(announced.ask(head + "Content-Length: 999999999999\r\n\r\n").status, 413);
  EXPECT_TRUE(announced.is_closed_within(seconds{10}));
  Client chunked{bench.port()};
  chunked.send(head + "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  for (int i = 0; i < 17; ++i) chunked.send(chunk);
  EXPECT_EQ(chunked.receive().status, 413);
  Client headers{bench.port()};
  EXPECT_EQ(headers.ask(head + "X-Long: " + std::string(10'000, 'x') + "\r\n\r\n").status, 431);
  Client endless{bench.port()};
  endless.send("GET /");
  for (int i = 0; i < 100 && endless.send(std::string(1000, 'x')); ++i) {
  }
  EXPECT_TRUE(endless.is_closed_within(seconds{10}));
  EXPECT_EQ(bench.get("/" + std::string(2100, 'x')).status, 400);
  EXPECT_THAT(bench.control().told(), IsEmpty());
}

class Malformed : public testing::TestWithParam<std::string> {};

TEST_P(Malformed, is_refused_or_closed_and_nothing_is_done) {
  FakeBench bench;
  Client client{bench.port()};
  client.send(GetParam());
  const Answer answer = client.receive();
  EXPECT_TRUE(answer.status == 0 || answer.status == 400 || answer.status == 403 || answer.status == 401)
      << answer.status << answer.body;
  EXPECT_TRUE(answer.status > 400 || client.is_closed_within(seconds{10}));
  EXPECT_THAT(bench.control().told(), IsEmpty());
  EXPECT_EQ(bench.get("/session").status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, Malformed,
    testing::Values("\r\n\r\n\r\n", "hello\r\n\r\n", "GET\r\n\r\n", "GET /api/v1/bench\r\n\r\n",
                    "GET /api/v1/bench HTTP/9.9\r\n\r\n", "G\x01T / HTTP/1.1\r\n\r\n",
                    std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n",
                    head + "Content-Length: -1\r\n\r\n", head + "Content-Length: 1x\r\n\r\n",
                    head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", head + "Bad Header: x\r\n\r\n",
                    head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", head + " folded: x\r\nContent-Length: 0\r\n\r\n",
                    "POST /api/v1/stop HTTP/1.1\r\nAuthorization: Bearer 0123456789abcdef\r\nContent-Length: 0\r\n\r\n"));

FakeBenchSettings impatient() {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.header_within = milliseconds{300};
  settings.limits.body_within = milliseconds{300};
  settings.limits.idle_within = milliseconds{600};
  return settings;
}

TEST(Hostile, who_is_slow_loses_the_connection) {
  FakeBench bench{impatient()};
  Client header{bench.port()}, body{bench.port()}, idle{bench.port()}, silent{bench.port()};
  header.send("POST /api/v1/stop HTT");
  body.send(head + "Content-Length: 10\r\n\r\n{");
  EXPECT_EQ(idle.ask(request("GET", "/api/v1/session", FakeBench::signed_in())).status, 200);
  for (Client* const client : {&header, &body, &idle, &silent}) EXPECT_TRUE(client->is_closed_within(seconds{10}));
  EXPECT_THAT(bench.control().told(), IsEmpty());
}

// A byte now and then must not count as progress.
TEST(Hostile, who_trickles_loses_the_connection_too) {
  FakeBench bench{impatient()};
  Client client{bench.port()};
  const std::string text = head + "Content-Length: 0\r\n\r\n";
  bool is_closed = false;
  for (std::size_t i = 0; i < text.size() && !is_closed; ++i) {
    client.send(text.substr(i, 1));
    is_closed = client.is_closed_within(milliseconds{10});
  }
  EXPECT_TRUE(is_closed);
  EXPECT_THAT(bench.control().told(), IsEmpty());
}

// Somebody opens connections until there are no more, and says nothing. The bench can be stopped all the same.
TEST(Hostile, a_stop_gets_through_when_every_connection_is_taken) {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.connections_max = 20;
  settings.limits.connections_ordinary = 16;
  FakeBench bench{settings};
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 50; ++i) {
    crowd.push_back(std::make_unique<Client>(bench.port()));
    crowd.back()->send("POST /api/v1/st");
  }
  const Answer ordinary = bench.get("/session");
  EXPECT_EQ(ordinary.status, 503) << ordinary.body;
  EXPECT_EQ(bench.post("/stop", "").status, 200);
  EXPECT_EQ(bench.control().told().size(), 1U);
}

/// Text that is nearly a request: the words of the interface, put together and bent at random.
class RequestMaker {
 public:
  explicit RequestMaker(std::uint64_t seed) : random_{seed} {}

  struct Made {
    std::string text;
    bool is_whole = true;  ///< false: the server may wait for more
  };
  Made make() {
    bool is_whole = true;
    const Route& route = routes()[below(routes().size())];
    std::string method{chance(10) ? pick({"GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "get", ""})
                                  : std::string{route.method}};
    std::string target = api_prefix + std::string{route.pattern};
    while (target.find('{') != std::string::npos)
      target.replace(target.find('{'), target.find('}') - target.find('{') + 1,
                     pick({"ch1", "ch2", "oven", "3", "41", "x", "..", "%2e%2e", "-1", "9999999999999999999"}));
    if (chance(4))
      target += "?" + pick({"limit", "before", "from_s", "quantities", "nonsense"}) + "=" +
                pick({"1", "-1", "1e999", "nan", "a,b,c", ""});
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!chance(8)) text += "Authorization: Bearer 0123456789abcdef\r\n";
    if (!chance(4)) text += "Idempotency-Key: " + std::to_string(below(50)) + "\r\n";
    if (!chance(4)) text += "Fencing-Token: " + pick({"7", "7", "7", "6", "x", ""}) + "\r\n";
    if (chance(10))
      text += "Connection: " + pick({"close", "upgrade", "keep-alive"}) +
              "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    const std::string content = body();
    if (chance(20)) {
      is_whole = false;
      text += "Content-Length: " + std::to_string(below(100'000)) + "\r\n";
    } else {
      text += "Content-Length: " + std::to_string(content.size()) + "\r\n";
    }
    text += "\r\n" + content;
    for (int flips = chance(4) ? 3 : 0; flips > 0; --flips) {
      text[below(text.size())] = static_cast<char>(below(256));
      is_whole = false;
    }
    if (chance(30)) {
      text.resize(below(text.size()));
      is_whole = false;
    }
    return {text, is_whole};
  }

 private:
  std::size_t below(std::size_t count) { return count == 0 ? 0 : static_cast<std::size_t>(random_() % count); }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  std::string pick(std::initializer_list<const char*> list) { return list.begin()[below(list.size())]; }
  std::string body() {
    if (chance(6))
      return pick(
          {"", "null", "[]", "[[[[[[[[[[[[[[[[[[[[", "{\"a\":", "1e5", "\"\\ud800\"", "{\"operator\":\"j\",\"operator\":\"k\"}"});
    std::string text = "{";
    for (std::size_t i = below(6); i > 0; --i) {
      if (text.size() > 1) text += ",";
      text += "\"" +
              pick({"profile", "cell", "operator", "reason", "text", "limits", "parameters", "widen", "run", "name", "channel"}) +
              "\":" +
              pick({"\"cycle-life\"", "\"lg-m50\"", "\"jane\"", "1", "true", "{}", "{\"rate_C\":1}", "null",
                    "\"../../etc/passwd\"", "[1,2]", "-0.0"});
    }
    return text + "}";
  }
  std::mt19937_64 random_;
};

TEST(Hostile, ten_thousand_random_requests_are_answered_or_refused) {
  constexpr std::uint64_t seed = 20261130;
  FakeBench bench;
  RequestMaker maker{seed};
  std::map<int, int> answers;
  auto client = std::make_unique<Client>(bench.port());
  for (int i = 0; i < 10'000; ++i) {
    const auto [text, is_whole] = maker.make();
    client->send(text);
    if (!is_whole) client->end();
    const Answer answer = client->receive();
    ++answers[answer.status];
    ASSERT_NE(answer.status, 500) << "seed " << seed << ", request " << i << ":\n" << text << "\n" << answer.body;
    const bool explains = answer.status / 100 < 4 || from_json<ErrorBody>(answer.body).has_value();
    ASSERT_TRUE(explains) << "request " << i << ": " << text << "\n" << answer.body;
    const bool goes_on =
        answer.status != 0 && answer.status != 101 && answer.headers.contains("content-length") && answer.status != 400;
    if (!goes_on) client = std::make_unique<Client>(bench.port());
  }
  for (const int status : {200, 400, 401, 404, 405, 409}) EXPECT_GT(answers[status], 20) << status;
  EXPECT_EQ(bench.get("/session").status, 200);
  EXPECT_FALSE(bench.control().told().empty());
}

// The control thread hangs: whoever asks is told so, in time, and nobody waits for ever.
TEST(Hostile, a_control_thread_that_does_not_answer_is_told_of) {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.control_within = milliseconds{200};
  FakeBench bench{settings};
  std::mutex gate;
  std::unique_lock hold{gate};
  std::promise<void> hangs;
  std::thread hung{[&] {
    bench.on_control([&] {
      hangs.set_value();
      const std::lock_guard waits{gate};
    });
  }};
  hangs.get_future().wait();
  EXPECT_EQ(bench.post("/stop", "").status, 503);
  EXPECT_EQ(bench.get("/bench").status, 503);
  EXPECT_EQ(bench.get("/session").status, 200);
  EXPECT_EQ(bench.get("/metrics").status, 200);
  hold.unlock();
  hung.join();
  EXPECT_EQ(bench.get("/bench").status, 200);
  EXPECT_EQ(bench.control().told().size(), 1U) << "the stop was carried out when it could be";
}

}  // namespace
}  // namespace cellrig::api::test
