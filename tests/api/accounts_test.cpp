// Accounts that somebody adds, changes and takes away while the bench is at work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>

#include "controller/api/access.hpp"
#include "controller/api/accounts_file.hpp"
#include "tests/api/fake_bench.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::api::test {
namespace {

using testing::HasSubstr;

constexpr const char* zoe_open = "Basic em9lOm9wZW4=";  // zoe:open

/// In one piece, as who replaces a file does.
void write_accounts(const std::string& path, const std::string& text) {
  std::ofstream{path + ".new"} << text;
  std::filesystem::permissions(path + ".new", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::rename(path + ".new", path);
}

/// What the server said of its accounts.
class Said {
 public:
  void hear(const std::string& text, bool is_trouble) {
    const std::lock_guard lock{mutex_};
    last_ = (is_trouble ? "trouble: " : "") + text;
    ++count_;
    came_.notify_all();
  }
  /// Empty: nothing came.
  [[nodiscard]] std::string next() {
    std::unique_lock lock{mutex_};
    if (!came_.wait_for(lock, Client::wait_max, [this] { return count_ > read_; })) return "";
    read_ = count_;
    return last_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::string last_;
  int count_ = 0, read_ = 0;
};

class AccountsWhileServing : public testing::Test {
 protected:
  AccountsWhileServing() {
    write_accounts(path_, vera_);
    FakeBenchSettings settings{.limits = patient_limits()};
    settings.limits.accounts_look_every = std::chrono::milliseconds{10};
    settings.accounts = read_accounts(path_);
    settings.accounts_file = path_;
    settings.on_change = [this](const ServerChange& change) { said_.hear(change.text, change.is_trouble); };
    bench_ = std::make_unique<FakeBench>(std::move(settings));
  }
  [[nodiscard]] Answer as(const char* authorization, std::string_view method, const std::string& target) const {
    return ask(bench_->port(), method, "/api/v1" + target, {{"Authorization", authorization}, {"Idempotency-Key", "k"}}, "{}");
  }

  const db::test::TempDir dir_;
  const std::string path_ = dir_.file("accounts");
  const std::string vera_ = account_line("vera", Role::viewer, "open"), zoe_ = account_line("zoe", Role::viewer, "open");
  Said said_;
  std::unique_ptr<FakeBench> bench_;
};

TEST_F(AccountsWhileServing, who_is_added_gets_in_and_who_is_taken_away_is_out_with_the_stream) {
  EXPECT_EQ(as(zoe_open, "GET", "/session").status, 401);
  write_accounts(path_, vera_ + zoe_);
  EXPECT_EQ(said_.next(), "the accounts were read again: vera (viewer), zoe (viewer)");
  EXPECT_EQ(as(zoe_open, "GET", "/session").status, 200);
  EXPECT_EQ(as(zoe_open, "POST", "/stop").status, 200);
  Client stream{bench_->port()};
  const Answer upgraded = stream.ask(request("GET", "/api/v1/stream",
                                             {{"Authorization", zoe_open},
                                              {"Connection", "Upgrade"},
                                              {"Upgrade", "websocket"},
                                              {"Sec-WebSocket-Version", "13"},
                                              {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}));
  ASSERT_EQ(upgraded.status, 101);
  write_accounts(path_, vera_);
  EXPECT_EQ(said_.next(), "the accounts were read again: vera (viewer)");
  EXPECT_EQ(as(zoe_open, "GET", "/session").status, 401) << "a password that was right once is not remembered for ever";
  EXPECT_EQ(as(zoe_open, "POST", "/stop").status, 401);
  bool has_ended = false;
  for (int i = 0; i < 10'000 && !has_ended; ++i) has_ended = !stream.message();
  EXPECT_TRUE(has_ended);
}

TEST_F(AccountsWhileServing, a_file_that_cannot_be_read_changes_nothing_and_says_why) {
  write_accounts(path_, vera_ + "zoe engineer\n");
  EXPECT_THAT(said_.next(), HasSubstr("trouble: the accounts stay as they were: " + path_ + ":2: an account is a name"));
  EXPECT_EQ(as("Basic dmVyYTpvcGVu", "GET", "/session").status, 200);
  std::filesystem::remove(path_);
  EXPECT_THAT(said_.next(), HasSubstr("No such file"));
  EXPECT_EQ(as("Basic dmVyYTpvcGVu", "GET", "/session").status, 200);
  write_accounts(path_, vera_ + zoe_);
  EXPECT_THAT(said_.next(), HasSubstr("zoe (viewer)"));
}

// The accounts change while a password is looked at, which takes longer than that.
TEST_F(AccountsWhileServing, a_stop_is_served_though_the_accounts_change_while_its_password_is_looked_at) {
  write_accounts(path_, vera_ + zoe_);
  EXPECT_THAT(said_.next(), HasSubstr("zoe"));
  for (int i = 0; i < 4; ++i) {
    std::future<Answer> stopped = std::async(std::launch::async, [this] { return as(zoe_open, "POST", "/stop"); });
    write_accounts(path_, i % 2 == 0 ? zoe_ : vera_ + zoe_);
    const Answer answer = stopped.get();
    EXPECT_EQ(answer.status, 200) << i << " " << answer.body;
    EXPECT_THAT(said_.next(), HasSubstr("zoe"));
  }
}

TEST_F(AccountsWhileServing, none_at_all_leaves_the_token_to_a_bench_of_this_machine) {
  write_accounts(path_, "# nobody\n");
  EXPECT_EQ(said_.next(), "the accounts were read again: nobody: the token alone signs in");
  EXPECT_EQ(as("Basic dmVyYTpvcGVu", "GET", "/session").status, 401);
  EXPECT_EQ(bench_->get("/session").status, 200);
}

// A full disk, or a script that went wrong: nobody who may stop the bench is locked out by it, and nobody who looks is left in the belief
// that somebody is.
TEST_F(AccountsWhileServing, an_empty_file_signs_nobody_out_and_says_so) {
  const auto refused = [this] {
    return bench_->get("/metrics").body.find("\ncellrig_api_accounts_refused 1\n") != std::string::npos;
  };
  for (const char* const nothing : {"", "\n  \n", "# Accounts of the bench: nobody but those who were shown it\n"}) {
    write_accounts(path_, nothing);
    EXPECT_THAT(said_.next(), HasSubstr("trouble: the accounts stay as they were: " + path_ + " holds no account"));
    EXPECT_EQ(as("Basic dmVyYTpvcGVu", "GET", "/session").status, 200);
    EXPECT_TRUE(refused());
  }
  write_accounts(path_, vera_);
  EXPECT_EQ(said_.next(), "the accounts file is good again: vera (viewer)");
  EXPECT_FALSE(refused());
}

// What is not promised: it is told who is left, and that is all.
TEST_F(AccountsWhileServing, a_file_that_ends_after_fewer_lines_signs_out_who_is_not_in_it_and_says_who_is_left) {
  write_accounts(path_, vera_ + zoe_);
  EXPECT_THAT(said_.next(), HasSubstr("zoe"));
  write_accounts(path_, vera_ + zoe_.substr(0, zoe_.size() / 2));
  EXPECT_THAT(said_.next(), HasSubstr("trouble: the accounts stay as they were: " + path_ + ":2:")) << "within a line it is seen";
  EXPECT_EQ(as(zoe_open, "GET", "/session").status, 200);
  write_accounts(path_, vera_);
  EXPECT_EQ(said_.next(), "the accounts were read again: vera (viewer)");
}

// An editor empties a file before it writes it.
TEST(AccountsFile, is_read_when_it_has_come_to_rest) {
  const db::test::TempDir dir;
  const std::string path = dir.file("accounts"), line = account_line("vera", Role::viewer, "open");
  write_accounts(path, line);
  AccountsFile file{path};
  EXPECT_FALSE(file.look());
  const auto first = file.look();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->accounts.size(), 1U);
  EXPECT_FALSE(file.look());
  write_accounts(path, "");
  EXPECT_FALSE(file.look()) << "it is being written";
  write_accounts(path, line + account_line("otto", Role::operates, "open"));
  EXPECT_FALSE(file.look());
  const auto second = file.look();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->accounts.size(), 2U);
}

}  // namespace
}  // namespace cellrig::api::test
