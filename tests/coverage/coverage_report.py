"""What the tests reached of the rooms that decide: functions, lines and branches, by gcov's own account.

    coverage_report.py BUILD_FOLDER [--all]      reads what an instrumented build left there (scripts/coverage)

A branch is one way out of a condition. Those that only an exception takes (`throw` in gcov's account: every call has one) are not
counted: an allocation that fails is tried in tests/db. What differs between instances of a template, or between two files that include
a header, is added up.
"""

import json
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "controller/engine": ["controller/engine/*"],
    "drivers: SCPI codec": ["drivers/scpi/codec.*", "drivers/scpi/setting.*", "drivers/instruments/espec_text.*"],
    "drivers: Modbus codec": ["drivers/modbus/adu.*", "drivers/modbus/rtu.*", "drivers/modbus/register_map.*",
                              "drivers/modbus/late_replies.*", "drivers/instruments/register_chamber_map.*"],
    "drivers: plans": ["drivers/instruments/*_plan.*", "drivers/instruments/setpoint_check.*"],
    "db: recorder": ["db/recorder.*", "db/record_store*", "db/record.hpp", "db/chain.*", "db/chain_writer.*", "db/audit_rows.*",
                     "db/failure_note.*", "db/lock_file.*", "db/sqlite.*"],
}
LINES_SHOWN_MAX = 40


class SourceFile:
    """What gcov says of one file, added up over all objects it is in."""

    def __init__(self):
        self.lines = defaultdict(int)  # number: executions
        self.branches = defaultdict(int)  # (line, how many ways it has, which one): taken
        self.functions = {}  # (line, name without its parameters): calls

    def add(self, entry):
        for function in entry["functions"]:
            name = function["demangled_name"].replace("(anonymous namespace)::", "").replace("cellrig::", "").split("(")[0]
            name += ", a lambda" if "{lambda" in function["demangled_name"] else ""
            key = (function["start_line"], name)
            self.functions[key] = self.functions.get(key, 0) + function["execution_count"]
        for line in entry["lines"]:
            self.lines[line["line_number"]] += line["count"]
            ways = [branch for branch in line["branches"] if not branch["throw"]]
            for index, way in enumerate(ways):
                self.branches[line["line_number"], len(ways), index] += way["count"]


def room_of(path):
    return next((room for room, patterns in ROOMS.items() if any(fnmatch(path, pattern) for pattern in patterns)), None)


def read(build):
    """{path: SourceFile} of the files that belong to a room"""
    notes = sorted(Path(build).resolve().rglob("*.gcno"))

    def gcov(note):
        done = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", str(note)], cwd=build,
                              capture_output=True, text=True, check=False)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    with ThreadPoolExecutor() as pool:
        return collect(document for documents in pool.map(gcov, notes) for document in documents)


def collect(documents):
    files = defaultdict(SourceFile)
    for document in documents:
        for entry in document["files"]:
            path = (Path(document["current_working_directory"]) / entry["file"]).resolve()
            if not path.is_relative_to(ROOT):
                continue
            name = str(path.relative_to(ROOT))
            if room_of(name):
                files[name].add(entry)
    return files


def share(counts):
    reached, total = sum(count > 0 for count in counts), len(counts)
    return f"{reached} of {total}", f"{100 * reached / total:.1f} %" if total else "-"


def ranges(numbers):
    """12, 14-16, 20"""
    spans = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in spans]


def missed(file):
    """[what a reader should look at], empty when all was reached"""
    notes = [f"never called: {name} (line {line})" for (line, name), calls in sorted(file.functions.items()) if calls == 0]
    never = [line for line, count in file.lines.items() if count == 0]
    half = {line for (line, _, _), count in file.branches.items() if count == 0 and file.lines[line] > 0}
    for what, lines in (("lines not executed", never), ("lines with a way not taken", half)):
        shown = ranges(lines)
        if shown:
            notes.append(f"{what}: " + ", ".join(shown[:LINES_SHOWN_MAX]) + (", ..." if len(shown) > LINES_SHOWN_MAX else ""))
    return notes


def table(files):
    rows = [("room", "functions", "lines", "branches", "")]
    for room in ROOMS:
        of_room = [file for path, file in files.items() if room_of(path) == room]
        counts = [[count for file in of_room for count in getattr(file, what).values()] for what in ("functions", "lines", "branches")]
        rows.append((room, share(counts[0])[0], share(counts[1])[0], share(counts[2])[0], share(counts[2])[1]))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip() for row in rows]


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    files = read(arguments[0])
    if not any(count for file in files.values() for count in file.lines.values()):
        sys.exit("nothing was executed: build and run the tests first (scripts/coverage)")
    print("\n".join(table(files)))
    for path in sorted(files):
        notes = missed(files[path])
        if notes or "--all" in sys.argv:
            branches, percent = share(list(files[path].branches.values()))
            print(f"\n{path}: {branches} branches, {percent}")
            print("\n".join(f"  {note}" for note in notes))


if __name__ == "__main__":
    main()
