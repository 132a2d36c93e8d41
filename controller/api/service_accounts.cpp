// Accounts that change while the service runs.
#include "controller/api/accounts_file.hpp"
#include "controller/api/service.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "controller/api/messages_words.hpp"

namespace cellrig::api {
namespace {

std::string names_text(const std::vector<Account>& accounts) {
  std::string text;
  for (const Account& account : accounts) {
    text += (text.empty() ? "" : ", ") + account.name + " (" + std::string{word(account.role)} + ")";
  }
  return text.empty() ? "nobody: the token alone signs in" : text;
}

}  // namespace

Task<void> Service::watch_accounts() {
  const auto file = std::make_shared<AccountsFile>(settings_.access.accounts_file);
  boost::asio::steady_timer pause{context_};
  while (true) {
    pause.expires_after(settings_.limits.accounts_look_every);
    co_await pause.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    using News = std::optional<AccountsFile::News>;
    std::function<News()> work = [file] { return file->look(); };
    const std::optional<News> news = co_await catalogue_worker_.run<News>(std::move(work));
    if (news && *news) take_accounts(*std::move(*news));
  }
}

/// Not everybody is signed out by a file that was emptied or cut short: that all are to go is said by a line of its own. A bench that others
/// reach is never left to the token alone. A file that was cut at the end of a line cannot be told from one that somebody has shortened: who
/// is not in it any more is out, and who is left is told.
std::string Service::why_accounts_stay(const AccountsFile::News& news) const {
  if (!news.trouble.empty()) return news.trouble;
  if (!news.accounts.empty() || !access_.has_accounts()) return "";
  AccessSettings without = settings_.access;
  without.accounts.clear();
  const std::string why = why_address_is_refused(settings_.address, without);
  if (!why.empty()) return "the file holds none, and " + why + "; to sign everybody out, stop the service";
  if (news.says_nobody) return "";
  return settings_.access.accounts_file +
         " holds no account, as a file that was cut short; to sign everybody out, write the line '# nobody' into it";
}

/// Who was signed in signs in anew: the stream of somebody who has no account any more ends, and so does that of the others, whose window
/// comes back at once.
void Service::take_accounts(AccountsFile::News news) {
  const auto tell = [this](const std::string& text, bool is_trouble) {
    ServerChange change{.action = is_trouble ? "accounts refused" : "accounts changed", .text = text, .is_trouble = is_trouble};
    if (is_trouble) change.what_to_do = "Mend the accounts file. Whoever should be out is not out yet.";
    if (settings_.on_change) settings_.on_change(change);
  };
  const std::string trouble = why_accounts_stay(news);
  const bool was_refused = std::exchange(traffic_.accounts_refused, !trouble.empty());
  if (!trouble.empty()) return tell("the accounts stay as they were: " + trouble, true);
  const std::vector<Account>& accounts = news.accounts;
  if (!access_.set_accounts(accounts)) {
    if (was_refused) tell("the accounts file is good again: " + names_text(accounts), false);
    return;
  }
  const auto has_account = [&accounts](const std::string& name) {
    return std::any_of(accounts.begin(), accounts.end(), [&name](const Account& account) { return account.name == name; });
  };
  for (const auto& [owner, feed] : named_exports_) {
    const std::shared_ptr<ExportFeed> alive = feed.lock();
    if (alive && !has_account(owner)) alive->cut();
  }
  for (const auto& subscriber : hub_.subscribers()) {
    if (!subscriber->owner().empty()) subscriber->close();
  }
  tell("the accounts were read again: " + names_text(accounts), false);
}

}  // namespace cellrig::api
