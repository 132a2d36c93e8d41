"""A simulated bench of its own for every test: cellrig-sim on free ports, its back door, and how a test program ends.

Test programs are started as `<client>_test.py PROGRAM BENCH.yaml`. A missing client is a failure that says what to install.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

READY_WITHIN_S = 30.0
ANSWER_WITHIN_S = 10.0
POLL_S = 0.02

program = ""
bench_file = ""


class Bench:
    """cellrig-sim as a process. `address("psb1", "modbus")` is where an instrument listens."""

    def __init__(self, faults=None):
        self._folder = tempfile.TemporaryDirectory(prefix="cellrig-interop-")
        ready_file = Path(self._folder.name) / "ready.json"
        command = [program, bench_file, "--ready-file", str(ready_file), "--quiet"]
        if faults is not None:
            faults_file = Path(self._folder.name) / "faults.yaml"
            faults_file.write_text(faults)
            command += ["--faults", str(faults_file)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            self._ready = json.loads(self._wait_for(ready_file))
        except BaseException:
            self.stop()
            raise

    def _wait_for(self, ready_file):
        limit = time.monotonic() + READY_WITHIN_S
        while not ready_file.is_file():
            if self._process.poll() is not None:
                raise AssertionError(f"cellrig-sim ended before it listened: {self._process.stderr.read()}")
            if time.monotonic() > limit:
                raise AssertionError(f"cellrig-sim does not listen after {READY_WITHIN_S:.0f} s")
            time.sleep(POLL_S)
        return ready_file.read_text()

    def address(self, instrument, port):
        host, number = self._ready["instruments"][instrument][port].removeprefix("rtu_over_tcp:").rsplit(":", 1)
        return host, int(number)

    def back_door(self):
        """HOST:PORT"""
        return self._ready["back_door"]

    def device(self, instrument, port):
        """The path of the pseudo-terminal that a serial line is served on."""
        kind, path = self._ready["instruments"][instrument][port].split(":", 1)
        assert kind == "serial", kind
        return path

    def truth(self):
        """What the world really is, by the back door: no instrument is asked."""
        return json.loads(self.ask("truth"))

    def ask(self, line):
        host, port = self._ready["back_door"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=ANSWER_WITHIN_S) as connection:
            connection.sendall(line.encode() + b"\n")
            return connection.makefile().readline().rstrip("\n")

    def stop(self):
        self._process.terminate()
        self._process.communicate(timeout=ANSWER_WITHIN_S)
        self._folder.cleanup()


class BenchTest(unittest.TestCase):
    """Every test has a fresh bench: the state of one leaks into no other."""

    def setUp(self):
        self.bench = Bench()
        self.addCleanup(self.bench.stop)

    def assert_soon(self, condition, what, within_s=5.0):
        """For what takes the instrument a moment (the world advances in real time)."""
        limit = time.monotonic() + within_s
        while not condition():
            self.assertLess(time.monotonic(), limit, f"not within {within_s:.0f} s: {what}")
            time.sleep(POLL_S)


def missing(what, package):
    sys.exit(f"{what} is missing, and the interoperability tests need it: apt-get install {package}")


def require_tool(name, package):
    path = shutil.which(name)
    if path is None:
        missing(name, package)
    return path


def main():
    global program, bench_file
    if len(sys.argv) < 3:
        sys.exit(f"usage: {Path(sys.argv[0]).name} PATH_OF_CELLRIG_SIM BENCH.yaml [unittest options]")
    program, bench_file = sys.argv[1:3]
    unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
