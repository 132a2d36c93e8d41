// Coroutines of the rig. House rule (GCC 12 destroys such temporaries twice): in a statement that contains co_await there is
// no brace temporary and no capturing lambda; name it on the line above. tests/tidy enforces it.
#pragma once

#include <utility>  // must stand before Asio 1.81's awaitable.hpp

#include <boost/asio/awaitable.hpp>

namespace cellrig {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace cellrig
