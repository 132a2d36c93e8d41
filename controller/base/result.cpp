#include "controller/base/result.hpp"

#include <stdexcept>

namespace cellrig {

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error(std::string(where.function_name()) + ": unchecked " + std::string(to_string(error.fault)) + ": " +
                         error.what);
}

}  // namespace cellrig
