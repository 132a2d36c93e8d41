// The back door's HTTP: requests in any split, bounds, and what must never pass for one.
#include "sim/net/http_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cellrig::sim::http {
namespace {

using ::testing::HasSubstr;

const std::string post = "POST /fault?x=1 HTTP/1.1\r\nHost: 127.0.0.1:5\r\ncontent-LENGTH: 10\r\nAccept: */*\r\n\r\nclose psb1";

Answer refusal_of(std::string text) {
  Request request;
  Answer refusal;
  EXPECT_EQ(take_request(text, request, refusal), Progress::refused) << text;
  return refusal;
}

TEST(HttpRequest, is_understood_in_any_split) {
  for (std::size_t size = 1; size < post.size(); ++size) {
    std::string received = post.substr(0, size);
    Request request;
    Answer refusal;
    ASSERT_EQ(take_request(received, request, refusal), Progress::incomplete) << size;
    received += post.substr(size) + post;
    ASSERT_EQ(take_request(received, request, refusal), Progress::complete) << size;
    EXPECT_EQ(request.method + request.path + request.body + request.host, "POST/faultclose psb1127.0.0.1:5");
    EXPECT_TRUE(request.keeps_alive && !request.has_origin);
    EXPECT_EQ(received, post);  // the next one stays
  }
}

TEST(HttpRequest, says_whether_the_connection_goes_on) {
  const auto keeps = [](std::string text) {
    Request request;
    Answer refusal;
    EXPECT_EQ(take_request(text, request, refusal), Progress::complete) << text;
    return request.keeps_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(HttpRequest, a_browser_is_recognised_by_what_it_adds) {
  for (const char* const header : {"Origin: http://a", "ORIGIN: null", "Sec-Fetch-Mode: no-cors"}) {
    std::string text = std::string("GET / HTTP/1.1\r\nHost: a\r\n") + header + "\r\n\r\n";
    Request request;
    Answer refusal;
    EXPECT_EQ(take_request(text, request, refusal), Progress::complete);
    EXPECT_TRUE(request.has_origin) << header;
  }
  for (const char* const host : {"127.0.0.1:80", "10.0.0.5", "localhost:1", "[::1]:80"}) EXPECT_TRUE(is_plain_host(host)) << host;
  for (const char* const host : {"evil.example", "127.0.0.1.evil.example:80", "localhost.evil"})
    EXPECT_FALSE(is_plain_host(host)) << host;
}

TEST(HttpRequest, what_is_none_is_refused) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(refusal_of("GET  / HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(refusal_of("GET / HTTP/3\r\n\r\n").status, 400);
  EXPECT_EQ(refusal_of("GET /\r\n\r\n").status, 400);
  EXPECT_EQ(refusal_of(head + "a b: 1\r\n\r\n").status, 400);
  EXPECT_EQ(refusal_of(head + "Host: b\r\n\r\n").status, 400);
  EXPECT_EQ(refusal_of(head + "Content-Length: 1x\r\n\r\n").status, 400);
  EXPECT_EQ(refusal_of(head + "Content-Length:\r\n\r\n").status, 400);
  EXPECT_EQ(refusal_of(head + "Content-Length: 65537\r\n\r\n").status, 413);
  EXPECT_EQ(refusal_of(head + "Transfer-Encoding: chunked\r\n\r\n").status, 411);
  EXPECT_EQ(refusal_of(std::string("GET / HTTP/1.1\r\nX: ") + std::string(9000, 'a')).status, 431);
}

TEST(HttpRequest, is_told_from_the_doors_own_lines_by_its_first_bytes) {
  for (const char* const begin : {"GET /", "G", "POST /fault HTTP/1.1", "DELETE /faults", "OPTIONS *", "PUT /x"}) {
    EXPECT_TRUE(speaks_http(begin)) << begin;
  }
  for (const char* const begin : {"", "truth", "fault GET /", "get /", "GETTING", "quit", "now"})
    EXPECT_FALSE(speaks_http(begin)) << begin;
}

TEST(HttpAnswer, has_the_length_of_its_body) {
  const std::string text = format({405, "no", "GET"}, false);
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Length: 3\r\nAllow: GET\r\n"));
  EXPECT_THAT(text, HasSubstr("Connection: close\r\n\r\nno\n"));
  EXPECT_THAT(format({200, "{}", ""}, true), HasSubstr("application/json"));
}

}  // namespace
}  // namespace cellrig::sim::http
