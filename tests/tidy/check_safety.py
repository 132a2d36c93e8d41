"""What docs/safety.md and docs/testing.md name is there: every hazard, fault and invariant has its row, and every test that a row names exists.

    check_safety.py ROOT
"""

import re
import sys
from pathlib import Path

WANTED = {
    "hazard": [f"H{n}" for n in range(1, 16)],
    "fault": [f"F{n:02}" for n in range(1, 50)],
    "invariant": [f"I{n}" for n in range(1, 9)],
}
TEST_NAME = re.compile(r"`([a-z0-9_]+)`")


def rows_of(page):
    """The cells of every table row."""
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")]


def known_tests(root):
    files = {path.stem for path in (root / "tests").rglob("*.cpp")}
    names = set()
    for path in (root / "tests").rglob("CMakeLists.txt"):
        names |= {f"fuzz_{name}" for name in re.findall(r"^cellrig_add_fuzz\((\w+) ", path.read_text(), re.M)}
        names |= set(re.findall(r"(?:cellrig_add_test\(|add_test\(NAME |add_executable\(|cellrig_add_\w+\()([a-z0-9_-]+)", path.read_text()))
    return files | names


def check_rows(page, tests):
    """One line for each thing that is wrong."""
    wrong = []
    rows = rows_of(page)
    for kind, numbers in WANTED.items():
        for number in numbers:
            mine = [row for row in rows if row[0].split(" ")[0] == number]
            if len(mine) != 1:
                wrong.append(f"safety.md: {kind} {number} has {len(mine)} rows")
                continue
            if any(not cell for cell in mine[0]):
                wrong.append(f"safety.md: the row of {number} has an empty cell")
            named = TEST_NAME.findall(mine[0][-1])
            if not named:
                wrong.append(f"safety.md: the row of {number} names no test")
            wrong += [f"safety.md: {number} names `{name}`, which is no test" for name in named if name not in tests]
    return wrong


def check_targets(page, listed):
    """The fuzz targets that the page tells of are those that are built."""
    told = set()
    for row in rows_of(page.split("## Fuzzing")[-1].split("\n## ")[0]):
        told |= set(TEST_NAME.findall(row[0]))
    return [f"testing.md: fuzz target {name} is {where}" for name, where in
            [(name, "not told of") for name in sorted(listed - told)] + [(name, "told of and not built") for name in sorted(told - listed)]]


def main():
    root = Path(sys.argv[1])
    wrong = check_rows((root / "docs/safety.md").read_text(), known_tests(root))
    listed = set(re.findall(r"^cellrig_add_fuzz\((\w+) ", (root / "tests/fuzz/CMakeLists.txt").read_text(), re.M))
    wrong += check_targets((root / "docs/testing.md").read_text(), listed)
    # The checks can fail.
    unknown = "safety.md: F01 names `no_such_test_anywhere`, which is no test"
    if unknown not in check_rows("| F01 | x | `no_such_test_anywhere` |\n", known_tests(root)) or not check_targets("| `x` | |\n", {"y"}):
        wrong.append("check_safety.py finds nothing wrong where something is")
    print("\n".join(wrong) or f"{sum(len(n) for n in WANTED.values())} rows, {len(listed)} fuzz targets, 0 violations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
