#include "sim/net/http_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace cellrig::sim::http {
namespace {

constexpr std::array<std::string_view, 9> methods{"GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT"};
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view line_end = "\r\n";

bool is_token_char(char c) {
  const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return is_word || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t size = std::min(rest.find(line_end), rest.size());
  const std::string_view line = rest.substr(0, size);
  rest.remove_prefix(std::min(size + line_end.size(), rest.size()));
  return line;
}

/// What the headers say that matters here.
struct Head {
  std::size_t body_size = 0;
  std::optional<std::string> length;
  std::optional<std::string> host;
  bool is_chunked = false;
  bool expects = false;
};

bool read_request_line(std::string_view line, Request& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return false;
  const std::string_view version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if ((version != "HTTP/1.1" && version != "HTTP/1.0") || target.empty() || target.front() != '/') return false;
  if (target.find(' ') != std::string_view::npos) return false;
  request.method = line.substr(0, first);
  request.path = target.substr(0, target.find('?'));
  request.keeps_alive = version == "HTTP/1.1";
  return true;
}

/// False: no header, or one that must stand alone and does not.
bool read_header(std::string_view line, Request& request, Head& head) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view raw_name = line.substr(0, colon);
  if (!std::all_of(raw_name.begin(), raw_name.end(), is_token_char)) return false;
  const std::string name = lower(raw_name);
  const std::string value{trimmed(line.substr(colon + 1))};
  const auto keep = [&value](std::optional<std::string>& into) { return !into && (into = value, true); };
  if (name == "content-length") return keep(head.length);
  if (name == "host") return keep(head.host);
  if (name == "transfer-encoding") head.is_chunked = true;
  if (name == "expect") head.expects = true;
  if (name == "origin" || name.starts_with("sec-fetch-")) request.has_origin = true;
  if (name == "connection" && lower(value).find("close") != std::string::npos) request.keeps_alive = false;
  if (name == "connection" && lower(value).find("keep-alive") != std::string::npos) request.keeps_alive = true;
  return true;
}

/// Status 0: fine.
Answer read_head(std::string_view text, Request& request, Head& head) {
  if (!read_request_line(take_line(text), request)) return {400, "not a request line of HTTP/1.1", ""};
  std::size_t count = 0;
  while (!text.empty()) {
    if (++count > header_count_max) return {431, "too many headers", ""};
    if (!read_header(take_line(text), request, head)) return {400, "a header that is none, or is given twice", ""};
  }
  if (head.is_chunked) return {411, "a body needs Content-Length; chunks are not understood", ""};
  if (head.expects) return {417, "Expect is not understood: send the body", ""};
  if (!head.host && request.keeps_alive) return {400, "the header Host is missing", ""};
  request.host = head.host.value_or("");
  if (!head.length) return {0, "", ""};
  const char* const end = head.length->data() + head.length->size();
  const auto [stopped, error] = std::from_chars(head.length->data(), end, head.body_size);
  if (error == std::errc::result_out_of_range) return {413, "the body is too long", ""};
  if (error != std::errc{} || stopped != end) return {400, "Content-Length is no number", ""};
  if (head.body_size > body_size_max) return {413, "the body is too long", ""};
  return {0, "", ""};
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    default: return "Error";
  }
}

}  // namespace

bool speaks_http(std::string_view begin) {
  for (const std::string_view method : methods) {
    const std::size_t size = std::min(method.size(), begin.size());
    if (size == 0 || begin.substr(0, size) != method.substr(0, size)) continue;
    if (begin.size() <= method.size() || begin[method.size()] == ' ') return true;
  }
  return false;
}

Progress take_request(std::string& received, Request& request, Answer& refusal) {
  const std::size_t end = received.find(head_end);
  if (end == std::string::npos ? received.size() > head_size_max : end > head_size_max) {
    refusal = {431, "the head is too long", ""};
    return Progress::refused;
  }
  if (end == std::string::npos) return Progress::incomplete;
  request = Request{};
  Head head;
  refusal = read_head(std::string_view{received}.substr(0, end), request, head);
  if (refusal.status != 0) return Progress::refused;
  const std::size_t body_at = end + head_end.size();
  if (received.size() - body_at < head.body_size) return Progress::incomplete;
  request.body = received.substr(body_at, head.body_size);
  received.erase(0, body_at + head.body_size);
  return Progress::complete;
}

std::string format(const Answer& answer, bool keeps_alive) {
  const bool is_json = answer.body.starts_with('{');
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + ' ' + std::string(reason_of(answer.status)) + "\r\n";
  text += is_json ? "Content-Type: application/json\r\n" : "Content-Type: text/plain; charset=utf-8\r\n";
  text += "Content-Length: " + std::to_string(answer.body.size() + 1) + "\r\n";
  if (!answer.allow.empty()) text += "Allow: " + answer.allow + "\r\n";
  text += "Cache-Control: no-store\r\n";
  text += keeps_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return text + answer.body + '\n';
}

bool is_plain_host(std::string_view host) {
  if (host.empty()) return true;  // HTTP/1.0
  if (host.front() == '[') return true;
  const std::string_view name = host.substr(0, host.rfind(':'));
  if (name == "localhost") return true;
  return std::all_of(name.begin(), name.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace cellrig::sim::http
