#!/usr/bin/env python3
"""Checks the shape of the tree: who includes whom, and the house rules a compiler does not know (docs/architecture.md).

Usage: check_tree.py [ROOT]     prints one line per violation, exits 1 when there are any
"""

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cpp_text import CppText, Shape

# ---- who may include whom -------------------------------------------------------------------------------------------
# A room is a path prefix; the longest one that fits a file counts. What it may include are prefixes too.

BASE = "controller/base/"
ASYNC = "controller/async/"
RUNTIME_INTERFACES = [f"drivers/instruments/{name}.hpp" for name in ("cycler", "chamber", "logger", "identity", "pressure", "relay")]
RUNTIME_INTERFACES += ["db/record.hpp", "db/recorder.hpp", "db/reader.hpp"]
EVERYTHING = ["controller/", "profiles/", "drivers/", "db/", "sim/"]

ROOMS = {
    "controller/base/": [BASE],
    "controller/async/": [BASE, ASYNC],
    "controller/engine/": [BASE, "controller/engine/"],
    "controller/runtime/": [BASE, ASYNC, "controller/engine/", "controller/runtime/", "profiles/", *RUNTIME_INTERFACES],
    "controller/api/": [BASE, ASYNC, "controller/api/", "controller/runtime/bench_control", "db/reader.hpp", "db/record.hpp", "db/run_list.hpp", "db/analysis/step_clock.hpp", "db/export/"],
    "controller/api/messages": [BASE, "controller/api/messages"],
    "controller/cli/": EVERYTHING,
    "profiles/": [BASE, "controller/engine/program.hpp", "profiles/"],
    "drivers/": [BASE, ASYNC, "drivers/"],
    "db/": [BASE, ASYNC, "db/"],
    "db/reader": [BASE, "db/"],
    "sim/": [BASE, ASYNC, "drivers/link/", "sim/"],
    "sim/physics/": [BASE, "sim/physics/"],
    "sim/instruments/": [BASE, "sim/physics/", "sim/instruments/"],
    "ui/": [BASE, "controller/api/messages", "db/reader", "db/analysis/", "db/export/", "profiles/exchange/protocol_record.hpp", "ui/"],
    "tests/": [*EVERYTHING, "ui/", "tests/"],
}

# Rooms that decide and never act: no Asio, no threads, no clock, no log, no YAML reader below profiles/.
PURE = ["controller/engine/", "profiles/", "sim/physics/", "sim/instruments/"]
ASIO = r"boost/(asio|beast)\b"
THREADS = r"(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier|pthread\.h)$"

# (pattern of an include, rooms in which it is forbidden, why)
FORBIDDEN_INCLUDES = [
    (ASIO, [*PURE, BASE, "db/reader"], "Asio has no place in a pure room"),
    (THREADS, [*PURE, BASE], "threads have no place in a pure room"),
    (r"(spdlog|yaml-cpp)/", ["controller/engine/", BASE, "sim/physics/", "sim/instruments/"], "neither log nor YAML here"),
]
# (pattern of an include, the only places for it, why)
CONFINED_INCLUDES = [
    (r"sqlite3(ext)?\.h$", ["db/", "tests/"], "SQLite lives in db/"),
    (r"(modbus/)?modbus(-\w+)?\.h$", ["drivers/modbus/libmodbus_bus", "tests/"], "libmodbus lives in drivers/modbus/libmodbus_bus"),
    (r"(Q[A-Z]\w*$|Qt\w*/|q[a-z]+\.h$)", ["ui/", "tests/ui/", "tests/bench/chart_bench.cpp", "tests/bench/live_window_bench.cpp"], "Qt lives in ui/"),
]
CLOCK = r"\b(steady|system|high_resolution|utc|tai|gps|file)_clock\b|\b(clock_gettime|gettimeofday|timespec_get)\b|std::time\s*\("

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70  # the aim is 60

CPP_SUFFIXES = {".cpp", ".hpp", ".h", ".cc", ".hh", ".cxx"}
SOURCE_SUFFIXES = CPP_SUFFIXES | {".py", ".sh", ".cmake"}
TEXT_SUFFIXES = SOURCE_SUFFIXES | {".md", ".yaml", ".yml", ".sql", ".json", ".txt", ".toml", ""}
SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".cache", ".vscode", ".idea"}


@dataclass(frozen=True)
class Violation:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"


class File:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.suffix = Path(path).suffix
        self.is_cpp = self.suffix in CPP_SUFFIXES
        self.is_header = self.suffix in {".hpp", ".h", ".hh"}

    def within(self, prefixes):
        return self.path.startswith(tuple(prefixes))

    @cached_property
    def lines(self):
        return self.text.splitlines()

    @cached_property
    def cpp(self):
        return CppText(self.text)

    @cached_property
    def shape(self):
        return Shape(self.cpp.tokens)

    @cached_property
    def room(self):
        return max((prefix for prefix in ROOMS if self.path.startswith(prefix)), key=len, default=None)

    @cached_property
    def includes(self):
        """(line, "<" or '"', what)"""
        found = []
        for token in self.cpp.tokens:
            match = token.kind == "pp" and re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', token.text)
            if match:
                found.append((token.line, match.group(1), match.group(2)))
        return found


def _matches(pattern, text):
    """(line, match) of a pattern in a text; a match belongs to the line it starts on."""
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield text.count("\n", 0, match.start()) + 1, match


# ---- the rules: each takes a File and yields (line, message) --------------------------------------------------------


def room_includes(file):
    if not file.is_cpp:
        return
    if file.room is None:
        yield 1, "belongs to no room; tests/tidy/check_tree.py names them"
        return
    for line, bracket, what in file.includes:
        is_ours = any(what.startswith(room.split("/")[0] + "/") for room in ROOMS)
        if is_ours and not what.startswith(tuple(ROOMS[file.room])):
            yield line, f"{file.room} must not include {what}"
        elif not is_ours and bracket == '"':
            yield line, f'"{what}" is no path from the root of the tree'


def foreign_includes(file):
    if not file.is_cpp:
        return
    for line, _, what in file.includes:
        for pattern, rooms, why in FORBIDDEN_INCLUDES:
            if re.match(pattern, what) and file.within(rooms):
                yield line, f"<{what}>: {why}"
        for pattern, rooms, why in CONFINED_INCLUDES:
            if re.match(pattern, what) and not file.within(rooms):
                yield line, f"<{what}>: {why}"


def clocks(file):
    if file.is_cpp and file.within([*PURE, BASE]):
        for line, match in _matches(CLOCK, file.cpp.code):
            yield line, f"{match.group()}: a pure room knows no clock, it is told the time"


def await_statements(file):
    if not file.is_cpp:
        return
    if file.shape.unreadable:
        yield file.shape.unreadable, "the braces make no sense to tests/tidy/cpp_text.py; simplify them or teach it"
    for line, what in file.shape.await_faults:
        yield line, f"{what} in the same statement as co_await (GCC 12 destroys it twice): name it on the line above"


def sizes(file):
    is_source = file.suffix in SOURCE_SUFFIXES or file.within(["scripts/", ".ci/"])
    if is_source and len(file.lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX, f"{len(file.lines)} lines, at most {FILE_LINES_MAX}: split it"
    if file.is_cpp:
        for function in file.shape.functions:
            if function.line_count > FUNCTION_LINES_MAX:
                yield function.line, f"{function.name}: {function.line_count} lines, at most {FUNCTION_LINES_MAX} (aim at 60)"


def pragma_once(file):
    if file.is_header and not re.search(r"^#pragma once$", file.cpp.code, re.MULTILINE):
        yield 1, "a header needs #pragma once"


def using_namespace(file):
    if file.is_header:
        for line, _ in _matches(r"\busing\s+namespace\b", file.cpp.code):
            yield line, "using namespace in a header"


def promises(file):
    for line, match in _matches(r"\b(TO" + r"DO|FIX" + r"ME)\b", file.text):
        yield line, f"{match.group()}: do it, or write down when it will be due"


def skipped_tests(file):
    if not file.is_cpp:
        return
    for line, match in _matches(r"\bGTEST_SKIP\b|\bDISABLED_\w+", file.cpp.code):
        beside = [file.lines[line - 1], file.lines[line - 2] if line > 1 else ""]
        if not any("//" in text for text in beside):
            yield line, f"{match.group()} without a comment beside it that says why"


def sleeping_tests(file):
    if file.is_cpp and file.within(["tests/"]):
        for line, match in _matches(r"this_thread::sleep_\w+|\busleep\b|\bnanosleep\b|(?<![\w.>])sleep\s*\(", file.cpp.code):
            yield line, f"{match.group()}: tests do not sleep; advance virtual time or wait for the event itself"


def fast_math(file):
    name = Path(file.path).name
    if file.is_cpp:
        text = file.cpp.bare
    elif name == "CMakeLists.txt" or file.suffix in {".cmake", ".json", ".sh", ""}:
        text = re.sub(r"(?m)(^|\s)#.*", "", file.text)
    else:
        return
    for line, _ in _matches(r"fast-" + r"math\b", text):
        yield line, "fast maths makes isfinite(NaN) true: the safety layer would vanish"


def random_distributions(file):
    if file.is_cpp and file.within(["sim/"]):
        for line, _ in _matches(r"\bnormal_distribution\b", file.cpp.code):
            yield line, "std::normal_distribution differs between libraries: same seed, other record"


def machine_paths(file):
    for line, match in _matches(r"(?<![\w.~-])/wo" + r"rk\b|\.\./sha" + r"red\b|(?<![\w.~-])/home/\w+", file.text):
        yield line, f"{match.group()}: a path of one machine"


RULES = [
    room_includes,
    foreign_includes,
    clocks,
    await_statements,
    sizes,
    pragma_once,
    using_namespace,
    promises,
    skipped_tests,
    sleeping_tests,
    fast_math,
    random_distributions,
    machine_paths,
]


def files_of(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.suffix not in TEXT_SUFFIXES or SKIPPED_FOLDERS.intersection(parts) or not path.is_file() or path.is_symlink():
            continue
        try:
            yield File("/".join(parts), path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue  # not text


def check(root):
    """All violations below a folder, and how many C++ files were read."""
    violations, cpp_count = [], 0
    for file in files_of(Path(root)):
        cpp_count += file.is_cpp
        for rule in RULES:
            violations += [Violation(file.path, line, rule.__name__, message) for line, message in rule(file)]
    return violations, cpp_count


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    violations, cpp_count = check(root)
    for violation in violations:
        print(violation)
    if cpp_count == 0:
        print(f"{root}: no C++ file there, so nothing was checked")
        return 1
    print(f"{cpp_count} C++ files read, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
