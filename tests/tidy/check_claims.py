#!/usr/bin/env python3
"""Every statement of a claim that has a number says how its verdict turns with what the source left open: it has `variants:`, or a comment says
why there is no other reading.

    check_claims.py ROOT

Exit code: 0 all of them, 1 some do not, 2 bad usage.
"""

import re
import sys
from pathlib import Path

import yaml

REASON = re.compile(r"^\s*# No other reading: .{20,}$")
# What is run for a variant is one cell, and nothing is run for a weighing.
LOT = ("relative_spread", "capability", "outliers")
CLAIMS_MIN, STATEMENTS_MIN = 30, 160


class Statement:
    def __init__(self, value, lines):
        self.value = value  # every scalar as the text that is written
        self.has_reason = any(REASON.match(line) for line in lines)  # a comment: no parser of YAML tells it

    def get(self, key):
        return self.value.get(key) if isinstance(self.value, dict) else None


def statements_of(text):
    """Name and content of each statement, with the comments from its name to the next one."""
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    lines = text.split("\n")
    entries = root.value if isinstance(root, yaml.MappingNode) else []
    for key, block in entries:
        if key.value != "statements" or not isinstance(block, yaml.MappingNode):
            continue
        values = yaml.load(text, Loader=yaml.BaseLoader)["statements"]
        begins = [name.start_mark.line for name, _ in block.value]
        after = [other.start_mark.line for other, _ in entries if other.start_mark.line > key.start_mark.line]
        ends = begins[1:] + [min(after, default=len(lines))]
        for (name, _), begin, end in zip(block.value, begins, ends):
            yield name.value, Statement(values[name.value], lines[begin:end])


def problems_of(statement):
    if statement.get("testable") == "no":
        return []
    problems = []
    variants = statement.get("variants") or []
    if not variants and not statement.has_reason:
        problems.append("no variants, and no '# No other reading: ...' that says why")
    if variants and statement.has_reason:
        problems.append("has variants, and says that there is no other reading")
    if any(variant in variants[:i] for i, variant in enumerate(variants)):
        problems.append("the same variant twice")
    if variants and statement.get("statistic") in LOT:
        problems.append("a variant is run on one cell, which has no spread")
    if variants and statement.get("quantity") == "mass_loss":
        problems.append("a weighing has no run that a variant could change")
    return problems


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    files = sorted(Path(sys.argv[1], "profiles", "claims").glob("*.yaml"))
    bad, statements = 0, 0
    for file in files:
        before = statements
        for name, statement in statements_of(file.read_text(encoding="utf-8")):
            statements += 1
            for problem in problems_of(statement):
                bad += 1
                print(f"{file.name}: {name}: {problem}")
        if statements == before:
            bad += 1
            print(f"{file.name}: no statement was found in it")
    if len(files) < CLAIMS_MIN or statements < STATEMENTS_MIN:
        bad += 1
        print(f"{len(files)} claims with {statements} statements were found: at least {CLAIMS_MIN} and {STATEMENTS_MIN} come along")
    print(f"{statements} statements in {len(files)} claims, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
