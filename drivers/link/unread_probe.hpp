// An optional face of a ByteStream: may it hold bytes that nobody asked for?
#pragma once

namespace cellrig {

/// Raw SCPI sockets carry no transaction id: a reply that comes late would answer the next question. A stream that can be
/// looked into without consuming offers this; ScpiSession asks before every request and reopens when it is true.
class UnreadProbe {
 public:
  virtual ~UnreadProbe() = default;
  /// True when bytes wait to be read or when the peer has closed: either way this connection must not carry a request.
  [[nodiscard]] virtual bool has_unread() const = 0;
  /// True for a serial line: what is on its way when it is closed arrives after it was opened again.
  [[nodiscard]] virtual bool outlives_closing() const { return false; }
};

}  // namespace cellrig
