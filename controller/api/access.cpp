#include "controller/api/access.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "controller/api/messages_words.hpp"
#include "controller/base/config_error.hpp"

namespace cellrig::api {
namespace {

constexpr std::size_t secret_bytes = 32, salt_bytes = 16;
constexpr std::size_t known_max = 256;  // passwords that were right, remembered; more: all are forgotten
// 16 MiB and some 50 ms for each guess.
constexpr std::uint64_t scrypt_N = 16384, scrypt_r = 8, scrypt_p = 1, scrypt_memory_max = 64U << 20U;

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += digits[bytes[i] >> 4U];
    text += digits[bytes[i] & 15U];
  }
  return text;
}

bool is_hex(std::string_view text, std::size_t bytes) {
  return text.size() == 2 * bytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> random(bytes);
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw std::runtime_error{"the system gives no random numbers"};
  return hex(random.data(), random.size());
}

std::string scrypt_hex(std::string_view password, std::string_view salt_hex) {
  std::array<unsigned char, secret_bytes> out{};
  const auto* const salt = reinterpret_cast<const unsigned char*>(salt_hex.data());
  if (EVP_PBE_scrypt(password.data(), password.size(), salt, salt_hex.size(), scrypt_N, scrypt_r, scrypt_p, scrypt_memory_max,
                     out.data(), out.size()) != 1)
    return {};
  return hex(out.data(), out.size());
}

/// Of "Basic <base64 of name:password>".
struct Credentials {
  std::string name, password;
};
std::optional<Credentials> basic_credentials(std::string_view authorization) {
  constexpr std::string_view scheme = "Basic ";
  constexpr std::size_t length_max = 1024;
  if (!authorization.starts_with(scheme) || authorization.size() > length_max) return std::nullopt;
  authorization.remove_prefix(scheme.size());
  if (authorization.empty() || authorization.size() % 4 != 0) return std::nullopt;
  std::string decoded(authorization.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                      reinterpret_cast<const unsigned char*>(authorization.data()), static_cast<int>(authorization.size()));
  if (length < 0) return std::nullopt;
  const auto padding = static_cast<std::size_t>(std::count(authorization.end() - 2, authorization.end(), '='));
  decoded.resize(static_cast<std::size_t>(length) - padding);
  const std::size_t colon = decoded.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{decoded.substr(0, colon), decoded.substr(colon + 1)};
}

Error system_error(const std::string& path, const std::string& doing) {
  return fail(Fault::refused, path + ": " + doing + ": " + std::strerror(errno));
}

Result<std::string> make_token_file(const std::string& path) {
  const std::string token = random_token();
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return system_error(path, "the token cannot be written there");
  const std::string line = token + "\n";
  const bool is_written = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(file) == 0;
  const Error problem = system_error(path, "the token cannot be written there");
  ::close(file);
  if (is_written) return token;
  ::unlink(path.c_str());  // half a token would be refused for ever
  return problem;
}

Account parse_account(const std::string& line, const SourcePlace& place) {
  std::istringstream words{line};
  Account account;
  std::string role, rest;
  if (!(words >> account.name >> role >> account.salt_hex >> account.hash_hex) || words >> rest)
    throw ConfigError{place, "an account is a name, a role, a salt and a hash, with blanks between"};
  const auto& known = Words<Role>::list;
  const auto found = std::find(known.begin(), known.end(), role);
  if (found == known.end())
    throw ConfigError{place, "unknown role '" + role + "'" + suggestion(role, {known.begin(), known.end()})};
  account.role = static_cast<Role>(found - known.begin());
  if (account.name.find(':') != std::string::npos) throw ConfigError{place, "a name must not hold a colon"};
  if (!is_hex(account.salt_hex, salt_bytes) || !is_hex(account.hash_hex, secret_bytes))
    throw ConfigError{place, "salt and hash must be as `cellrig serve --make-account` prints them"};
  return account;
}

std::optional<Principal> principal_of(const std::vector<Account>& accounts, std::string_view authorization) {
  const std::optional<Credentials> given = basic_credentials(authorization);
  if (!given || accounts.empty()) return std::nullopt;
  // An unknown name costs as much as a known one, so that the time tells nobody which names there are.
  const Account* account = &accounts.front();
  bool is_known = false;
  for (const Account& candidate : accounts) {
    if (candidate.name == given->name) {
      account = &candidate;
      is_known = true;
    }
  }
  const bool is_right = is_same_secret(scrypt_hex(given->password, account->salt_hex), account->hash_hex);
  if (!is_known || !is_right) return std::nullopt;
  return Principal{account->name, account->role};
}

}  // namespace

std::string random_token() { return random_hex(secret_bytes); }

Result<std::string> token_of_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return make_token_file(path);
  if (file < 0) return system_error(path, "the token cannot be read");
  struct stat info {};
  char text[2 * secret_bytes + 1] = {};
  const bool is_readable = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode);
  const ssize_t length = is_readable ? ::read(file, text, sizeof text) : -1;
  ::close(file);
  if (length < 0) return fail(Fault::refused, path + ": is no file that can be read");
  if ((info.st_mode & 077U) != 0 || info.st_uid != ::geteuid())
    return fail(Fault::refused,
                path + ": others may read this token; make it yours alone (chmod 600) or delete it for a new one");
  const std::string_view token{static_cast<const char*>(text),
                               std::min<std::size_t>(static_cast<std::size_t>(length), 2 * secret_bytes)};
  if (!is_hex(token, secret_bytes)) return fail(Fault::refused, path + ": holds no token; delete it for a new one");
  return std::string{token};
}

std::vector<Account> parse_accounts(std::string_view text, const std::string& file) {
  constexpr std::size_t accounts_max = 200;
  std::vector<Account> accounts;
  std::istringstream lines{std::string{text}};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    const SourcePlace place{file, number};
    const Account account = parse_account(line, place);
    for (const Account& other : accounts) {
      if (other.name == account.name) throw ConfigError{place, "'" + account.name + "' has an account already"};
    }
    if (accounts.size() == accounts_max) throw ConfigError{place, "more than " + std::to_string(accounts_max) + " accounts"};
    accounts.push_back(account);
  }
  return accounts;
}

std::string accounts_text(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw ConfigError{{path}, std::string{"cannot be read: "} + std::strerror(errno)};
  if ((info.st_mode & 022U) != 0) throw ConfigError{{path}, "others may write these accounts; make it yours alone (chmod 600)"};
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw ConfigError{{path}, "cannot be read"};
  return text.str();
}

std::vector<Account> read_accounts(const std::string& path) { return parse_accounts(accounts_text(path), path); }

std::string account_line(const std::string& name, Role role, std::string_view password) {
  const std::string salt = random_hex(salt_bytes);
  return name + " " + std::string{word(role)} + " " + salt + " " + scrypt_hex(password, salt) + "\n";
}

std::string sha256_text(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> out{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
  return hex(out.data(), out.size());
}

bool is_same_secret(std::string_view a, std::string_view b) {
  // Digests have one length whatever the texts have.
  std::array<unsigned char, SHA256_DIGEST_LENGTH> of_a{}, of_b{};
  SHA256(reinterpret_cast<const unsigned char*>(a.data()), a.size(), of_a.data());
  SHA256(reinterpret_cast<const unsigned char*>(b.data()), b.size(), of_b.data());
  return CRYPTO_memcmp(of_a.data(), of_b.data(), of_a.size()) == 0;
}

std::string why_address_is_refused(const std::string& address, const AccessSettings& access) {
  if (access.certificate_file.empty() != access.key_file.empty()) return "TLS needs both a certificate and its key";
  if (address == "127.0.0.1" || address == "::1") return "";
  const bool has_tls = !access.certificate_file.empty();
  if (has_tls && !access.accounts.empty()) return "";
  return "the address " + address + " can be reached from other machines, which needs " +
         std::string{has_tls ? "" : "TLS (--tls-certificate and --tls-key)"} +
         std::string{!has_tls && access.accounts.empty() ? " and " : ""} +
         std::string{access.accounts.empty() ? "accounts (--accounts)" : ""} +
         "; without them only 127.0.0.1 and ::1 are listened on";
}

Access::Access(AccessSettings settings)
    : token_{std::move(settings.token)},
      accounts_{std::make_shared<const std::vector<Account>>(std::move(settings.accounts))},
      process_key_{random_token()} {}

bool Access::set_accounts(std::vector<Account> accounts) {
  if (accounts == *accounts_) return false;
  accounts_ = std::make_shared<const std::vector<Account>>(std::move(accounts));
  known_.clear();
  ++generation_;
  return true;
}

bool Access::has_account(const std::string& name) const {
  return std::any_of(accounts_->begin(), accounts_->end(), [&name](const Account& account) { return account.name == name; });
}

std::string Access::digest(std::string_view authorization) const {
  return sha256_text(process_key_ + std::string{authorization});
}

Access::Judged Access::judge(std::string_view authorization) const {
  constexpr std::string_view bearer = "Bearer ";
  if (authorization.starts_with(bearer)) {
    const bool is_right = !token_.empty() && is_same_secret(authorization.substr(bearer.size()), token_);
    return is_right ? Judged{Verdict::known, {.role = Role::engineer}} : Judged{};
  }
  if (accounts_->empty() || !basic_credentials(authorization)) return {};
  const auto found = known_.find(digest(authorization));
  return found == known_.end() ? Judged{Verdict::needs_hashing, {}} : Judged{Verdict::known, found->second};
}

std::function<std::optional<Principal>()> Access::hasher(std::string authorization) const {
  return [accounts = accounts_, authorization = std::move(authorization)] { return principal_of(*accounts, authorization); };
}

void Access::remember(std::string_view authorization, const Principal& principal) {
  if (known_.size() >= known_max) known_.clear();
  known_[digest(authorization)] = principal;
}

}  // namespace cellrig::api
