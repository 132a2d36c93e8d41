"""Runs every command that a page of docs/ shows and compares what it prints with the page.

    check_docs.py CELLRIG CELLRIG_SIM DOCS_FOLDER [--update]

What counts, in a page, from top to bottom, in one temporary folder per page:
* ```yaml or ```python after `<!-- file: NAME -->` is written to NAME.
* ```text whose first line begins with "$ ": the commands behind "$ " are run by the shell; the lines up to the next one are what they
  print (both streams). `cellrig-sim` and `cellrig serve` are started and left running; the latter's URL, TOKEN and TOKEN_FILE are known to later
  commands. A block after `<!-- not run: WHY -->` is left alone.
* ```text after `<!-- mistakes -->`: one line per entry of mistakes.yaml, in its order.
* A line with "@@" is a place that somebody wanted to fill in later: no page may have one.
* `<!-- simulator: BENCH -->` starts a simulator that writes ready.json, `<!-- before: COMMAND -->` runs a command that is not shown.
Numbers may differ by one percent (another processor rounds exp() differently), ports, process numbers and today's dates in any way; a
line of "..." stands for any lines. With --update the pages are rewritten with what was printed.
"""

import difflib
import getpass
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

PLACEHOLDER = re.compile(r"@@")  # put there to be filled in, and forgotten
COMMAND_WITHIN_S = 120
READY_WITHIN_S = 30
FENCE = re.compile(r"^(?P<marker>(?: *<!-- [^\n]* -->\n)*)(?P<indent> *)```(?P<kind>yaml|python|text)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)
MARKER = re.compile(r"<!-- (?P<word>file|not run|mistakes|simulator|before)(?:: (?P<value>.*?))? -->")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
NUMBER_TOLERANCE = 0.01
LEAST_TOLERANCE = 2e-3


class Workshop:
    """A temporary folder with the two programs in its path."""

    def __init__(self, cellrig, simulator):
        self._folder = tempfile.TemporaryDirectory(prefix="cellrig-docs-")
        self.path = Path(self._folder.name)
        for program in (cellrig, simulator):
            (self.path / program.name).symlink_to(program)
        root = Path(__file__).resolve().parents[2]
        for name, folder in (("sim", "sim"), ("profiles", "profiles"), ("examples", "docs/examples")):
            (self.path / name).symlink_to(root / folder)
        self.environment = {**os.environ, "PATH": f"{self.path}:{os.environ['PATH']}", "COLUMNS": "140"}
        self._simulators = []

    def run(self, command):
        if command.startswith("cellrig-sim "):
            return self._start(command)
        if command.startswith("cellrig serve "):
            self._start(command, has_table=False)
            ready = json.loads((self.path / "ready.json").read_text())
            token = (self.path / ready["token_file"]).read_text().strip()
            self.environment.update(URL=ready["url"], TOKEN=token, TOKEN_FILE=ready["token_file"])
            return []
        done = subprocess.run(["bash", "-c", command], cwd=self.path, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=COMMAND_WITHIN_S, check=False)
        return done.stdout.rstrip().splitlines()

    def _start(self, command, has_table=True):
        ready, output = self.path / "ready.json", self.path / "simulator.txt"
        ready.unlink(missing_ok=True)
        with output.open("w") as stream:
            self._simulators.append(subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.path, env=self.environment,
                                                     stdout=stream, stderr=subprocess.STDOUT))
        limit = time.monotonic() + READY_WITHIN_S
        while not ready.exists() and time.monotonic() < limit and self._simulators[-1].poll() is None:
            time.sleep(0.02)
        lines = []
        while has_table and not lines and time.monotonic() < limit:  # its table comes after the ready file
            time.sleep(0.1)
            lines = output.read_text().splitlines()
        return lines

    def close(self):
        for process in self._simulators:
            process.terminate()
            process.wait(timeout=READY_WITHIN_S)
        self._folder.cleanup()


def shape(line):
    """The line without what differs from run to run: ports, process numbers, dates of today, where the tree lies,
    the spaces that align columns."""
    line = re.sub(r"/[^ (]*/(?=(?:profiles|sim|drivers)/)", "", line)
    line = re.sub(r"(127\.0\.0\.1:)\d+", r"\1PORT", line)
    line = re.sub(r'("pid":|process )\d+', r"\1PID", line)
    line = re.sub(r"202\d-\d\d-\d\d \d\d:\d\d:\d\d", "TODAY", line)
    line = re.sub(r"(block )\d+(, sha256 )[0-9a-f]{64}", r"\1N\2HASH", line)  # blocks end where the disk made commits end
    line = re.sub(r'("chain_block":)\d+(,"chain_sha256":")[0-9a-f]{64}', r"\1N\2HASH", line)
    line = re.sub(r"^now \d+$", "now NS", line)
    line = re.sub(rf"\b{re.escape(getpass.getuser())}\b", "jane", line)
    return re.sub(r" {2,}", "  ", line).rstrip()


def is_alike(printed, shown):
    printed, shown = shape(printed), shape(shown)
    if printed == shown:
        return True
    if NUMBER.sub("#", printed) != NUMBER.sub("#", shown):
        return False
    pairs = zip(map(float, NUMBER.findall(printed)), map(float, NUMBER.findall(shown)))
    return all(abs(a - b) <= max(NUMBER_TOLERANCE * max(abs(a), abs(b)), LEAST_TOLERANCE) for a, b in pairs)


def agrees(printed, shown):
    if "..." in (line.strip() for line in shown):
        at = next(i for i, line in enumerate(shown) if line.strip() == "...")
        tail = shown[at + 1:]
        return (len(printed) >= len(shown) - 1 and agrees(printed[:at], shown[:at]) and
                agrees(printed[len(printed) - len(tail):], tail))
    return len(printed) == len(shown) and all(map(is_alike, printed, shown))


def run_block(workshop, body, indent):
    """[(command, shown lines, printed lines)]"""
    sections = []
    for line in body.splitlines():
        line = line[len(indent):]
        if line.startswith("$ "):
            sections.append((line[2:], []))
        elif sections:
            sections[-1][1].append(line)
    return [(command, shown, workshop.run(command)) for command, shown in sections]


def mistakes(workshop, names):
    """What `cellrig check` says to each entry: its first line of error or warning that is not the summary."""
    entries = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text())
    printed = []
    for entry in entries[names]:
        (workshop.path / "p.yaml").write_text(entry["profile"])
        command = ["cellrig", "check", "p.yaml", *entry.get("args", "").split()]
        for name, text in entry.get("files", {}).items():
            (workshop.path / name).write_text(text)
        done = subprocess.run(command, cwd=workshop.path, env=workshop.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=COMMAND_WITHIN_S, check=False)
        lines = [line.removeprefix("cellrig: ") for line in done.stdout.splitlines()]
        printed.append(next((line for line in lines if re.match(r"p\.yaml:\d|--set", line)), "nothing was found wrong"))
    return printed


def placeholders(page, text):
    return [f"{page.name}:{number}: a placeholder was left: {line.strip()}"
            for number, line in enumerate(text.splitlines(), 1) if PLACEHOLDER.search(line)]


def check_page(page, workshop, is_update):
    failures = placeholders(page, page.read_text())

    def check(match):
        indent, kind, body = match["indent"], match["kind"], match["body"]
        marks = {mark["word"]: mark["value"] for mark in MARKER.finditer(match["marker"])}
        if kind != "text":
            if "file" in marks:
                (workshop.path / marks["file"]).write_text(body)
            return match[0]
        if "simulator" in marks:
            workshop.run(f"cellrig-sim {marks['simulator']} --ready-file ready.json")  # stays for the rest of the page
        if "before" in marks:
            workshop.run(marks["before"])
        if "mistakes" in marks:
            results = [("mistakes.yaml: " + marks["mistakes"], body.splitlines(), mistakes(workshop, marks["mistakes"]))]
            new_body = "".join(line + "\n" for line in results[0][2])
        elif body.lstrip().startswith("$ ") and "not run" not in marks:
            results = run_block(workshop, body, indent)
            new_body = "".join(f"{indent}{line}\n".replace(indent + "\n", "\n")
                               for command, _, printed in results for line in [f"$ {command}", *printed])
        else:
            return match[0]
        wrong = [result for result in results if not agrees(result[2], result[1])]
        for command, shown, printed in wrong:
            failures.append("\n".join([f"{page.name}: {command}", *difflib.unified_diff(shown, printed, "the page", "printed", lineterm="")]))
        return match[0].replace(body, new_body) if wrong else match[0]

    text = page.read_text()
    new_text = FENCE.sub(check, text)
    if is_update and new_text != text:
        page.write_text(new_text)
    return failures


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--update"]
    if len(arguments) != 3:
        sys.exit(__doc__)
    cellrig, simulator, docs = (Path(argument).resolve() for argument in arguments)
    failures, commands = [], 0
    for page in sorted(docs.glob("*.md")):
        workshop = Workshop(cellrig, simulator)
        try:
            commands += len(re.findall(r"^ *\$ ", page.read_text(), re.M))
            failures += check_page(page, workshop, "--update" in sys.argv)
        finally:
            workshop.close()
    print("\n\n".join(failures) if failures else f"{commands} commands print what the pages show")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
