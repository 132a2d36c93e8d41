// Who gets in, and what they may do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "controller/api/access.hpp"
#include "controller/api/routes.hpp"
#include "controller/base/config_error.hpp"
#include "tests/api/fake_bench.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::api::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string concrete(const Route& route) {
  std::string target = api_prefix + std::string{route.pattern};
  if (const auto open = target.find('{'); open != std::string::npos) target.replace(open, target.find('}') - open + 1, "ch1");
  return target;
}

Headers complete(const std::string& authorization) {
  Headers headers{{"Idempotency-Key", "k"}, {"Fencing-Token", "7"}};
  if (!authorization.empty()) headers["Authorization"] = authorization;
  return headers;
}

TEST(Security, nothing_is_answered_or_done_without_a_valid_token_on_any_route) {
  FakeBench bench;
  const std::string right = std::string{"Bearer "} + FakeBench::token;
  for (const Route& route : routes()) {
    for (const std::string& wrong : {std::string{}, std::string{"Bearer "}, right + "0", right.substr(0, right.size() - 1),
                                     std::string{"Bearer 0123456789ABCDEF"}, std::string{"bearer "} + FakeBench::token,
                                     std::string{"Basic "} + FakeBench::token, std::string{FakeBench::token}}) {
      const Answer answer =
          ask(bench.port(), route.method, concrete(route), complete(wrong), R"({"operator":"jane","reason":"x"})");
      EXPECT_EQ(answer.status, 401) << route.pattern << " with '" << wrong << "'";
    }
  }
  // Neither in the query, nor twice.
  EXPECT_EQ(ask(bench.port(), "POST", std::string{"/api/v1/stop?token="} + FakeBench::token).status, 401);
  Client client{bench.port()};
  const std::string twice = "Authorization: " + right + "\r\nAuthorization: " + right + "\r\n";
  EXPECT_EQ(client.ask("POST /api/v1/stop HTTP/1.1\r\nHost: localhost\r\n" + twice + "Content-Length: 0\r\n\r\n").status, 401);
  EXPECT_THAT(bench.control().told(), IsEmpty());
}

// A page of another site in a browser on this machine.
TEST(Security, other_origins_and_names_are_refused) {
  FakeBench bench;
  const std::string own = "localhost:" + std::to_string(bench.port());
  const auto stop_with = [&](Headers headers) {
    headers.merge(FakeBench::signed_in());
    return ask(bench.port(), "POST", "/api/v1/stop", headers).status;
  };
  for (const char* const origin : {"http://evil.example", "null", "https://localhost", "http://localhost:1", ""})
    EXPECT_EQ(stop_with({{"Origin", origin}, {"Host", own}}), 403) << origin;
  for (const char* const host : {"evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", ""})
    EXPECT_EQ(stop_with({{"Host", host}}), 403) << host;
  EXPECT_THAT(bench.control().told(), IsEmpty());
  EXPECT_EQ(stop_with({{"Origin", "http://" + own}, {"Host", own}}), 200);
  EXPECT_EQ(stop_with({{"Host", "127.0.0.1:" + std::to_string(bench.port())}}), 200);
}

Account account_of(const std::string& name, Role role, const std::string& password) {
  return parse_accounts(account_line(name, role, password), "accounts").front();
}

std::string basic(const std::string& name_and_password_base64) { return "Basic " + name_and_password_base64; }
constexpr const char* vera_right = "dmVyYTpvcGVu";  // vera:open
constexpr const char* otto_right = "b3R0bzpvcGVu";  // otto:open
constexpr const char* emma_right = "ZW1tYTpvcGVu";  // emma:open
constexpr const char* emma_wrong = "ZW1tYTpzaHV0";  // emma:shut
constexpr const char* nobody = "bm9ib2R5Om9wZW4=";  // nobody:open

FakeBenchSettings with_accounts() {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.accounts = {account_of("vera", Role::viewer, "open"), account_of("otto", Role::operates, "open"),
                       account_of("emma", Role::engineer, "open")};
  return settings;
}

TEST(Security, roles_may_do_what_the_table_says_and_everybody_may_stop) {
  FakeBench bench{with_accounts()};
  struct Person {
    const char* secret;
    Role role;
  };
  for (const Person& who :
       {Person{vera_right, Role::viewer}, Person{otto_right, Role::operates}, Person{emma_right, Role::engineer}}) {
    for (const Route& route : routes()) {
      const Answer answer = ask(bench.port(), route.method, concrete(route), complete(basic(who.secret)), "{}");
      EXPECT_EQ(answer.status == 403, who.role < route.role) << route.pattern << " " << answer.body;
      EXPECT_NE(answer.status, 401);
      EXPECT_TRUE(route.kind != RouteKind::stop || route.role == Role::viewer);
    }
  }
  for (const char* const secret : {emma_wrong, nobody, "!", "ZW1tYQ=="})
    EXPECT_EQ(ask(bench.port(), "POST", "/api/v1/stop", complete(basic(secret))).status, 401) << secret;
}

TEST(Security, an_operator_tightens_limits_and_an_engineer_widens_them) {
  FakeBench bench{with_accounts()};
  const std::string tighter = R"({"limits":{"cell_temperature_max_degC":45}})";
  const std::string wider = R"({"limits":{"cell_temperature_max_degC":65},"widen":true,"reason":"agreed"})";
  const auto with = [&](const char* secret, const std::string& body, const std::string& key) {
    Headers headers = complete(basic(secret));
    headers["Idempotency-Key"] = key;
    return ask(bench.port(), "POST", "/api/v1/channels/ch1/limits", headers, body).status;
  };
  EXPECT_EQ(with(vera_right, tighter, "a"), 403);
  EXPECT_EQ(with(otto_right, tighter, "b"), 200);
  EXPECT_EQ(with(otto_right, wider, "c"), 403);
  EXPECT_EQ(with(emma_right, wider, "d"), 200);
  EXPECT_THAT(bench.control().told(), SizeIs(2));
}

// The record must say who it was, not whom they named.
TEST(Security, an_account_signs_with_its_own_name) {
  FakeBench bench{with_accounts()};
  EXPECT_EQ(
      ask(bench.port(), "POST", "/api/v1/channels/ch1/pause", complete(basic(otto_right)), R"({"operator":"emma","reason":"x"})")
          .status,
      200);
  EXPECT_THAT(bench.control().told().front(), HasSubstr("by otto"));
}

TEST(Security, who_asks_too_often_has_to_wait_but_never_for_a_stop) {
  FakeBenchSettings settings;
  settings.limits.requests_per_s = 1e-3;
  settings.limits.requests_burst = 5;
  FakeBench bench{settings};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bench.get("/session").status, 200);
  EXPECT_EQ(bench.get("/session").status, 429);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(bench.post("/stop", "").status, 200);
  EXPECT_EQ(bench.get("/session").status, 429);
}

TEST(Security, guessing_passwords_gets_slow_but_a_stop_with_the_right_one_does_not) {
  FakeBench bench{with_accounts()};
  for (int i = 0; i < 15; ++i) EXPECT_EQ(ask(bench.port(), "GET", "/api/v1/session", complete(basic(emma_wrong))).status, 401);
  EXPECT_EQ(ask(bench.port(), "GET", "/api/v1/session", complete(basic(emma_right))).status, 401) << "guesses were not counted";
  EXPECT_EQ(ask(bench.port(), "POST", "/api/v1/stop", complete(basic(emma_right))).status, 200);
  EXPECT_EQ(ask(bench.port(), "GET", "/api/v1/session", complete(basic(emma_right))).status, 200) << "it was right before";
}

std::string stop_of(const char* secret) { return request("POST", "/api/v1/stop", complete(basic(secret))); }

// Somebody guesses passwords at the stop, as fast as they can. Whose password was right before waits for nothing, another address has places
// of its own, and who finds no place is not told that the password is wrong.
TEST(Security, guesses_at_the_stop_keep_nobody_else_from_stopping) {
  FakeBench bench{with_accounts()};
  EXPECT_EQ(ask(bench.port(), "GET", "/api/v1/session", complete(basic(otto_right))).status, 200);
  std::vector<std::unique_ptr<Client>> guessers;
  for (int i = 0; i < 60; ++i) {
    guessers.push_back(std::make_unique<Client>(bench.port()));
    guessers.back()->send(stop_of(emma_wrong));
  }
  Client elsewhere{bench.port(), 0, "127.0.0.2"};
  EXPECT_EQ(elsewhere.ask(stop_of(vera_right)).status, 200);
  EXPECT_EQ(ask(bench.port(), "POST", "/api/v1/stop", complete(basic(otto_right))).status, 200);
  std::map<int, int> answers;
  for (const auto& guesser : guessers) {
    const Answer answer = guesser->receive();
    ++answers[answer.status];
    EXPECT_EQ(answer.headers.contains("retry-after"), answer.status == 503) << answer.body;
  }
  EXPECT_GE(answers[401], 4);
  EXPECT_GE(answers[503], 1) << "the guesses found places for all: the test proves nothing";
  EXPECT_EQ(answers[401] + answers[503], 60);
  EXPECT_THAT(bench.control().told(), SizeIs(2));
}

TEST(Security, another_address_than_loopback_needs_tls_and_accounts) {
  AccessSettings access{.token = "t"};
  EXPECT_EQ(why_address_is_refused("127.0.0.1", access), "");
  EXPECT_EQ(why_address_is_refused("::1", access), "");
  EXPECT_THAT(why_address_is_refused("0.0.0.0", access), HasSubstr("TLS (--tls-certificate and --tls-key) and accounts"));
  access.accounts = {{.name = "vera"}};
  EXPECT_THAT(why_address_is_refused("192.168.1.5", access), HasSubstr("needs TLS (--tls-certificate and --tls-key);"));
  access.certificate_file = "c.pem";
  EXPECT_NE(why_address_is_refused("192.168.1.5", access), "");
  access.key_file = "k.pem";
  EXPECT_EQ(why_address_is_refused("192.168.1.5", access), "");
  access.accounts.clear();
  EXPECT_THAT(why_address_is_refused("192.168.1.5", access), HasSubstr("needs accounts (--accounts)"));
}

TEST(Security, the_server_does_not_start_on_an_address_that_is_refused) {
  RealTime time;
  FakeControl control{1};
  FakeCatalogue catalogue;
  for (const char* const address : {"0.0.0.0", "::", "192.0.2.1", "localhost", "1.2.3"}) {
    ServerSettings settings{.address = address};
    settings.access.token = "t";
    const auto started = Server::start(settings, time, control, catalogue);
    ASSERT_FALSE(started) << address;
    EXPECT_EQ(started.error().fault, Fault::refused);
  }
}

TEST(TokenFile, is_made_once_for_its_owner_alone) {
  const db::test::TempDir dir;
  const std::string path = dir.file("token");
  const Result<std::string> made = token_of_file(path);
  ASSERT_TRUE(made);
  EXPECT_THAT(*made, SizeIs(64));
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(*token_of_file(path), *made);
  EXPECT_NE(*token_of_file(dir.file("other")), *made);
}

TEST(TokenFile, that_others_may_read_or_that_is_none_is_refused) {
  const db::test::TempDir dir;
  const std::string path = dir.file("token");
  ASSERT_TRUE(token_of_file(path));
  chmod(path.c_str(), 0644);
  EXPECT_THAT(token_of_file(path).error().what, HasSubstr("chmod 600"));
  std::ofstream{dir.file("short")} << "abc\n";
  chmod(dir.file("short").c_str(), 0600);
  EXPECT_THAT(token_of_file(dir.file("short")).error().what, HasSubstr("holds no token"));
  std::filesystem::create_symlink(path, dir.file("link"));
  EXPECT_FALSE(token_of_file(dir.file("link")));
  EXPECT_FALSE(token_of_file(dir.file("no/such/folder/token")));
}

TEST(Accounts, that_cannot_be_read_are_refused_with_the_line) {
  const std::string good = account_line("emma", Role::engineer, "open");
  const auto fault = [](const std::string& text) -> std::string {
    try {
      (void)parse_accounts(text, "accounts");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(fault("# people\n\n" + good), "");
  EXPECT_THAT(fault(good + good), HasSubstr("accounts:2: 'emma' has an account already"));
  EXPECT_THAT(fault("emma enginer aa bb\n"), HasSubstr("accounts:1: unknown role 'enginer', did you mean 'engineer'?"));
  EXPECT_THAT(fault("emma engineer aa bb\n"), HasSubstr("accounts:1: salt and hash"));
  EXPECT_THAT(fault("emma\n"), HasSubstr("accounts:1: an account is"));
}

TEST(Secrets, are_compared_whole) {
  EXPECT_TRUE(is_same_secret("abc", "abc"));
  for (const char* const other : {"", "a", "ab", "abd", "abcd", "ABC"}) EXPECT_FALSE(is_same_secret("abc", other));
}

}  // namespace
}  // namespace cellrig::api::test
