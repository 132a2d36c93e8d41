"""Holds the list of constructs in docs/testing.md against the language and against the tests.

    check_constructs.py SOURCE_FOLDER

The table between `<!-- constructs -->` and the next blank line has a row per construct: what it is, its words in `backquotes`, its tests as
`Suite.name`. Every step word, condition quantity, result and key of the language (of steps, limits, rows and the file itself) must
stand in some row, and every test that is named must exist in tests/.
"""

import re
import sys
from pathlib import Path

TEST = re.compile(r"TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
NAMED = re.compile(r"`(\w+\.\w+)`")
WORD = re.compile(r"`([^`]+)`")


def words_of(source):
    """The words of the language, as the reader of profiles knows them."""
    steps = (source / "profiles/step_words.cpp").read_text()
    conditions = (source / "profiles/condition_text.cpp").read_text()
    engine = (source / "controller/engine/program.cpp").read_text()
    found = set(re.findall(r'\{"([a-z_]+)",\s*StepKind::', steps))
    other = re.search(r"const char\* other : \{(.*?)\}", steps, re.S)
    found |= set(re.findall(r'"(\w+)"', other.group(1)))
    found |= set(re.findall(r'\{"([A-Za-z_]+)", ConditionQuantity::', conditions))
    results = re.search(r"to_string\(ResultQuantity.*?\{(.*?)\};", engine, re.S)
    found |= set(re.findall(r'"(\w+)"', results.group(1)))
    record = re.search(r'"every_s".*?\}', steps, re.S)
    found |= set(re.findall(r'"(\w+)"', record.group(0)))
    # The keys of every step, of one kind of step, of the limits, and of the file itself.
    words = re.search(r"step_words\(\) \{(.*?)\n\}", steps, re.S).group(1)
    for keys in re.findall(r"StepDirection::\w+,\s*\{([^}]*)\}", words):
        found |= set(re.findall(r'"(\w+)"', keys))
    for name in ("common", "idle", "energised"):
        found |= set(re.findall(r'"(\w+)"', re.search(r"const char\* " + name + r" : \{(.*?)\}", steps, re.S).group(1)))
    found |= set(re.findall(r'"(\w+)"', re.search(r"limit_keys\(\) \{(.*?)\n\}", steps, re.S).group(1)))
    sensors = (source / "profiles/sensor_limits.cpp").read_text()
    found |= set(re.findall(r'\{"(\w+)", &SensorLimits::', sensors))
    file = re.search(r'"a profile",\s*\{(.*?)\}', (source / "profiles/reader.cpp").read_text(), re.S)
    return found | set(re.findall(r'"(\w+)"', file.group(1)))


def table_of(page):
    text = page.read_text()
    if "<!-- constructs -->" not in text:
        raise SystemExit(f"{page}: there is no table of constructs")
    rows = []
    for line in text.split("<!-- constructs -->", 1)[1].lstrip("\n").splitlines():
        if not line.startswith("|"):
            break
        rows.append(line)
    return rows[2:]


def faults(source):
    page = source / "docs/testing.md"
    rows = table_of(page)
    tests = set()
    for path in (source / "tests").rglob("*.cpp"):
        tests |= {f"{suite}.{name}" for suite, name in TEST.findall(path.read_text())}
    found = []
    listed = set()
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) != 3:
            found.append(f"{page}: not three cells: {row}")
            continue
        listed |= set(WORD.findall(cells[1]))
        named = NAMED.findall(cells[2])
        if not named:
            found.append(f"{page}: no test is named for: {cells[0]}")
        found += [f"{page}: there is no test {name}" for name in named if name not in tests]
    found += [f"{page}: no row has the word `{word}`" for word in sorted(words_of(source) - listed)]
    return found


if __name__ == "__main__":
    problems = faults(Path(sys.argv[1]))
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
