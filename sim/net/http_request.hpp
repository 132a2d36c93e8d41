// The little of HTTP/1.1 that lets a person use the back door with curl. Pure: text in, a request or a refusal out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cellrig::sim::http {

inline constexpr std::size_t head_size_max = 8192;
inline constexpr std::size_t body_size_max = 65536;
inline constexpr std::size_t header_count_max = 64;

struct Request {
  std::string method;  ///< "POST"
  std::string path;    ///< "/fault", without what follows a question mark
  std::string host;    ///< of the header; empty: none
  std::string body;
  bool has_origin = false;  ///< a browser sent it on behalf of a page
  bool keeps_alive = true;
};

struct Answer {
  int status = 200;
  std::string body;   ///< a line of text or JSON
  std::string allow;  ///< of a 405: the methods that this path has
};

/// Whether a connection whose first bytes are these speaks HTTP: its first word is a method, and the line, as far as it has come, may
/// still be a request line. The back door's own commands are lower case.
[[nodiscard]] bool speaks_http(std::string_view begin);

enum class Progress : unsigned char { incomplete, complete, refused };

/// Takes the next request off the front of `received`. Refused: nothing more of this connection can be understood; `refusal` says why.
/// * The body has the length that Content-Length names; chunks are refused (411), as is any header given twice that must not be.
/// * Head, body and number of headers are bounded (431, 413).
[[nodiscard]] Progress take_request(std::string& received, Request& request, Answer& refusal);

/// As it goes onto the wire, with Content-Length and Connection.
[[nodiscard]] std::string format(const Answer& answer, bool keeps_alive);

/// "127.0.0.1:1234", "[::1]", "localhost": no name of a host that a page elsewhere may have made point here.
[[nodiscard]] bool is_plain_host(std::string_view host);

}  // namespace cellrig::sim::http
