// How I/O reports failure: a Result, never an exception. The kinds are kept apart because safety keeps them apart.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>

namespace cellrig {

enum class Fault : unsigned char {
  timeout,             ///< no answer in time; perhaps alive. What arrives later must not be believed.
  link_lost,           ///< the connection is dead
  malformed,           ///< an answer that does not parse: nothing on this connection is to be trusted
  refused,             ///< alive, and said no
  device_fault,        ///< alive, and broken: a sensor is open, a relay sticks
  protection_tripped,  ///< alive, and its own protection keeps the output off until it is acknowledged
  busy,                ///< alive, try later
  interrupted,         ///< we cut it ourselves, for an OFF or at the end
};

[[nodiscard]] constexpr std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::timeout: return "timeout";
    case Fault::link_lost: return "link lost";
    case Fault::malformed: return "malformed reply";
    case Fault::refused: return "refused";
    case Fault::device_fault: return "device fault";
    case Fault::protection_tripped: return "protection tripped";
    case Fault::busy: return "busy";
    case Fault::interrupted: return "interrupted";
  }
  return "unknown fault";
}

struct Error {
  Fault fault = Fault::link_lost;
  std::string what;  ///< one sentence a technician understands
};

/// Used by value() only; we test before we read, so reaching it is a programming error.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, Error>;

[[nodiscard]] inline Error fail(Fault fault, std::string what) { return Error{fault, std::move(what)}; }

}  // namespace cellrig
