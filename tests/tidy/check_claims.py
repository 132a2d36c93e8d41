#!/usr/bin/env python3
"""Every statement of a claim that has a number says how its verdict turns with what the source left open: it has `variants:`, or a comment says
why there is no other reading.

    check_claims.py ROOT

Exit code: 0 all of them, 1 some do not, 2 bad usage.
"""

import re
import sys
from pathlib import Path

REASON = re.compile(r"^ {4}# No other reading: .{20,}$")
# What is run for a variant is one cell, and nothing is run for a weighing.
LOT = re.compile(r"^ {4}statistic: \"?(relative_spread|capability|outliers)\"?$")
WEIGHING = re.compile(r"^ {4}quantity: \"?mass_loss\"?$")
CLAIMS_MIN, STATEMENTS_MIN = 30, 95


def statements_of(text):
    """Name and lines of each statement: the files are written with two spaces a level."""
    lines = text.split("\n")
    name, block = "", []
    for line in lines[lines.index("statements:") + 1:] if "statements:" in lines else []:
        if line and not line.startswith(" "):
            break
        start = re.match(r"^ {2}([A-Za-z0-9_-]+):$", line)
        if start:
            if name:
                yield name, block
            name, block = start[1], []
        elif name:
            block.append(line)
    if name:
        yield name, block


def problems_of(block):
    if any(re.match(r"^ {4}testable: no$", line) for line in block):
        return []
    problems = []
    has_reason = any(REASON.match(line) for line in block)
    variants = [line.strip() for line in block if re.match(r"^ {6}- \{varies: ", line)]
    if not variants and not has_reason:
        problems.append("no variants, and no '# No other reading: ...' that says why")
    if variants and has_reason:
        problems.append("has variants, and says that there is no other reading")
    if len(set(variants)) != len(variants):
        problems.append("the same variant twice")
    if variants and any(LOT.match(line) for line in block):
        problems.append("a variant is run on one cell, which has no spread")
    if variants and any(WEIGHING.match(line) for line in block):
        problems.append("a weighing has no run that a variant could change")
    return problems


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    files = sorted(Path(sys.argv[1], "profiles", "claims").glob("*.yaml"))
    bad, statements = 0, 0
    for file in files:
        for name, block in statements_of(file.read_text(encoding="utf-8")):
            statements += 1
            for problem in problems_of(block):
                bad += 1
                print(f"{file.name}: {name}: {problem}")
    if len(files) < CLAIMS_MIN or statements < STATEMENTS_MIN:
        bad += 1
        print(f"{len(files)} claims with {statements} statements were found: at least {CLAIMS_MIN} and {STATEMENTS_MIN} come along")
    print(f"{statements} statements in {len(files)} claims, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
