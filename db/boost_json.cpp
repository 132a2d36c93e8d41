// Boost.JSON compiled into this program: the library package of Boost 1.81 need not be installed.
#include <boost/json/src.hpp>
