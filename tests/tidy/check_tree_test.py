#!/usr/bin/env python3
"""A check that cannot fail is a defect: every rule must find a bad snippet and leave a good one alone."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import check_tree

HERE = Path(__file__).resolve().parent
LONG = "  step();\n" * 80

# (rule, path, snippet that breaks it)
BAD = [
    ("room_includes", "controller/engine/a.cpp", '#include "drivers/link/byte_stream.hpp"\n'),
    ("room_includes", "controller/engine/a.cpp", '#include "profiles/reader.hpp"\n'),
    ("room_includes", "controller/engine/a.cpp", '#  include <controller/async/task.hpp>\n'),
    ("room_includes", "controller/base/a.hpp", '#pragma once\n#include "controller/async/task.hpp"\n'),
    ("room_includes", "controller/runtime/a.cpp", '#include "drivers/scpi/session.hpp"\n'),
    ("room_includes", "controller/runtime/a.cpp", '#include "db/sqlite_recorder.hpp"\n'),
    ("room_includes", "controller/runtime/a.cpp", '#include "sim/world.hpp"\n'),
    ("room_includes", "profiles/a.cpp", '#include "controller/engine/channel_machine.hpp"\n'),
    ("room_includes", "drivers/instruments/ea_psb.cpp", '#include "sim/instruments/ea_psb.hpp"\n'),
    ("room_includes", "drivers/instruments/ea_psb.cpp", '#include "controller/engine/program.hpp"\n'),
    ("room_includes", "sim/instruments/ea_psb.cpp", '#include "drivers/modbus/register_map.hpp"\n'),
    ("room_includes", "sim/instruments/ea_psb.cpp", '#include "drivers/link/byte_stream.hpp"\n'),
    ("room_includes", "sim/world.cpp", '#include "drivers/scpi/codec.hpp"\n'),
    ("room_includes", "db/reader.cpp", '#include "controller/async/task.hpp"\n'),
    ("room_includes", "db/recorder.cpp", '#include "controller/engine/program.hpp"\n'),
    ("room_includes", "ui/main.cpp", '#include "controller/engine/program.hpp"\n'),
    ("room_includes", "controller/api/messages.hpp", '#pragma once\n#include "controller/api/server.hpp"\n'),
    ("room_includes", "drivers/a.cpp", '#include "tests/support/a.hpp"\n'),
    ("room_includes", "drivers/scpi/a.cpp", '#include "codec.hpp"\n'),
    ("room_includes", "stray.cpp", "int a;\n"),
    ("foreign_includes", "controller/engine/a.cpp", "#include <boost/asio/post.hpp>\n"),
    ("foreign_includes", "controller/engine/a.cpp", "#include <thread>\n"),
    ("foreign_includes", "controller/engine/a.cpp", "#include <spdlog/spdlog.h>\n"),
    ("foreign_includes", "profiles/a.cpp", "#include <mutex>\n"),
    ("foreign_includes", "sim/physics/a.cpp", "#include <boost/asio.hpp>\n"),
    ("foreign_includes", "sim/instruments/a.cpp", "#include <condition_variable>\n"),
    ("foreign_includes", "controller/base/a.cpp", "#include <boost/asio/awaitable.hpp>\n"),
    ("foreign_includes", "db/reader.cpp", "#include <boost/asio/awaitable.hpp>\n"),
    ("foreign_includes", "controller/cli/a.cpp", "#include <sqlite3.h>\n"),
    ("foreign_includes", "drivers/modbus/session.cpp", "#include <modbus/modbus.h>\n"),
    ("foreign_includes", "sim/net/a.cpp", "#include <modbus.h>\n"),
    ("foreign_includes", "controller/cli/a.cpp", "#include <QString>\n"),
    ("foreign_includes", "db/a.cpp", "#include <QtCore/qglobal.h>\n"),
    ("clocks", "controller/engine/a.cpp", "auto t = std::chrono::steady_clock::now();\n"),
    ("clocks", "profiles/a.cpp", "using std::chrono::system_clock;\n"),
    ("clocks", "sim/physics/a.cpp", "auto t = std::time(nullptr);\n"),
    ("clocks", "sim/instruments/a.cpp", "::clock_gettime(CLOCK_MONOTONIC, &t);\n"),
    ("sizes", "drivers/a.cpp", "int a;\n" * 501),
    ("sizes", "scripts/thing", "true\n" * 501),
    ("sizes", "drivers/a.cpp", "void f() {\n" + LONG + "}\n"),
    ("sizes", "drivers/a.cpp", "namespace a {\nstruct B {\n  int f(int x) const {\n" + LONG + "  }\n};\n}\n"),
    ("sizes", "drivers/a.cpp", "B::B(int x) : x_{x}, y_{f({1, 2})} {\n" + LONG + "}\n"),
    ("sizes", "drivers/a.cpp", "template <class T>\nauto f(T x) -> Task<Result<T>> {\n" + LONG + "}\n"),
    ("sizes", "tests/unit/a.cpp", "TEST(A, b) {\n  auto f = [&](int x) { return x; };\n" + LONG + "}\n"),
    ("pragma_once", "db/a.hpp", "// #pragma once\nint a();\n"),
    ("using_namespace", "db/a.hpp", "#pragma once\nusing  namespace std;\n"),
    ("promises", "db/a.cpp", "// TO" + "DO: later\n"),
    ("promises", "docs/a.md", "FIX" + "ME\n"),
    ("skipped_tests", "tests/unit/a.cpp", "TEST(A, DISABLED_b) {}\n"),
    ("skipped_tests", "tests/unit/a.cpp", "void f() {\n\n  GTEST_SKIP();\n}\n"),
    ("sleeping_tests", "tests/unit/a.cpp", "void f() { std::this_thread::sleep_for(1s); }\n"),
    ("sleeping_tests", "tests/socket/a.cpp", "void f() { usleep(1000); }\n"),
    ("sleeping_tests", "tests/socket/a.cpp", "void f() { ::sleep(1); }\n"),
    ("fast_math", "cmake/Flags.cmake", "add_compile_options(-ffast-" + "math)\n"),
    ("fast_math", "CMakePresets.json", '{"CMAKE_CXX_FLAGS": "-ffast-' + 'math"}\n'),
    ("fast_math", "sim/physics/a.cpp", '#pragma GCC optimize("fast-' + 'math")\n'),
    ("random_distributions", "sim/faults.cpp", "std::normal_distribution<double> noise;\n"),
    ("machine_paths", "scripts/test", "cd /wo" + "rk/main\n"),
    ("machine_paths", "docs/a.md", "see ../sha" + "red/notes.md\n"),
    ("machine_paths", "tests/unit/a.cpp", 'auto p = "/home/' + 'someone/x";\n'),
]

# Statements the compiler would destroy twice. Each stands in a function of drivers/a.cpp.
BAD_AWAITS = [
    "co_await f(Options{.size = 1});",
    "co_await f({1, 2});",
    "const auto x = co_await f(a, std::string{b});",
    "co_await f([this] { return a_; });",
    "co_await f([&]() -> Task<void> { co_return; });",
    "co_await f([x = 1](int y) mutable noexcept { return x + y; });",
    "if (!co_await f(Options{})) { g(); }",
    "if (const auto r = co_await f(Options{}); r) g();",
    "while (co_await f({})) g();",
    "for (auto x : co_await f({1})) { g(); }",
    "co_return co_await f(\n    Options{\n        .size = 1,\n    });",
    "g([&]() -> Task<void> { co_await f(Options{}); });",
    "auto task = [this]() -> Task<Result<void>> { co_await f({}); };",
    "switch (a) { case 1: co_await f({}); }",
    "return {1, co_await f()};",
    "const Result<X> r{co_await f()};",
    "auto [a, b] = co_await f([&] { return 1; });",
    "if (a) { g(); } else co_await f({});",
    "co_await f([] { return 1; });",
]
GOOD_AWAITS = [
    "co_await f();",
    "const Options options{.size = 1};\n  co_await f(options);",
    "if (!co_await f()) {\n    g(Options{});\n  }",
    "if (!co_await f()) { g({1}); } else { h({2}); }",
    "if (const auto r = co_await f(); !r) { g(); }",
    "while (co_await f()) { g(); }",
    "do { g(X{1}); } while (co_await f());",
    "for (auto x : co_await f()) { g(X{x}); }",
    "switch (co_await f()) { case A: { g({}); break; } }",
    "{ const X x{1}; }\n  co_await f();",
    "const Result<X> r = co_await f(); g({r});",
    "g([this]() -> Task<void> { co_await f(); });",
    "auto task = [this, a]() -> Task<Result<void>> { co_await f(); };",
    "auto task = [x = X{1}](int y = {}) mutable -> Task<> { co_return co_await f(x, y); };",
    "auto [a, b] = co_await f();",
    "const auto& [a, b] = co_await f();",
    "g(table[1], co_await f(a[0], b()[2]));",
    "[[maybe_unused]] const auto x = co_await f();",
    'co_await f("{ [x] }", \'{\', R"(" { )");  // { [this]',
    "co_await f(/* {1} */ 1'000'000);",
    "try { co_await f(); } catch (const X& e) { g({e}); }",
    "if constexpr (a) { co_await f(); }",
    "auto f = [&](auto x) { return Y{x}; };\n  co_await f(1);",
    "struct Local { int a = 0; void b() {} };\n  co_await f();",
]

# (path, snippet that breaks no rule)
GOOD = [
    ("controller/engine/a.cpp", '#include "controller/engine/program.hpp"\n#include <vector>\n#include "controller/base/time.hpp"\n'),
    ("controller/engine/a.cpp", '// #include <thread>\n/*\n#include <boost/asio.hpp>\n*/\nconst char* a = "steady_clock";\n'),
    ("controller/engine/a.cpp", "#include <boost/system/result.hpp>\n// std::chrono::steady_clock::now()\nRigClock::time_point t;\n"),
    ("controller/async/a.cpp", "#include <boost/asio/post.hpp>\n#include <mutex>\nauto t = std::chrono::steady_clock::now();\n"),
    ("controller/runtime/a.cpp", '#include "drivers/instruments/cycler.hpp"\n#include "db/recorder.hpp"\n#include "profiles/compile.hpp"\n'),
    ("controller/cli/a.cpp", '#include "sim/world.hpp"\n#include "drivers/scpi/session.hpp"\n'),
    ("profiles/a.cpp", '#include "controller/engine/program.hpp"\n#include <yaml-cpp/yaml.h>\n'),
    ("drivers/modbus/libmodbus_bus.cpp", "#include <modbus/modbus.h>\n#include <thread>\n"),
    ("db/recorder.cpp", "#include <sqlite3.h>\n#include <queue>\n"),
    ("sim/world.cpp", '#include "drivers/link/byte_stream.hpp"\n#include "sim/physics/cell.hpp"\n'),
    ("ui/main.cpp", '#include <QApplication>\n#include "db/reader.hpp"\n#include "controller/api/messages.hpp"\n'),
    ("tests/unit/a.cpp", '#include <sqlite3.h>\n#include "sim/world.hpp"\nvoid f() { time.sleep_until(t); }\n'),
    ("tests/unit/a.cpp", "// The mirror needs two clocks.\nTEST(A, DISABLED_b) {}\n"),
    ("tests/unit/a.cpp", "void f() {\n  GTEST_SKIP();  // no pseudo-terminals here\n}\n"),
    ("drivers/a.cpp", "void f() {\n" + "  step();\n" * 60 + "}\nvoid g() {\n" + "  step();\n" * 60 + "}\n"),
    ("drivers/a.cpp", "const int table[] = {\n" + "    1,\n" * 200 + "};\n"),
    ("db/a.hpp", "// Never using namespace in a header.\n#pragma once\nnamespace a { inline namespace literals {} }\n"),
    ("db/a.cpp", "using namespace std::chrono_literals;\n"),
    ("docs/a.md", "Never -ffast-" + "math. The todo list is empty.\n"),
    ("cmake/a.cmake", "# never -ffast-" + "math\nset(x build/wo" + "rk/x)\n"),
    ("sim/faults.cpp", "// not std::normal_distribution\nstd::mt19937_64 seed;\n"),
]


def violations(path, text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return check_tree.check(folder)[0]


def in_coroutine(statement):
    return "namespace a {\nTask<void> B::c(int d) {\n  " + statement + "\n}\n}\n"


class CheckTree(unittest.TestCase):
    def test_every_rule_finds_what_it_is_for(self):
        for rule, path, text in BAD:
            with self.subTest(rule=rule, path=path, text=text[:80]):
                self.assertEqual({v.rule for v in violations(path, text)}, {rule})

    def test_what_is_allowed_passes(self):
        for path, text in GOOD:
            with self.subTest(path=path, text=text[:80]):
                self.assertEqual(violations(path, text), [])

    def test_a_temporary_beside_co_await_is_found(self):
        for statement in BAD_AWAITS:
            with self.subTest(statement=statement):
                found = violations("drivers/a.cpp", in_coroutine(statement))
                self.assertEqual({v.rule for v in found}, {"await_statements"})
                self.assertGreaterEqual(found[0].line, 3)

    def test_blocks_around_co_await_are_no_temporaries(self):
        for statement in GOOD_AWAITS:
            with self.subTest(statement=statement):
                self.assertEqual(violations("drivers/a.cpp", in_coroutine(statement)), [])

    def test_braces_it_cannot_read_are_reported_not_ignored(self):
        for text in ("void f() {\n", "void f() { (a; }\n", "}\n", "#if A\nvoid f() {\n#else\nvoid g() {\n#endif\n}\n"):
            with self.subTest(text=text):
                self.assertIn("await_statements", {v.rule for v in violations("drivers/a.cpp", text)})

    def test_the_line_of_a_violation_is_right(self):
        found = violations("drivers/a.cpp", 'const char* a = R"(\n\n)";  /* \n */\n#include <sqlite3.h>\n')
        self.assertEqual([v.line for v in found], [5])

    def test_every_rule_has_a_bad_example(self):
        tried = {rule for rule, _, _ in BAD} | {"await_statements"}
        self.assertEqual(tried, {rule.__name__ for rule in check_tree.RULES})

    def test_every_room_has_its_row(self):
        root = HERE.parents[1]
        rooms = {f"{path.relative_to(root).parts[0]}/" for path in root.glob("*/CMakeLists.txt")}
        rooms |= {"/".join(path.relative_to(root).parts[:2]) + "/" for path in root.glob("controller/*/CMakeLists.txt")}
        self.assertEqual(rooms - set(check_tree.ROOMS), set())

    def test_build_folders_are_not_read(self):
        self.assertEqual(violations("build/release/a.cpp", "#include <sqlite3.h>\n"), [])

    def test_an_empty_tree_is_a_failure(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, HERE / "check_tree.py", folder], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)

    def test_a_violation_sets_the_exit_code(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "db").mkdir()
            (Path(folder) / "db/a.hpp").write_text("int a;\n", encoding="utf-8")
            done = subprocess.run([sys.executable, HERE / "check_tree.py", folder], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("db/a.hpp:1:", done.stdout)


if __name__ == "__main__":
    unittest.main()
