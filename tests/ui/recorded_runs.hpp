// A record that the program itself wrote, for the tests of Review.
#pragma once

#include <QString>

namespace cellrig::ui::test {

/// Two cells cycled and one fast charge whose criterion is not met: written once for all tests of a process.
[[nodiscard]] const QString& recorded_runs();

}  // namespace cellrig::ui::test
