// TLS: what a server on another address than loopback needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>

#include "controller/api/access.hpp"
#include "controller/api/tls_tunnel.hpp"
#include "tests/api/fake_bench.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::api::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// A key, and a certificate that it signed itself.
void write_certificate(const std::string& certificate_file, const std::string& key_file) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  FILE* const for_certificate = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(for_certificate, certificate);
  std::fclose(for_certificate);
  FILE* const for_key = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(for_key, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(for_key);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

/// The answer's bytes until the server closes; empty: no handshake.
std::string ask_tls(std::uint16_t port, const std::string& request, int version_max = TLS1_3_VERSION) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
  SSL_CTX_set_min_proto_version(context.get(), 0);
  SSL_CTX_set_max_proto_version(context.get(), version_max);
  SSL_CTX_set_security_level(context.get(), 0);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio{BIO_new_ssl_connect(context.get()), &BIO_free_all};
  const std::string address = "127.0.0.1:" + std::to_string(port);
  BIO_set_conn_hostname(bio.get(), address.c_str());
  if (BIO_do_connect(bio.get()) <= 0 || BIO_write(bio.get(), request.data(), static_cast<int>(request.size())) <= 0) return "";
  std::string answer;
  char bytes[4096];
  for (int count = 0; (count = BIO_read(bio.get(), bytes, sizeof bytes)) > 0;)
    answer.append(bytes, static_cast<std::size_t>(count));
  return answer;
}

class Tls : public testing::Test {
 protected:
  Tls() {
    write_certificate(dir_.file("c.pem"), dir_.file("k.pem"));
    FakeBenchSettings settings{.limits = patient_limits()};
    settings.limits.handshake_within = std::chrono::milliseconds{1500};
    begin(std::move(settings));
  }
  void begin(FakeBenchSettings settings) {
    settings.certificate_file = dir_.file("c.pem");
    settings.key_file = dir_.file("k.pem");
    bench_ = std::make_unique<FakeBench>(std::move(settings));
  }
  /// Of which nothing is known, and of which nothing will be.
  std::vector<std::unique_ptr<Client>> silent(int count, const char* from = "127.0.0.1") {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < count; ++i) clients.push_back(std::make_unique<Client>(bench_->port(), 0, from));
    return clients;
  }
  static std::string closing(Headers headers) {
    headers["Connection"] = "close";
    return request("POST", "/api/v1/stop", headers);
  }
  const db::test::TempDir dir_;
  std::unique_ptr<FakeBench> bench_;
};

TEST_F(Tls, carries_what_http_does) {
  const std::string answer = ask_tls(bench_->port(), closing(FakeBench::signed_in()));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("OFF is on its way to every channel"));
  EXPECT_THAT(ask_tls(bench_->port(), closing({})), StartsWith("HTTP/1.1 401"));
  EXPECT_EQ(bench_->control().told().size(), 1U);
}

TEST_F(Tls, answers_neither_plain_http_nor_old_protocols_nor_silence) {
  Client plain{bench_->port()}, silent{bench_->port()};
  plain.send(closing(FakeBench::signed_in()));
  EXPECT_TRUE(plain.is_closed_within(std::chrono::seconds{10}));
  EXPECT_EQ(ask_tls(bench_->port(), closing(FakeBench::signed_in()), TLS1_1_VERSION), "");
  EXPECT_TRUE(silent.is_closed_within(std::chrono::seconds{10}));
  EXPECT_THAT(bench_->control().told(), IsEmpty());
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
}

/// The deadline of a handshake is far away, so that it is not what closes anything.
FakeBenchSettings with_slow_handshakes() {
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.handshake_within = std::chrono::minutes{2};
  return settings;
}

// Nobody has to sign in for a handshake, so the descriptors of all of them together are few.
TEST_F(Tls, handshakes_of_one_address_take_no_place_of_another) {
  FakeBenchSettings settings = with_slow_handshakes();
  settings.limits.handshakes_of_one_address_max = 4;
  settings.limits.handshakes_max = 6;
  begin(std::move(settings));
  const std::ptrdiff_t before = open_descriptors();
  const auto other = silent(1, "127.0.0.2");
  const auto crowd = silent(40);
  for (std::size_t i = 0; i < 36; ++i) EXPECT_TRUE(crowd[i]->is_closed_within(std::chrono::seconds{10})) << i;
  EXPECT_LE(open_descriptors() - before, 41 + 5) << "one of each client, and one of each handshake";
  EXPECT_FALSE(crowd.back()->is_closed_within(std::chrono::milliseconds{50}));
  const auto third = silent(3, "127.0.0.3");
  EXPECT_TRUE(crowd[36]->is_closed_within(std::chrono::seconds{10})) << "the address with the most has to give way";
  EXPECT_FALSE(other.front()->is_closed_within(std::chrono::milliseconds{50}));
  EXPECT_THAT(ask_tls(bench_->port(), closing(FakeBench::signed_in())), StartsWith("HTTP/1.1 200"));
}

TEST_F(Tls, handshakes_count_as_connections) {
  FakeBenchSettings settings = with_slow_handshakes();
  settings.limits.connections_max = 6;
  settings.limits.connections_ordinary = 3;
  begin(std::move(settings));
  const auto crowd = silent(12);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_TRUE(crowd[i]->is_closed_within(std::chrono::seconds{10})) << i;
  EXPECT_THAT(ask_tls(bench_->port(), closing(FakeBench::signed_in())), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(bench_->control().told().size(), 1U);
}

// A token that is good everywhere, and nobody's, is not what somebody wants who empties a file.
TEST_F(Tls, and_accounts_are_needed_elsewhere_than_on_this_machine_also_later) {
  const std::string path = dir_.file("accounts"), draft = dir_.file("draft");
  std::ofstream{path} << account_line("vera", Role::operates, "open");
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  FakeBenchSettings settings{.limits = patient_limits()};
  settings.limits.accounts_look_every = std::chrono::milliseconds{10};
  settings.address = "0.0.0.0";
  settings.accounts = read_accounts(path);
  settings.accounts_file = path;
  std::promise<ServerChange> said;
  settings.on_change = [&said](const ServerChange& change) { said.set_value(change); };
  begin(std::move(settings));
  std::ofstream{draft} << "# nobody\n";
  std::filesystem::permissions(draft, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::rename(draft, path);
  std::future<ServerChange> heard = said.get_future();
  ASSERT_EQ(heard.wait_for(Client::wait_max), std::future_status::ready);
  const ServerChange change = heard.get();
  EXPECT_TRUE(change.is_trouble);
  EXPECT_THAT(change.text, StartsWith("the accounts stay as they were: the file holds none"));
  EXPECT_THAT(ask_tls(bench_->port(), closing({{"Authorization", "Basic dmVyYTpvcGVu"}})), StartsWith("HTTP/1.1 200"));
  bench_.reset();
}

TEST_F(Tls, is_refused_without_a_certificate_and_its_own_key) {
  boost::asio::io_context context;
  write_certificate(dir_.file("other.pem"), dir_.file("other_key.pem"));
  const auto fault = [&](const std::string& certificate, const std::string& key) {
    const auto made = TlsTunnel::make(context, dir_.file(certificate), dir_.file(key));
    return made ? std::string{} : made.error().what;
  };
  EXPECT_EQ(fault("c.pem", "k.pem"), "");
  EXPECT_THAT(fault("none.pem", "k.pem"), HasSubstr("none.pem: is no certificate"));
  EXPECT_THAT(fault("k.pem", "k.pem"), HasSubstr("k.pem: is no certificate"));
  EXPECT_THAT(fault("c.pem", "none.pem"), HasSubstr("none.pem: is no key for this certificate"));
  EXPECT_THAT(fault("c.pem", "other_key.pem"), HasSubstr("other_key.pem: is no key for this certificate"));
}

}  // namespace
}  // namespace cellrig::api::test
